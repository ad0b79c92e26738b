// Lines of text on stderr, for pipes, files and terminals that cannot rewrite lines. Quiet, it says nothing but the log.
import { printable } from '../view/printable.ts'
import { describeProgress } from '../view/progress-view.ts'
import type { Style } from '../view/style.ts'
import { EventText } from './event-text.ts'
import type { CommandEvent } from './events.ts'
import type { ProgressSource, Reporter } from './reporter.ts'

const INTERVAL_MS = 5000

export interface PlainReporterOptions {
  readonly writeErr: (text: string) => void
  readonly style: Style
  readonly isQuiet: boolean
}

export class PlainReporter implements Reporter {
  readonly progressIntervalMs: number | null
  readonly #options: PlainReporterOptions
  readonly #eventText: EventText
  #lastLine = ''

  constructor(options: PlainReporterOptions) {
    this.#options = options
    this.#eventText = new EventText(options.style)
    this.progressIntervalMs = options.isQuiet ? null : INTERVAL_MS
  }

  report(event: CommandEvent): void {
    const text = this.#eventText.of(event)
    if (text === null) return
    // A command that stands still until somebody acts has to say so.
    if (event.event === 'parked') this.#options.writeErr(`${text}\n`)
    else this.#writeUnlessQuiet(text)
  }

  progress(source: ProgressSource): void {
    const { name, checking } = source
    const stats = source.stats()
    // Before it is known whether there is data to verify.
    if (stats.state === 'checking' && checking === null) return
    const metadata = source.metadata()
    const line = describeProgress({ name, checking, metadata, stats, slowness: null, pieceStates: new Uint8Array() })
    // A torrent that has come to rest is not told again and again.
    if (line === this.#lastLine) return
    this.#lastLine = line
    this.#writeUnlessQuiet(line)
  }

  note(text: string): void {
    this.#writeUnlessQuiet(text)
  }

  log(line: string): void {
    this.#options.writeErr(`${printable(line)}\n`)
  }

  close(): void {}

  #writeUnlessQuiet(text: string): void {
    if (!this.#options.isQuiet) this.#options.writeErr(`${text}\n`)
  }
}
