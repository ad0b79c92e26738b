// Memory that costs nothing until it is touched. The system gives large buffers as pages that exist only once they are
// written to; small ones may come from memory that was used before and has to be cleared, which touches all of it. So many
// small ones are cut out of a large one.

/** Above the size (32 MiB) from which allocators always ask the system. */
const SLAB_BYTES = 48 << 20

let slab = new ArrayBuffer(0)
let slabUsed = 0

/** Zeros that nobody else uses, now or later. */
export function untouchedMemory(length: number): Uint8Array {
  if (length > SLAB_BYTES / 2) return new Uint8Array(length)
  if (slabUsed + length > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES)
    slabUsed = 0
  }
  const memory = new Uint8Array(slab, slabUsed, length)
  slabUsed += length
  return memory
}
