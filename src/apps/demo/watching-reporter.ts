import type { CommandEvent } from '../cli/report/events.ts'
import type { ProgressSource, Reporter } from '../cli/report/reporter.ts'

export interface Watcher {
  onEvent(event: CommandEvent): void
  /** Called with the transfer as soon as there is one. */
  onSource(source: ProgressSource): void
}

/** Shows everything as the reporter that it wraps does, and lets somebody watch. */
export class WatchingReporter implements Reporter {
  readonly #inner: Reporter
  readonly #watcher: Watcher
  #source: ProgressSource | null = null

  constructor(inner: Reporter, watcher: Watcher) {
    this.#inner = inner
    this.#watcher = watcher
  }

  get progressIntervalMs(): number | null {
    return this.#inner.progressIntervalMs
  }

  report(event: CommandEvent): void {
    this.#inner.report(event)
    this.#watcher.onEvent(event)
  }

  progress(source: ProgressSource): void {
    this.#inner.progress(source)
    if (this.#source === null) this.#watcher.onSource(source)
    this.#source = source
  }

  note(text: string): void {
    this.#inner.note(text)
  }

  log(line: string): void {
    this.#inner.log(line)
  }

  close(): void {
    this.#inner.close()
  }
}
