// The live view of `shoal download` and `shoal seed` on a terminal: lines rewritten in place, messages above them.
import { LiveArea } from '../view/live-area.ts'
import { printable } from '../view/printable.ts'
import { renderProgress } from '../view/progress-view.ts'
import type { Style } from '../view/style.ts'
import type { OutputStream } from '../context.ts'
import { EventText } from './event-text.ts'
import type { CommandEvent } from './events.ts'
import type { ProgressSource, Reporter } from './reporter.ts'

const INTERVAL_MS = 200

export class TerminalReporter implements Reporter {
  readonly progressIntervalMs = INTERVAL_MS
  readonly #stream: OutputStream
  readonly #area: LiveArea
  readonly #style: Style
  readonly #eventText: EventText
  #source: ProgressSource | null = null
  readonly #onResize = (): void => {
    if (this.#source) this.progress(this.#source)
  }

  constructor(stream: OutputStream, style: Style) {
    this.#stream = stream
    this.#area = new LiveArea(stream)
    this.#style = style
    this.#eventText = new EventText(style)
    stream.on?.('resize', this.#onResize)
  }

  report(event: CommandEvent): void {
    // The live view shows it for as long as it is so.
    if (event.event === 'slow' || event.event === 'parked') return
    const text = this.#eventText.of(event)
    if (text !== null) this.#area.print(text)
  }

  progress(source: ProgressSource): void {
    this.#source = source
    const { name, checking, slowness } = source
    const metadata = source.metadata()
    const view = { name, checking, metadata, slowness, stats: source.stats(), pieceStates: source.pieceStates() }
    this.#area.update(renderProgress(view, this.#area.columns, this.#style))
  }

  note(text: string): void {
    this.#area.print(text)
  }

  log(line: string): void {
    this.#area.print(this.#style.dim(printable(line)))
  }

  close(): void {
    this.#source = null
    this.#stream.off?.('resize', this.#onResize)
    this.#area.close()
  }
}
