// A volume: turns the engine's calls into operations and gives them to the least busy hands of its device.
import { dirname, resolve } from 'node:path'
import { totalLength } from '../file-spans.ts'
import type {
  CommitRequest,
  CommitResult,
  FileAttributes,
  FileSpan,
  FileState,
  Frame,
  JournalEntry,
  MovedRun,
  PathKind,
  RemovedTree,
  Slot,
  Volume,
} from '../platform.ts'
import { diskClosed, type DiskHands } from './disk-hands.ts'
import { BLOCK_BYTES, FRAME_BLOCKS, SLOT_BYTES } from './disk-memory.ts'
import type { DiskSync } from './disk-sync.ts'
import {
  packDigest,
  packEntry,
  packSpans,
  unpackDigest,
  type OperationArguments,
  type OperationKind,
  type OperationResult,
} from './disk-messages.ts'
import { fileStateLater } from './file-state.ts'
import { roomIn } from './room-in.ts'
import { type ExistingFolder, nearestExisting } from './nearest-existing.ts'
import { kindOf } from './path-kind.ts'
import { statLater } from './stat-later.ts'
import { isMissing, toStorageError } from './storage-error.ts'

/** What an operation that moves no data counts for when the least busy hands are looked for. */
const SMALL_BYTES = BLOCK_BYTES
const FEW_FILES = 64

/** Those who work for one device. */
export interface DeviceHands {
  /** That have begun to work. */
  readonly all: readonly DiskHands[]
  idlest(this: void): DiskHands
  /** Takes long, and must not keep others waiting. */
  readonly sync: DiskSync
}

/** Where a volume lies. */
export interface VolumePlace {
  readonly path: string
  /** What was there of the path when the volume was opened: names in it may be new, its own is not. */
  readonly existing: ExistingFolder
}

export class NodeVolume implements Volume {
  readonly device: object
  readonly fileSystem: string
  readonly #hands: DeviceHands
  readonly #place: VolumePlace
  readonly #isClosed: () => boolean
  readonly #underWay = new Set<Promise<unknown>>()
  /** Files whose names, and those of their folders, are safe. */
  readonly #syncedNames = new Set<string>()

  /** Who knows where files may be made. */
  readonly #told = new Set<DiskHands>()

  constructor(hands: DeviceHands, place: VolumePlace, isClosed: () => boolean) {
    this.device = hands
    this.fileSystem = String(place.existing.device)
    this.#hands = hands
    this.#place = place
    this.#isClosed = isClosed
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    const { slots, length, expected, spans, wantBlockDigests, journal } = request
    requireLength(spans, length)
    if (slots.length !== Math.ceil(length / SLOT_BYTES)) {
      throw new RangeError(`Cannot commit ${length} bytes from ${slots.length} slots`)
    }
    return this.#do(
      'commit',
      spans[0].path,
      length,
      slots,
      length,
      packDigest(expected),
      wantBlockDigests,
      packSpans(spans),
      packEntry(journal),
    )
  }

  async write(
    slot: Slot,
    offset: number,
    length: number,
    spans: readonly FileSpan[],
    journal?: JournalEntry,
  ): Promise<void> {
    requireLength(spans, length)
    if (offset < 0 || offset + length > SLOT_BYTES)
      throw new RangeError(`Cannot write ${length} bytes from ${offset} of a slot`)
    await this.#do('write', spans[0].path, length, slot, offset, packSpans(spans), packEntry(journal))
  }

  async hash(spans: readonly FileSpan[]): Promise<Uint8Array | null> {
    const digest = await this.#do('hash', spans[0].path, totalLength(spans), packSpans(spans))
    return digest === null ? null : unpackDigest(digest)
  }

  async read(spans: readonly FileSpan[], frame: Frame): Promise<void> {
    const length = totalLength(spans)
    if (length > FRAME_BLOCKS * BLOCK_BYTES) throw new RangeError(`Cannot read ${length} bytes into one frame`)
    await this.#do('read', spans[0].path, length, frame, packSpans(spans))
  }

  async sizes(paths: readonly string[]): Promise<readonly number[]> {
    // Few files are looked at without a thread of the disk: a fresh download need not wait for one to start.
    if (paths.length > FEW_FILES) return this.#do('sizes', paths[0], SMALL_BYTES, paths)
    const sizes: number[] = []
    for (const path of paths) sizes.push(await sizeOf(path))
    return sizes
  }

  async states(paths: readonly string[]): Promise<readonly (FileState | null)[]> {
    if (paths.length > FEW_FILES) return this.#do('states', paths[0], SMALL_BYTES, paths)
    const states: (FileState | null)[] = []
    for (const path of paths) states.push(await fileStateLater(path))
    return states
  }

  async sync(paths: readonly string[]): Promise<readonly FileState[]> {
    const fresh = paths.filter((path) => !this.#syncedNames.has(path))
    const states = await this.#sync(paths, this.#foldersOf(fresh))
    for (const path of fresh) this.#syncedNames.add(path)
    return states
  }

  room(): Promise<number | null> {
    return this.#track(nearestExisting(this.#place.path).then(({ folder }) => roomIn(folder)))
  }

  async taken(paths: readonly string[]): Promise<number> {
    return this.#do('taken', paths[0] ?? '', SMALL_BYTES, paths)
  }

  async ensureFiles(files: readonly { readonly path: string; readonly length: number }[]): Promise<void> {
    const packed = files.flatMap(({ path, length }) => [path, length])
    await this.#do('ensure', files[0]?.path ?? '', SMALL_BYTES, packed)
  }

  async reserve(path: string, offset: number, length: number): Promise<void> {
    await this.#do('reserve', path, length, path, offset, length)
  }

  async assemble(path: string, through: string, runs: readonly MovedRun[]): Promise<void> {
    const spans = runs.map(({ from }) => from)
    const offsets = runs.map(({ offset }) => offset)
    await this.#do('assemble', path, totalLength(spans), path, through, packSpans(spans), offsets)
  }

  kinds(paths: readonly string[]): Promise<readonly (PathKind | null)[]> {
    return this.#track(Promise.all(paths.map(kindOf)))
  }

  async rename(from: string, to: string): Promise<boolean> {
    await this.release(from)
    this.#syncedNames.clear()
    return this.#do('rename', to, SMALL_BYTES, from, to)
  }

  async syncFolders(folders: readonly string[]): Promise<void> {
    await this.#sync([], folders)
  }

  async copy(from: FileSpan, path: string, offset: number): Promise<void> {
    await this.#do('copy', path, from.length, packSpans([from]), path, offset)
  }

  async remove(paths: readonly string[]): Promise<void> {
    // No thread may hold one open: on some systems it would stay.
    await Promise.all(paths.map((path) => this.release(path)))
    for (const path of paths) this.#syncedNames.delete(path)
    await this.#do('remove', paths[0] ?? '', SMALL_BYTES, paths)
  }

  async removeTree(root: string, paths: readonly string[]): Promise<RemovedTree> {
    await this.release(root)
    for (const path of paths) this.#syncedNames.delete(path)
    return this.#do('removeTree', root, SMALL_BYTES, root, paths)
  }

  async applyAttributes(root: string, attributes: FileAttributes): Promise<void> {
    await this.#do('attributes', root, SMALL_BYTES, root, attributes)
  }

  async release(root: string): Promise<void> {
    await Promise.allSettled(this.#underWay)
    if (this.#isClosed()) return
    this.#told.clear()
    await Promise.all(this.#hands.all.map((hands) => hands.do('release', root, 0, root)))
  }

  /** The folders whose names may be as new as those of these files, the deepest first. */
  #foldersOf(files: readonly string[]): string[] {
    const folders = new Set<string>()
    for (const file of files) {
      for (let at = dirname(resolve(file)); !folders.has(at); at = dirname(at)) {
        folders.add(at)
        if (at === this.#place.existing.folder || dirname(at) === at) break
      }
    }
    return [...folders].toSorted((a, b) => b.length - a.length)
  }

  async #sync(files: readonly string[], folders: readonly string[]): Promise<readonly FileState[]> {
    if (this.#isClosed()) throw diskClosed(files[0] ?? folders[0] ?? '')
    return this.#track(this.#hands.sync.sync(files, folders))
  }

  async #do<Kind extends OperationKind>(
    kind: Kind,
    path: string,
    bytes: number,
    ...details: OperationArguments<Kind>
  ): Promise<OperationResult<Kind>> {
    if (this.#isClosed()) throw diskClosed(path)
    const hands = this.#hands.idlest()
    if (!this.#told.has(hands)) this.#tell(hands)
    return this.#track(hands.do(kind, path, bytes, ...details))
  }

  #tell(hands: DiskHands): void {
    this.#told.add(hands)
    const { path, existing } = this.#place
    // That it fails is told by the operation it goes before.
    this.#track(hands.do('expect', path, 0, path, existing.device)).catch(() => {})
  }

  async #track<Result>(answer: Promise<Result>): Promise<Result> {
    this.#underWay.add(answer)
    try {
      return await answer
    } finally {
      this.#underWay.delete(answer)
    }
  }
}

function requireLength(spans: readonly FileSpan[], length: number): void {
  if (length <= 0 || totalLength(spans) !== length) {
    throw new RangeError(`Cannot store ${length} bytes in spans of ${totalLength(spans)}`)
  }
}

/** -1 where there is no file. */
async function sizeOf(path: string): Promise<number> {
  try {
    const info = await statLater(path)
    return info.isFile() ? info.size : -1
  } catch (error) {
    if (isMissing(error)) return -1
    throw toStorageError(error, 'look at', path)
  }
}
