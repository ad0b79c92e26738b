// Real time: a monotonic clock for all logic, the calendar for display, and Node's timers.
import type { Clock, Stop } from '../platform.ts'

/** The longest delay that Node's timers take; they fire at once for more. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

export const nodeClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  every(intervalMs: number, tick: () => void): Stop {
    const timer = setInterval(tick, intervalMs)
    return () => clearInterval(timer)
  },
  after(delayMs: number, callback: () => void): Stop {
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_DELAY_MS))
    return () => clearTimeout(timer)
  },
}
