// A token bucket: bytes flow in at the rate, and out as they are taken. Consulted when requesting (down) and before each
// batch (up), never by pausing sockets. Pure: time is an argument.

/** The bucket holds what flows in within this time, so that a pause is not followed by a flood. */
const BURST_MS = 250
/** ... but always room for this many bytes: two blocks, or a low rate would never let one pass. */
const MIN_BURST_BYTES = 32_768

export class RateLimiter {
  #bytesPerSecond: number
  #tokens: number
  #refilledAt = 0

  /** @param bytesPerSecond 0: no limit */
  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#tokens = this.#burst
  }

  get isLimited(): boolean {
    return this.#bytesPerSecond > 0
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  /** Bytes that may be taken now; Infinity without a limit. */
  available(now: number): number {
    if (!this.isLimited) return Infinity
    const elapsed = Math.max(0, now - this.#refilledAt)
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * this.#bytesPerSecond) / 1000)
    this.#refilledAt = now
    return this.#tokens
  }

  /** Takes bytes, even beyond what is available: the debt is paid before the next. */
  take(bytes: number): void {
    if (this.isLimited) this.#tokens -= bytes
  }

  /** Gives back bytes that were taken and not used. */
  refund(bytes: number): void {
    if (this.isLimited) this.#tokens += bytes
  }

  get #burst(): number {
    return Math.max(MIN_BURST_BYTES, (this.#bytesPerSecond * BURST_MS) / 1000)
  }
}
