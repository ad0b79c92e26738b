// The last percent: its pieces are held by members that are slow, by some that answer nothing, and by some that let nobody
// ask; all others lack them. They must not take long all the same, and little may be fetched twice.
// And where only the useless are there: is it said what is wrong?
import { expectCause } from '../expect-cause.ts'
import { CONTENT_FOLDER, type Member, type MemberOptions } from '../member.ts'
import { ScriptedPeer, type Script } from '../peers/scripted-peer.ts'
import { choking, silent } from '../peers/scripts.ts'
import { ScenarioFailure, type Scenario, type ScenarioRun } from '../scenario.ts'
import { SwarmWorld } from '../world.ts'

/** The last percent of 256 pieces. */
const LAST_PIECES = 3
const LAST_PART = 0.01
/** Together they send as much as one usual member. */
const ORDINARY = { holders: 2, up: 500_000 }
const SLOW_UP = 31_250
const LIMIT_MS = 600_000
/** Whoever was asked and sends nothing is noticed by then, and not yet closed. */
const DIAGNOSIS_MS = 25_000
const HOPELESS_HOLDERS = 3

export const lastPercent: Scenario = {
  name: 'last-percent',
  summary: 'the last pieces are held by slow, silent and choking peers only',
  defaults: { peers: 12 },

  async run(run) {
    await diagnoseHopeless(run)
    const { peers } = run
    const { world, last } = makeWorld(run)
    for (let i = 0; i < ORDINARY.holders; i++) ordinaryHolder(world, last)
    const useless: string[] = []
    for (let i = 0; i < peers; i++) {
      if (i % 3 === 0) world.seed({ line: { up: SLOW_UP } })
      else useless.push(scriptedHolder(world, i % 3 === 1 ? silent : choking))
    }
    const leecher = world.leecher({ torrent: { peers: useless } })
    await world.until(() => leecher.progress >= 1 - LAST_PART, LIMIT_MS)
    const almostMs = world.nowMs
    await world.untilAllDone(LIMIT_MS)
    const totalMs = leecher.completedAtMs! - leecher.joinsAtMs
    const lastMs = leecher.completedAtMs! - almostMs
    return [
      ...world.figures(0),
      { name: 'last percent', value: lastMs / 1000, unit: 's' },
      { name: 'last percent / total', value: (100 * lastMs) / totalMs, unit: '%' },
      { name: 'twice', value: (100 * leecher.wasted) / world.content.totalBytes, unit: '%' },
    ]
  },

  cases: [
    {
      label: '4 slow, 4 silent, 4 choking',
      seeds: 5,
      bounds: [
        { figure: 'last percent / total', atMost: 100 * 3 * LAST_PART },
        { figure: 'twice', atMost: 1 },
      ],
      wallSeconds: 5,
    },
  ],
  small: { peers: 12 },
}

/** Nobody gives, or nobody has: each torrent must say so. */
async function diagnoseHopeless(run: ScenarioRun): Promise<void> {
  for (const [script, code] of [
    [choking, 'all_choke'],
    [silent, 'requests_unanswered'],
  ] as const) {
    const { world } = makeWorld(run)
    const peers = Array.from({ length: HOPELESS_HOLDERS }, () => scriptedHolder(world, script))
    const { torrent } = await afterwards(world, { torrent: { peers } }, DIAGNOSIS_MS)
    expectCause(torrent, code, `with ${HOPELESS_HOLDERS} such holders alone`)
  }
  const { world, last } = makeWorld(run)
  ordinaryHolder(world, last)
  const { torrent } = await afterwards(world, {}, LIMIT_MS)
  const { count } = expectCause(torrent, 'pieces_unavailable', 'without a holder of the last pieces')
  if (count !== LAST_PIECES) throw new ScenarioFailure(`${LAST_PIECES} pieces are not to be had, and it names ${count}`)
}

/** A leecher that cannot complete, some time later. */
async function afterwards(world: SwarmWorld, options: MemberOptions, ms: number): Promise<Member> {
  const leecher = world.leecher({ ...options, mustComplete: false })
  await world.pass(ms)
  return leecher
}

function makeWorld({ seed, progress }: ScenarioRun): { world: SwarmWorld; last: readonly number[] } {
  const world = new SwarmWorld({ seed, progress })
  const last = new Set<number>()
  const pieces = world.content.totalBytes / world.content.pieceBytes
  while (last.size < LAST_PIECES) last.add(world.random.below(pieces))
  return { world, last: [...last] }
}

/** A real session that has, and wants, all but the last pieces. */
function ordinaryHolder(world: SwarmWorld, last: readonly number[]): void {
  const { pieceBytes, totalBytes } = world.content
  const all = Array.from({ length: totalBytes / pieceBytes }, (_, piece) => piece)
  const pieces = new Set(all.filter((piece) => !last.includes(piece)))
  const { node } = world.seed({ line: { up: ORDINARY.up }, torrent: { pieces } })
  const file = `${CONTENT_FOLDER}/${world.metainfo.name}`
  for (const piece of last) node.disk.device(CONTENT_FOLDER).corrupt(file, piece * pieceBytes)
}

/** Says that it has everything. Returns its address: the tracker does not know it. */
function scriptedHolder(world: SwarmWorld, script: Script): string {
  return new ScriptedPeer(world.node(), { content: world.content, script }).address
}
