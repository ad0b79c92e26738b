// Whom a transfer tells what happens. Three kinds: events for programs (json), a live view (terminal), lines (plain).
import type { MemoryUse, TorrentStats } from '../../../index.ts'
import type { Slowness } from '../slowness.ts'
import type { Preparation } from '../view/progress-view.ts'
import type { CommandEvent } from './events.ts'

/** The transfer as it is now; asked only when somebody shows it. */
export interface ProgressSource {
  readonly name: string
  /** How far it is before it begins; null before and after that. */
  readonly checking: Preparation | null
  /** Bytes of a magnet link's metadata; null when it is known, and as long as nobody has it. */
  metadata(): Preparation | null
  /** Why it is slow; null while all is well. */
  readonly slowness: Slowness | null
  stats(): TorrentStats
  /** Of the whole session. */
  memory(): MemoryUse
  pieceStates(): Uint8Array
}

export interface Reporter {
  /** How often `progress` wants to be called, in milliseconds; null for never. */
  readonly progressIntervalMs: number | null
  report(event: CommandEvent): void
  progress(source: ProgressSource): void
  /** A sentence for people. Not for programs: they have the events. */
  note(text: string): void
  /** A line of the log, on stderr. */
  log(line: string): void
  /** Leaves the terminal as it was; what is reported afterwards is still shown. */
  close(): void
}
