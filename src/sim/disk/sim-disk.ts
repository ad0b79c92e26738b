// The simulated disk of one run of a session: bounded slots and frames, and the devices of its node, chosen by path.
// What is stored belongs to the devices: `restarted()` is what the node's next session finds.
import { Pool } from '../../base/pool.ts'
import type { Disk, Frame, Random, Slot, Volume } from '../../platform/platform.ts'
import type { Timeline } from '../timeline.ts'
import { BlockMemory, FRAMED_BLOCK_BYTES } from './block-memory.ts'
import { SimDevice, type SimDeviceOptions } from './sim-device.ts'
import type { SimFile } from './sim-file.ts'
import { isBelow } from './sim-files.ts'
import { simStorageError } from './sim-storage-error.ts'
import { SimVolume, type VolumeOwner } from './sim-volume.ts'
import type { ContentKind } from './stored-form.ts'

const CLOSE_LIMIT_US = 5_000_000

export interface SimDiskOptions {
  /** What of the contents is kept. Default 'tags'. */
  readonly kind?: ContentKind
  /** Default 64. */
  readonly slotCount?: number
  /** A multiple of 16 KiB. Default 262,144. */
  readonly slotBytes?: number
  /** Default 8. */
  readonly frameCount?: number
  /** Blocks of a frame; uploads are read in runs of 16, so it is no less unless pieces are smaller. Default 16. */
  readonly frameBlocks?: number
  /** By the folder where each begins; the longest that fits a path is its device. Default: one for all, at '/'. */
  readonly devices?: Readonly<Record<string, SimDeviceOptions>>
}

type DeviceAt = readonly [path: string, device: SimDevice]

export class SimDisk implements Disk, VolumeOwner {
  readonly kind: ContentKind
  readonly slotBytes: number
  readonly frameBlocks: number
  readonly memory: BlockMemory
  readonly openFiles = new Map<string, SimFile>()
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #options: SimDiskOptions
  readonly #slots: Pool
  readonly #frames: Pool
  /** The longest paths first. */
  readonly #devices: readonly DeviceAt[]
  /** How to answer what is under way when it can be waited for no longer. */
  readonly #underWay = new Set<() => void>()
  #state: 'open' | 'closing' | 'crashed' = 'open'
  #closing: Promise<void> | null = null
  #onIdle: (() => void) | null = null

  /**
   * @param random decides about corruption and power cuts
   * @param devices those of an earlier disk of the node, instead of new ones
   */
  constructor(timeline: Timeline, random: Random, options: SimDiskOptions = {}, devices?: readonly DeviceAt[]) {
    const { kind = 'tags', slotCount = 64, slotBytes = 262_144, frameCount = 8, frameBlocks = 16 } = options
    this.kind = kind
    this.slotBytes = slotBytes
    this.frameBlocks = frameBlocks
    this.memory = new BlockMemory({ kind, slotCount, slotBytes, frameBlocks })
    this.#timeline = timeline
    this.#random = random
    this.#options = options
    this.#slots = new Pool(slotCount)
    this.#frames = new Pool(frameCount)
    this.#devices = devices ?? makeDevices(timeline, random, options.devices ?? {})
  }

  get slotCount(): number {
    return this.#slots.count
  }

  get memoryBudget(): number {
    return this.slotCount * this.slotBytes + this.frameCount * this.frameBlocks * FRAMED_BLOCK_BYTES
  }

  get freeSlots(): number {
    return this.#slots.freeCount
  }

  takeSlot(): Slot {
    return this.#slots.take()
  }

  returnSlot(slot: Slot): void {
    this.#slots.give(slot)
  }

  fillSlot(slot: Slot, offset: number, bytes: Uint8Array): void {
    this.memory.fillSlot(slot, offset, bytes)
  }

  get frameCount(): number {
    return this.#frames.count
  }

  get freeFrames(): number {
    return this.#frames.freeCount
  }

  takeFrame(): Frame {
    return this.#frames.take()
  }

  returnFrame(frame: Frame): void {
    this.#frames.give(frame)
  }

  frameMemory(frame: Frame): Uint8Array {
    return this.memory.frame(frame)
  }

  openVolume(path: string): Promise<Volume> {
    if (this.#state === 'closing') return this.refuse(simStorageError('disk_closed', 'use', path))
    return this.answer(new SimVolume(this.device(path), this))
  }

  close(): Promise<void> {
    if (this.#state === 'crashed') return unanswered()
    this.#closing ??= this.#close()
    return this.#closing
  }

  // ---------------------------------------------------------------- for scenarios

  /** The device that holds `path`: its files and its faults. */
  device(path: string): SimDevice {
    const found = this.#devices.find(([at]) => path === at || isBelow(path, at))
    if (!found) throw new RangeError(`Cannot find a device for ${path}`)
    return found[1]
  }

  /** Every device of the node, those with the longest paths first. */
  get devices(): readonly SimDevice[] {
    return this.#devices.map(([, device]) => device)
  }

  /** The process is gone: nothing is answered any more. What was written is there, synced or not. */
  crash(): void {
    this.#state = 'crashed'
    this.#underWay.clear()
    for (const device of this.devices) device.drop(this)
  }

  /** The machine is gone: a crash, and what was not synced may be lost. */
  powerCut(): void {
    this.crash()
    for (const device of this.devices) device.powerCut()
  }

  /** What the next session of the node finds: the same devices, new memory. */
  restarted(): SimDisk {
    return new SimDisk(this.#timeline, this.#random, this.#options, this.#devices)
  }

  // ---------------------------------------------------------------- for volumes

  get isClosed(): boolean {
    return this.#state !== 'open'
  }

  do<Result>(device: SimDevice, path: string, bytes: number, work: () => Result): Promise<Result> {
    if (this.isClosed) return this.refuse(simStorageError('disk_closed', 'use', path))
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(simStorageError('disk_closed', 'use', path))
      this.#underWay.add(giveUp)
      const perform = (): void => {
        try {
          resolve(work())
        } catch (error) {
          reject(error as Error)
        }
        this.#underWay.delete(giveUp)
        this.#timeline.promiseSettled()
        if (this.#underWay.size === 0) this.#onIdle?.()
      }
      device.submit({ owner: this, bytes, perform })
    })
  }

  answer<Result>(result: Result): Promise<Result> {
    if (this.#state === 'crashed') return unanswered()
    this.#timeline.promiseSettled()
    return Promise.resolve(result)
  }

  refuse(error: Error): Promise<never> {
    if (this.#state === 'crashed') return unanswered()
    this.#timeline.promiseSettled()
    return Promise.reject(error)
  }

  #close(): Promise<void> {
    this.#state = 'closing'
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#onIdle = null
        stop()
        resolve()
        this.#timeline.promiseSettled()
      }
      const stop = this.#timeline.at(this.#timeline.nowUs + CLOSE_LIMIT_US, () => {
        for (const device of this.devices) device.drop(this)
        for (const giveUp of this.#underWay) giveUp()
        this.#underWay.clear()
        finish()
      })
      this.#onIdle = finish
      if (this.#underWay.size === 0) finish()
    })
  }
}

function makeDevices(
  timeline: Timeline,
  random: Random,
  options: Readonly<Record<string, SimDeviceOptions>>,
): DeviceAt[] {
  const paths = Object.keys(options)
  if (!paths.includes('/')) paths.push('/')
  return paths
    .toSorted((a, b) => b.length - a.length)
    .map((path) => [path, new SimDevice(timeline, random, options[path], path)])
}

/** For those who are no more. */
function unanswered(): Promise<never> {
  return new Promise(() => {})
}
