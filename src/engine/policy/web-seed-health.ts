// Whether a web seed is asked: it is ready, it waits after a failure, or it has been given up. Servers fail for many reasons, and
// most of them pass: each failure in a row doubles the time until it is asked again, unless it says itself how long to wait.
// What it sends wrong is its own fault, and final. Pure: time and chance are arguments.

const FIRST_WAIT_MS = 5_000
const MAX_WAIT_MS = 600_000
/** What a server may ask for; beyond that it is asked all the same. */
const MAX_RETRY_AFTER_MS = 3_600_000
const MIN_RETRY_AFTER_MS = 1_000

/** Why it is not asked: a stable code, and a part of a sentence for people. */
export interface WebSeedTrouble {
  readonly code: string
  readonly reason: string
}

export class WebSeedHealth {
  /** It will not be asked again. */
  isGone = false
  /** Of the last failure; null after something good. */
  trouble: WebSeedTrouble | null = null
  #failures = 0
  #readyAt = -Infinity
  /** It has asked for the wait itself. */
  #isAsked = false

  /** It may be asked now. */
  isReady(now: number): boolean {
    return !this.isGone && now >= this.#readyAt
  }

  /** Milliseconds until it is asked again; null when it is ready, or gone. */
  waitMs(now: number): number | null {
    return this.isGone || now >= this.#readyAt ? null : this.#readyAt - now
  }

  /** Content has come. */
  succeeded(): void {
    this.#failures = 0
    this.trouble = null
  }

  /**
   * It is asked again later.
   * @param retryAfterMs what it asks for itself
   * @param fraction 0 to 1, by chance: so that not all who were sent away come back at once
   */
  failed(trouble: WebSeedTrouble, retryAfterMs: number | null, now: number, fraction: number): void {
    const usual = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures) * (1 + fraction / 4)
    const asked =
      retryAfterMs === null ? usual : Math.max(MIN_RETRY_AFTER_MS, Math.min(MAX_RETRY_AFTER_MS, retryAfterMs))
    this.#failures++
    this.#readyAt = now + asked
    this.#isAsked = retryAfterMs !== null
    this.trouble = trouble
  }

  /** The network is another one: what failed with the one before says nothing. What the server asks for holds. */
  recall(): void {
    if (this.#isAsked) return
    this.#failures = 0
    this.#readyAt = -Infinity
  }

  giveUp(trouble: WebSeedTrouble): void {
    this.isGone = true
    this.trouble = trouble
  }
}
