// The slots and frames of one simulated disk. A slot keeps blocks in stored form, so that with tags it takes 16 bytes per
// block. A frame has its full size, because its bytes go to the wire; but with tags all but a few of them are never touched,
// and memory that nobody has touched costs nothing.
import type { Frame, Slot } from '../../platform/platform.ts'
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import { TAG_BYTES, storedLength, storedOffset, type ContentKind } from './stored-form.ts'
import { untouchedMemory } from './untouched-memory.ts'

/** Room before each block of a frame for the header of its `piece` message. */
const HEADER_BYTES = 13
export const FRAMED_BLOCK_BYTES = HEADER_BYTES + BLOCK_BYTES

export interface BlockMemorySizes {
  readonly kind: ContentKind
  readonly slotCount: number
  /** A multiple of 16 KiB. */
  readonly slotBytes: number
  readonly frameBlocks: number
}

export class BlockMemory {
  readonly #sizes: BlockMemorySizes
  readonly #storedSlotBytes: number
  readonly #slots: Uint8Array
  /** Made when they are first used. */
  readonly #frames: Uint8Array[] = []

  constructor(sizes: BlockMemorySizes) {
    if (sizes.slotBytes <= 0 || sizes.slotBytes % BLOCK_BYTES !== 0) {
      throw new RangeError(`Cannot make slots of ${sizes.slotBytes} bytes: they are no multiple of ${BLOCK_BYTES}`)
    }
    this.#sizes = sizes
    this.#storedSlotBytes = storedLength(sizes.kind, sizes.slotBytes)
    this.#slots = new Uint8Array(sizes.slotCount * this.#storedSlotBytes)
  }

  /** Keeps of the bytes what is stored: they may begin and end anywhere. */
  fillSlot(slot: Slot, offset: number, bytes: Uint8Array): void {
    const { kind, slotBytes } = this.#sizes
    const end = offset + bytes.length
    if (offset < 0 || end > slotBytes) {
      throw new RangeError(`Cannot put ${bytes.length} bytes at ${offset} into a slot of ${slotBytes}`)
    }
    const base = slot * this.#storedSlotBytes
    if (kind === 'bytes') {
      this.#slots.set(bytes, base + offset)
      return
    }
    const inBlock = offset % BLOCK_BYTES
    let block = (offset - inBlock) / BLOCK_BYTES
    if (inBlock >= TAG_BYTES) block++
    for (; block * BLOCK_BYTES < end; block++) {
      const begin = block * BLOCK_BYTES
      const from = Math.max(begin, offset)
      const to = Math.min(begin + TAG_BYTES, end)
      const target = base + block * TAG_BYTES - begin
      for (let at = from; at < to; at++) this.#slots[target + at] = bytes[at - offset]
    }
  }

  /** What is stored of `length` bytes from `offset` of the slot: a view. */
  inSlot(slot: Slot, offset: number, length: number): Uint8Array {
    const { kind } = this.#sizes
    const begin = slot * this.#storedSlotBytes + storedOffset(kind, offset)
    return this.#slots.subarray(begin, begin + storedLength(kind, length))
  }

  frame(frame: Frame): Uint8Array {
    return (this.#frames[frame] ??= untouchedMemory(this.#sizes.frameBlocks * FRAMED_BLOCK_BYTES))
  }

  /** Puts stored bytes to where byte `position` of the frame's blocks is. */
  putIntoFrame(frame: Frame, position: number, stored: Uint8Array): void {
    const memory = this.frame(frame)
    const { kind } = this.#sizes
    const storedBlock = storedLength(kind, BLOCK_BYTES)
    const begin = storedOffset(kind, position)
    for (let done = 0; done < stored.length;) {
      const inBlock = (begin + done) % storedBlock
      const block = (begin + done - inBlock) / storedBlock
      const count = Math.min(storedBlock - inBlock, stored.length - done)
      memory.set(stored.subarray(done, done + count), block * FRAMED_BLOCK_BYTES + HEADER_BYTES + inBlock)
      done += count
    }
  }

  /** Alters the first byte of a block of the frame: `change` is within 1 and 255. */
  alterBlock(frame: Frame, block: number, change: number): void {
    this.frame(frame)[block * FRAMED_BLOCK_BYTES + HEADER_BYTES] ^= change
  }
}
