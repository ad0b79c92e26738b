// A token bucket: bytes flow in at the rate, and out as they are taken. Consulted when requesting (down) and before each
// batch (up), never by pausing sockets. What passes is whole blocks, on credit: as soon as anything is there one may be
// taken, and the debt is paid before the next; so the lowest rate lets blocks through, and none is a block beyond its time.
// Who may take when several want to is the waiting line's business. Pure: time is an argument.

/** The bucket holds what flows in within this time, so that a pause is not followed by a flood. */
const BURST_MS = 250
/** A debt is what flows in within this time, at most: what nobody counted on must not stop everything for long ... */
const MAX_DEBT_MS = 1000
/** ... but always a block, which may have been taken on credit. */
const MIN_DEBT_BYTES = 16_384

export class RateLimiter {
  readonly #within: RateLimiter | null
  #bytesPerSecond: number
  #tokens = 0
  #refilledAt: number | null = null
  #isScarce = false

  /**
   * Throws TypeError for a rate that is none.
   * @param bytesPerSecond 0: no limit
   * @param within a limiter of many, of which this is one: what passes here has to pass there, too
   */
  constructor(bytesPerSecond: number, within: RateLimiter | null = null) {
    this.#bytesPerSecond = checkedRate(bytesPerSecond, 'a rate')
    this.#within = within
  }

  get isLimited(): boolean {
    return this.#bytesPerSecond > 0 || (this.#within?.isLimited ?? false)
  }

  /** The rate that holds here: its own or that around it, the lower one. 0: no limit. */
  get bytesPerSecond(): number {
    const around = this.#within?.bytesPerSecond ?? 0
    if (around === 0 || this.#bytesPerSecond === 0) return around + this.#bytesPerSecond
    return Math.min(around, this.#bytesPerSecond)
  }

  /** Its own rate; 0: no limit. */
  get ownBytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  /** At the last heartbeat some were left waiting: what flows in is shared out at the next, to those in turn. */
  get isScarce(): boolean {
    return this.#isScarce || (this.#within?.isScarce ?? false)
  }

  set isScarce(isScarce: boolean) {
    this.#isScarce = isScarce
  }

  /**
   * From now on this rate; nothing changes when it holds already. Throws TypeError for one that is none.
   * @param bytesPerSecond 0: no limit
   */
  setRate(bytesPerSecond: number, now: number): void {
    const rate = checkedRate(bytesPerSecond, 'a rate')
    if (rate === this.#bytesPerSecond) return
    this.#refill(now)
    this.#bytesPerSecond = rate
    // What was saved up belongs to the old rate.
    this.#tokens = Math.max(-this.#maxDebt, Math.min(0, this.#tokens))
    this.#refilledAt = now
  }

  /** Bytes that may be taken now, less than 0 after credit; Infinity without a limit. */
  available(now: number): number {
    return Math.min(this.#within?.available(now) ?? Infinity, this.ownAvailable(now))
  }

  /** The same of its own rate alone: for a share of the rate around it, which may be above what is left there by a block. */
  ownAvailable(now: number): number {
    if (this.#bytesPerSecond === 0) return Infinity
    this.#refill(now)
    return this.#tokens
  }

  /** Takes bytes, even beyond what is available: the debt is paid before the next. */
  take(bytes: number): void {
    this.#within?.take(bytes)
    if (this.#bytesPerSecond > 0) this.#tokens = Math.max(-this.#maxDebt, this.#tokens - bytes)
  }

  /** Gives back bytes that were taken and not used. */
  refund(bytes: number): void {
    this.#within?.refund(bytes)
    if (this.#bytesPerSecond > 0) this.#tokens += bytes
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - (this.#refilledAt ?? now))
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * this.#bytesPerSecond) / 1000)
    this.#refilledAt = now
  }

  get #burst(): number {
    return (this.#bytesPerSecond * BURST_MS) / 1000
  }

  get #maxDebt(): number {
    return Math.max(MIN_DEBT_BYTES, (this.#bytesPerSecond * MAX_DEBT_MS) / 1000)
  }
}

/** The rate as it is, 0 where there is none. Throws TypeError unless it is a finite number of bytes per second, 0 or more. */
export function checkedRate(bytesPerSecond: number | undefined, what: string): number {
  const rate = bytesPerSecond ?? 0
  if (typeof rate === 'number' && Number.isFinite(rate) && rate >= 0) return rate
  throw new TypeError(`Cannot limit ${what} to ${String(rate)}: expected bytes per second, 0 (no limit) or more`)
}
