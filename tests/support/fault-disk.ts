// The real disk with faults put in front of it: below chosen folders its operations hang or fail until the folder is repaired.
import { sep } from 'node:path'
import { StorageError } from '../../src/base/errors.ts'
import type {
  CommitRequest,
  Disk,
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
} from '../../src/platform/platform.ts'

/** `hang`: no answer before the fault is taken away. Else a StorageError with this code. */
export type Fault = 'hang' | 'disk_full' | 'io_error'

/** An operation that hangs. */
interface Waiter {
  readonly path: string
  readonly go: () => void
  readonly fail: (error: StorageError) => void
}

export class FaultDisk implements Disk {
  readonly #disk: Disk
  readonly #faults = new Map<string, Fault>()
  readonly #waiting = new Set<Waiter>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** From now on, reading and writing below `folder` meets this fault. */
  break(folder: string, fault: Fault): void {
    this.#faults.set(folder, fault)
  }

  /** The folder works again; what hung goes on. */
  repair(folder: string): void {
    this.#faults.delete(folder)
    for (const waiter of this.#waiting) {
      if (!isBelow(waiter.path, folder)) continue
      this.#waiting.delete(waiter)
      waiter.go()
    }
  }

  /** Operations that hang at this moment. */
  get hanging(): number {
    return this.#waiting.size
  }

  async openVolume(path: string): Promise<Volume> {
    return new FaultVolume(await this.#disk.openVolume(path), (spans) => this.#pass(spans))
  }

  /** As with a drive that hangs: what waits for it gets no better answer than that the disk is closed. */
  async close(): Promise<void> {
    for (const waiter of this.#waiting) waiter.fail(new StorageError('disk_closed', 'The disk is closed', waiter.path))
    this.#waiting.clear()
    await this.#disk.close()
  }

  async #pass(spans: readonly FileSpan[]): Promise<void> {
    const [folder, fault] = [...this.#faults].find(([folder]) => isBelow(spans[0]?.path ?? '', folder)) ?? []
    if (!folder || !fault) return
    const { path } = spans[0]
    if (fault !== 'hang') throw new StorageError(fault, `Cannot write ${path}: ${fault}`, path)
    await new Promise<void>((go, fail) => this.#waiting.add({ path, go, fail }))
  }

  // What does not touch files is the real disk's.

  get memoryBudget(): number {
    return this.#disk.memoryBudget
  }
  get slotBytes(): number {
    return this.#disk.slotBytes
  }
  get slotCount(): number {
    return this.#disk.slotCount
  }
  get freeSlots(): number {
    return this.#disk.freeSlots
  }
  takeSlot(): Slot {
    return this.#disk.takeSlot()
  }
  returnSlot(slot: Slot): void {
    this.#disk.returnSlot(slot)
  }
  fillSlot(slot: Slot, offset: number, bytes: Uint8Array): void {
    this.#disk.fillSlot(slot, offset, bytes)
  }
  get frameBlocks(): number {
    return this.#disk.frameBlocks
  }
  get frameCount(): number {
    return this.#disk.frameCount
  }
  get freeFrames(): number {
    return this.#disk.freeFrames
  }
  takeFrame(): Frame {
    return this.#disk.takeFrame()
  }
  returnFrame(frame: Frame): void {
    this.#disk.returnFrame(frame)
  }
  frameMemory(frame: Frame): Uint8Array {
    return this.#disk.frameMemory(frame)
  }
}

class FaultVolume implements Volume {
  /** Each torrent has a drive of its own, that can fail alone. */
  readonly device = {}
  readonly fileSystem: string
  readonly #volume: Volume
  readonly #pass: (spans: readonly FileSpan[]) => Promise<void>

  constructor(volume: Volume, pass: (spans: readonly FileSpan[]) => Promise<void>) {
    this.fileSystem = volume.fileSystem
    this.#volume = volume
    this.#pass = pass
  }

  async commit(request: CommitRequest): ReturnType<Volume['commit']> {
    await this.#pass(request.spans)
    return this.#volume.commit(request)
  }
  async write(
    slot: Slot,
    offset: number,
    length: number,
    spans: readonly FileSpan[],
    journal?: JournalEntry,
  ): Promise<void> {
    await this.#pass(spans)
    return this.#volume.write(slot, offset, length, spans, journal)
  }
  async hash(spans: readonly FileSpan[]): Promise<Uint8Array | null> {
    await this.#pass(spans)
    return this.#volume.hash(spans)
  }
  async read(spans: readonly FileSpan[], frame: Frame): Promise<void> {
    await this.#pass(spans)
    return this.#volume.read(spans, frame)
  }
  sizes(paths: readonly string[]): Promise<readonly number[]> {
    return this.#volume.sizes(paths)
  }
  states(paths: readonly string[]): Promise<readonly (FileState | null)[]> {
    return this.#volume.states(paths)
  }
  room(): Promise<number | null> {
    return this.#volume.room()
  }
  taken(paths: readonly string[]): Promise<number> {
    return this.#volume.taken(paths)
  }
  async sync(paths: readonly string[]): Promise<readonly FileState[]> {
    await this.#pass(paths.map((path) => ({ path, offset: 0, length: 1 })))
    return this.#volume.sync(paths)
  }
  ensureFiles(files: readonly { readonly path: string; readonly length: number }[]): Promise<void> {
    return this.#volume.ensureFiles(files)
  }
  assemble(path: string, through: string, runs: readonly MovedRun[]): Promise<void> {
    return this.#volume.assemble(path, through, runs)
  }
  remove(paths: readonly string[]): Promise<void> {
    return this.#volume.remove(paths)
  }
  async reserve(path: string, offset: number, length: number): Promise<void> {
    await this.#pass([{ path, offset, length }])
    return this.#volume.reserve(path, offset, length)
  }
  kinds(paths: readonly string[]): Promise<readonly (PathKind | null)[]> {
    return this.#volume.kinds(paths)
  }
  rename(from: string, to: string): Promise<boolean> {
    return this.#volume.rename(from, to)
  }
  syncFolders(folders: readonly string[]): Promise<void> {
    return this.#volume.syncFolders(folders)
  }
  async copy(from: FileSpan, path: string, offset: number): Promise<void> {
    await this.#pass([{ path, offset, length: from.length }])
    await this.#volume.copy(from, path, offset)
  }
  removeTree(root: string, paths: readonly string[]): Promise<RemovedTree> {
    return this.#volume.removeTree(root, paths)
  }
  applyAttributes(root: string, attributes: FileAttributes): Promise<void> {
    return this.#volume.applyAttributes(root, attributes)
  }
  release(root: string): Promise<void> {
    return this.#volume.release(root)
  }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep)
}
