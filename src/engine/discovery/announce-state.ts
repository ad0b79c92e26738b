// What is known of one tracker of one torrent, and what its answers mean for when it is asked again.
// Pure figures; `announcer.ts` acts on them.
import type { AnnounceAnswer, AnnounceEvent, AnnounceResponse } from '../../protocol/tracker/announce.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** What a tracker may ask for is taken within these bounds: too short would flood it, too long would leave us without peers. */
export const MIN_INTERVAL_MS = 30 * SECOND
export const MAX_INTERVAL_MS = 60 * MINUTE
const DEFAULT_INTERVAL_MS = 30 * MINUTE
/** Between announces of our own wish, where the tracker names no `min interval`... */
const DEFAULT_MIN_INTERVAL_MS = 2 * MINUTE
/** ...and the least we keep even if it names a shorter one. */
const LEAST_MIN_INTERVAL_MS = 10 * SECOND

/** A tracker that says nothing for so long gets a substitute, and is not waited for when we leave. */
const PATIENCE_MS = 3 * SECOND

const FIRST_RETRY_MS = 15 * SECOND
const MAX_RETRY_MS = 30 * MINUTE
const MAX_REFUSED_FOR_MS = 24 * 60 * MINUTE

/** An announce that waits for its turn, or is under way. */
interface Flight {
  readonly controller: AbortController
  readonly event: AnnounceEvent
  /** Null: it waits. */
  sentAt: number | null
  /** Never rejects. */
  settled: Promise<void>
}

export class AnnounceState {
  readonly url: string
  /** Its position among the tiers, from 0. */
  readonly tier: number
  /** What came of the last announce; `none`: never asked. */
  last: 'none' | 'answered' | 'failed' = 'none'
  error: string | null = null
  /** Its own words, when the last announce was refused. */
  refusal: string | null = null
  seeders: number | null = null
  leechers: number | null = null
  /** The announce that waits or is under way. */
  flight: Flight | null = null
  /** Of the next announce; Infinity when none is planned. */
  nextAt = Infinity
  /** It answered at least once, so it knows us, and wants to hear when we leave. */
  isRegistered = false
  /** Families over which it answered. */
  readonly families = new Set<4 | 6>()
  /** It has to be told that the download is complete. */
  owesCompleted = false
  trackerId: Uint8Array | null = null
  /** Our IP as the tracker saw it last (BEP 24). */
  externalIp: string | null = null
  #lastAt = -Infinity
  /** After a failure: how soon it may be asked again, whatever happens. */
  #notBefore = -Infinity
  #minIntervalMs = DEFAULT_MIN_INTERVAL_MS
  #failures = 0

  constructor(url: string, tier: number) {
    this.url = url
    this.tier = tier
  }

  get isWorking(): boolean {
    return this.last === 'answered'
  }

  /** An announce waits for its turn, or was sent a moment ago and may still be answered. */
  isFresh(now: number): boolean {
    return this.flight !== null && (this.flight.sentAt === null || now - this.flight.sentAt < PATIENCE_MS)
  }

  /** May it be asked out of turn? */
  mayAskAgain(now: number): boolean {
    return this.isWorking && this.flight === null && now >= this.#lastAt + this.#minIntervalMs
  }

  /** Our address has changed: it is asked as soon as it may be; one that has refused, not before it said, one that never may, never. */
  askAnew(now: number): void {
    const wasBusy = this.flight !== null
    this.flight?.controller.abort()
    // Its outcome is nobody's concern any more.
    this.flight = null
    if (wasBusy || this.nextAt < Infinity) this.nextAt = Math.max(now, this.#notBefore)
  }

  /** What the next announce has to say. */
  nextEvent(): AnnounceEvent {
    if (!this.isRegistered) return 'started'
    return this.owesCompleted ? 'completed' : null
  }

  /** An announce is to be sent, as soon as it is its turn. */
  begins(event: AnnounceEvent): Flight {
    this.nextAt = Infinity
    this.flight = { controller: new AbortController(), event, sentAt: null, settled: Promise.resolve() }
    return this.flight
  }

  sent(flight: Flight, now: number): void {
    flight.sentAt = now
    this.#lastAt = now
  }

  answered(response: AnnounceResponse, event: AnnounceEvent, now: number): void {
    this.last = 'answered'
    this.error = null
    this.refusal = null
    this.isRegistered = true
    this.#failures = 0
    this.#notBefore = -Infinity
    this.seeders = response.seeders ?? this.seeders
    this.leechers = response.leechers ?? this.leechers
    this.trackerId = response.trackerId ?? this.trackerId
    if (event === 'completed') this.owesCompleted = false
    const intervalMs = clamp((response.interval ?? DEFAULT_INTERVAL_MS / SECOND) * SECOND, MIN_INTERVAL_MS)
    this.#minIntervalMs =
      response.minInterval === null
        ? Math.min(intervalMs, DEFAULT_MIN_INTERVAL_MS)
        : clamp(response.minInterval * SECOND, LEAST_MIN_INTERVAL_MS)
    this.nextAt = this.owesCompleted ? now : now + Math.max(intervalMs, this.#minIntervalMs)
  }

  /** `jitter` from 0 to 1: so that the clients of a tracker that was down do not all come back at once. */
  failed(message: string, now: number, jitter: number, answer?: AnnounceAnswer): void {
    this.last = 'failed'
    this.error = message
    this.refusal = answer?.kind === 'refusal' ? answer.reason : null
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 20), MAX_RETRY_MS) * (1 + jitter / 4)
    this.#failures++
    const retryIn = answer?.kind === 'refusal' ? answer.retryInSeconds : null
    // BEP 31: a tracker may say when it wants to be asked again, or that it never does.
    const refusedForMs = Math.min((retryIn ?? 0) * SECOND, MAX_REFUSED_FOR_MS)
    this.#notBefore = now + Math.max(FIRST_RETRY_MS, refusedForMs)
    if (retryIn === Infinity) this.nextAt = Infinity
    else this.nextAt = now + Math.max(retryMs, refusedForMs)
  }
}

function clamp(valueMs: number, leastMs: number): number {
  return Math.min(Math.max(valueMs, leastMs), MAX_INTERVAL_MS)
}
