// The pieces of one torrent on their way in (BEP 3). Owns `have` and the partial pieces; nobody else writes them.
// A piece is missing, partial, committing or had: exactly one of these.
//
//   startBlock -> writeBlock... -> finishBlock -> (piece full) commit -> stored | corrupt | error
//
// All but the commit is synchronous. Memory: a block is asked for only after its extent has a slot. When slots run short,
// finished blocks are spilled to their place in the file, unverified, and read back to be hashed: see `Spilling`.
import { Bitfield } from '../../base/bitfield.ts'
import type { StorageError } from '../../base/errors.ts'
import type { Disk, Volume } from '../../platform/platform.ts'
import { BLOCK_BYTES, type PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { PiecePicker } from '../policy/piece-picker.ts'
import { SmartBan } from '../policy/smart-ban.ts'
import { NORMAL_PRIORITY } from '../policy/startable-pieces.ts'
import type { ContentLayout } from '../storage/content-layout.ts'
import { BlockState, type Lease, PartialPiece } from '../storage/partial-piece.ts'
import type { JournalKeeper } from '../storage/journal/journal-keeper.ts'
import type { SlotHolder, SlotLedger } from '../storage/slot-ledger.ts'
import { Spilling } from '../storage/spilling.ts'

/** What a download needs to know of a peer that it picks blocks for. */
export interface BlockSource {
  readonly have: Bitfield
  readonly allowedFast: ReadonlySet<number>
  readonly isChokingUs: boolean
  /** Pieces that cost it least to send (BEP 6). */
  readonly suggested: ReadonlySet<number>
  hasAsked(block: number): boolean
  /** Milliseconds until it has delivered what it was asked for and so many blocks more; Infinity: it delivers nothing. */
  etaMs(blocks: number): number
}

export interface DownloadOwner<Source> {
  /** The piece is verified and on disk. */
  onPieceStored(piece: number): void
  /** Those who delivered wrong blocks; the piece is fetched again. */
  onGuilty(source: Source, pieces: readonly number[]): void
  /** Other peers are still asked for this block, which has come, or is not wanted any more. */
  onBlockDuplicated(block: number): void
  onStorageFailed(error: StorageError): void
  /** Memory is free again after somebody had to wait for it. */
  onSlotsFree(): void
}

export interface DownloadOptions {
  readonly map: PieceMap
  readonly layout: ContentLayout
  readonly volume: Volume
  readonly disk: Disk
  readonly ledger: SlotLedger
  /** SHA-1 of each piece, 20 bytes each. */
  readonly pieceHashes: Uint8Array
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
  /** Remembers what is verified and written. Default: nothing does. */
  readonly journal?: JournalKeeper | null
  /** One a piece: 0 (do not fetch) to 7 (first). Null: all alike. */
  readonly priorities: Uint8Array | null
}

const MAX_SCRATCH = 64
/** Whoever waits for slots is called when so many are free, not at each: asking peers in crumbs costs more than it brings. */
const WAKE_SLOTS = 16

export class Download<Source extends BlockSource> implements SlotHolder {
  readonly volume: Volume
  slotsHeld = 0
  readonly have: Bitfield
  /** Pieces that are to be fetched and are not here: for others to read. */
  readonly missing: Bitfield
  readonly picker: PiecePicker<Source>
  /** Payload bytes that came twice, or in pieces that failed. */
  wastedBytes = 0
  /** Writes that the disk has answered, one way or the other. */
  diskAnswers = 0
  readonly #options: DownloadOptions
  readonly #owner: DownloadOwner<Source>
  readonly #partials = new Map<number, PartialPiece<Source>>()
  readonly #smartBan = new SmartBan<Source | null>()
  readonly #scratch: Uint8Array[] = []
  readonly #spilling: Spilling<Source>
  readonly #priorities: Uint8Array
  /** Piece -> the disk's work to complete it. */
  readonly #commits = new Map<number, Promise<void>>()
  #wantedBytes: number
  #bytesLeft: number
  /** Extents of large pieces that are complete: they are written at the next tick, unless the piece is by then. */
  #finishedExtents: [partial: PartialPiece<Source>, extent: number][] = []
  #committing = 0
  /** Slots of pieces that the disk is at work on. */
  #returningSlots = 0
  #isStarved = false
  #memoryChanges = 0
  #isStopped = false
  #onIdle: (() => void)[] = []

  constructor(options: DownloadOptions, owner: DownloadOwner<Source>) {
    this.#options = options
    this.#owner = owner
    this.volume = options.volume
    this.have = new Bitfield(options.map.pieceCount)
    this.missing = Bitfield.full(options.map.pieceCount)
    this.picker = new PiecePicker<Source>(options.map, options.below, (source, blocks) => source.etaMs(blocks))
    const { map, layout, ledger, journal } = options
    const { picker } = this
    this.#spilling = new Spilling<Source>(
      { map, layout, ledger, journal, holder: this, partials: this.#partials },
      {
        hasOwner: (piece) => picker.hasOwner(piece),
        get changes() {
          return picker.changes
        },
        onSpilled: () => this.#settle(),
        onSpillFailed: (error) => this.#onStorageFailed(error),
      },
    )
    this.#priorities = new Uint8Array(map.pieceCount).fill(NORMAL_PRIORITY)
    this.#bytesLeft = this.#wantedBytes = map.totalSize
    if (options.priorities) this.setPriorities(options.priorities)
  }

  /** Grows whenever there may be something to pick for a peer that was given nothing. */
  get changes(): number {
    return this.picker.changes + this.#memoryChanges
  }

  /** Memory was refused to somebody, and has not come free since. */
  get isStarved(): boolean {
    return this.#isStarved
  }

  /** Pieces and parts of pieces that the disk is at work on. */
  get pendingWrites(): number {
    return this.#committing + this.#spilling.pending
  }

  /** All that is to be fetched is here. */
  get isComplete(): boolean {
    return this.missing.count === 0
  }

  /** Bytes of the pieces that are to be fetched, or have been. */
  get wantedBytes(): number {
    return this.#wantedBytes
  }

  /** Of these, bytes of the pieces not yet verified. */
  get bytesLeft(): number {
    return this.#bytesLeft
  }

  /** 0 (do not fetch) to 7 (first). */
  priority(piece: number): number {
    return this.#priorities[piece]
  }

  /** Do we still want this piece? */
  isWanted(piece: number): boolean {
    return this.missing.has(piece)
  }

  /**
   * What is to be fetched changes, at once: of pieces that are not wanted any more, what is under way is thrown away.
   * @param priorities one a piece, 0 (do not fetch) to 7 (first)
   */
  setPriorities(priorities: Uint8Array): void {
    for (const [piece, priority] of priorities.entries()) {
      const before = this.#priorities[piece]
      if (priority === before) continue
      if (priority > 0 !== before > 0) this.#setWanted(piece, priority > 0)
      this.#priorities[piece] = priority
      this.picker.setPriority(piece, priority)
      if (priority === 0) this.#abandon(piece)
    }
  }

  #setWanted(piece: number, isWanted: boolean): void {
    const length = this.#options.map.pieceLength(piece) * (isWanted ? 1 : -1)
    this.#wantedBytes += length
    if (this.have.has(piece)) return
    if (isWanted) this.missing.set(piece)
    else this.missing.clear(piece)
    this.#bytesLeft += length
  }

  /** Not while the disk is at work on it: what is written late must not meet what was fetched anew. */
  #abandon(piece: number): void {
    if (this.#workOn(piece).length > 0) return
    const partial = this.#partials.get(piece)
    for (const block of this.picker.abandon(piece)) this.#owner.onBlockDuplicated(block)
    if (!partial) return
    this.#dropPartial(partial)
    this.#options.journal?.forgetBlocks(piece)
  }

  /** What the disk does for the piece. */
  #workOn(piece: number): Promise<void>[] {
    const commit = this.#commits.get(piece)
    return [...(this.#partials.get(piece)?.spilling.values() ?? []), ...(commit ? [commit] : [])]
  }

  /**
   * Leaves a piece alone, so that its place on disk may change: what is under way is thrown away, and nothing is begun before
   * it is resumed. Resolves when the disk is at work on it no more.
   */
  async suspend(piece: number): Promise<void> {
    this.picker.setPriority(piece, 0)
    for (let work = this.#workOn(piece); work.length > 0; work = this.#workOn(piece)) await Promise.all(work)
    this.#abandon(piece)
  }

  /** The piece may be fetched again. */
  resume(piece: number): void {
    this.picker.setPriority(piece, this.#priorities[piece])
  }

  isUnderWay(piece: number): boolean {
    return this.#partials.has(piece)
  }

  /** The pieces under way. */
  underWay(): Iterable<number> {
    return this.#partials.keys()
  }

  /** A piece that was found on disk, and verified. */
  setHave(piece: number): void {
    if (this.have.has(piece)) return
    this.have.set(piece)
    this.picker.setDone(piece)
    if (!this.missing.has(piece)) return
    this.missing.clear(piece)
    this.#bytesLeft -= this.#options.map.pieceLength(piece)
  }

  /** Blocks of a piece that lie in their place from an earlier run, unverified. To be told before there is a peer. */
  restoreBlocks(piece: number, blocks: Bitfield): void {
    if (!this.isWanted(piece)) return
    const { map, disk } = this.#options
    const partial = new PartialPiece<Source>(piece, map.pieceLength(piece), disk.slotBytes)
    blocks.forEachSet((index) => partial.restore(index))
    this.#partials.set(piece, partial)
    this.picker.restore(piece, blocks)
    if (partial.missing === 0) this.#commit(partial)
  }

  // ---------------------------------------------------------------- asking

  /**
   * Blocks to ask the peer for now.
   * @param room at most this many
   * @param nextInRun see `PickRequest`
   */
  pick(source: Source, room: number, endgameRoom: number, nextInRun?: number): number[] {
    if (this.#isStopped) return []
    return this.picker.pick({
      peer: source,
      have: source.have,
      room,
      endgameRoom,
      only: source.isChokingUs ? source.allowedFast : null,
      suggested: source.suggested,
      nextInRun,
      isOnParole: this.#smartBan.isOnParole(source),
      hasAsked: (block) => source.hasAsked(block),
      reserve: this.#reserve,
      blocksPerReserve: this.#options.disk.slotBytes / BLOCK_BYTES,
    })
  }

  readonly #reserve = (block: number): boolean => {
    const { map, disk, ledger } = this.#options
    const piece = map.pieceOfBlock(block)
    let partial = this.#partials.get(piece)
    const extent = partial ? partial.extentOf(block - map.firstBlock(piece)) : 0
    if (partial && partial.slots[extent] >= 0 && !partial.spilling.has(extent)) return true
    if (ledger.isShort(this, this.#returningSlots)) this.#spilling.start()
    // While an extent is being written out its slot is the disk's: its other blocks wait for a moment.
    if (partial?.spilling.has(extent)) return this.#starve()
    const slot = ledger.take(this)
    if (slot < 0) return this.#starve()
    if (!partial) {
      partial = new PartialPiece<Source>(piece, map.pieceLength(piece), disk.slotBytes)
      this.#partials.set(piece, partial)
    }
    partial.slots[extent] = slot
    return true
  }

  #starve(): false {
    this.#isStarved = true
    return false
  }

  // ---------------------------------------------------------------- receiving

  /** The peer begins to send a block. Null: it is of no use (any more), its bytes are to be thrown away. */
  startBlock(source: Source, block: number): Lease<Source> | null {
    const { map } = this.#options
    const piece = map.pieceOfBlock(block)
    const partial = this.#partials.get(piece)
    if (!partial || partial.isCommitting || this.#isStopped) return null
    const index = block - map.firstBlock(piece)
    if (partial.blocks[index] !== BlockState.missing) return null
    if (!this.#reserve(block)) return null
    const isSecond = partial.writers.has(index)
    const lease: Lease<Source> = {
      partial,
      source,
      index,
      filled: 0,
      scratch: isSecond ? (this.#scratch.pop() ?? new Uint8Array(BLOCK_BYTES)) : null,
      isRevoked: false,
    }
    if (!isSecond) partial.writers.set(index, lease)
    return lease
  }

  writeBlock(lease: Lease<Source>, bytes: Uint8Array): void {
    const { partial, index } = lease
    if (lease.scratch) lease.scratch.set(bytes, lease.filled)
    else if (!lease.isRevoked) {
      const slot = partial.slots[partial.extentOf(index)]
      this.#options.disk.fillSlot(slot, partial.offsetInSlot(index) + lease.filled, bytes)
    }
    lease.filled += bytes.length
  }

  /** All bytes of the block are here. Returns whether they were of use. */
  finishBlock(lease: Lease<Source>, wasAsked: boolean): boolean {
    const { partial, index } = lease
    const { map } = this.#options
    const isUseful = this.#place(lease)
    this.#endLease(lease)
    if (!isUseful) {
      this.wastedBytes += lease.filled
      return false
    }
    partial.accept(index, lease.source)
    const block = map.firstBlock(partial.piece) + index
    if (this.picker.blockArrived(block, wasAsked) > 0) this.#owner.onBlockDuplicated(block)
    if (this.#spilling.isExhausted && partial.isExtentComplete(partial.extentOf(index))) this.#spilling.lookAgain()
    if (this.#spilling.isRemembered(partial)) this.#noteExtent(partial, partial.extentOf(index))
    if (partial.missing === 0) this.#commit(partial)
    return true
  }

  #noteExtent(partial: PartialPiece<Source>, extent: number): void {
    if (partial.isExtentComplete(extent)) this.#finishedExtents.push([partial, extent])
  }

  /** The peer is gone, or its bytes are not wanted any more, in the middle of a block. */
  abandonBlock(lease: Lease<Source>): void {
    this.#endLease(lease)
  }

  /** Puts a block that came as a second copy into its place, if the first writer has not got there before. */
  #place(lease: Lease<Source>): boolean {
    const { partial, index, scratch } = lease
    if (lease.isRevoked || partial.blocks[index] !== BlockState.missing || partial.isCommitting) return false
    if (!scratch) return true
    const first = partial.writers.get(index)
    if (first) {
      first.isRevoked = true
      partial.writers.delete(index)
    }
    const extent = partial.extentOf(index)
    if (partial.slots[extent] < 0 || partial.spilling.has(extent)) return false
    this.#options.disk.fillSlot(partial.slots[extent], partial.offsetInSlot(index), scratch.subarray(0, lease.filled))
    return true
  }

  #endLease(lease: Lease<Source>): void {
    const { partial, index } = lease
    if (partial.writers.get(index) === lease) partial.writers.delete(index)
    if (lease.scratch && this.#scratch.length < MAX_SCRATCH) this.#scratch.push(lease.scratch)
  }

  // ---------------------------------------------------------------- finishing

  #commit(partial: PartialPiece<Source>): void {
    const { piece } = partial
    const work = this.#finishPiece(partial).finally(() => this.#commits.delete(piece))
    this.#commits.set(piece, work)
  }

  /** The one place where the data path waits. */
  async #finishPiece(partial: PartialPiece<Source>): Promise<void> {
    const { map, layout, pieceHashes, journal } = this.#options
    const { piece } = partial
    partial.isCommitting = true
    this.#committing++
    this.#returningSlots += partial.slots.length
    try {
      if (partial.hasSpilled) {
        await this.#spilling.settleExtents(partial)
        if (this.#isStopped) return
      }
      const { result, blockDigests } = await this.volume.commit({
        slots: partial.slots,
        length: partial.length,
        expected: pieceHashes.subarray(20 * piece, 20 * piece + 20),
        spans: layout.spans(piece, 0, map.pieceLength(piece)),
        wantBlockDigests: this.#smartBan.isSuspect(piece),
        journal: journal?.pieceEntry(piece),
      })
      if (result === 'stored') journal?.wrote(piece)
      else journal?.forgetBlocks(piece)
      if (this.#isStopped) return
      this.#dropPartial(partial)
      if (result === 'stored') this.#onStored(partial, blockDigests)
      else this.#onCorrupt(partial, blockDigests!)
    } catch (error) {
      this.#onStorageFailed(error as StorageError)
    } finally {
      // After a stop, the answer to the last commit is what returns the slots.
      this.#returnSlots(partial)
      this.#committing--
      this.#returningSlots -= partial.slots.length
      this.#settle()
    }
  }

  #onStorageFailed(error: StorageError): void {
    if (!this.#isStopped) this.#owner.onStorageFailed(error)
  }

  #onStored(partial: PartialPiece<Source>, digests: Uint8Array | null): void {
    this.setHave(partial.piece)
    const guilty = digests ? this.#smartBan.succeeded(partial.piece, digests) : []
    this.#owner.onPieceStored(partial.piece)
    for (const source of guilty) if (source) this.#owner.onGuilty(source, [partial.piece])
  }

  #onCorrupt(partial: PartialPiece<Source>, digests: Uint8Array): void {
    this.wastedBytes += partial.length
    this.picker.pieceFailed(partial.piece)
    const guilty = this.#smartBan.failed(partial.piece, partial.from, digests)
    if (guilty) this.#owner.onGuilty(guilty, [partial.piece])
  }

  // ---------------------------------------------------------------- memory

  /** Others wait for slots: what can be written out is, down to our fair share. */
  onSlotsWanted(fairShare: number): void {
    const surplus = this.slotsHeld - this.#returningSlots - fairShare
    if (surplus > 0 && !this.#isStopped) this.#spilling.start()
  }

  #dropPartial(partial: PartialPiece<Source>): void {
    this.#partials.delete(partial.piece)
    for (const lease of partial.writers.values()) lease.isRevoked = true
    this.#returnSlots(partial)
  }

  #returnSlots(partial: PartialPiece<Source>): void {
    for (const [extent, slot] of partial.slots.entries()) {
      if (slot < 0 || partial.spilling.has(extent)) continue
      partial.slots[extent] = -1
      this.#options.ledger.give(this, slot)
    }
  }

  /** Time passes: what little memory has come free, perhaps from another torrent, is asked for again. */
  tick(): void {
    this.picker.tick()
    this.#spilling.lookAgain()
    this.#writeFinishedExtents()
    if (this.#isStarved && this.#options.ledger.roomFor(this) > 0) this.#endStarving()
  }

  #writeFinishedExtents(): void {
    for (const [partial, extent] of this.#finishedExtents.splice(0)) {
      if (this.#partials.get(partial.piece) === partial) this.#spilling.remember(partial, extent)
    }
  }

  #endStarving(): void {
    this.#isStarved = false
    this.#memoryChanges++
  }

  /** After a piece or a spilled extent: whoever waited for memory, or for the end, goes on. */
  #settle(): void {
    this.diskAnswers++
    const { ledger, disk } = this.#options
    const enough = Math.min(WAKE_SLOTS, Math.ceil(disk.slotCount / 8))
    if (this.#isStarved && !this.#isStopped && ledger.roomFor(this) >= enough) {
      this.#endStarving()
      this.#owner.onSlotsFree()
    }
    if (this.pendingWrites > 0) return
    for (const resolve of this.#onIdle) resolve()
    this.#onIdle = []
  }

  // ---------------------------------------------------------------- ending

  /** Takes nothing more. Resolves when the disk has answered all that was under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const partial of this.#partials.values()) {
      for (const lease of partial.writers.values()) lease.isRevoked = true
      if (!partial.isCommitting) this.#returnSlots(partial)
    }
    if (this.pendingWrites > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
    this.#partials.clear()
  }
}
