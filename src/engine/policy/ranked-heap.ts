// Things in a fixed ranking, of which the first is wanted again and again, while others come, go and change their rank: a
// binary heap that knows where each thing stands. Every operation costs at most two comparisons a level.

export class RankedHeap<T> {
  readonly #heap: T[] = []
  readonly #place = new Map<T, number>()
  readonly #isBefore: (a: T, b: T) => boolean

  /** @param isBefore must not change its answer for things inside: take them out, change them, put them back */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#heap.length
  }

  get first(): T | undefined {
    return this.#heap[0]
  }

  has(item: T): boolean {
    return this.#place.has(item)
  }

  /** Does nothing when it is in already. */
  add(item: T): void {
    if (this.#place.has(item)) return
    this.#heap.push(item)
    this.#rise(item, this.#heap.length - 1)
  }

  /** Does nothing when it is not in. */
  remove(item: T): void {
    const at = this.#place.get(item)
    if (at === undefined) return
    this.#place.delete(item)
    const last = this.#heap.pop()!
    if (last === item) return
    this.#rise(last, at)
    this.#sink(last, this.#place.get(last)!)
  }

  #rise(item: T, from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(item, this.#heap[parent])) break
      this.#put(this.#heap[parent], at)
      at = parent
    }
    this.#put(item, at)
  }

  #sink(item: T, from: number): void {
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#heap.length) break
      if (child + 1 < this.#heap.length && this.#isBefore(this.#heap[child + 1], this.#heap[child])) child++
      if (!this.#isBefore(this.#heap[child], item)) break
      this.#put(this.#heap[child], at)
      at = child
    }
    this.#put(item, at)
  }

  #put(item: T, at: number): void {
    this.#heap[at] = item
    this.#place.set(item, at)
  }
}
