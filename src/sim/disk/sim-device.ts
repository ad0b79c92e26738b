// One storage device: what it holds, how fast it is, and all that can go wrong with it. It serves operations one after the
// other; each takes the time of a seek and of its bytes. It outlives the disks (one per run of a session) that use it.
import type { Random } from '../../platform/platform.ts'
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import type { TimeTarget, Timeline } from '../timeline.ts'
import { storedOffset } from './stored-form.ts'
import { SimFiles, type SimFilesOptions } from './sim-files.ts'
import { simStorageError, type SimStorageCode } from './sim-storage-error.ts'

export interface SimDeviceOptions extends SimFilesOptions {
  /** Milliseconds that each operation takes before its first byte. Default 0.1. */
  readonly seekMs?: number
  /** Default 500,000,000. */
  readonly bytesPerSecond?: number
  /** Refuses all writing with `read_only`. Default false. */
  readonly isReadOnly?: boolean
}

/** Work for a device. */
export interface DeviceOperation {
  /** Whose it is. */
  readonly owner: object
  /** That are moved: they take time. */
  readonly bytes: number
  /** Does it and answers; must not throw. */
  perform(): void
}

export class SimDevice implements TimeTarget {
  readonly files: SimFiles
  readonly random: Random
  readonly #name: string
  readonly #timeline: Timeline
  readonly #seekUs: number
  readonly #isReadOnly: boolean
  #bytesPerSecond: number
  #queue: DeviceOperation[] = []
  #current: DeviceOperation | null = null
  /** Of the operation being served; what was planned for others is void. */
  #serial = 0
  #isHung = false
  #isLate = false
  #isUnplugged = false
  #readFailure: SimStorageCode | null = null
  #writeFailure: SimStorageCode | null = null
  #corruptOneIn = 0

  /**
   * @param random decides about corruption and power cuts
   * @param name unlike those of the node's other devices
   */
  constructor(timeline: Timeline, random: Random, options: SimDeviceOptions = {}, name = '/') {
    this.#name = name
    this.#timeline = timeline
    this.random = random
    this.files = new SimFiles(() => timeline.nowUs, options)
    this.#seekUs = Math.round((options.seekMs ?? 0.1) * 1000)
    this.#bytesPerSecond = options.bytesPerSecond ?? 500_000_000
    this.#isReadOnly = options.isReadOnly ?? false
  }

  /** Another one while the drive is pulled out: then its place is an empty folder of another device. */
  get fileSystem(): string {
    return this.#isUnplugged ? 'none' : this.#name
  }

  /** Operations that have not been answered. */
  get pendingCount(): number {
    return this.#queue.length + (this.#current ? 1 : 0)
  }

  submit(operation: DeviceOperation): void {
    this.#queue.push(operation)
    if (!this.#current) this.#serveNext()
  }

  /** Takes away all of the owner's operations, unanswered. What is being served keeps the device busy, for nothing. */
  drop(owner: object): void {
    this.#queue = this.#queue.filter((operation) => operation.owner !== owner)
    if (this.#current?.owner === owner) this.#current = { owner: this, bytes: 0, perform: () => {} }
  }

  onTime(serial: number): void {
    if (serial !== this.#serial || !this.#current) return
    if (this.#isHung) this.#isLate = true
    else this.#finish()
  }

  // ---------------------------------------------------------------- faults

  /** No room but what is taken already. Undone by `setCapacity`. */
  setFull(): void {
    this.files.capacityBytes = this.files.usedBytes
  }

  /** Bytes; infinity for no bound. */
  setCapacity(bytes: number): void {
    this.files.capacityBytes = bytes
  }

  /** From the next operation on. */
  slowDown(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** All writing fails with this code; null: no longer. */
  failWrites(code: SimStorageCode | null): void {
    this.#writeFailure = code
  }

  /** All reading fails with this code; null: no longer. */
  failReads(code: SimStorageCode | null): void {
    this.#readFailure = code
  }

  /** Answers nothing until `resume`. */
  hang(): void {
    this.#isHung = true
  }

  resume(): void {
    this.#isHung = false
    if (this.#isLate) this.#finish()
  }

  /** Each block that is read to be uploaded is altered with a probability of 1 to `oneIn`; 0: none. */
  corruptReads(oneIn: number): void {
    this.#corruptOneIn = oneIn
  }

  /** Damages the byte of a stored file, or the tag of its block. Throws StorageError `not_found`. */
  corrupt(path: string, offset: number): void {
    const file = this.files.find(path)
    if (!file || offset >= file.length) throw simStorageError('not_found', 'corrupt', path)
    file.flip(storedOffset(file.kind, file.kind === 'tags' ? offset - (offset % BLOCK_BYTES) : offset))
  }

  /** The drive is pulled out: its files are gone, writing is `io_error`, and what was not synced may be lost. */
  unplug(): void {
    this.#isUnplugged = true
    this.files.powerCut(this.random)
  }

  plugIn(): void {
    this.#isUnplugged = false
  }

  /** What was under way is never answered, what was not synced may be lost. */
  powerCut(): void {
    this.#queue = []
    this.#current = null
    this.#serial++
    this.#isLate = false
    this.files.powerCut(this.random)
  }

  // ---------------------------------------------------------------- what operations ask

  get isUnplugged(): boolean {
    return this.#isUnplugged
  }

  /** Throws what hinders reading just now. */
  requireReadable(path: string): void {
    if (this.#readFailure) throw simStorageError(this.#readFailure, 'read', path)
  }

  /** Throws what hinders writing just now. */
  requireWritable(path: string): void {
    if (this.#isUnplugged) throw simStorageError('io_error', 'write', path)
    if (this.#isReadOnly) throw simStorageError('read_only', 'write', path)
    if (this.#writeFailure) throw simStorageError(this.#writeFailure, 'write', path)
  }

  /** How to alter a block that was just read: 1 to 255, or 0 to leave it as it is. */
  nextBlockChange(): number {
    if (this.#corruptOneIn === 0 || this.random.below(this.#corruptOneIn) > 0) return 0
    return 1 + this.random.below(255)
  }

  #finish(): void {
    const done = this.#current
    this.#current = null
    this.#isLate = false
    done?.perform()
    if (!this.#current) this.#serveNext()
  }

  #serveNext(): void {
    const next = this.#queue.shift()
    if (!next) return
    this.#current = next
    const moveUs = Math.ceil((next.bytes * 1e6) / this.#bytesPerSecond)
    this.#timeline.plan(this.#timeline.nowUs + this.#seekUs + moveUs, this, ++this.#serial)
  }
}
