// A clock that is turned by hand: no test waits for real time.
import type { Clock, Stop } from '../../src/platform/platform.ts'

export class FakeClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>()

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#now
  }

  /** Timers that have not been stopped and have not run. */
  get pending(): number {
    return this.#timers.size
  }

  after(delayMs: number, callback: () => void): Stop {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  every(intervalMs: number, tick: () => void): Stop {
    let stop = this.after(intervalMs, again.bind(this))
    function again(this: FakeClock): void {
      stop = this.after(intervalMs, again.bind(this))
      tick()
    }
    return () => stop()
  }

  /** Lets `ms` pass: what falls due runs in order, and all that can settle in between settles. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (let due = this.#next(end); due !== null; due = this.#next(end)) {
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
      await settled()
    }
    this.#now = end
  }

  #next(end: number): { readonly at: number; readonly callback: () => void } | null {
    let next: { readonly at: number; readonly callback: () => void } | null = null
    for (const timer of this.#timers) if (timer.at <= end && (next === null || timer.at < next.at)) next = timer
    return next
  }
}

/** One round of the event loop: every promise that can settle without I/O or timers has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
