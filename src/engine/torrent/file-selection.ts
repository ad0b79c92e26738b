// Which files of a torrent are wanted, and how much; what follows from that for its pieces and for the places on disk.
// When it changes while the torrent runs, pieces whose place changes are left alone until they have their new one.
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { piecePriorities } from '../policy/file-priority.ts'
import { MAX_PRIORITY, NORMAL_PRIORITY } from '../policy/startable-pieces.ts'
import type { ContentLayout } from '../storage/content-layout.ts'
import type { FileNames } from '../storage/file-names.ts'
import type { FilePlaces } from '../storage/file-places.ts'
import type { JournalKeeper } from '../storage/journal/journal-keeper.ts'
import type { StoredPriority } from '../storage/torrent-settings.ts'
import type { BlockSource, Download } from './download.ts'
import type { FileInfo, FilePriorities, FilePriority } from './torrent-api.ts'

/** The parts of the torrent that a change of the selection has to do with. */
export interface SelectionParts {
  readonly layout: ContentLayout
  readonly download: Pick<
    Download<BlockSource>,
    'have' | 'volume' | 'isUnderWay' | 'suspend' | 'resume' | 'setPriorities'
  >
  readonly journal: JournalKeeper | null
}

/** Of their pieces. */
const PIECE_PRIORITY: Readonly<Record<FilePriority, number>> = {
  skip: 0,
  low: 1,
  normal: NORMAL_PRIORITY,
  high: MAX_PRIORITY,
}

export class FileSelection {
  readonly #metainfo: Metainfo
  readonly #map: PieceMap
  /** By the index of the file; null: nobody has chosen one. Pad files have one that is not used. */
  readonly #priorities: (FilePriority | null)[]
  /** What holds where nobody has chosen. */
  #proposed: FilePriorities

  /**
   * @param priorities files that are not named are normal; undefined: as they are remembered, see `restore`.
   * @param proposed what holds where nothing is remembered: files that are not named are normal.
   * Throws TypeError for a file or a priority that there is not.
   */
  constructor(metainfo: Metainfo, map: PieceMap, priorities?: FilePriorities, proposed: FilePriorities = {}) {
    this.#metainfo = metainfo
    this.#map = map
    this.#priorities = metainfo.files.map(() => (priorities ? 'normal' : null))
    this.#proposed = proposed
    if (priorities) this.set(priorities)
  }

  /** What an earlier run has left, for files of which nothing has been said since. */
  restore(priorities: ReadonlyMap<number, StoredPriority>): void {
    this.#proposed = {}
    for (const [file, priority] of priorities) this.#priorities[file] ??= priority
  }

  /** For the next run: the priorities that are not normal. */
  stored(): Map<number, StoredPriority> {
    const stored = new Map<number, StoredPriority>()
    for (const file of this.#files()) {
      const priority = this.priority(file)
      if (priority !== 'normal') stored.set(file, priority)
    }
    return stored
  }

  priority(file: number): FilePriority {
    return this.#priorities[file] ?? this.#proposed[file] ?? 'normal'
  }

  /** Nothing on disk, and no piece, is touched by this alone. Throws TypeError, and then changes nothing. */
  set(priorities: FilePriorities): void {
    const changes = Object.entries(priorities).map(([key, priority]): [number, FilePriority] => {
      const file = Number(key)
      if (this.#metainfo.files[file] === undefined)
        throw new TypeError(`Cannot set the priority of file ${key}: ${this.#metainfo.name} ${this.#range()}`)
      requirePriority(key, priority)
      return [file, priority]
    })
    for (const [file, priority] of changes) this.#priorities[file] = priority
  }

  #range(): string {
    const { length } = this.#metainfo.files
    return length === 1 ? 'has one file, 0' : `has the files 0 to ${length - 1}`
  }

  isSkipped(file: number): boolean {
    return this.priority(file) === 'skip'
  }

  /** One a piece, 0 (do not fetch) to 7 (first). */
  piecePriorities(): Uint8Array {
    const { files, pieceLength } = this.#metainfo
    const stored = this.#stored()
    // Padding (BEP 47) is wanted for the sake of a piece's other files; by itself only where everything is.
    const padding = stored.every((file) => !this.isSkipped(file)) ? PIECE_PRIORITY.low : PIECE_PRIORITY.skip
    const prioritized = files.map(({ offset, length, isPad }, file) => ({
      offset,
      length,
      priority: isPad ? padding : PIECE_PRIORITY[this.priority(file)],
    }))
    return piecePriorities(prioritized, pieceLength, this.#map.pieceCount)
  }

  /** Paths of the wanted files that are empty: no piece brings them about. */
  emptyFiles({ paths }: ContentLayout): { path: string; length: number }[] {
    return this.#stored()
      .filter((file) => this.#metainfo.files[file].length === 0 && !this.isSkipped(file))
      .map((file) => ({ path: paths[file], length: 0 }))
  }

  /**
   * @param has which pieces are verified; null: none is known to be
   * @param names of the files, where somebody has given them other ones
   * @param top name of the torrent's file or folder, likewise
   */
  list(has: ((piece: number) => boolean) | null, names?: Pick<FileNames, 'name'> | null, top?: string): FileInfo[] {
    return this.#files().map((index) => {
      const { savedAs, length } = this.#metainfo.files[index]
      const name = names?.name(index) ?? savedAs.slice(1)
      const done = has ? this.#bytesDone(index, has) : 0
      return { index, path: [top ?? savedAs[0], ...name], length, done, priority: this.priority(index) }
    })
  }

  #bytesDone(index: number, has: (piece: number) => boolean): number {
    const { offset, length } = this.#metainfo.files[index]
    const pieces = this.#map.piecesOfFile(index)
    if (!pieces) return 0
    let done = 0
    for (let piece = pieces.first; piece <= pieces.last; piece++) {
      if (!has(piece)) continue
      const begin = piece * this.#map.nominalPieceLength
      done += Math.min(begin + this.#map.pieceLength(piece), offset + length) - Math.max(begin, offset)
    }
    return done
  }

  /** Files that people know of: no padding. */
  #files(): number[] {
    return [...this.#priorities.keys()].filter((file) => !this.#metainfo.files[file].isPad)
  }

  /** Files with content of their own. */
  #stored(): number[] {
    return this.#files().filter((file) => this.#metainfo.files[file].symlinkTarget === null)
  }

  // ---------------------------------------------------------------- taking effect

  /** Makes pieces and places on disk as the selection says. Not twice at a time. Rejects with StorageError. */
  async apply({ layout, download, journal }: SelectionParts): Promise<void> {
    const { places } = layout
    if (!places) return download.setPriorities(this.piecePriorities())
    await this.#moveWanted(places, { layout, download, journal })
    download.setPriorities(this.piecePriorities())
    await this.#keepSkippedApart(places, { layout, download, journal })
    if (places.isEmpty) await this.#removeParts(places, { layout, download, journal })
  }

  /** What the parts file has of files that are wanted comes to its place. */
  async #moveWanted(places: FilePlaces, { download, journal }: SelectionParts): Promise<void> {
    const files = this.#stored().filter((file) => places.isInParts(file) && !this.isSkipped(file))
    await whileSuspended(download, sharedPieces(places, files), async () => {
      for (const file of files) {
        await places.moveOut(file, download.volume, (piece) => download.have.has(piece))
        for (const piece of places.sharedPieces(file)) if (download.have.has(piece)) journal?.touched(piece)
      }
    })
  }

  /** Files that are skipped and not there are not made: what comes of them goes into the parts file. */
  async #keepSkippedApart(places: FilePlaces, { layout, download }: SelectionParts): Promise<void> {
    const { volume } = download
    const missing = async (files: readonly number[]): Promise<number[]> => {
      const sizes = await volume.sizes(files.map((file) => layout.paths[file]))
      return files.filter((_, i) => sizes[i] < 0)
    }
    const isCandidate = (file: number): boolean =>
      this.isSkipped(file) && !places.isInParts(file) && places.sharedPieces(file).length > 0
    const files = await missing(this.#stored().filter(isCandidate))
    await whileSuspended(download, sharedPieces(places, files), async () => {
      // One that a piece is on its way to is about to be made.
      const idle = files.filter((file) => !this.#isUnderWay(file, download))
      for (const file of await missing(idle)) places.setInParts(file, true)
    })
  }

  #isUnderWay(file: number, download: SelectionParts['download']): boolean {
    const { first, last } = this.#map.piecesOfFile(file)!
    for (let piece = first; piece <= last; piece++) if (download.isUnderWay(piece)) return true
    return false
  }

  async #removeParts(places: FilePlaces, { download, journal }: SelectionParts): Promise<void> {
    const { volume } = download
    const sizes = await volume.sizes(places.extraPaths)
    if (sizes.every((size) => size < 0)) return
    await journal?.forgetFile(this.#metainfo.files.length)
    await volume.remove(places.extraPaths)
  }
}

/** Throws TypeError for one that there is not: all that can be said of a choice before files are known. */
export function requirePriorities(priorities: FilePriorities): void {
  for (const [file, priority] of Object.entries(priorities)) requirePriority(file, priority)
}

function requirePriority(file: string, priority: FilePriority): void {
  if (!Object.hasOwn(PIECE_PRIORITY, priority))
    throw new TypeError(
      `Cannot set the priority of file ${file} to ${JSON.stringify(priority)}: expected skip, low, normal or high`,
    )
}

function sharedPieces(places: FilePlaces, files: readonly number[]): Set<number> {
  return new Set(files.flatMap((file) => places.sharedPieces(file)))
}

async function whileSuspended(
  download: SelectionParts['download'],
  pieces: ReadonlySet<number>,
  work: () => Promise<void>,
): Promise<void> {
  if (pieces.size === 0) return
  await Promise.all([...pieces].map((piece) => download.suspend(piece)))
  await work()
  for (const piece of pieces) download.resume(piece)
}
