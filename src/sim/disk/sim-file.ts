// What one file holds: pages of stored bytes, holes where nothing was written, and how to undo what is not yet safe.
// All offsets here are *stored* ones (see stored-form.ts), but `length`, which is the file's as the engine sees it.
//
// A write is at once what everybody reads, but safe from a power cut only after `sync`. Until then the file keeps what
// the write replaced: little, because most writes go where nothing was.
import { Bitfield } from '../../base/bitfield.ts'
import type { Random } from '../../platform/platform.ts'
import { storedBlockBytes, storedLength, storedOffset, type ContentKind } from './stored-form.ts'

/** Stored bytes of a page: one block, or the tags of 1,024. */
export const PAGE_BYTES = 16_384
/** What a device writes whole or not at all. */
const SECTOR_BYTES = 512

export interface Page {
  readonly bytes: Uint8Array
  /** Which of its blocks have been written; the others are holes. */
  readonly written: Bitfield
  /** Whether it belongs to others too, and must be copied before it is changed. */
  readonly isShared: boolean
}

interface UnsyncedWrite {
  readonly timeUs: number
  /** Stored. */
  readonly offset: number
  /** Stored. */
  readonly storedLength: number
  readonly lengthBefore: number
  readonly changedUsBefore: number
  /** The file's length that the write asks for. */
  readonly end: number
  /** What was there, or null when all of it was holes. */
  readonly before: Uint8Array | null
  /** Numbers of the blocks that were holes; none are listed when all were. */
  readonly newBlocks: readonly number[]
}

export class SimFile {
  readonly kind: ContentKind
  /** Whether writing is forbidden by its access rights. */
  isReadOnly = false
  /** Whether its access rights let it be executed. */
  isExecutable = false
  readonly #blockBytes: number
  readonly #blocksPerPage: number
  readonly #pages = new Map<number, Page>()
  #unsynced: UnsyncedWrite[] = []
  #length = 0
  #changedUs = 0
  #blocksWritten = 0

  constructor(kind: ContentKind) {
    this.kind = kind
    this.#blockBytes = storedBlockBytes(kind)
    this.#blocksPerPage = PAGE_BYTES / this.#blockBytes
  }

  /** Bytes, holes included. */
  get length(): number {
    return this.#length
  }

  /** Virtual time of the last change. What a simulation begins with was changed at 0. */
  get changedUs(): number {
    return this.#changedUs
  }

  /** Blocks of 16 KiB that take up space. */
  get blocksWritten(): number {
    return this.#blocksWritten
  }

  /** Writes whose fate a power cut decides. */
  get unsyncedCount(): number {
    return this.#unsynced.length
  }

  /** How many blocks a write would take from the free space. */
  holesWithin(offset: number, length: number): number {
    return this.#holes(storedOffset(this.kind, offset), storedLength(this.kind, length)).length
  }

  /** Writes `length` bytes at `offset` of the file, of which `stored` are those that are kept. */
  write(offset: number, length: number, stored: Uint8Array, timeUs: number): void {
    const at = storedOffset(this.kind, offset)
    const newBlocks = this.#holes(at, stored.length)
    const isNew = newBlocks.length === this.#blockCount(at, stored.length)
    this.#unsynced.push({
      timeUs,
      offset: at,
      storedLength: stored.length,
      lengthBefore: this.#length,
      changedUsBefore: this.#changedUs,
      end: offset + length,
      before: isNew ? null : this.#copy(at, stored.length),
      newBlocks: isNew ? [] : newBlocks,
    })
    this.#put(at, stored)
    this.#length = Math.max(this.#length, offset + length)
    this.#changedUs = timeUs
  }

  /** Makes the file at least this long, with a hole. */
  lengthen(length: number, timeUs: number): void {
    if (length <= this.#length) return
    this.#unsynced.push({
      timeUs,
      offset: 0,
      storedLength: 0,
      lengthBefore: this.#length,
      changedUsBefore: this.#changedUs,
      end: length,
      before: null,
      newBlocks: [],
    })
    this.#length = length
    this.#changedUs = timeUs
  }

  /** Copies stored bytes into `target` until it is full; holes are zeros. The caller has compared with `length`. */
  read(storedFrom: number, target: Uint8Array): void {
    for (let done = 0; done < target.length;) {
      const at = storedFrom + done
      const inPage = at % PAGE_BYTES
      const count = Math.min(PAGE_BYTES - inPage, target.length - done)
      const page = this.#pages.get(Math.floor(at / PAGE_BYTES))
      if (page) target.set(page.bytes.subarray(inPage, inPage + count), done)
      else target.fill(0, done, done + count)
      done += count
    }
  }

  /** The page, for looking only. */
  page(index: number): Page | undefined {
    return this.#pages.get(index)
  }

  /** Replaces all there was, at once and safely, by pages that others hold too. */
  share(pages: readonly Page[], length: number): void {
    this.#pages.clear()
    this.#blocksWritten = 0
    this.#unsynced = []
    for (const [i, page] of pages.entries()) {
      this.#pages.set(i, page)
      this.#blocksWritten += page.written.count
    }
    this.#length = length
  }

  /** Damages the byte on the medium: no write, and nothing that a power cut undoes. */
  flip(stored: number): void {
    const page = this.#ownPage(Math.floor(stored / PAGE_BYTES))
    page.bytes[stored % PAGE_BYTES] ^= 0xff
  }

  /** From now on all that was written up to the given time survives a power cut. */
  sync(untilUs = Number.POSITIVE_INFINITY): void {
    const firstLater = this.#unsynced.findIndex(({ timeUs }) => timeUs > untilUs)
    this.#unsynced = firstLater < 0 ? [] : this.#unsynced.slice(firstLater)
  }

  /**
   * Any of the unsynced writes get lost, are torn, or survive, whatever became of those before them; a torn one may have
   * made the file longer without bringing its bytes. The file is synced thereafter.
   */
  powerCut(random: Random): void {
    const writes = this.#unsynced
    this.#unsynced = []
    const undone = writes.toReversed().map((write) => {
      const bytes = this.#copy(write.offset, write.storedLength)
      this.#undo(write)
      return { write, bytes }
    })
    for (const { write, bytes } of undone.toReversed()) {
      const fate = random.below(3)
      if (fate === 0) continue
      if (fate === 1) this.#putTorn(write.offset, bytes, random)
      else this.#put(write.offset, bytes)
      this.#length = Math.max(this.#length, write.end)
      this.#changedUs = write.timeUs
    }
  }

  #undo(write: UnsyncedWrite): void {
    if (write.before) this.#put(write.offset, write.before)
    else this.#clear(Math.floor(write.offset / this.#blockBytes), this.#blockCount(write.offset, write.storedLength))
    for (const block of write.newBlocks) this.#clear(block, 1)
    this.#length = write.lengthBefore
    this.#changedUs = write.changedUsBefore
  }

  /** Makes blocks holes again. */
  #clear(first: number, count: number): void {
    for (let block = first; block < first + count; block++) {
      const page = this.#ownPage(Math.floor(block / this.#blocksPerPage))
      const inPage = block % this.#blocksPerPage
      page.bytes.fill(0, inPage * this.#blockBytes, (inPage + 1) * this.#blockBytes)
      page.written.clear(inPage)
      this.#blocksWritten--
    }
  }

  #putTorn(offset: number, bytes: Uint8Array, random: Random): void {
    const sectorBytes = Math.min(SECTOR_BYTES, this.#blockBytes)
    for (let done = 0; done < bytes.length;) {
      const count = Math.min(sectorBytes - ((offset + done) % sectorBytes), bytes.length - done)
      if (random.below(2) === 0) this.#put(offset + done, bytes.subarray(done, done + count))
      done += count
    }
  }

  #put(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = offset + done
      const inPage = at % PAGE_BYTES
      const count = Math.min(PAGE_BYTES - inPage, bytes.length - done)
      const page = this.#ownPage(Math.floor(at / PAGE_BYTES))
      page.bytes.set(bytes.subarray(done, done + count), inPage)
      const writtenBefore = page.written.count
      const last = Math.floor((inPage + count - 1) / this.#blockBytes)
      for (let block = Math.floor(inPage / this.#blockBytes); block <= last; block++) page.written.set(block)
      this.#blocksWritten += page.written.count - writtenBefore
      done += count
    }
  }

  #copy(offset: number, length: number): Uint8Array {
    const copy = new Uint8Array(length)
    this.read(offset, copy)
    return copy
  }

  /** Numbers of the blocks without bytes among those that the stored bytes lie in. */
  #holes(offset: number, length: number): number[] {
    const holes: number[] = []
    const end = (offset + length) / this.#blockBytes
    for (let block = Math.floor(offset / this.#blockBytes); block < end; block++) {
      if (!this.#isWritten(block)) holes.push(block)
    }
    return holes
  }

  #blockCount(offset: number, length: number): number {
    return Math.ceil((offset + length) / this.#blockBytes) - Math.floor(offset / this.#blockBytes)
  }

  #isWritten(block: number): boolean {
    const page = this.#pages.get(Math.floor(block / this.#blocksPerPage))
    return page?.written.has(block % this.#blocksPerPage) ?? false
  }

  #ownPage(index: number): Page {
    const there = this.#pages.get(index)
    if (there && !there.isShared) return there
    const page: Page = {
      bytes: there?.bytes.slice() ?? new Uint8Array(PAGE_BYTES),
      written: there?.written.copy() ?? new Bitfield(this.#blocksPerPage),
      isShared: false,
    }
    this.#pages.set(index, page)
    return page
  }
}
