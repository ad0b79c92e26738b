// What the files of a torrent are called on disk: as the torrent says, or as somebody has renamed them; and NAME.part, if that is
// wanted, as long as they are not complete. Whichever of the two is there counts, whatever is wanted now; where both are, that is
// NAME, and NAME.part is left alone: nobody's file is replaced.
import { encodeUtf8, toHex } from '../../base/bytes.ts'
import { FormatError, StorageError } from '../../base/errors.ts'
import type { Volume } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { clashingPath } from '../../protocol/metainfo/new-path.ts'
import { foldName } from '../../protocol/metainfo/saved-paths.ts'

export type NewNames = ReadonlyMap<number, readonly string[]>

export const PART_SUFFIX = '.part'
/** UTF-8 bytes: beyond, no file system has room for the suffix. */
const MAX_NAME_BYTES = 255

export class FileNames {
  /** Where each file is just now, or will be made; by the torrent's index, empty for pad files. */
  readonly paths: string[]
  readonly #metainfo: Metainfo
  readonly #root: string
  /** Elements below the root. */
  readonly #names: (readonly string[])[]
  /** Folded paths of files whose own name looks like that of an incomplete one. */
  readonly #lookAlikes: ReadonlySet<string>
  #changing: Promise<void> = Promise.resolve()

  /** @param newNames elements below the torrent's folder; a torrent of one file has its name in `root` */
  constructor(metainfo: Metainfo, root: string, newNames: NewNames = new Map()) {
    this.#metainfo = metainfo
    this.#root = root
    this.#names = metainfo.files.map((file, i) =>
      metainfo.isSingleFile ? [] : (newNames.get(i) ?? file.savedAs.slice(1)),
    )
    this.#lookAlikes = new Set(
      this.#names.flatMap((path) =>
        path.at(-1)?.toLowerCase().endsWith(PART_SUFFIX) ? [foldName(path.join('/'))] : [],
      ),
    )
    this.paths = metainfo.files.map((file, i) => (file.isPad ? '' : this.fullPath(i)))
  }

  /** Elements below the root; none for the one file of a torrent. */
  name(file: number): readonly string[] {
    return this.#names[file]
  }

  /** Where the file is when it is complete. */
  fullPath(file: number): string {
    return this.pathOfName(this.#names[file])
  }

  /** Where the file would be with another name, complete or not as it is. */
  pathWith(file: number, name: readonly string[]): string {
    return (this.isPart(file) ? this.#partPath(name) : null) ?? this.pathOfName(name)
  }

  /** Of a complete file with this name. */
  pathOfName(name: readonly string[]): string {
    return [this.#root, ...name].join('/')
  }

  /** Resolves when no file is about to get another name. */
  async settled(): Promise<void> {
    await this.#changing
  }

  /** What is done meanwhile changes a name, here and on disk. */
  async whileChanging(change: () => Promise<void>): Promise<void> {
    const changing = change()
    this.#changing = changing.catch(() => {})
    await changing
  }

  /** Whether it is called NAME.part. */
  isPart(file: number): boolean {
    return this.paths[file] !== '' && this.paths[file] !== this.fullPath(file)
  }

  /** The file is complete, and has its name. */
  setComplete(file: number): void {
    this.paths[file] = this.fullPath(file)
  }

  /** The file has another name, with the suffix if it had one. */
  setName(file: number, name: readonly string[]): void {
    this.paths[file] = this.pathWith(file, name)
    this.#names[file] = name
  }

  /** Looks what files are called. @param usesParts what is not there is to be begun as NAME.part */
  async find(volume: Volume, usesParts: boolean): Promise<void> {
    const files = this.#named()
    const sizes = await volume.sizes(files.map((file) => this.fullPath(file)))
    const missing = files.filter((file, i) => sizes[i] < 0 && this.#partPath(this.#names[file]) !== null)
    const partSizes = await volume.sizes(missing.map((file) => this.#partPath(this.#names[file])!))
    for (const [i, file] of missing.entries()) {
      if (usesParts || partSizes[i] >= 0) this.paths[file] = this.#partPath(this.#names[file])!
    }
  }

  /**
   * A name that the file can have, beside the others of the torrent. Throws StorageError `exists` for one that another has, on
   * some file system, and FormatError `bad_name` for one that is kept for the torrent's own use.
   */
  requireFree(file: number, name: readonly string[]): void {
    const { infohashV1, infohashV2, files } = this.#metainfo
    if (name[0].toLowerCase().startsWith(`.${toHex(infohashV1 ?? infohashV2!)}`))
      throw new FormatError(
        'bad_name',
        `Cannot use the name ${JSON.stringify(name[0])}: such names are the program's own`,
      )
    const others = this.#names.filter((_, i) => i !== file && !files[i].isPad)
    if (clashingPath([...others, name]) === null) return
    const path = [this.#root, ...name].join('/')
    throw new StorageError(
      'exists',
      `Cannot rename file ${file} to ${name.join('/')}: another file of the torrent is there`,
      path,
    )
  }

  /** Files that can be incomplete: with content of their own. */
  #named(): number[] {
    return [...this.#metainfo.files.entries()]
      .filter(([, { isPad, symlinkTarget, length }]) => !isPad && symlinkTarget === null && length > 0)
      .map(([file]) => file)
  }

  /** Null where there can be none. */
  #partPath(name: readonly string[]): string | null {
    const path = `${this.pathOfName(name)}${PART_SUFFIX}`
    const last = path.slice(path.lastIndexOf('/') + 1)
    if (encodeUtf8(last).length > MAX_NAME_BYTES) return null
    const isTaken = this.#lookAlikes.size > 0 && this.#lookAlikes.has(foldName(`${name.join('/')}${PART_SUFFIX}`))
    return isTaken ? null : path
  }
}
