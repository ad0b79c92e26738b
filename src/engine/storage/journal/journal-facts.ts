// What the records of a journal say when they are taken one after the other: for each piece how certain it is.
import { Bitfield } from '../../../base/bitfield.ts'
import type { FileState } from '../../../platform/platform.ts'
import type { JournalRecord } from './journal-format.ts'
import type { JournalGeometry } from './journal-geometry.ts'

/**
 * - `written`: by this start of the machine, the last one that the journal tells of;
 * - `synced`: safe from a power cut, as far as the disk keeps its promises;
 * - `doubtful`: it was written, and the machine has been restarted or something went wrong before it was synced.
 */
export type Certainty = 'written' | 'synced' | 'doubtful'

interface Entry {
  /** Number of its record. */
  readonly at: number
  certainty: Certainty
}

export class JournalFacts {
  readonly written = new Map<number, Entry>()
  /** Pieces that are not written -> what was written of them, in several parts. */
  readonly blocks = new Map<number, (Entry & { readonly bits: Bitfield })[]>()
  /** What files looked like when they were synced last. */
  readonly recorded = new Map<number, FileState>()
  bootId: string | null = null
  /** Nothing was written after the last record. */
  isClosed = false
  readonly #geometry: JournalGeometry
  /** Entries that were neither found synced nor doubted so far, or have been replaced. */
  #open: [piece: number, entry: Entry][] = []
  /** Number of a sync -> of the record of its beginning. */
  readonly #syncs = new Map<number, number>()
  /** File -> what was recorded before this number is safe in it. */
  readonly #syncedUpTo = new Map<number, number>()

  constructor(geometry: JournalGeometry) {
    this.#geometry = geometry
  }

  /** @param at number of the record */
  take(record: JournalRecord, at: number): void {
    this.isClosed = record.kind === 'closed'
    switch (record.kind) {
      case 'started':
        if (record.bootId !== this.bootId || record.bootId === '') this.#doubt()
        this.bootId = record.bootId
        break
      case 'written':
        this.#write(record.piece, at)
        break
      case 'writtenMany':
        Bitfield.fromBytes(this.#geometry.pieceCount, record.pieces)?.forEachSet((piece) => this.#write(piece, at))
        break
      case 'blocks':
        this.#writeBlocks(record.piece, record.blocks, at)
        break
      case 'syncing':
        this.#syncs.set(record.sync, at)
        break
      case 'synced':
        this.#sync(record)
        break
      case 'doubt':
        this.#doubt()
        break
      case 'closed':
        break
    }
  }

  /** @param isTorn what follows is lost: it may have been a doubt */
  end(isTorn: boolean): void {
    if (isTorn) {
      this.#doubt()
      this.isClosed = false
    }
    this.#settle()
  }

  /** Files that hold something of which the journal tells, in order. */
  touchedFiles(): number[] {
    const files = new Set<number>()
    for (const piece of this.written.keys()) for (const file of this.#geometry.filesOf(piece)) files.add(file)
    for (const piece of this.blocks.keys()) for (const file of this.#geometry.filesOf(piece)) files.add(file)
    return [...files].toSorted((a, b) => a - b)
  }

  /** Whether all of the file is here and safe: we have finished with it. */
  isFileSynced(file: number): boolean {
    const pieces = this.#geometry.piecesOf(file)
    if (!pieces) return true
    for (let piece = pieces.first; piece <= pieces.last; piece++) {
      if (this.written.get(piece)?.certainty !== 'synced') return false
    }
    return true
  }

  /** Whether any piece of the file was written. */
  holdsPiece(file: number): boolean {
    const pieces = this.#geometry.piecesOf(file)
    if (!pieces) return false
    for (let piece = pieces.first; piece <= pieces.last; piece++) if (this.written.has(piece)) return true
    return false
  }

  #write(piece: number, at: number): void {
    const entry: Entry = { at, certainty: 'written' }
    this.written.set(piece, entry)
    this.blocks.delete(piece)
    this.#open.push([piece, entry])
  }

  #writeBlocks(piece: number, bytes: Uint8Array, at: number): void {
    if (bytes.length === 0) this.blocks.delete(piece)
    const bits = Bitfield.fromBytes(this.#geometry.blockCount(piece), bytes)
    if (!bits || this.written.has(piece)) return
    const entry = { at, certainty: 'written' as const, bits }
    const entries = this.blocks.get(piece)
    if (entries) entries.push(entry)
    else this.blocks.set(piece, [entry])
    this.#open.push([piece, entry])
  }

  #sync({ sync, files }: Extract<JournalRecord, { kind: 'synced' }>): void {
    const begin = this.#syncs.get(sync)
    if (begin === undefined) return
    for (const { file, size, mtimeNs } of files) {
      this.#syncedUpTo.set(file, Math.max(begin, this.#syncedUpTo.get(file) ?? -1))
      this.recorded.set(file, { size, mtimeNs })
    }
  }

  /** What is not synced by now never will be: a later sync means what is written then. */
  #doubt(): void {
    for (const [, entry] of this.#settle()) entry.certainty = 'doubtful'
  }

  /** Finds out what is synced; returns the rest. */
  #settle(): [piece: number, entry: Entry][] {
    const rest: [number, Entry][] = []
    for (const [piece, entry] of this.#open) {
      const isSynced = this.#geometry.filesOf(piece).every((file) => (this.#syncedUpTo.get(file) ?? -1) > entry.at)
      if (isSynced) entry.certainty = 'synced'
      else rest.push([piece, entry])
    }
    this.#open = []
    return rest
  }
}
