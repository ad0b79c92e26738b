// How a torrent's data has flowed in the last seconds, as far as it cannot be seen from one moment: sampled once a second.
// Pure: time is an argument, in milliseconds. Only for telling why a torrent is slow; nothing is decided by it.
import { RateMeter } from '../../base/rate-meter.ts'

export interface FlowSample {
  /** Bytes per second coming in. */
  readonly downRate: number
  /** Somebody lets us ask, and answers. */
  readonly isServed: boolean
  /** Blocks are not asked for since memory is short. */
  readonly isMemoryShort: boolean
  /** Writes that the disk is at work on. */
  readonly pendingWrites: number
  /** Those that it has answered so far. */
  readonly diskAnswers: number
}

const SAMPLE_MS = 1_000
/** Samples of memory being short that are kept, as bits. */
const MEMORY_SAMPLES = 5

export class FlowWatch {
  /** The highest rate so far, in bytes per second. */
  bestRate = 0
  readonly #stored = new RateMeter()
  #sampledAt = -Infinity
  #servedSince: number | null = null
  #waitingForDiskSince: number | null = null
  #diskAnswers = 0
  #memoryShort: number[] = []

  /** Is it time for the next sample? */
  isDue(now: number): boolean {
    return now - this.#sampledAt >= SAMPLE_MS
  }

  sample({ downRate, isServed, isMemoryShort, pendingWrites, diskAnswers }: FlowSample, now: number): void {
    this.#sampledAt = now
    this.bestRate = Math.max(this.bestRate, downRate)
    this.#servedSince = isServed ? (this.#servedSince ?? now) : null
    const isWaiting = pendingWrites > 0 && diskAnswers === this.#diskAnswers
    this.#waitingForDiskSince = isWaiting ? (this.#waitingForDiskSince ?? now) : null
    this.#diskAnswers = diskAnswers
    this.#memoryShort = [...this.#memoryShort, isMemoryShort ? 1 : 0].slice(-MEMORY_SAMPLES)
  }

  /** The disk has verified and written this much. */
  onStored(bytes: number, now: number): void {
    this.#stored.add(bytes, now)
  }

  /** How long somebody has served us without a break. */
  servedMs(now: number): number {
    return this.#servedSince === null ? 0 : now - this.#servedSince
  }

  /** How long writes have been pending without an answer. */
  diskSilentMs(now: number): number {
    return this.#waitingForDiskSince === null ? 0 : now - this.#waitingForDiskSince
  }

  /** Bytes stored per second. */
  diskRate(now: number): number {
    return this.#stored.rate(now)
  }

  /** Part of the samples of the last 5 s in which memory was short: 0 to 1. */
  memoryShortShare(): number {
    return this.#memoryShort.reduce((sum, each) => sum + each, 0) / MEMORY_SAMPLES
  }
}
