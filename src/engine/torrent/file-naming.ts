// Gives files other names while the torrent runs: the real one when a file called NAME.part is complete, and those that somebody
// chooses. A name changes on disk and in the layout at once, for all who look: no sync and no write of the file is under way
// then, and a read that has come too late is repeated (`ReadSource.settled`).
import { StorageError } from '../../base/errors.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { ContentLayout } from '../storage/content-layout.ts'
import type { FileNames } from '../storage/file-names.ts'
import type { JournalKeeper } from '../storage/journal/journal-keeper.ts'
import type { SettingsKeeper } from '../storage/settings-keeper.ts'
import type { BlockSource, Download } from './download.ts'

export interface NamedParts {
  readonly layout: ContentLayout
  readonly settings: SettingsKeeper
  readonly journal: JournalKeeper | null
  readonly download: Pick<Download<BlockSource>, 'have' | 'volume' | 'suspend' | 'resume'>
}

export class FileNaming {
  readonly #map: PieceMap
  readonly #parts: NamedParts
  readonly #names: FileNames
  readonly #warn: (code: string, message: string) => void
  /** File called NAME.part -> how many of its pieces are missing. */
  readonly #missing = new Map<number, number>()
  /** Of these, those that lack none. */
  readonly #complete = new Set<number>()

  /**
   * What is on disk is known.
   * @param warn is told of a file that keeps its suffix, and why
   */
  constructor(map: PieceMap, parts: NamedParts, names: FileNames, warn: (code: string, message: string) => void) {
    this.#map = map
    this.#parts = parts
    this.#names = names
    this.#warn = warn
    for (const file of names.paths.keys()) {
      if (!names.isPart(file)) continue
      const missing = this.#countMissing(file)
      this.#missing.set(file, missing)
      if (missing === 0) this.#complete.add(file)
    }
  }

  #countMissing(file: number): number {
    const pieces = this.#map.piecesOfFile(file)
    if (!pieces) return 0
    let missing = 0
    for (let piece = pieces.first; piece <= pieces.last; piece++) if (!this.#parts.download.have.has(piece)) missing++
    return missing
  }

  /** A piece is verified and on disk. Returns whether that makes a file complete. */
  onStored(piece: number): boolean {
    if (this.#missing.size === 0) return false
    let isComplete = false
    for (const { file } of this.#map.filesOf(piece, 0, this.#map.pieceLength(piece))) {
      const missing = this.#missing.get(file)
      if (missing === undefined) continue
      this.#missing.set(file, missing - 1)
      if (missing > 1) continue
      this.#complete.add(file)
      isComplete = true
    }
    return isComplete
  }

  /** Complete files get their names. Never rejects. */
  async settle(): Promise<void> {
    const { places } = this.#parts.layout
    for (const file of this.#complete) {
      if (places?.isInParts(file)) continue
      this.#complete.delete(file)
      this.#missing.delete(file)
      await this.#giveName(file)
    }
  }

  async #giveName(file: number): Promise<void> {
    const from = this.#names.paths[file]
    const to = this.#names.fullPath(file)
    try {
      if (!(await this.#isThere(from))) return this.#names.setComplete(file)
      await this.#change(from, to, () => this.#names.setComplete(file))
    } catch (error) {
      this.#warn('name_not_given', `${(error as Error).message}; the file is complete, and stays ${from}`)
    }
  }

  /**
   * Remembers the name first, so that whatever happens the file is found again. Not twice at a time.
   * Rejects with StorageError, and then all is as it was: `exists` when something has the name, on disk or in the torrent.
   * @param name elements below the torrent's folder, cleaned
   */
  async rename(file: number, name: readonly string[]): Promise<void> {
    const { settings, layout, download } = this.#parts
    const before = this.#names.name(file)
    this.#names.requireFree(file, name)
    const [from, to] = [this.#names.paths[file], this.#names.pathWith(file, name)]
    if (from === to) return
    const { names } = settings.current
    const isSaved = await settings.save({ names: new Map(names).set(file, name), renaming: { file, from: before } })
    const pieces = this.#missingPieces(file)
    try {
      if (!isSaved) throw notRemembered(from)
      await Promise.all(pieces.map((piece) => download.suspend(piece)))
      const setName = (): void => this.#names.setName(file, name)
      if (await this.#isThere(from)) await this.#change(from, to, setName)
      else setName()
    } catch (error) {
      await settings.save({ names, renaming: null })
      throw error
    } finally {
      for (const piece of pieces) download.resume(piece)
    }
    await this.#tidyUp(layout.root, from, to)
  }

  /** Until the new name is safe, both are remembered. Whatever fails here can wait for the next start. */
  async #tidyUp(root: string, from: string, to: string): Promise<void> {
    const { settings, download } = this.#parts
    const { volume } = download
    const folders = new Set([root, ...foldersOf(root, from), ...foldersOf(root, to)])
    try {
      const all = [...folders].toSorted((a, b) => b.length - a.length)
      const kinds = await volume.kinds(all)
      await volume.syncFolders(all.filter((_, i) => kinds[i] === 'folder'))
    } catch (error) {
      return this.#warn('name_not_safe', (error as Error).message)
    }
    await settings.save({ renaming: null })
    // The old folder may be empty now. Where the system knows no case, the old name may still be the file's.
    if (!(await this.#isThere(from).catch(() => true))) await volume.removeTree(root, [from]).catch(() => {})
  }

  #missingPieces(file: number): number[] {
    const pieces = this.#map.piecesOfFile(file)
    if (!pieces) return []
    const all = Array.from({ length: pieces.last - pieces.first + 1 }, (_, i) => pieces.first + i)
    return all.filter((piece) => !this.#parts.download.have.has(piece))
  }

  async #isThere(path: string): Promise<boolean> {
    const [kind] = await this.#parts.download.volume.kinds([path])
    return kind !== null
  }

  /** On disk, and then at once in the layout. */
  async #change(from: string, to: string, apply: () => void): Promise<void> {
    const { journal, download } = this.#parts
    const change = async (): Promise<void> => {
      if (!(await download.volume.rename(from, to))) throw otherFileSystem(from, to)
      apply()
    }
    await this.#names.whileChanging(() => (journal ? journal.apart(change) : change()))
  }
}

/** The folders between the root and the file. */
function foldersOf(root: string, path: string): string[] {
  const folders: string[] = []
  for (let at = path.lastIndexOf('/'); at > root.length; at = path.lastIndexOf('/', at - 1))
    folders.push(path.slice(0, at))
  return folders
}

function otherFileSystem(from: string, to: string): StorageError {
  const message = `Cannot rename ${from} to ${to}: that folder is on another file system; choose a name in the same folder`
  return new StorageError('other_file_system', message, to)
}

function notRemembered(path: string): StorageError {
  return new StorageError('io_error', `Cannot rename ${path}: the new name could not be remembered`, path)
}
