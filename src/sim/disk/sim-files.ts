// The files of one simulated device: names, folders, free space. They outlive the sessions that use them.
// Names are unsynced, too: a power cut undoes the last few creations, renames and removals, as journaling file systems do.
import type { Random } from '../../platform/platform.ts'
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import { SimFile } from './sim-file.ts'
import { simStorageError } from './sim-storage-error.ts'
import { storedLength, type ContentKind } from './stored-form.ts'

const LONGEST_NAME = 255

export interface SimFilesOptions {
  /** Bytes; space is given out in blocks of 16 KiB. Default: without end. */
  readonly capacityBytes?: number
  /** After this long a write is safe without having been synced. Default 30,000. */
  readonly writeBackMs?: number
}

/** A change of names that a power cut may undo. */
interface UnsyncedName {
  readonly timeUs: number
  /** The paths whose meaning has changed, and that were not synced since. */
  readonly paths: Set<string>
  /** Whose names they are; null: those of a folder or a link, or of a file that is no more. */
  readonly file: SimFile | null
  readonly undo: () => void
}

export class SimFiles {
  /** Bytes. What is stored already stays when it becomes less. */
  capacityBytes: number
  readonly #writeBackUs: number
  readonly #nowUs: () => number
  readonly #files = new Map<string, SimFile>()
  readonly #folders = new Set<string>(['/'])
  /** Symbolic links, and what they lead to. Nothing here follows them. */
  readonly #links = new Map<string, string>()
  #unsyncedNames: UnsyncedName[] = []

  constructor(nowUs: () => number, options: SimFilesOptions = {}) {
    this.#nowUs = nowUs
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
    this.#writeBackUs = (options.writeBackMs ?? 30_000) * 1000
  }

  /** Bytes that are taken, in whole blocks of 16 KiB. */
  get usedBytes(): number {
    let blocks = 0
    for (const file of this.#files.values()) blocks += file.blocksWritten
    return blocks * BLOCK_BYTES
  }

  /** Paths of all files, in the order of their making. */
  get paths(): string[] {
    return [...this.#files.keys()]
  }

  find(path: string): SimFile | null {
    return this.#files.get(path) ?? null
  }

  /** Whether there is a file, a folder or a link. */
  has(path: string): boolean {
    return this.#files.has(path) || this.#folders.has(path) || this.#links.has(path)
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path)
  }

  /** What the symbolic link leads to; null: it is none. */
  linkTarget(path: string): string | null {
    return this.#links.get(path) ?? null
  }

  /** Makes a symbolic link where nothing is. */
  makeLink(path: string, target: string): void {
    if (this.has(path)) return
    this.#makeFolders(parentOf(path), path)
    this.#links.set(path, target)
    this.#changed([path], () => this.#links.delete(path))
  }

  /** Removes the folder if it has nothing in it. Returns whether it is gone. */
  removeIfEmpty(folder: string): boolean {
    const isWithin = (path: string): boolean => isBelow(path, folder)
    const isEmpty = ![this.#files, this.#folders, this.#links].some((names) => [...names.keys()].some(isWithin))
    if (isEmpty) this.#folders.delete(folder)
    return isEmpty
  }

  /** The file at `path`, made empty, with its folders, where it is missing. Throws StorageError. */
  make(path: string, kind: ContentKind): SimFile {
    const there = this.#files.get(path)
    if (there) return there
    if (this.#folders.has(path)) throw simStorageError('not_a_file', 'write', path)
    this.#makeFolders(parentOf(path), path)
    const file = new SimFile(kind)
    this.#files.set(path, file)
    const undo = (): void => {
      if (this.#files.get(path) === file) this.#files.delete(path)
    }
    this.#changed([path], undo, file)
    return file
  }

  makeFolder(path: string): void {
    this.#makeFolders(path, path)
  }

  /**
   * Writes into a file that is there. A full device takes the blocks it has room for, then throws `disk_full`.
   * @param stored those of the `length` bytes that are kept (stored-form.ts)
   */
  write(path: string, file: SimFile, offset: number, length: number, stored: Uint8Array): void {
    const nowUs = this.#nowUs()
    file.sync(nowUs - this.#writeBackUs)
    const fits = this.#fitting(file, offset, length)
    if (fits > 0) file.write(offset, fits, stored.subarray(0, storedLength(file.kind, fits)), nowUs)
    if (fits < length) throw simStorageError('disk_full', 'write', path)
  }

  /** Takes the space of a part of a file: what is a hole becomes zeros. A full device throws `disk_full`. */
  reserve(path: string, file: SimFile, offset: number, length: number): void {
    const end = offset + length
    for (let at = offset; at < end;) {
      const next = Math.min(end, at - (at % BLOCK_BYTES) + BLOCK_BYTES)
      const isHole = at >= file.length || file.holesWithin(at, next - at) > 0
      if (isHole) this.write(path, file, at, next - at, new Uint8Array(storedLength(file.kind, next - at)))
      at = next
    }
    file.lengthen(end, this.#nowUs())
  }

  /** Adds to the end of a file that is kept byte by byte. */
  append(path: string, bytes: Uint8Array): void {
    const file = this.#files.get(path)
    if (!file) throw simStorageError('not_found', 'write', path)
    this.write(path, file, file.length, bytes.length, bytes)
  }

  lengthen(file: SimFile, length: number): void {
    file.lengthen(length, this.#nowUs())
  }

  /** Replaces what was at `to`. Throws `not_found`. */
  rename(from: string, to: string): void {
    const file = this.#files.get(from)
    if (!file) throw simStorageError('not_found', 'rename', from)
    const replaced = this.#files.get(to)
    this.#files.delete(from)
    this.#files.set(to, file)
    const undo = (): void => {
      // It has gone on from there, and that is safe.
      if (this.#files.get(to) !== file) return
      if (replaced) this.#files.set(to, replaced)
      else this.#files.delete(to)
      this.#files.set(from, file)
    }
    this.#changed([from, to], undo, file)
  }

  /** The same for a folder with all that is in it, where nothing is: at once or not at all. */
  renameFolder(from: string, to: string): void {
    this.#renameBelow(from, to)
    this.#changed([from, to], () => this.#renameBelow(to, from))
  }

  #renameBelow(from: string, to: string): void {
    const renamed = (path: string): string => to + path.slice(from.length)
    const isIn = (path: string): boolean => path === from || isBelow(path, from)
    for (const names of [this.#files, this.#links] as Map<string, unknown>[]) {
      for (const path of [...names.keys()].filter(isIn)) {
        const value = names.get(path)
        names.delete(path)
        names.set(renamed(path), value)
      }
    }
    for (const path of [...this.#folders].filter(isIn)) {
      this.#folders.delete(path)
      this.#folders.add(renamed(path))
    }
  }

  /** Removes the file or the folder with all that is in it. */
  remove(path: string): void {
    for (const [each, file] of this.#files) {
      if (each !== path && !isBelow(each, path)) continue
      this.#files.delete(each)
      this.#changed([each], () => this.#files.set(each, file))
    }
    for (const [each, target] of this.#links) {
      if (each !== path && !isBelow(each, path)) continue
      this.#links.delete(each)
      this.#changed([each], () => this.#links.set(each, target))
    }
    for (const folder of this.#folders) if (folder === path || isBelow(folder, path)) this.#folders.delete(folder)
  }

  /** A file: its content and its being there are safe now. A folder: the names of what lies directly in it. */
  sync(path: string): void {
    const file = this.#files.get(path) ?? null
    file?.sync()
    // With the removal of a folder that of all that was in it is safe.
    const isGone = (each: string): boolean => isBelow(each, path) && !this.#folders.has(parentOf(each))
    const isSafe = (each: string): boolean => each === path || parentOf(each) === path || isGone(each)
    for (const { paths } of this.#unsyncedNames) for (const each of paths) if (isSafe(each)) paths.delete(each)
    this.#unsyncedNames = this.#unsyncedNames.filter((name) => name.paths.size > 0 && (!file || name.file !== file))
  }

  /** What is not safe gets lost, wholly, partly or not at all. */
  powerCut(random: Random): void {
    const writtenBackUs = this.#nowUs() - this.#writeBackUs
    const names = this.#unsyncedNames.filter(({ timeUs }) => timeUs > writtenBackUs)
    const surviving = random.below(names.length + 1)
    for (const { undo } of names.slice(surviving).toReversed()) undo()
    this.#unsyncedNames = []
    for (const file of this.#files.values()) {
      file.sync(writtenBackUs)
      file.powerCut(random)
    }
  }

  /** How many of the bytes there is room for. */
  #fitting(file: SimFile, offset: number, length: number): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return length
    const freeBlocks = Math.floor((this.capacityBytes - this.usedBytes) / BLOCK_BYTES)
    if (file.holesWithin(offset, length) <= freeBlocks) return length
    let fits = 0
    while (fits < length) {
      const next = Math.min(length, fits + BLOCK_BYTES - ((offset + fits) % BLOCK_BYTES))
      if (file.holesWithin(offset, next) > freeBlocks) return fits
      fits = next
    }
    return fits
  }

  #makeFolders(folder: string, forPath: string): void {
    const missing: string[] = []
    for (let at = folder; !this.#folders.has(at); at = parentOf(at)) {
      if (this.#files.has(at)) throw simStorageError('not_a_file', 'write', forPath)
      missing.push(at)
    }
    for (const name of forPath.split('/')) {
      if (name.length > LONGEST_NAME) throw simStorageError('name_too_long', 'write', forPath)
    }
    for (const path of missing.toReversed()) this.#folders.add(path)
  }

  #changed(paths: readonly string[], undo: () => void, file: SimFile | null = null): void {
    const timeUs = this.#nowUs()
    this.#unsyncedNames = this.#unsyncedNames.filter((name) => name.timeUs > timeUs - this.#writeBackUs)
    this.#unsyncedNames.push({ timeUs, paths: new Set(paths), file, undo })
  }
}

/** Whether `path` lies in the folder, however deep. */
export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}
