import type { Command } from 'commander'
import type { Context } from '../context.ts'

/** One command of the program. Each stands in a file of its own, which is loaded when the command is called. */
export interface CommandModule {
  /** How a failure is written on stdout with `--json`: as the last event, as `{"error": ...}`, or not at all. */
  readonly jsonFailure: 'event' | 'document' | 'none'
  /** Adds arguments, options and help. */
  define(command: Command): void
  /** Returns the exit code; rejects with what `describeFailure` understands. */
  run(command: Command, context: Context): Promise<number>
}
