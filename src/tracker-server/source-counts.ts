// How many peers each source has registered, in memory of a fixed size: a source is a hash, and hashes share counters. A
// count may come out too high by what others have in both of a source's counters (some peers), never too low; so a bound well above
// that holds for whoever tries to fill the tracker, and does not hit anybody else. An exact count would need an entry for each address.

export class SourceCounts {
  /** Two counters for each source, in two halves. */
  readonly #counters: Uint32Array
  readonly #mask: number

  /** `peers`: how many are counted in all, at most. */
  constructor(peers: number) {
    const size = 2 ** Math.max(8, Math.ceil(Math.log2(peers / 4)))
    this.#counters = new Uint32Array(2 * size)
    this.#mask = size - 1
  }

  count(source: number): number {
    return Math.min(this.#counters[this.#first(source)], this.#counters[this.#second(source)])
  }

  add(source: number, change: 1 | -1): void {
    this.#counters[this.#first(source)] += change
    this.#counters[this.#second(source)] += change
  }

  #first(source: number): number {
    return source & this.#mask
  }

  #second(source: number): number {
    return this.#mask + 1 + ((Math.imul(source, 0x9e3779b1) >>> 7) & this.#mask)
  }
}
