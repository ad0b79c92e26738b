// All torrents of a session ask trackers in turn, so that however many there are, trackers and home routers see no burst.
//
// What it weighs:
// - Bounds, for each host and for all together: how many are asked at once, and how many in a second.
// - Hosts take turns, so one with thousands of torrents does not keep the others waiting. Who is next at a host: `host-line.ts`.
// - A host that has fallen silent would hold each torrent up in vain: who waits for it, or comes to it, is refused at once and
//   goes on to another tracker. Those that hang there find out when it is back: each that ends makes place for one more.
// - Who hangs for long does not count in the bound of all, or some dead hosts would stop everything.
// - Who leaves has only seconds: more of them at once, and the place that one frees is the next one's at once.
// There is no timer: others who wait are looked at with each heartbeat, and where nobody waits, a turn comes at once.
import { TrackerError } from '../../base/errors.ts'
import type { Clock } from '../../platform/platform.ts'
import { HostLine, type Occasion, SILENT_AFTER_MS, type Waiter } from './host-line.ts'
import { Pace } from './pace.ts'

export interface TurnOptions {
  readonly host: string
  readonly occasion: Occasion
  /** Ends the waiting. What has begun is not ended by it. */
  readonly signal?: AbortSignal
  /** It begins now. */
  readonly onTurn?: () => void
}

/** Begun and not ended, over all hosts; those of the last 10 s are counted. */
export const MAX_UNANSWERED = 50
/** The same for those that leave. More than some dead hosts take, so that the living are told. */
export const MAX_UNANSWERED_LEAVING = 200
const PER_SECOND = 50
const BURST = 10
/** Within any second, over all hosts; leaving not counted. */
export const MAX_PER_SECOND = PER_SECOND + BURST

/** What has begun. */
interface Flight {
  readonly since: number
}

export class AnnounceQueue {
  readonly #clock: Pick<Clock, 'now'>
  /** By host; those that had a turn last stand last. */
  readonly #lines = new Map<string, HostLine>()
  readonly #pace = new Pace(PER_SECOND, BURST)
  /** Begun within the last 10 s and not ended, the oldest first. */
  readonly #flights = new Set<Flight>()
  #waiting = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Over all hosts. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Does the work when its turn comes, and settles as it does. Rejects with TrackerError without having begun: `aborted`, or
   * `tracker_silent` when the host answers nobody.
   */
  async run<Result>(work: () => Promise<Result>, options: TurnOptions): Promise<Result> {
    const line = this.#lineOf(options.host)
    const flight = await this.#turn(line, options)
    try {
      options.onTurn?.()
      const result = await work()
      this.#over(line, flight, true)
      return result
    } catch (error) {
      this.#over(line, flight, false)
      throw error
    }
  }

  /** With each heartbeat: turns are given as far as the bounds allow. */
  tick(now: number): void {
    if (this.#lines.size === 0) return
    this.#forgetAged(now)
    // A line that is set anew stands last, and is met again in the same round.
    for (const [host, line] of this.#lines) {
      this.#refuseIfSilent(host, line, now)
      if (this.#giveTurn(line, now)) {
        this.#lines.delete(host)
        this.#lines.set(host, line)
      } else if (line.isIdle(now)) this.#lines.delete(host)
    }
  }

  #over(line: HostLine, flight: Flight, hasAnswered: boolean): void {
    line.unanswered--
    line.hasAnswered = hasAnswered
    this.#flights.delete(flight)
    // Not after a failure: when time is up all that is under way fails at once.
    if (hasAnswered && line.isLeaving) this.#giveTurn(line, this.#clock.now())
  }

  #lineOf(host: string): HostLine {
    let line = this.#lines.get(host)
    if (line === undefined) this.#lines.set(host, (line = new HostLine()))
    return line
  }

  #turn(line: HostLine, { host, occasion, signal }: TurnOptions): Promise<Flight> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (!line.remove(waiter)) return
        this.#waiting--
        waiter.onRefused(new TrackerError('aborted', `Cannot ask ${host}: aborted`))
      }
      const waiter: Waiter = {
        occasion,
        onTurn: () => {
          signal?.removeEventListener('abort', onAbort)
          const flight = { since: this.#clock.now() }
          this.#flights.add(flight)
          resolve(flight)
        },
        onRefused: (error) => {
          signal?.removeEventListener('abort', onAbort)
          reject(error)
        },
      }
      const now = this.#clock.now()
      const isFirst = this.#waiting === 0
      line.add(waiter)
      this.#waiting++
      signal?.addEventListener('abort', onAbort)
      if (signal?.aborted) onAbort()
      this.#refuseIfSilent(host, line, now)
      this.#forgetAged(now)
      if (isFirst) this.#giveTurn(line, now)
    })
  }

  #giveTurn(line: HostLine, now: number): boolean {
    if (line.waiting === 0 || this.#flights.size >= MAX_UNANSWERED_LEAVING) return false
    const onlyToLeaving = this.#flights.size >= MAX_UNANSWERED || !this.#pace.allows(now)
    const occasion = line.giveTurn(now, onlyToLeaving)
    if (occasion === null) return false
    if (occasion !== 'leaving') this.#pace.used(now)
    this.#waiting--
    return true
  }

  #refuseIfSilent(host: string, line: HostLine, now: number): void {
    if (line.waiting === 0 || !line.isSilent(now)) return
    const seconds = SILENT_AFTER_MS / 1000
    const problem = `it has answered no other torrent for ${seconds} s`
    this.#waiting -= line.refuseAll(new TrackerError('tracker_silent', `Cannot ask ${host}: ${problem}`))
  }

  #forgetAged(now: number): void {
    for (const flight of this.#flights) {
      if (now - flight.since < SILENT_AFTER_MS) return
      this.#flights.delete(flight)
    }
  }
}
