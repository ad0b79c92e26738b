// A real client as the tests see it. Each lives in a file of its own, which knows how it is started, how it tells
// that it is ready and done, and what it does differently.
import type { Program } from '../program.ts'
import type { Stage } from '../stage.ts'

export interface ClientTask {
  readonly stage: Stage
  /** Path of the .torrent file, or for a leecher a magnet link; it names at least one tracker. */
  readonly torrent: string
  /** The folder that holds, or will hold, the content under the torrent's name. */
  readonly folder: string
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
}

export interface RunningClient {
  readonly program: Program
  /** Waits until it listens and has looked at what is on disk. */
  ready(): Promise<void>
  /** Waits until it has the whole content, verified and written. */
  done(): Promise<void>
}

export interface Client {
  readonly name: string
  /** Its version, or null where it is not installed. */
  found(): string | null
  /** Whether it dials loopback addresses that a tracker gave it; otherwise it must be dialled. */
  readonly dialsLoopback: boolean
  /** Whether it makes files of length zero. */
  readonly makesEmptyFiles: boolean
  /** How long 200 MiB may take it on a slow machine. */
  readonly patienceMs: number
  /** False: it cannot be started with a magnet link here. Default true. */
  readonly takesLinks?: boolean
  /** Serves content that is complete in `folder`. */
  startSeeder(task: ClientTask): Promise<RunningClient>
  /** Downloads into `folder`, keeping what is there already. */
  startLeecher(task: ClientTask): Promise<RunningClient>
}
