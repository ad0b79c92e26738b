// The memory that the main thread and the disk's threads share: a slab of slots and a slab of frames.
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

/**
 * The fast copy into shared memory. On some processors `set` is four times slower there, and on Node 20 `copy` too; `fill`
 * with a view as long as its target is one memcpy everywhere. (`fill` refuses an empty view.)
 */
export function copyToShared(target: Buffer, offset: number, bytes: Uint8Array): void {
  if (bytes.length > 0) target.fill(bytes, offset, offset + bytes.length)
}
