// What is done when slots run short: finished blocks of pieces under way are written to their place in the file, unverified,
// and read back to be hashed when the piece is complete. When that is called for is the download's decision, see `SlotLedger`.
import { Bitfield } from '../../base/bitfield.ts'
import type { StorageError } from '../../base/errors.ts'
import { BLOCK_BYTES, type PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { ContentLayout } from './content-layout.ts'
import type { JournalKeeper } from './journal/journal-keeper.ts'
import { BlockState, type PartialPiece } from './partial-piece.ts'
import type { SlotHolder, SlotLedger } from './slot-ledger.ts'

export interface SpillingOptions<Source> {
  readonly map: PieceMap
  readonly layout: ContentLayout
  readonly ledger: SlotLedger
  /** Remembers what is written. Default: nothing does. */
  readonly journal?: JournalKeeper | null
  /** Whose slots they are. */
  readonly holder: SlotHolder
  /** Its pieces under way. */
  readonly partials: ReadonlyMap<number, PartialPiece<Source>>
}

export interface SpillingOwner {
  /** Is a peer at work on the piece? Then what it has not finished is about to be filled. */
  hasOwner(piece: number): boolean
  /** Grows, from 0 on, when a peer gives up a piece or what it was asked for. */
  readonly changes: number
  /** An extent that was to make room has been written, or could not be: its slot is free. */
  onSpilled(): void
  onSpillFailed(error: StorageError): void
}

/** Extents written out at once. */
const MAX_SPILLING = 16
/** Of pieces from this size on, the finished extents are remembered: so much is too much to fetch again. Bytes. */
const LARGE_PIECE = 4 << 20

export class Spilling<Source> {
  readonly #options: SpillingOptions<Source>
  readonly #owner: SpillingOwner
  #pending = 0
  /** The owner's `changes` when there was nothing left to write out: while memory is short each peer asks again and again. */
  #exhaustedAt = -1

  constructor(options: SpillingOptions<Source>, owner: SpillingOwner) {
    this.#options = options
    this.#owner = owner
  }

  /** Extents that are being written out. */
  get pending(): number {
    return this.#pending
  }

  /** Writes finished blocks out where they are least likely to be completed soon, until slots come free. */
  start(): void {
    if (this.#pending >= MAX_SPILLING || this.isExhausted) return
    const candidates: { partial: PartialPiece<Source>; extent: number }[] = []
    for (const partial of this.#options.partials.values()) {
      if (partial.isCommitting) continue
      const isOrphan = !this.#owner.hasOwner(partial.piece)
      for (let extent = 0; extent < partial.slots.length; extent++) {
        // Of a piece that somebody works on only what is finished goes out: the rest is about to be filled.
        if (partial.canSpill(extent) && (isOrphan || partial.isExtentComplete(extent)))
          candidates.push({ partial, extent })
      }
    }
    // The pieces with the most still to come hold their memory longest.
    candidates.sort((a, b) => b.partial.missing - a.partial.missing)
    for (const { partial, extent } of candidates) {
      if (this.#pending >= MAX_SPILLING) return
      void this.#spill(partial, extent).then(() => this.#owner.onSpilled())
    }
    this.#exhaustedAt = this.#owner.changes
  }

  /** There was nothing left to write out, and there still is not as far as is known. */
  get isExhausted(): boolean {
    return this.#exhaustedAt === this.#owner.changes
  }

  /** There may be something to write out again: an extent is complete, or time has passed. */
  lookAgain(): void {
    this.#exhaustedAt = -1
  }

  /** Is it worth remembering what of the piece is here? */
  isRemembered(partial: PartialPiece<Source>): boolean {
    return !!this.#options.journal && partial.length >= LARGE_PIECE
  }

  /** Writes an extent that is complete to its place, so that the end of the process does not cost it. */
  remember(partial: PartialPiece<Source>, extent: number): void {
    if (partial.isCommitting || !partial.canSpill(extent)) return
    void this.#spill(partial, extent).then(() => this.#owner.onSpilled())
  }

  /** Before a commit: each extent is wholly in its slot or wholly on disk when this resolves, and no write is under way. */
  async settleExtents(partial: PartialPiece<Source>): Promise<void> {
    await Promise.all(partial.spilling.values())
    for (let extent = 0; extent < partial.slots.length; extent++) {
      if (partial.slots[extent] >= 0 && partial.isOnDisk(extent)) await this.#spill(partial, extent)
    }
  }

  #spill(partial: PartialPiece<Source>, extent: number): Promise<void> {
    const work = Promise.resolve().then(() => this.#writeOut(partial, extent))
    partial.spilling.set(extent, work)
    partial.hasSpilled = true
    this.#pending++
    return work
  }

  async #writeOut(partial: PartialPiece<Source>, extent: number): Promise<void> {
    const { map, layout, ledger, holder, journal } = this.#options
    const { piece } = partial
    const slot = partial.slots[extent]
    try {
      for (const { first, end } of partial.runsInSlot(extent)) {
        const begin = map.blockBegin(map.firstBlock(piece) + first)
        const length = (end - first - 1) * BLOCK_BYTES + partial.blockLength(end - 1)
        const offset = partial.offsetInSlot(first)
        const blocks = this.isRemembered(partial) ? blockRun(partial.blockCount, first, end) : null
        const entry = blocks ? journal?.blocksEntry(piece, blocks) : undefined
        journal?.touched(piece)
        await holder.volume.write(slot, offset, length, layout.spans(piece, begin, length), entry)
        partial.blocks.fill(BlockState.onDisk, first, end)
        if (blocks) journal?.wroteBlocks(piece, blocks)
      }
    } catch (error) {
      this.#owner.onSpillFailed(error as StorageError)
    } finally {
      partial.spilling.delete(extent)
      partial.slots[extent] = -1
      ledger.give(holder, slot)
      this.#pending--
    }
  }
}

function blockRun(blockCount: number, first: number, end: number): Bitfield {
  const blocks = new Bitfield(blockCount)
  for (let block = first; block < end; block++) blocks.set(block)
  return blocks
}
