// The world that scenarios share: one tracker, and members with lines of 8 Mbit/s up and 40 down, round-trips of 20 to
// 120 ms and queues of 64 KiB, all of them real sessions that want one content.
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import {
  SeededRandom,
  SimContent,
  type NodeOptions,
  type SimContentOptions,
  type SimNode,
  type SimTracker,
  type SimTrackerOptions,
  type SimulatorOptions,
  Simulator,
} from '../../sim/index.ts'
import { CONTENT_FOLDER, Member, type MemberOptions, type MemberOwner } from './member.ts'
import type { ProgressRecorder } from './progress-recorder.ts'
import { type Figure, ScenarioFailure } from './scenario.ts'
import { median, quantile, sum } from './statistics.ts'

/** 8 Mbit/s up, 40 down, in bytes per second; memory as small as the content's pieces allow. */
export const USUAL_LINE = { up: 1_000_000, down: 5_000_000, queueBytes: 65_536 } as const
const USUAL_DISK = { slotCount: 64, frameCount: 8 } as const
const CONTENT_BYTES = 64 << 20
const TRACKER_IP = '10.255.0.1'
const SAMPLE_EVERY_MS = 1000
/** A stall is told with the reasons of so many members. */
const MEMBERS_TOLD = 5

export type SuperSeedMode = 'on' | 'auto' | 'off'

export interface SwarmWorldOptions {
  readonly seed: number
  readonly progress: ProgressRecorder
  /** Default: one file of 64 MiB in pieces of 256 KiB. */
  readonly content?: Partial<SimContentOptions>
  /** The line and disk of a member, by its number (the first is 0), where they are not the usual ones. */
  readonly lineOf?: (index: number) => NodeOptions
  /** What else differs. Default: bytes travel 16 KiB in one go, which is quick. */
  readonly simulator?: Partial<SimulatorOptions>
  readonly tracker?: SimTrackerOptions
}

export class SwarmWorld implements MemberOwner {
  readonly sim: Simulator
  readonly tracker: SimTracker
  readonly content: SimContent
  readonly metainfo: Metainfo
  /** For what the scenario leaves to chance. */
  readonly random: SeededRandom
  readonly #members: Member[] = []
  readonly #progress: ProgressRecorder
  readonly #lineOf: (index: number) => NodeOptions
  #unfinished = 0
  #error: unknown = null
  #leastAvailability = Infinity

  constructor({ seed, progress, content, lineOf = () => ({}), simulator, tracker }: SwarmWorldOptions) {
    this.#progress = progress
    this.#lineOf = lineOf
    this.random = new SeededRandom(`${seed}/scenario`)
    this.sim = new Simulator({ seed, segmentBytes: 16_384, content: content?.kind ?? 'tags', ...simulator })
    this.tracker = this.sim.tracker(TRACKER_IP, tracker)
    this.content = new SimContent({ files: CONTENT_BYTES, seed, trackers: [[this.tracker.httpUrl()]], ...content })
    this.metainfo = parseTorrent(this.content.torrent)
    this.#sampleAt(0)
  }

  get nowMs(): number {
    return this.sim.nowMs
  }

  /** All that were ever there, in the order in which they were set up. */
  get members(): readonly Member[] {
    return this.#members
  }

  /** Those that began with nothing. */
  get leechers(): readonly Member[] {
    return this.#members.filter((member) => member.group !== 'seeds')
  }

  /** A member that has everything at the start. */
  seed(options: MemberOptions & { readonly superSeed?: SuperSeedMode } = {}): Member {
    const { superSeed = 'off', torrent, ...rest } = options
    const member = this.#add('seeds', { mustComplete: false, ...rest, torrent: { superSeed, ...torrent } })
    this.content.fill(member.node.disk, CONTENT_FOLDER)
    return member
  }

  /** A member that has nothing yet. */
  leecher(options: MemberOptions = {}): Member {
    const member = this.#add('leechers', options)
    if (member.mustComplete) this.#unfinished++
    return member
  }

  /** A machine of the world with a line like the members', for peers that are no sessions. */
  node(line: NodeOptions = {}): SimNode {
    const index = this.#nodes++
    const ip = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
    const { disk, ...special } = { ...this.#lineOf(index), ...line }
    return this.sim.node(ip, { ...USUAL_LINE, ...special, disk: { ...USUAL_DISK, ...disk } })
  }
  #nodes = 1

  #add(usualGroup: string, options: MemberOptions): Member {
    const member = new Member(this.node(options.line), options.group ?? usualGroup, options, this)
    this.#members.push(member)
    this.sim.at(member.joinsAtMs, () => void member.join())
    return member
  }

  /** Lets time pass until something holds. Throws ScenarioFailure when it takes longer than `limitMs` of virtual time. */
  async until(isReached: () => boolean, limitMs: number): Promise<void> {
    const endMs = this.nowMs + limitMs
    let hasReached = false
    const isOver = (): boolean => {
      hasReached = isReached()
      return hasReached || this.#error !== null || this.nowMs >= endMs
    }
    await this.sim.run({ until: isOver, limitMs: limitMs + 1 })
    if (this.#error !== null) throw this.#error
    if (!hasReached) throw new ScenarioFailure(`Not reached within ${limitMs / 1000} s.\n${this.#whyUnfinished()}`)
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.nowMs + ms })
    if (this.#error !== null) throw this.#error
  }

  /** Lets time pass until every member that must complete has, or has left. Throws ScenarioFailure, with the reasons, on a stall. */
  async untilAllDone(limitMs: number): Promise<void> {
    await this.until(() => this.#unfinished === 0, limitMs)
  }

  /** Ends every session, in good order. */
  async close(): Promise<void> {
    const leaving = Promise.all(this.#members.filter((member) => member.isHere).map((member) => member.leave()))
    let hasLeft = false
    void leaving.then(() => (hasLeft = true))
    await this.sim.run({ until: () => hasLeft, limitMs: 60_000 })
    await leaving
  }

  /** The figures of the table that all scenarios have. Times count from `startMs`. */
  figures(startMs: number, members: readonly Member[] = this.leechers): Figure[] {
    const done = members.filter((member) => member.completedAtMs !== null)
    const seconds = done.map((member) => (member.completedAtMs! - startMs) / 1000)
    const ratios = done.map((member) => member.uploaded / member.downloaded)
    const payload = sum(done.map((member) => member.downloaded))
    const wasted = sum(done.map((member) => member.wasted))
    return [
      { name: 'completion p50', value: median(seconds), unit: 's' },
      { name: 'completion p95', value: quantile(seconds, 0.95), unit: 's' },
      { name: 'completion max', value: quantile(seconds, 1), unit: 's' },
      { name: 'completed', value: done.length, unit: `of ${members.length}` },
      { name: 'wasted', value: (100 * wasted) / payload, unit: '%' },
      { name: 'ratio p5', value: quantile(ratios, 0.05), unit: '' },
      { name: 'ratio p50', value: median(ratios), unit: '' },
      { name: 'ratio p95', value: quantile(ratios, 0.95), unit: '' },
      { name: 'least availability', value: this.#leastAvailability, unit: 'copies' },
    ]
  }

  /** How many of these who are here have the rarest piece. */
  availability(members: readonly Member[] = this.#members): number {
    const counts = new Uint32Array(this.metainfo.pieceHashes!.length / 20)
    for (const member of members) {
      if (!member.isHere) continue
      const states = member.torrent.pieceStates()
      for (let piece = 0; piece < counts.length; piece++) if (states[piece] === 2) counts[piece]++
    }
    return counts.reduce((least, count) => Math.min(least, count), Infinity)
  }

  /** @internal */
  onDone(member: Member): void {
    if (member.mustComplete) this.#unfinished--
  }

  /** @internal */
  onError(error: unknown): void {
    this.#error ??= error
  }

  /** Of now and each second from now on. */
  #sampleAt(timeMs: number): void {
    this.sim.at(timeMs, () => {
      const groups = new Map<string, number[]>()
      for (const member of this.#members) {
        if (!member.isHere || member.group === 'seeds') continue
        const progress = groups.get(member.group)
        if (progress) progress.push(member.progress)
        else groups.set(member.group, [member.progress])
      }
      for (const [group, progress] of groups) this.#progress.add(group, timeMs, progress)
      if (groups.size > 0) this.#leastAvailability = Math.min(this.#leastAvailability, this.availability())
      this.#sampleAt(timeMs + SAMPLE_EVERY_MS)
    })
  }

  #whyUnfinished(): string {
    const unfinished = this.#members.filter((member) => member.mustComplete && member.completedAtMs === null)
    const told = unfinished.slice(0, MEMBERS_TOLD).map((member) => {
      const causes = member.isHere ? member.torrent.diagnose().map(({ message }) => message) : ['it is not there']
      return `  ${member.address} has ${(100 * member.progress).toFixed(1)} %: ${causes.join('; ') || 'it does well'}`
    })
    return [`${unfinished.length} of ${this.#members.length} members have not completed:`, ...told].join('\n')
  }
}
