// One session, two torrents on two drives, and trouble with one of the drives: it is slow, or full, or answers nothing for a
// while, or is pulled out. Memory keeps its bound, the other torrent hardly feels it, and all ends well when the drive is.
import { Session } from '../../../engine/session/session.ts'
import type { Torrent } from '../../../engine/torrent/torrent.ts'
import { SimContent, type SimDevice, type SimNode } from '../../../sim/index.ts'
import { expectCause } from '../expect-cause.ts'
import { CONTENT_FOLDER, PEER_PORT } from '../member.ts'
import { ScenarioFailure, type Scenario, type ScenarioRun } from '../scenario.ts'
import { SwarmWorld } from '../world.ts'

const SLOT_COUNT = 64
const AILING = '/ailing'
const SOUND = '/sound'
/** Each torrent has a seed with a line of its own; together they do not fill the session's. */
const SEED_UP = 2_000_000
const CONTENT_BYTES = 64 << 20
/** Of the ailing drive: it falls ill, is asked about, and is well again. */
const FALLS_ILL_MS = 15_000
const DIAGNOSIS_MS = 30_000
const IS_WELL_MS = 60_000
const SLOW_BYTES_PER_SECOND = 300_000
const USUAL_BYTES_PER_SECOND = 500_000_000
/** What was written so long ago a drive keeps when it is pulled out. */
const WRITE_BACK_MS = 5000
const SAMPLE_MS = 100
const LIMIT_MS = 600_000

type Trouble = 'slow' | 'full' | 'silent' | 'gone'
const TROUBLES: readonly Trouble[] = ['slow', 'full', 'silent', 'gone']

export const diskTrouble: Scenario = {
  name: 'disk-trouble',
  summary: 'a drive that is slow, full, silent for a while, or pulled out, and another torrent on another drive',
  defaults: { peers: 1 },
  settings: { trouble: TROUBLES },

  async run(run) {
    const healthy = new TwoDrives(run)
    await healthy.begin()
    await healthy.untilDone()
    const drives = new TwoDrives(run)
    await drives.begin()
    await drives.sufferFrom(run.settings.trouble as Trouble)
    await drives.untilDone()
    return [
      { name: 'ailing drive done', value: drives.doneMs(AILING) / 1000, unit: 's' },
      { name: 'sound drive done', value: drives.doneMs(SOUND) / 1000, unit: 's' },
      { name: 'other slowed by', value: 100 * (drives.doneMs(SOUND) / healthy.doneMs(SOUND) - 1), unit: '%' },
      { name: 'most slots in use', value: drives.mostSlots, unit: `of ${SLOT_COUNT}` },
      { name: 'pieces lost', value: drives.piecesLost, unit: '' },
      { name: 'slots kept', value: drives.slotsInUse, unit: '' },
    ]
  },

  cases: TROUBLES.map((trouble) => ({
    label: `${trouble} drive`,
    settings: { trouble },
    seeds: 5,
    bounds: [
      { figure: 'other slowed by', atMost: 5 },
      { figure: 'most slots in use', atMost: SLOT_COUNT },
      { figure: 'pieces lost', atMost: 0 },
      { figure: 'slots kept', atMost: 0 },
    ],
    wallSeconds: 3,
  })),
  small: { peers: 1, settings: { trouble: 'full' } },
}

/** A session with a torrent on each of two drives, and a seed for each. */
class TwoDrives {
  mostSlots = 0
  piecesLost = 0
  readonly #world: SwarmWorld
  readonly #node: SimNode
  readonly #device: SimDevice
  readonly #contents: ReadonlyMap<string, SimContent>
  /** Addresses. */
  readonly #seeds = new Map<string, string>()
  readonly #torrents = new Map<string, Torrent>()
  readonly #doneMs = new Map<string, number>()
  #session!: Session

  constructor({ seed, progress }: ScenarioRun) {
    this.#world = new SwarmWorld({ seed, progress })
    const devices = { [AILING]: { writeBackMs: WRITE_BACK_MS }, [SOUND]: {} }
    this.#node = this.#world.node({ disk: { slotCount: SLOT_COUNT, devices } })
    this.#device = this.#node.disk.device(AILING)
    this.#contents = new Map(
      [AILING, SOUND].map((at, i) => [
        at,
        new SimContent({ seed: 2 * seed + i, name: at.slice(1), files: CONTENT_BYTES }),
      ]),
    )
  }

  async begin(): Promise<void> {
    this.#session = await this.#open(this.#node)
    for (const at of [AILING, SOUND]) {
      const content = this.#contents.get(at)!
      const seedNode = this.#world.node({ up: SEED_UP })
      content.fill(seedNode.disk, CONTENT_FOLDER)
      const seed = await this.#open(seedNode)
      seed.add(content.torrent, { path: CONTENT_FOLDER })
      this.#seeds.set(at, `${seedNode.ip}:${PEER_PORT}`)
      this.#add(at)
    }
  }

  async sufferFrom(trouble: Trouble): Promise<void> {
    await this.#passUntil(FALLS_ILL_MS - WRITE_BACK_MS)
    let safePieces = this.#ailing.stats().piecesHave
    await this.#passUntil(FALLS_ILL_MS)
    this.#fallIll(trouble)
    await this.#passUntil(DIAGNOSIS_MS)
    if (trouble === 'full' || trouble === 'gone') expectCause(this.#ailing, 'parked', `with a ${trouble} drive`)
    else expectCause(this.#ailing, trouble === 'slow' ? 'disk_slow' : 'disk_silent', `with a ${trouble} drive`)
    if (trouble !== 'gone') safePieces = this.#ailing.stats().piecesHave
    await this.#passUntil(IS_WELL_MS)
    this.#recover(trouble)
    await this.#world.until(() => this.#ailing.state === 'downloading', LIMIT_MS)
    this.piecesLost = Math.max(0, safePieces - this.#ailing.stats().piecesHave)
  }

  async untilDone(): Promise<void> {
    while (this.#doneMs.size < 2) await this.#passUntil(this.#world.nowMs + SAMPLE_MS)
    for (const [at, content] of this.#contents)
      if (!content.isComplete(this.#node.disk, at)) throw new ScenarioFailure(`${at} has completed with wrong data`)
  }

  doneMs(at: string): number {
    return this.#doneMs.get(at)!
  }

  get slotsInUse(): number {
    const { slotCount, freeSlots } = this.#node.disk
    return slotCount - freeSlots
  }

  get #ailing(): Torrent {
    return this.#torrents.get(AILING)!
  }

  #fallIll(trouble: Trouble): void {
    if (trouble === 'slow') this.#device.slowDown(SLOW_BYTES_PER_SECOND)
    else if (trouble === 'full') this.#device.setFull()
    else if (trouble === 'silent') this.#device.hang()
    else this.#device.unplug()
  }

  #recover(trouble: Trouble): void {
    if (trouble === 'slow') this.#device.slowDown(USUAL_BYTES_PER_SECOND)
    else if (trouble === 'full') this.#device.setCapacity(Infinity)
    else if (trouble === 'silent') this.#device.resume()
    else this.#device.plugIn()
  }

  async #open(node: SimNode): Promise<Session> {
    let session: Session | null = null
    void Session.open({ port: PEER_PORT }, node.platform).then((opened) => (session = opened))
    await this.#world.until(() => session !== null, LIMIT_MS)
    return session!
  }

  #add(at: string): void {
    const torrent = this.#session.add(this.#contents.get(at)!.torrent, { path: at, peers: [this.#seeds.get(at)!] })
    this.#torrents.set(at, torrent)
    torrent.on('done', () => this.#doneMs.set(at, this.#world.nowMs))
  }

  /** Lets time pass, and looks at the memory meanwhile. */
  async #passUntil(ms: number): Promise<void> {
    const { nowMs } = this.#world
    if (nowMs > LIMIT_MS) throw new ScenarioFailure(this.#whyUnfinished())
    for (let at = nowMs; at < ms; at = this.#world.nowMs) {
      await this.#world.pass(Math.min(SAMPLE_MS, ms - at))
      this.mostSlots = Math.max(this.mostSlots, this.slotsInUse)
    }
  }

  #whyUnfinished(): string {
    const causes = [...this.#torrents].map(
      ([at, torrent]) => `${at}: ${torrent.diagnose().at(0)?.message ?? 'it does well'}`,
    )
    return `Not done within ${LIMIT_MS / 1000} s. ${causes.join('; ')}`
  }
}
