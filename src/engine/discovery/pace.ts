// How often something may be done: so many times a second on average, and a few more at once after a pause.
export class Pace {
  readonly #perSecond: number
  readonly #burst: number
  #left: number
  #at = -Infinity

  /** Within any second it is `perSecond + burst` times at most. */
  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
  }

  allows(now: number): boolean {
    this.#refill(now)
    return this.#left >= 1
  }

  /** It has been done once. */
  used(now: number): void {
    this.#refill(now)
    this.#left--
  }

  /** Nothing of it is used up: it is as good as a new one. */
  isFresh(now: number): boolean {
    this.#refill(now)
    return this.#left >= this.#burst
  }

  #refill(now: number): void {
    const seconds = (now - this.#at) / 1000
    this.#at = now
    this.#left = Math.min(this.#burst, this.#left + seconds * this.#perSecond)
  }
}
