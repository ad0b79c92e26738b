// The real disk: shared memory for blocks on their way, and threads per storage device that hash, write and read.
// A drive that hangs holds up only the threads of its own device.
import { Pool } from '../../base/pool.ts'
import type { Disk, Frame, Slot, Volume } from '../platform.ts'
import { diskClosed, DiskInThread, DiskThread, type DiskHands } from './disk-hands.ts'
import { allocateSlabs, copyToShared, FRAME_BLOCKS, FRAME_BYTES, SLOT_BYTES, type SharedSlabs } from './disk-memory.ts'
import { DiskSync } from './disk-sync.ts'
import { NodeVolume, type DeviceHands } from './disk-volume.ts'
import { diskWorkerFile } from './disk-worker-file.ts'
import { DEFAULT_MEMORY, splitMemory } from './memory-split.ts'
import { nearestExisting } from './nearest-existing.ts'

/**
 * One thread hashes and writes 0.4 to 0.9 GB/s, depending on the processor, and leaves the main thread a core of its own;
 * more of them pay off only above that rate and with cores to spare.
 */
export const DEFAULT_WORKERS = 1

export interface NodeDiskOptions {
  /** Threads per storage device; 0 does the work on the calling thread. Default 1. */
  readonly workers?: number
  /** Bytes for slots, frames and the work on them: see `splitMemory`. Used only as they are. Default 128 MiB. */
  readonly memory?: number
  /** Slots of 256 KiB. Default: what `memory` has room for, as for frames. */
  readonly slotCount?: number
  /** Frames of 1 MiB. */
  readonly frameCount?: number
  /** How long `close` waits for what is under way. Default 5000. */
  readonly closeLimitMs?: number
  /** Tells the code of a disk thread that is to be started; for tests. */
  readonly workerFile?: () => URL
}

export class NodeDisk implements Disk {
  readonly memoryBudget: number
  readonly slotBytes = SLOT_BYTES
  readonly frameBlocks = FRAME_BLOCKS
  readonly #workers: number
  readonly #closeLimitMs: number
  readonly #workerFile: () => URL
  readonly #slabs: SharedSlabs
  readonly #slotMemory: Buffer
  readonly #slots: Pool
  readonly #frames: Pool
  readonly #frameMemory: readonly Uint8Array[]
  /** By the device's number. */
  readonly #devices = new Map<number, Device>()
  #closing: Promise<void> | null = null

  constructor(options: NodeDiskOptions = {}) {
    const { workers = DEFAULT_WORKERS, memory = DEFAULT_MEMORY } = options
    const { closeLimitMs = 5000, workerFile = diskWorkerFile } = options
    const split = splitMemory(memory, workers)
    const { slotCount = split.slotCount, frameCount = split.frameCount } = options
    this.memoryBudget = memory
    this.#workers = workers
    this.#closeLimitMs = closeLimitMs
    this.#workerFile = workerFile
    this.#slabs = allocateSlabs(slotCount, frameCount)
    this.#slotMemory = Buffer.from(this.#slabs.slots)
    this.#slots = new Pool(slotCount)
    this.#frames = new Pool(frameCount)
    this.#frameMemory = Array.from(
      { length: frameCount },
      (_, frame) => new Uint8Array(this.#slabs.frames, frame * FRAME_BYTES, FRAME_BYTES),
    )
  }

  get slotCount(): number {
    return this.#slots.count
  }

  get freeSlots(): number {
    return this.#slots.freeCount
  }

  get frameCount(): number {
    return this.#frames.count
  }

  get freeFrames(): number {
    return this.#frames.freeCount
  }

  takeSlot(): Slot {
    return this.#slots.take()
  }

  returnSlot(slot: Slot): void {
    this.#slots.give(slot)
  }

  fillSlot(slot: Slot, offset: number, bytes: Uint8Array): void {
    if (offset < 0 || offset + bytes.length > SLOT_BYTES) {
      throw new RangeError(`Cannot put ${bytes.length} bytes at ${offset} into a slot of ${SLOT_BYTES}`)
    }
    copyToShared(this.#slotMemory, slot * SLOT_BYTES + offset, bytes)
  }

  takeFrame(): Frame {
    return this.#frames.take()
  }

  returnFrame(frame: Frame): void {
    this.#frames.give(frame)
  }

  frameMemory(frame: Frame): Uint8Array {
    return this.#frameMemory[frame]
  }

  async openVolume(path: string): Promise<Volume> {
    const existing = await nearestExisting(path)
    if (this.#closing) throw diskClosed(path)
    let device = this.#devices.get(existing.device)
    if (!device) this.#devices.set(existing.device, (device = new Device(this.#workers, this.#startHands)))
    return new NodeVolume(device, { path, existing }, () => this.#closing !== null)
  }

  close(): Promise<void> {
    const devices = [...this.#devices.values()]
    this.#closing ??= Promise.all(devices.map((device) => device.close(this.#closeLimitMs))).then(() => {})
    return this.#closing
  }

  readonly #startHands = (): DiskHands =>
    this.#workers === 0 ? new DiskInThread(this.#slabs) : new DiskThread(this.#slabs, this.#workerFile)
}

/** A storage device, and who works for it. */
class Device implements DeviceHands {
  readonly sync = new DiskSync()
  readonly #workers: number
  readonly #start: () => DiskHands
  readonly #hands: DiskHands[] = []

  constructor(workers: number, start: () => DiskHands) {
    this.#workers = workers
    this.#start = start
  }

  get all(): readonly DiskHands[] {
    return this.#hands
  }

  /** Those with the least to do; new ones while all are busy and there may be more. */
  readonly idlest = (): DiskHands => {
    let idlest: DiskHands | undefined
    for (const hand of this.#hands) if (!idlest || hand.pendingBytes < idlest.pendingBytes) idlest = hand
    if (idlest && (idlest.pendingBytes === 0 || this.#hands.length >= this.#workers)) return idlest
    const fresh = this.#start()
    this.#hands.push(fresh)
    return fresh
  }

  close(limitMs: number): Promise<unknown> {
    return Promise.all([this.sync.close(limitMs), ...this.#hands.map((hands) => hands.close(limitMs))])
  }
}
