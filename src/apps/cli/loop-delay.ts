// SHOAL_LOOP_DELAY=1: how long the event loop was held up, told in one line when the process exits.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1

/** Begins to measure; `write` receives the line at exit. */
export function watchLoopDelay(write: (line: string) => void): void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  process.once('exit', () => {
    // The histogram holds the time between two ticks of a timer (in nanoseconds); what exceeds the timer's own is delay.
    const delay = (nanoseconds: number): string => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS).toFixed(1)
    write(`event-loop delay: p99.9 ${delay(histogram.percentile(99.9))} ms, max ${delay(histogram.max)} ms\n`)
  })
}
