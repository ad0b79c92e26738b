// Numbers that are lent out, each to one at a time. A stack: what came back last goes first, so that of whatever the numbers
// stand for a small part stays in the processor's caches, and what was never needed costs no memory.
import { assert } from './assert.ts'

/** The free ones of `count` numbered things. */
export class Pool {
  readonly count: number
  readonly #free: Int32Array
  readonly #taken: Uint8Array
  #freeCount: number

  constructor(count: number) {
    this.count = count
    this.#free = Int32Array.from({ length: count }, (_, i) => count - 1 - i)
    this.#taken = new Uint8Array(count)
    this.#freeCount = count
  }

  get freeCount(): number {
    return this.#freeCount
  }

  /** The number of one, or -1 when all are taken. */
  take(): number {
    if (this.#freeCount === 0) return -1
    const index = this.#free[--this.#freeCount]
    this.#taken[index] = 1
    return index
  }

  give(index: number): void {
    assert(this.#taken[index] === 1, `number ${index} is not taken`)
    this.#taken[index] = 0
    this.#free[this.#freeCount++] = index
  }
}
