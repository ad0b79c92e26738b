// Keeps the journal of one torrent: what is verified and written, and what of it is safe from a power cut. Records of pieces
// are appended by the disk, right after the piece (`Volume.commit`); all others from here.
//
// Syncs begin early enough to be over, on a disk that works, when 5 s have passed or 256 MiB have come since the oldest
// piece that is not safe: that much a power cut may cost. They go on beside the download. One that fails is never repeated:
// what was not safe by then stays in doubt.
import { Bitfield } from '../../../base/bitfield.ts'
import { concatBytes } from '../../../base/bytes.ts'
import type { StorageError } from '../../../base/errors.ts'
import type { FileState, JournalEntry, StateFolder, Volume } from '../../../platform/platform.ts'
import { encodeRecord, type JournalIdentity, type JournalRecord } from './journal-format.ts'
import type { JournalGeometry } from './journal-geometry.ts'
import { encodeSnapshot, type JournalContent, type KnownBlocks, syncedRecords } from './journal-snapshot.ts'

export const JOURNAL_NAME = 'journal'
const SYNC_AFTER_MS = 4000
const SYNC_AFTER_BYTES = 192 * 2 ** 20
/** A journal is replaced by a snapshot when it is longer than twice that, and this. */
const SHORT_BYTES = 65_536

export interface KeeperOptions {
  readonly folder: StateFolder
  readonly volume: Volume
  readonly identity: JournalIdentity
  readonly geometry: JournalGeometry
  /** Where a file is just now; empty for pad files. */
  readonly pathOf: (file: number) => string
  readonly bootId: string
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** What was written since the last good sync is not sure, and no sync will make it so. */
  readonly onFailed: (error: StorageError) => void
}

/** What is known at the start. */
export interface JournalStart {
  readonly synced: Bitfield
  readonly recorded: ReadonlyMap<number, FileState>
  readonly blocks: ReadonlyMap<number, Bitfield>
  /** Bytes of the journal that is there. */
  readonly length: number
  /** It is missing, torn, or tells of what is not so: it must be replaced. */
  readonly isStale: boolean
}

export class JournalKeeper {
  readonly #options: KeeperOptions
  readonly #have: Bitfield
  readonly #synced: Bitfield
  readonly #recorded: Map<number, FileState>
  readonly #blocks: Map<number, KnownBlocks>
  #length: number
  #isStale: boolean
  /** Pieces that are not synced, and no sync under way covers. */
  #unsynced: number[] = []
  #unsyncedBytes = 0
  /** Files that were written, and no sync under way covers. */
  #dirtyFiles = new Set<number>()
  /** Since when something is not synced; null: all is. */
  #oldest: number | null = null
  #syncs = 0
  #syncing: Promise<void> | null = null
  #closing: Promise<void> | null = null
  #state: 'open' | 'failed' | 'closed' = 'open'
  /** Something was written, or may have been, since the journal was opened. */
  #isUsed = false

  constructor(options: KeeperOptions, start: JournalStart) {
    this.#options = options
    this.#have = start.synced.copy()
    this.#synced = start.synced.copy()
    this.#recorded = new Map(start.recorded)
    this.#blocks = new Map(
      [...start.blocks].map(([piece, bits]) => [piece, { all: bits, synced: new Bitfield(bits.size) }]),
    )
    this.#length = start.length
    this.#isStale = start.isStale
  }

  /** Something is written that no power cut may cost more than this. For tests and figures. */
  get hasUnsynced(): boolean {
    return this.#oldest !== null || this.#syncing !== null
  }

  /**
   * What is on disk is known now. To be called before anything is written; a torrent that will write nothing more needs no
   * new record.
   */
  async begin(have: Bitfield, willWrite: boolean): Promise<void> {
    have.forEachSet((piece) => {
      if (!this.#have.has(piece)) this.#note(piece)
    })
    for (const piece of this.#blocks.keys()) this.#touch(piece)
    if (this.#isStale || this.#isLong) await this.#replace()
    else if (willWrite) await this.#append([{ kind: 'started', bootId: this.#options.bootId }], false)
    this.#isUsed = willWrite || this.#oldest !== null
  }

  /**
   * What is on disk is being looked at, and this has been found so far. Before `begin`, which tells the end of it. Rejects with
   * StorageError; there is the old journal then.
   * @param left pieces that are still to be hashed
   */
  async noteCheck(have: Bitfield, left: Bitfield): Promise<void> {
    this.#isStale = true
    const snapshot = encodeSnapshot({ ...this.#content, have, inDoubt: left })
    await this.#options.folder.replace(JOURNAL_NAME, snapshot)
    this.#length = snapshot.length
  }

  /** To be handed to the disk with the piece. */
  pieceEntry(piece: number): JournalEntry {
    return this.#entry({ kind: 'written', piece })
  }

  /** To be handed to the disk with blocks of a piece. */
  blocksEntry(piece: number, bits: Bitfield): JournalEntry {
    return this.#entry({ kind: 'blocks', piece, blocks: bits.bytes })
  }

  /** The disk has written the piece and its entry. */
  wrote(piece: number): void {
    this.#blocks.delete(piece)
    this.#note(piece)
  }

  /** The disk has written blocks of the piece, and their entry. */
  wroteBlocks(piece: number, bits: Bitfield): void {
    const known = this.#blocks.get(piece)
    if (known) bits.forEachSet((block) => known.all.set(block))
    else this.#blocks.set(piece, { all: bits.copy(), synced: new Bitfield(bits.size) })
    this.#touch(piece)
  }

  /** Parts of the piece have been written, or will be, without an entry: its files have changed, by our own hand. */
  touched(piece: number): void {
    this.#touch(piece)
  }

  /** The file is written to, without an entry: it changes, by our own hand. */
  touchedFile(file: number): void {
    this.#dirtyFiles.add(file)
    this.#oldest ??= this.#options.now()
  }

  /** The piece is wrong, and fetched again: its blocks are of no use. */
  forgetBlocks(piece: number): void {
    if (!this.#blocks.delete(piece)) return
    const nothing: JournalRecord = { kind: 'blocks', piece, blocks: new Uint8Array(0) }
    this.#append([nothing], false).catch((error) => void this.#fail(error as StorageError))
  }

  /** A file is about to be removed, and holds nothing that counts. Resolves when no sync is at work on it. */
  async forgetFile(file: number): Promise<void> {
    this.#dirtyFiles.delete(file)
    await this.#syncing
    this.#recorded.delete(file)
  }

  /** Does what no sync must meet halfway: giving a file another name. */
  async apart(work: () => Promise<void>): Promise<void> {
    while (this.#syncing) await this.#syncing
    const working = work()
    this.#syncing = working.then(
      () => {},
      () => {},
    )
    await working.finally(() => (this.#syncing = null))
  }

  /** Time passes: begins a sync when one is due. */
  tick(): void {
    if (this.#state !== 'open' || this.#oldest === null || this.#syncing) return
    if (this.#options.now() - this.#oldest >= SYNC_AFTER_MS || this.#unsyncedBytes >= SYNC_AFTER_BYTES)
      void this.#startSync()
  }

  /**
   * Makes everything safe, and lets go of the folder; to be called when the disk writes nothing more. Never rejects: what
   * could not be made safe is told by `onFailed`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#syncing
    if (this.#state === 'open' && this.#oldest !== null) await this.#startSync()
    // The disk lets go of the journal: it may be replaced, and another torrent may need the descriptor.
    await this.#options.volume.release(this.#options.folder.path(JOURNAL_NAME)).catch(() => {})
    if (this.#state === 'open') {
      this.#state = 'closed'
      await this.#finish()
    } else if (this.#state === 'failed') {
      // What was on its way when the sync failed is recorded after the first doubt.
      await this.#noteDoubt()
    }
    await this.#options.folder.close()
  }

  async #finish(): Promise<void> {
    if (!this.#isUsed) return
    try {
      if (this.#isLong) await this.#replace()
      await this.#append([{ kind: 'closed' }], true)
    } catch (error) {
      this.#options.onFailed(error as StorageError)
    }
  }

  #entry(record: JournalRecord): JournalEntry {
    const bytes = encodeRecord(record)
    this.#length += bytes.length
    return { path: this.#options.folder.path(JOURNAL_NAME), record: bytes }
  }

  #note(piece: number): void {
    this.#have.set(piece)
    this.#unsynced.push(piece)
    this.#unsyncedBytes += this.#options.geometry.pieceLength(piece)
    this.#touch(piece)
  }

  #touch(piece: number): void {
    for (const file of this.#options.geometry.filesOf(piece)) this.#dirtyFiles.add(file)
    this.#oldest ??= this.#options.now()
  }

  #startSync(): Promise<void> {
    this.#syncing = this.#sync().finally(() => (this.#syncing = null))
    return this.#syncing
  }

  async #sync(): Promise<void> {
    const { volume, pathOf } = this.#options
    const dirty = [...this.#dirtyFiles].toSorted((a, b) => a - b)
    const pieces = this.#unsynced
    const blocks = [...this.#blocks.values()].map((known) => ({ known, all: known.all.copy() }))
    this.#dirtyFiles = new Set()
    this.#unsynced = []
    this.#unsyncedBytes = 0
    this.#oldest = null
    const sync = ++this.#syncs
    try {
      await this.#append([{ kind: 'syncing', sync }], false)
      const files = await this.#begun(dirty)
      const states = await volume.sync(files.map(pathOf))
      const looks = new Map(files.map((file, i) => [file, states[i]]))
      await this.#append(syncedRecords(sync, looks), true)
      for (const piece of pieces) this.#synced.set(piece)
      for (const [file, state] of looks) this.#recorded.set(file, state)
      for (const { known, all } of blocks) all.forEachSet((block) => known.synced.set(block))
    } catch (error) {
      await this.#fail(error as StorageError)
    }
  }

  /** Of a piece that is under way, some files may not be there yet. One that had a piece and is gone is not left out. */
  async #begun(files: readonly number[]): Promise<number[]> {
    const { volume, pathOf } = this.#options
    const states = await volume.states(files.map(pathOf))
    return files.filter((file, i) => states[i] !== null || this.#holdsPiece(file))
  }

  #holdsPiece(file: number): boolean {
    const range = this.#options.geometry.piecesOf(file)
    if (!range) return false
    for (let piece = range.first; piece <= range.last; piece++) if (this.#have.has(piece)) return true
    return false
  }

  async #fail(error: StorageError): Promise<void> {
    const wasOpen = this.#state === 'open'
    this.#state = 'failed'
    await this.#noteDoubt()
    if (wasOpen) this.#options.onFailed(error)
  }

  /** As good as it can be done: where nothing can be written any more, the files' times or a restart tell of it. */
  async #noteDoubt(): Promise<void> {
    await this.#append([{ kind: 'doubt' }], true).catch(() => {})
  }

  async #append(records: readonly JournalRecord[], sync: boolean): Promise<void> {
    if (records.length === 0) return
    const bytes = concatBytes(records.map(encodeRecord))
    this.#length += bytes.length
    await this.#options.folder.append(JOURNAL_NAME, bytes, { sync })
  }

  /** Only while the disk writes nothing: an entry of its own would go to the file that is replaced. */
  async #replace(): Promise<void> {
    const snapshot = this.#snapshot()
    await this.#options.folder.replace(JOURNAL_NAME, snapshot)
    this.#length = snapshot.length
    this.#isStale = false
  }

  get #isLong(): boolean {
    return this.#length > SHORT_BYTES && this.#length > 2 * this.#snapshot().length
  }

  #snapshot(): Uint8Array {
    return encodeSnapshot(this.#content)
  }

  get #content(): JournalContent {
    const { identity, bootId } = this.#options
    return {
      identity,
      bootId,
      have: this.#have,
      synced: this.#synced,
      blocks: this.#blocks,
      recorded: this.#recorded,
    }
  }
}
