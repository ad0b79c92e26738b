// The world a command runs in: streams, clock, the wish to stop, the library. Real in `main.ts`, made up in tests.
import type { Engine } from './engine.ts'
import type { Stop } from './stop.ts'

export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on?(event: 'resize', listener: () => void): unknown
  off?(event: 'resize', listener: () => void): unknown
}

export interface CommandClock {
  /** Monotonic milliseconds. */
  now(): number
  /** Unix milliseconds. */
  wall(): number
  /** Calls `tick` each `intervalMs` until the returned function is called. */
  every(intervalMs: number, tick: () => void): () => void
}

export interface Context {
  /** Data. */
  readonly stdout: OutputStream
  /** Text for people. */
  readonly stderr: OutputStream
  readonly env: NodeJS.ProcessEnv
  readonly clock: CommandClock
  readonly stop: Stop
  loadEngine(): Promise<Engine>
  /** What a person answers to this, in a line; null when there is no terminal to ask on. */
  ask(question: string): Promise<string | null>
  /** IPs of a host name, asked for from `bind` (an IP or an interface); rejects when it has none. */
  lookup(host: string, bind?: string): Promise<readonly string[]>
}
