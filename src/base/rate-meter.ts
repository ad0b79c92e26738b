// Bytes per second over the last few seconds, from a ring of one-second sums. Pure: time is an argument.

const SECONDS = 5

export class RateMeter {
  readonly #sums = new Float64Array(SECONDS + 1)
  #second = -1
  #startedAt = -1

  /** @param now milliseconds */
  add(bytes: number, now: number): void {
    this.#advance(now)
    if (this.#startedAt < 0) this.#startedAt = now
    this.#sums[this.#second % this.#sums.length] += bytes
  }

  /** Bytes per second, over 5 s or since the first byte, whichever is shorter (but at least 1 s). */
  rate(now: number): number {
    if (this.#startedAt < 0) return 0
    this.#advance(now)
    let bytes = 0
    for (const sum of this.#sums) bytes += sum
    const covered = Math.min(now - this.#startedAt, SECONDS * 1000 + (now % 1000))
    return (bytes * 1000) / Math.max(1000, covered)
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1000)
    const steps = Math.min(second - this.#second, this.#sums.length)
    for (let i = 0; i < steps; i++) this.#sums[(second - i) % this.#sums.length] = 0
    this.#second = Math.max(this.#second, second)
  }
}
