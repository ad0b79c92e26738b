// The clock of one life of a node: what it had planned ends with it.
import type { Clock, Stop } from '../platform/platform.ts'
import type { TimeTarget, Timeline } from './timeline.ts'

/** 1 January 2025, when every simulation begins. */
const WALL_START_MS = 1_735_689_600_000

export class NodeClock implements Clock {
  /** Calls that are still to come; of `every`, those that were not stopped. */
  pendingCount = 0
  readonly #timeline: Timeline
  readonly #isAlive: () => boolean

  constructor(timeline: Timeline, isAlive: () => boolean) {
    this.#timeline = timeline
    this.#isAlive = isAlive
  }

  now(): number {
    return this.#timeline.nowUs / 1000
  }

  wall(): number {
    return WALL_START_MS + Math.floor(this.now())
  }

  every(intervalMs: number, tick: () => void): Stop {
    const ticking = new Ticking(this.#timeline, Math.max(1, intervalMs * 1000), this.#isAlive, tick)
    return this.#counted(() => ticking.stop())
  }

  after(delayMs: number, callback: () => void): Stop {
    const stop = this.#counted(
      this.#timeline.at(this.#timeline.nowUs + Math.max(0, delayMs) * 1000, () => {
        if (!this.#isAlive()) return
        stop()
        callback()
        // Time limits often settle promises: whoever waits must not find out late.
        this.#timeline.promiseSettled()
      }),
    )
    return stop
  }

  #counted(stop: Stop): Stop {
    this.pendingCount++
    let isPending = true
    return () => {
      if (!isPending) return
      isPending = false
      this.pendingCount--
      stop()
    }
  }
}

class Ticking implements TimeTarget {
  readonly #timeline: Timeline
  readonly #intervalUs: number
  readonly #isAlive: () => boolean
  readonly #tick: () => void
  #isStopped = false

  constructor(timeline: Timeline, intervalUs: number, isAlive: () => boolean, tick: () => void) {
    this.#timeline = timeline
    this.#intervalUs = intervalUs
    this.#isAlive = isAlive
    this.#tick = tick
    timeline.plan(timeline.nowUs + intervalUs, this, 0)
  }

  stop(): void {
    this.#isStopped = true
  }

  onTime(): void {
    if (this.#isStopped || !this.#isAlive()) return
    this.#timeline.plan(this.#timeline.nowUs + this.#intervalUs, this, 0)
    this.#tick()
  }
}
