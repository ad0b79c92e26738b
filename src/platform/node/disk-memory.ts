// The memory that the main thread and the disk's threads share: a slab of slots and a slab of frames, each with a pool of
// free ones. Pools are stacks: what was used last is used next, so that a small part of the slab stays in the processor's
// caches, and what was never needed costs no memory.
import { assert } from '../../base/assert.ts'

export const BLOCK_BYTES = 16_384
/** Length prefix, message id, piece index and offset: what goes on the wire before a block. */
export const BLOCK_HEADER_BYTES = 13
export const SLOT_BYTES = 16 * BLOCK_BYTES
export const FRAME_BLOCKS = 64
export const FRAME_BYTES = FRAME_BLOCKS * (BLOCK_HEADER_BYTES + BLOCK_BYTES)

/** What a thread is given to reach the slabs. */
export interface SharedSlabs {
  readonly slots: SharedArrayBuffer
  readonly frames: SharedArrayBuffer
}

export function allocateSlabs(slotCount: number, frameCount: number): SharedSlabs {
  return {
    slots: new SharedArrayBuffer(slotCount * SLOT_BYTES),
    frames: new SharedArrayBuffer(frameCount * FRAME_BYTES),
  }
}

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

/**
 * The fast copy into shared memory. On some processors `set` is four times slower there, and on Node 20 `copy` too; `fill`
 * with a view as long as its target is one memcpy everywhere. (`fill` refuses an empty view.)
 */
export function copyToShared(target: Buffer, offset: number, bytes: Uint8Array): void {
  if (bytes.length > 0) target.fill(bytes, offset, offset + bytes.length)
}
