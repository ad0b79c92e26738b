// What the engine asks of a simulated device: the same checks, answers and errors as the real disk, when their time has come.
import { sliceSpans, totalLength } from '../../platform/file-spans.ts'
import { equalBytes } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'
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
} from '../../platform/platform.ts'
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import type { BlockMemory } from './block-memory.ts'
import type { SimDevice } from './sim-device.ts'
import { isBelow, parentOf } from './sim-files.ts'
import type { SimFile } from './sim-file.ts'
import { simStorageError } from './sim-storage-error.ts'
import { storedBlockBytes, storedLength, storedOffset, type ContentKind } from './stored-form.ts'

const DIGEST_BYTES = 20

/** What a volume needs of the disk that it belongs to. */
export interface VolumeOwner {
  readonly kind: ContentKind
  readonly slotBytes: number
  readonly frameBlocks: number
  readonly memory: BlockMemory
  /** The files that this run of the session has written to, by path. */
  readonly openFiles: Map<string, SimFile>
  readonly isClosed: boolean
  /** The device that holds `path`: a journal may be on another one than the content. */
  device(path: string): SimDevice
  /** Does the work when the device has come to it, and answers with its result or with what it throws. */
  do<Result>(device: SimDevice, path: string, bytes: number, work: () => Result): Promise<Result>
  /** Answers without any work. */
  answer<Result>(result: Result): Promise<Result>
  refuse(error: Error): Promise<never>
}

export class SimVolume implements Volume {
  readonly device: SimDevice
  readonly fileSystem: string
  readonly #disk: VolumeOwner

  constructor(device: SimDevice, disk: VolumeOwner) {
    this.device = device
    this.fileSystem = device.fileSystem
    this.#disk = disk
  }

  commit(request: CommitRequest): Promise<CommitResult> {
    const { slots, length, spans } = request
    if (slots.length !== Math.ceil(length / this.#disk.slotBytes)) {
      return this.#refuse(`Cannot commit ${length} bytes from ${slots.length} slots`)
    }
    if (length <= 0 || totalLength(spans) !== length) return this.#refuseLength(length, spans)
    return this.#do(spans[0].path, length, () => this.#commit(request))
  }

  write(slot: Slot, offset: number, length: number, spans: readonly FileSpan[], journal?: JournalEntry): Promise<void> {
    if (length <= 0 || totalLength(spans) !== length) return this.#refuseLength(length, spans)
    if (offset < 0 || offset + length > this.#disk.slotBytes) {
      return this.#refuse(`Cannot write ${length} bytes from ${offset} of a slot`)
    }
    return this.#do(spans[0].path, length, () => {
      this.#store(spans, this.#disk.memory.inSlot(slot, offset, length))
      this.#append(journal)
    })
  }

  hash(spans: readonly FileSpan[]): Promise<Uint8Array | null> {
    const length = totalLength(spans)
    return this.#do(spans[0].path, length, () => {
      const stored = new Uint8Array(storedLength(this.#disk.kind, length))
      return this.#load(spans, stored) === null ? sha1(stored) : null
    })
  }

  read(spans: readonly FileSpan[], frame: Frame): Promise<void> {
    const length = totalLength(spans)
    if (length > this.#disk.frameBlocks * BLOCK_BYTES) return this.#refuse(`Cannot read ${length} bytes into one frame`)
    return this.#do(spans[0].path, length, () => {
      const stored = new Uint8Array(storedLength(this.#disk.kind, length))
      this.#requireLoaded(spans, stored)
      this.#disk.memory.putIntoFrame(frame, 0, stored)
      for (let block = 0; block * BLOCK_BYTES < length; block++) {
        const change = this.device.nextBlockChange()
        if (change > 0) this.#disk.memory.alterBlock(frame, block, change)
      }
    })
  }

  sizes(paths: readonly string[]): Promise<readonly number[]> {
    return this.#do(paths[0] ?? '', 0, () =>
      paths.map((path) => (this.device.isUnplugged ? -1 : (this.device.files.find(path)?.length ?? -1))),
    )
  }

  states(paths: readonly string[]): Promise<readonly (FileState | null)[]> {
    return this.#do(paths[0] ?? '', 0, () => paths.map((path) => stateOn(this.device, path)))
  }

  room(): Promise<number | null> {
    return this.#do('', 0, () => Math.max(0, this.device.files.capacityBytes - this.device.files.usedBytes))
  }

  taken(paths: readonly string[]): Promise<number> {
    return this.#do(paths[0] ?? '', 0, () => paths.reduce((bytes, path) => bytes + this.#takenBy(path), 0))
  }

  sync(paths: readonly string[]): Promise<readonly FileState[]> {
    return this.#do(paths[0] ?? '', 0, () => {
      for (const path of paths) this.device.requireWritable(path)
      return paths.map((path) => {
        const state = stateOn(this.device, path)
        if (!state) throw simStorageError('not_found', 'sync', path)
        this.device.files.sync(path)
        return state
      })
    })
  }

  ensureFiles(files: readonly { readonly path: string; readonly length: number }[]): Promise<void> {
    return this.#do(files[0]?.path ?? '', 0, () => {
      for (const { path, length } of files) this.#ensure(path, length)
    })
  }

  assemble(path: string, through: string, runs: readonly MovedRun[]): Promise<void> {
    const bytes = totalLength(runs.map(({ from }) => from))
    return this.#do(path, bytes, () => this.#assemble(path, through, runs))
  }

  kinds(paths: readonly string[]): Promise<readonly (PathKind | null)[]> {
    return this.#do(paths[0] ?? '', 0, () => paths.map((path) => this.#kindOf(path)))
  }

  rename(from: string, to: string): Promise<boolean> {
    return this.#do(to, 0, () => this.#rename(from, to))
  }

  syncFolders(folders: readonly string[]): Promise<void> {
    return this.#do(folders[0] ?? '', 0, () => {
      for (const folder of folders) {
        this.device.requireWritable(folder)
        this.device.files.sync(folder)
      }
    })
  }

  copy(from: FileSpan, path: string, offset: number): Promise<void> {
    return this.#do(path, from.length, () => {
      const stored = new Uint8Array(storedLength(this.#disk.kind, from.length))
      const source = new SimVolume(this.#disk.device(from.path), this.#disk)
      source.#requireLoaded([from], stored)
      const file = this.#openForWriting(path)
      if (stored.some((byte) => byte > 0)) this.#store([{ path, offset, length: from.length }], stored)
      else this.device.files.lengthen(file, offset)
    })
  }

  remove(paths: readonly string[]): Promise<void> {
    return this.#do(paths[0] ?? '', 0, () => {
      for (const path of paths) this.#remove(path)
    })
  }

  reserve(path: string, offset: number, length: number): Promise<void> {
    return this.#do(path, length, () => this.device.files.reserve(path, this.#openForWriting(path), offset, length))
  }

  removeTree(root: string, paths: readonly string[]): Promise<RemovedTree> {
    return this.#do(root, 0, () => this.#removeTree(root, paths))
  }

  applyAttributes(root: string, { executables, links }: FileAttributes): Promise<void> {
    return this.#do(root, 0, () => {
      const { files } = this.device
      this.device.requireWritable(root)
      for (const path of executables) {
        const file = this.#isReached(root, path) ? files.find(path) : null
        if (file) file.isExecutable = true
      }
      for (const { path, target } of links) if (this.#isReached(root, path)) files.makeLink(path, target)
    })
  }

  release(root: string): Promise<void> {
    if (this.#disk.isClosed) return this.#disk.answer(undefined)
    return this.#do(root, 0, () => {
      const { openFiles } = this.#disk
      for (const path of openFiles.keys()) if (path === root || isBelow(path, root)) openFiles.delete(path)
    })
  }

  #commit({ slots, length, expected, spans, wantBlockDigests, journal }: CommitRequest): CommitResult {
    const { kind, slotBytes, memory } = this.#disk
    const piece = new Uint8Array(storedLength(kind, length))
    for (const [i, slot] of slots.entries()) {
      const begin = i * slotBytes
      const extentLength = Math.min(slotBytes, length - begin)
      const at = storedOffset(kind, begin)
      if (slot >= 0) piece.set(memory.inSlot(slot, 0, extentLength), at)
      else {
        const target = piece.subarray(at, at + storedLength(kind, extentLength))
        this.#requireLoaded(sliceSpans(spans, begin, extentLength), target)
      }
    }
    const isGood = equalBytes(sha1(piece), expected)
    const blockDigests = isGood && !wantBlockDigests ? null : digestBlocks(kind, piece)
    if (!isGood) return { result: 'corrupt', blockDigests }
    // What was spilled is in its place already.
    for (let from = 0; from < slots.length;) {
      let to = from + 1
      while (to < slots.length && slots[to] < 0 === slots[from] < 0) to++
      const begin = from * slotBytes
      const runLength = Math.min(to * slotBytes, length) - begin
      const at = storedOffset(kind, begin)
      if (slots[from] >= 0) {
        this.#store(sliceSpans(spans, begin, runLength), piece.subarray(at, at + storedLength(kind, runLength)))
      }
      from = to
    }
    this.#append(journal)
    return { result: 'stored', blockDigests }
  }

  #append(journal: JournalEntry | undefined): void {
    if (!journal) return
    const device = this.#disk.device(journal.path)
    device.requireWritable(journal.path)
    device.files.append(journal.path, journal.record)
  }

  /** Writes stored bytes to where they belong. */
  #store(spans: readonly FileSpan[], stored: Uint8Array): void {
    let at = 0
    for (const { path, offset, length } of spans) {
      const end = at + storedLength(this.#disk.kind, length)
      if (path !== '') {
        const file = this.#openForWriting(path)
        this.device.files.write(path, file, offset, length, stored.subarray(at, end))
      }
      at = end
    }
  }

  /** Fills `target` with what is stored of the spans; returns the first that is missing or too short, or null. */
  #load(spans: readonly FileSpan[], target: Uint8Array): FileSpan | null {
    const { kind } = this.#disk
    let at = 0
    for (const span of spans) {
      const end = at + storedLength(kind, span.length)
      if (span.path !== '') {
        this.device.requireReadable(span.path)
        const file = this.device.isUnplugged ? null : this.device.files.find(span.path)
        if (!file || span.offset + span.length > file.length) return span
        this.#requireKind(file, span.path)
        file.read(storedOffset(kind, span.offset), target.subarray(at, end))
      }
      at = end
    }
    return null
  }

  #requireLoaded(spans: readonly FileSpan[], target: Uint8Array): void {
    const missing = this.#load(spans, target)
    if (!missing) return
    const isThere = stateOn(this.device, missing.path) !== null
    throw simStorageError(isThere ? 'truncated' : 'not_found', 'read', missing.path)
  }

  #ensure(path: string, length: number): void {
    const there = this.device.isUnplugged ? null : this.device.files.find(path)
    if (there && there.length >= length) return
    if (!there) this.#disk.openFiles.delete(path)
    this.device.files.lengthen(this.#openForWriting(path), length)
  }

  #assemble(path: string, through: string, runs: readonly MovedRun[]): void {
    const { files } = this.device
    const isThere = files.find(path) !== null
    const target = isThere ? path : through
    if (!isThere) this.#remove(through)
    let isMade = false
    for (const { from, offset } of runs) {
      const stored = new Uint8Array(storedLength(this.#disk.kind, from.length))
      if (this.#load([from], stored)) continue
      this.#store([{ path: target, offset, length: from.length }], stored)
      isMade = true
    }
    if (!isMade) return
    files.sync(target)
    if (isThere) return
    files.makeFolder(path.slice(0, Math.max(1, path.lastIndexOf('/'))))
    files.rename(through, path)
    this.#disk.openFiles.delete(through)
  }

  #takenBy(path: string): number {
    const file = this.device.isUnplugged ? null : this.device.files.find(path)
    return file ? file.blocksWritten * BLOCK_BYTES : 0
  }

  #kindOf(path: string): PathKind | null {
    const { files } = this.device
    if (this.device.isUnplugged || !files.has(path)) return null
    if (files.isFolder(path)) return 'folder'
    return files.linkTarget(path) === null ? 'file' : 'link'
  }

  #rename(from: string, to: string): boolean {
    this.device.requireWritable(from)
    const { files } = this.device
    const { openFiles } = this.#disk
    if (this.#disk.device(to) !== this.device) return false
    if (files.has(to)) throw simStorageError('exists', 'rename', to)
    if (!files.has(from)) throw simStorageError('not_found', 'rename', from)
    files.makeFolder(parentOf(to))
    for (const path of openFiles.keys()) if (path === from || isBelow(path, from)) openFiles.delete(path)
    if (files.isFolder(from)) files.renameFolder(from, to)
    else files.rename(from, to)
    return true
  }

  #remove(path: string): void {
    this.device.requireWritable(path)
    this.#disk.openFiles.delete(path)
    if (this.device.files.find(path)) this.device.files.remove(path)
  }

  #removeTree(root: string, paths: readonly string[]): RemovedTree {
    const { files } = this.device
    this.device.requireWritable(root)
    const removed = { files: 0, bytes: 0, kept: [] as string[] }
    const folders = new Set<string>()
    for (const path of paths) {
      for (let at = path; at !== root; folders.add(at)) at = parentOf(at)
      if (!this.#isReached(root, path) || !files.has(path)) continue
      if (files.isFolder(path)) removed.kept.push(path)
      else {
        removed.files++
        removed.bytes += this.#takenBy(path)
        this.#disk.openFiles.delete(path)
        files.remove(path)
      }
    }
    for (const folder of [...folders].toSorted((a, b) => b.length - a.length)) {
      if (!this.#isReached(root, folder) || !files.has(folder)) continue
      if (!files.isFolder(folder) || !files.removeIfEmpty(folder)) removed.kept.push(folder)
    }
    return removed
  }

  /** Whether all that leads from the root to the path is folders, as far as it is there. */
  #isReached(root: string, path: string): boolean {
    for (let at = path; at !== root;) {
      at = parentOf(at)
      if (this.device.files.has(at) && !this.device.files.isFolder(at)) return false
    }
    return true
  }

  /** A file that was deleted or replaced since it was opened is `changed`, once. */
  #openForWriting(path: string): SimFile {
    this.device.requireWritable(path)
    const { openFiles, kind } = this.#disk
    const held = openFiles.get(path)
    if (held && this.device.files.find(path) !== held) {
      openFiles.delete(path)
      throw simStorageError('changed', 'write', path)
    }
    const file = held ?? this.device.files.make(path, kind)
    if (file.isReadOnly) throw simStorageError('permission_denied', 'write', path)
    this.#requireKind(file, path)
    openFiles.set(path, file)
    return file
  }

  #requireKind(file: SimFile, path: string): void {
    const { kind } = this.#disk
    if (file.kind !== kind) throw new RangeError(`Cannot use ${path} as ${kind}: it holds ${file.kind}`)
  }

  #do<Result>(path: string, bytes: number, work: () => Result): Promise<Result> {
    return this.#disk.do(this.device, path, bytes, work)
  }

  #refuse(message: string): Promise<never> {
    return this.#disk.refuse(new RangeError(message))
  }

  #refuseLength(length: number, spans: readonly FileSpan[]): Promise<never> {
    return this.#refuse(`Cannot store ${length} bytes in spans of ${totalLength(spans)}`)
  }
}

/** Null where there is no file. */
export function stateOn(device: SimDevice, path: string): FileState | null {
  const file = device.isUnplugged ? null : device.files.find(path)
  return file ? { size: file.length, mtimeNs: BigInt(file.changedUs) * 1000n } : null
}

/** The digest of a tag is the tag itself, with zeros after it. */
function digestBlocks(kind: ContentKind, piece: Uint8Array): Uint8Array {
  const blockBytes = storedBlockBytes(kind)
  const digests = new Uint8Array(DIGEST_BYTES * Math.ceil(piece.length / blockBytes))
  for (let block = 0; block * blockBytes < piece.length; block++) {
    const stored = piece.subarray(block * blockBytes, (block + 1) * blockBytes)
    digests.set(kind === 'tags' ? stored : sha1(stored), block * DIGEST_BYTES)
  }
  return digests
}
