// A piece under way: which blocks are here, where they are (in a slot, or spilled to disk), and who sent each.
// A block has one writer at a time, who holds its lease; the lease says where the bytes go.
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import type { Slot } from '../../platform/platform.ts'

/** Where a block is. */
export const BlockState = { missing: 0, inSlot: 1, onDisk: 2 } as const

/** The right to fill one block. It ends with the block, or when it is revoked. */
export interface Lease<Source> {
  readonly partial: PartialPiece<Source>
  readonly source: Source
  /** Index within the piece. */
  readonly index: number
  /** Bytes filled so far. */
  filled: number
  /** Where a second copy of a block gathers while somebody else fills the block itself; null for the holder of the place. */
  readonly scratch: Uint8Array | null
  isRevoked: boolean
}

export class PartialPiece<Source> {
  readonly piece: number
  /** Bytes. */
  readonly length: number
  readonly blockCount: number
  /** One per extent; -1 where it has none. */
  readonly slots: Slot[]
  readonly blocks: Uint8Array
  /** Null also for what an earlier run has fetched. */
  readonly from: (Source | null)[]
  /** Blocks not here yet. */
  missing: number
  /** Extents being written out, which must not be touched until that has ended. */
  readonly spilling = new Map<number, Promise<void>>()
  /** Some extent was, or is being, written out before the piece was complete. */
  hasSpilled = false
  /** Block index -> who fills it in its place. */
  readonly writers = new Map<number, Lease<Source>>()
  /** All blocks are here and the disk is at work on it. */
  isCommitting = false
  readonly #blocksPerExtent: number

  constructor(piece: number, length: number, slotBytes: number) {
    this.piece = piece
    this.length = length
    this.blockCount = Math.ceil(length / BLOCK_BYTES)
    this.blocks = new Uint8Array(this.blockCount)
    this.from = Array<Source | null>(this.blockCount).fill(null)
    this.missing = this.blockCount
    this.slots = Array<Slot>(Math.ceil(length / slotBytes)).fill(-1)
    this.#blocksPerExtent = slotBytes / BLOCK_BYTES
  }

  extentOf(index: number): number {
    return Math.floor(index / this.#blocksPerExtent)
  }

  /** Offset of the block within its slot, in bytes. */
  offsetInSlot(index: number): number {
    return (index % this.#blocksPerExtent) * BLOCK_BYTES
  }

  blockLength(index: number): number {
    return Math.min(BLOCK_BYTES, this.length - index * BLOCK_BYTES)
  }

  /** First block of the extent, and the one after its last. */
  extentBlocks(extent: number): { first: number; end: number } {
    const first = extent * this.#blocksPerExtent
    return { first, end: Math.min(this.blockCount, first + this.#blocksPerExtent) }
  }

  /** The block is in its place on disk, from an earlier run. */
  restore(index: number): void {
    if (this.blocks[index] !== BlockState.missing) return
    this.blocks[index] = BlockState.onDisk
    this.missing--
    this.hasSpilled = true
  }

  accept(index: number, source: Source): void {
    this.blocks[index] = BlockState.inSlot
    this.from[index] = source
    this.missing--
  }

  /** Is the extent in a slot, not being filled, and not being written out? */
  canSpill(extent: number): boolean {
    if (this.slots[extent] < 0 || this.spilling.has(extent)) return false
    const { first, end } = this.extentBlocks(extent)
    for (const index of this.writers.keys()) if (index >= first && index < end) return false
    return true
  }

  isExtentComplete(extent: number): boolean {
    const { first, end } = this.extentBlocks(extent)
    for (let i = first; i < end; i++) if (this.blocks[i] === BlockState.missing) return false
    return true
  }

  /** Runs of neighbouring blocks of the extent that are in its slot: [first, end) each. */
  runsInSlot(extent: number): { first: number; end: number }[] {
    const runs: { first: number; end: number }[] = []
    const bounds = this.extentBlocks(extent)
    for (let i = bounds.first; i < bounds.end; i++) {
      if (this.blocks[i] !== BlockState.inSlot) continue
      const run = runs.at(-1)
      if (run?.end === i) run.end++
      else runs.push({ first: i, end: i + 1 })
    }
    return runs
  }

  /** True when part of the piece has been spilled: those extents are hashed from disk. */
  isOnDisk(extent: number): boolean {
    const { first, end } = this.extentBlocks(extent)
    for (let i = first; i < end; i++) if (this.blocks[i] === BlockState.onDisk) return true
    return false
  }
}
