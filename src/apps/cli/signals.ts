// Ctrl+C and its kin: the first asks the command to end in order, within 5 s; the second ends the process at once.
import type { Stop, StopSignal } from './stop.ts'

/** Below the 5 s within which the process is to be gone, whatever hangs. */
const DEADLINE_MS = 4800
const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** @param exit ends the process at once */
export function listenForSignals(stop: Stop, exit: (code: number) => void): void {
  const end = (signal: StopSignal): void => {
    if (stop.request(signal)) setTimeout(() => exit(stop.exitCode), DEADLINE_MS).unref()
    else exit(stop.exitCode)
  }
  for (const signal of SIGNALS) process.on(signal, () => end(signal))
  // Whoever read our output is gone: there is nobody left to work for. Node reports it as an error of each write.
  process.stdout.on('error', () => {
    if (!stop.signal.aborted) end('SIGPIPE')
  })
  process.stderr.on('error', () => {})
}
