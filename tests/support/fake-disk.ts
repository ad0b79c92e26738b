// A disk that is memory alone, and a strict one: it notices when a slot is filled that is not taken, or that the disk itself
// is at work on. Operations answer at once, or, while `isHeld`, when the test says so and in the order that it says.
import { createHash } from 'node:crypto'
import { StorageError } from '../../src/base/errors.ts'
import { sliceSpans, totalLength } from '../../src/platform/file-spans.ts'
import type {
  CommitRequest,
  CommitResult,
  Disk,
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

const BLOCK = 16_384
const FRAMED = 13 + BLOCK

export interface FakeDiskOptions {
  readonly slotCount?: number
  /** Default 2, so that a piece of 64 KiB has two slots. */
  readonly blocksPerSlot?: number
  readonly frameCount?: number
  readonly frameBlocks?: number
}

/** An operation that has not been answered. */
export interface HeldOperation {
  readonly kind: 'commit' | 'write' | 'hash' | 'read' | 'sync'
  readonly path: string
  /** Does it, and answers. */
  go(): void
  /** Answers with an error. */
  fail(error: Error): void
}

export class FakeDisk implements Disk {
  readonly slotBytes: number
  readonly slotCount: number
  readonly frameBlocks: number
  readonly frameCount: number
  readonly files = new Map<string, Uint8Array>()
  /** Of files that have been written, counted in writes. */
  readonly changeTimes = new Map<string, bigint>()
  /** Of those that move data, in the order in which they were asked for. */
  readonly operations: string[] = []
  readonly held: HeldOperation[] = []
  isHeld = false
  readonly #slots: Uint8Array[]
  readonly #freeSlots: number[]
  /** Slots that an operation reads, and how many do. */
  readonly #busySlots = new Map<Slot, number>()
  readonly #frames: Uint8Array[]
  readonly #freeFrames: number[]

  constructor({ slotCount = 16, blocksPerSlot = 2, frameCount = 4, frameBlocks = 32 }: FakeDiskOptions = {}) {
    this.slotCount = slotCount
    this.slotBytes = blocksPerSlot * BLOCK
    this.frameBlocks = frameBlocks
    this.frameCount = frameCount
    this.#slots = Array.from({ length: slotCount }, () => new Uint8Array(this.slotBytes))
    this.#freeSlots = Array.from({ length: slotCount }, (_, slot) => slot)
    this.#frames = Array.from({ length: frameCount }, () => new Uint8Array(frameBlocks * FRAMED))
    this.#freeFrames = Array.from({ length: frameCount }, (_, frame) => frame)
  }

  get memoryBudget(): number {
    return this.slotCount * this.slotBytes + this.frameCount * this.frameBlocks * FRAMED
  }

  get freeSlots(): number {
    return this.#freeSlots.length
  }

  takeSlot(): Slot {
    return this.#freeSlots.pop() ?? -1
  }

  returnSlot(slot: Slot): void {
    this.#requireMine(slot, 'returned')
    // What is returned is written over, so that nobody lives on what it left there.
    this.#slots[slot].fill(0xee)
    this.#freeSlots.push(slot)
  }

  fillSlot(slot: Slot, offset: number, bytes: Uint8Array): void {
    this.#requireMine(slot, 'filled')
    this.#slots[slot].set(bytes, offset)
  }

  get freeFrames(): number {
    return this.#freeFrames.length
  }

  takeFrame(): Frame {
    return this.#freeFrames.pop() ?? -1
  }

  returnFrame(frame: Frame): void {
    if (this.#freeFrames.includes(frame)) throw new Error(`Frame ${frame} is returned twice`)
    this.#frames[frame].fill(0xee)
    this.#freeFrames.push(frame)
  }

  frameMemory(frame: Frame): Uint8Array {
    return this.#frames[frame]
  }

  async openVolume(): Promise<Volume> {
    return this.volume()
  }

  volume(device: object = this): Volume {
    return new FakeVolume(this, device)
  }

  async close(): Promise<void> {}

  /** Writes a file, as if it had always been there. */
  put(path: string, content: Uint8Array): void {
    this.files.set(path, content.slice())
  }

  /** Answers one operation that is held. */
  go(index = 0): void {
    this.held.splice(index, 1)[0].go()
  }

  /** Answers all that are held now. */
  goAll(): void {
    for (const operation of this.held.splice(0)) operation.go()
  }

  // ---------------------------------------------------------------- for its volumes

  perform<Result>(
    kind: HeldOperation['kind'],
    spans: readonly FileSpan[],
    slots: readonly Slot[],
    work: () => Result,
  ): Promise<Result> {
    const { path } = spans[0]
    this.operations.push(`${kind} ${path}:${spans[0].offset} ${totalLength(spans)}`)
    for (const slot of slots) if (slot >= 0) this.#busySlots.set(slot, (this.#busySlots.get(slot) ?? 0) + 1)
    const settle = (): void => {
      for (const slot of slots) {
        if (slot < 0) continue
        const users = this.#busySlots.get(slot)! - 1
        if (users > 0) this.#busySlots.set(slot, users)
        else this.#busySlots.delete(slot)
      }
    }
    return new Promise((resolve, reject) => {
      const operation: HeldOperation = {
        kind,
        path,
        go: () => {
          settle()
          try {
            resolve(work())
          } catch (error) {
            reject(error as Error)
          }
        },
        fail: (error) => {
          settle()
          reject(error)
        },
      }
      if (this.isHeld) this.held.push(operation)
      else operation.go()
    })
  }

  slotMemory(slot: Slot): Uint8Array {
    return this.#slots[slot]
  }

  #requireMine(slot: Slot, what: string): void {
    if (slot < 0 || this.#freeSlots.includes(slot)) throw new Error(`Slot ${slot} is ${what} but not taken`)
    if (this.#busySlots.has(slot)) throw new Error(`Slot ${slot} is ${what} while the disk is at work on it`)
  }
}

class FakeVolume implements Volume {
  readonly device: object
  readonly fileSystem = 'memory'
  readonly #disk: FakeDisk

  constructor(disk: FakeDisk, device: object) {
    this.#disk = disk
    this.device = device
  }

  commit({ slots, length, expected, spans, wantBlockDigests, journal }: CommitRequest): Promise<CommitResult> {
    const { slotBytes } = this.#disk
    return this.#disk.perform('commit', spans, slots, () => {
      const piece = new Uint8Array(length)
      for (const [extent, slot] of slots.entries()) {
        const begin = extent * slotBytes
        const end = Math.min(length, begin + slotBytes)
        piece.set(
          slot < 0
            ? this.#read(sliceSpans(spans, begin, end - begin))
            : this.#disk.slotMemory(slot).subarray(0, end - begin),
          begin,
        )
      }
      const isRight = Buffer.compare(sha1(piece), expected) === 0
      if (isRight) this.#write(piece, spans)
      if (isRight) this.#append(journal)
      return {
        result: isRight ? 'stored' : 'corrupt',
        blockDigests: isRight && !wantBlockDigests ? null : blockDigests(piece),
      }
    })
  }

  write(slot: Slot, offset: number, length: number, spans: readonly FileSpan[], journal?: JournalEntry): Promise<void> {
    return this.#disk.perform('write', spans, [slot], () => {
      this.#write(this.#disk.slotMemory(slot).subarray(offset, offset + length), spans)
      this.#append(journal)
    })
  }

  hash(spans: readonly FileSpan[]): Promise<Uint8Array | null> {
    return this.#disk.perform('hash', spans, [], () => {
      const isThere = spans.every(
        ({ path, offset, length }) => path === '' || (this.#disk.files.get(path)?.length ?? -1) >= offset + length,
      )
      return isThere ? sha1(this.#read(spans)) : null
    })
  }

  read(spans: readonly FileSpan[], frame: Frame): Promise<void> {
    return this.#disk.perform('read', spans, [], () => {
      const bytes = this.#read(spans)
      const memory = this.#disk.frameMemory(frame)
      for (let at = 0; at < bytes.length; at += BLOCK)
        memory.set(bytes.subarray(at, at + BLOCK), (at / BLOCK) * FRAMED + 13)
    })
  }

  async sizes(paths: readonly string[]): Promise<readonly number[]> {
    return paths.map((path) => this.#disk.files.get(path)?.length ?? -1)
  }

  async states(paths: readonly string[]): Promise<readonly (FileState | null)[]> {
    return paths.map((path) => this.#stateOf(path))
  }

  async room(): Promise<number | null> {
    return null
  }

  async taken(paths: readonly string[]): Promise<number> {
    return paths.reduce((bytes, path) => bytes + (this.#disk.files.get(path)?.length ?? 0), 0)
  }

  sync(paths: readonly string[]): Promise<readonly FileState[]> {
    const spans = paths.map((path) => ({ path, offset: 0, length: 1 }))
    return this.#disk.perform('sync', spans, [], () =>
      paths.map((path) => {
        const state = this.#stateOf(path)
        if (!state) throw new StorageError('not_found', `Cannot sync ${path}: it is missing`, path)
        return state
      }),
    )
  }

  async ensureFiles(files: readonly { readonly path: string; readonly length: number }[]): Promise<void> {
    for (const { path, length } of files) this.#fileOf(path, length)
  }

  async assemble(path: string, _through: string, runs: readonly MovedRun[]): Promise<void> {
    for (const { from, offset } of runs) {
      if ((this.#disk.files.get(from.path)?.length ?? -1) < from.offset + from.length) continue
      this.#write(this.#read([from]), [{ path, offset, length: from.length }])
    }
  }

  async kinds(paths: readonly string[]): Promise<readonly (PathKind | null)[]> {
    return paths.map((path) => (this.#disk.files.has(path) ? 'file' : null))
  }

  async rename(from: string, to: string): Promise<boolean> {
    const file = this.#disk.files.get(from)
    if (!file) throw new StorageError('not_found', `Cannot rename ${from}: it is missing`, from)
    if (this.#disk.files.has(to)) throw new StorageError('exists', `Cannot rename ${from}: ${to} is there`, to)
    this.#disk.files.delete(from)
    this.#disk.files.set(to, file)
    return true
  }

  async syncFolders(): Promise<void> {}

  async copy(from: FileSpan, path: string, offset: number): Promise<void> {
    this.#write(this.#read([from]), [{ path, offset, length: from.length }])
  }

  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.#disk.files.delete(path)
  }

  async reserve(path: string, offset: number, length: number): Promise<void> {
    this.#fileOf(path, offset + length)
  }

  async removeTree(_root: string, paths: readonly string[]): Promise<RemovedTree> {
    const there = paths.filter((path) => this.#disk.files.has(path))
    const bytes = await this.taken(there)
    for (const path of there) this.#disk.files.delete(path)
    return { files: there.length, bytes, kept: [] }
  }

  /** It has neither bits nor links. */
  async applyAttributes(): Promise<void> {}

  async release(): Promise<void> {}

  #stateOf(path: string): FileState | null {
    const file = this.#disk.files.get(path)
    return file ? { size: file.length, mtimeNs: this.#disk.changeTimes.get(path) ?? 0n } : null
  }

  /** A journal that is not there is made: this disk has no state store beside it. */
  #append(journal: JournalEntry | undefined): void {
    if (!journal) return
    const before = this.#disk.files.get(journal.path) ?? new Uint8Array(0)
    this.#disk.files.set(journal.path, Buffer.concat([before, journal.record]))
  }

  #read(spans: readonly FileSpan[]): Uint8Array {
    const bytes = new Uint8Array(totalLength(spans))
    let at = 0
    for (const { path, offset, length } of spans) {
      if (path !== '') {
        const file = this.#disk.files.get(path) ?? new Uint8Array(0)
        if (file.length < offset + length) throw new StorageError('not_found', `Cannot read ${path}: too short`, path)
        bytes.set(file.subarray(offset, offset + length), at)
      }
      at += length
    }
    return bytes
  }

  #write(bytes: Uint8Array, spans: readonly FileSpan[]): void {
    let at = 0
    for (const { path, offset, length } of spans) {
      if (path !== '') {
        this.#fileOf(path, offset + length).set(bytes.subarray(at, at + length), offset)
        this.#disk.changeTimes.set(path, (this.#disk.changeTimes.get(path) ?? 0n) + 1n)
      }
      at += length
    }
  }

  /** The file, made or lengthened where it is missing or shorter. */
  #fileOf(path: string, length: number): Uint8Array {
    const file = this.#disk.files.get(path)
    if (file && file.length >= length) return file
    const longer = new Uint8Array(length)
    if (file) longer.set(file)
    this.#disk.files.set(path, longer)
    return longer
  }
}

function sha1(bytes: Uint8Array): Uint8Array {
  return createHash('sha1').update(bytes).digest()
}

function blockDigests(piece: Uint8Array): Uint8Array {
  const digests: Uint8Array[] = []
  for (let at = 0; at < piece.length; at += BLOCK) digests.push(sha1(piece.subarray(at, at + BLOCK)))
  return Buffer.concat(digests)
}
