// Numbers that are lent out, each to one at a time. The one that came back last goes first.
import { assert } from '../../base/assert.ts'

export class Pool {
  readonly count: number
  readonly #free: number[]
  readonly #taken: Uint8Array

  constructor(count: number) {
    this.count = count
    this.#free = Array.from({ length: count }, (_, i) => count - 1 - i)
    this.#taken = new Uint8Array(count)
  }

  get freeCount(): number {
    return this.#free.length
  }

  /** A number, or -1 when all are taken. */
  take(): number {
    const index = this.#free.pop()
    if (index === undefined) return -1
    this.#taken[index] = 1
    return index
  }

  give(index: number): void {
    assert(this.#taken[index] === 1, `number ${index} is not taken`)
    this.#taken[index] = 0
    this.#free.push(index)
  }
}
