// The lines at the bottom of a terminal that are rewritten in place, while messages scroll by above them.
// Knows cursor movements and nothing of what is shown. Lines must fit the width already.
import { HIDE_CURSOR, SHOW_CURSOR } from './cursor.ts'
import { displayWidth } from './display-width.ts'

const ESCAPE = '\u001b['
const ERASE_TO_LINE_END = `${ESCAPE}K`
const ERASE_BELOW = `${ESCAPE}J`
// Terminals that know these show a frame at once, without flicker; the others ignore them.
const BEGIN_FRAME = `${ESCAPE}?2026h`
const END_FRAME = `${ESCAPE}?2026l`
// oxlint-disable-next-line no-control-regex -- colour sequences begin with a control character
const COLOURS = /\u001b\[[\d;]*m/g

export interface TerminalStream {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

export class LiveArea {
  readonly #stream: TerminalStream
  #lines: readonly string[] = []
  #widths: number[] = []
  #isOpen = false

  constructor(stream: TerminalStream) {
    this.#stream = stream
  }

  /** Columns that a line may take: one less than the terminal has, where writing would leave the cursor between two rows. */
  get columns(): number {
    return this.#terminalColumns - 1
  }

  get #terminalColumns(): number {
    // Some terminals say 0 while they are being set up.
    return Math.max(2, this.#stream.columns || 80)
  }

  /** Shows these lines instead of those before; writes nothing when they are the same. */
  update(lines: readonly string[]): void {
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows ?? 24) - 1))
    const same = shown.length === this.#lines.length && shown.every((line, i) => line === this.#lines[i])
    if (!same) this.#draw('', shown)
  }

  /** Puts a message above the live lines, for good. */
  print(text: string): void {
    this.#draw(`${ERASE_BELOW}${text}\n`, this.#lines)
  }

  /** Removes the live lines and gives the cursor back. Printing goes on working; an update opens the area again. */
  close(): void {
    if (!this.#isOpen) return
    this.#stream.write(`${this.#toTop()}${ERASE_BELOW}${SHOW_CURSOR}`)
    this.#lines = []
    this.#widths = []
    this.#isOpen = false
  }

  #draw(above: string, lines: readonly string[]): void {
    const frame = lines.map((line) => `${line}${ERASE_TO_LINE_END}\n`).join('')
    const hide = this.#isOpen || lines.length === 0 ? '' : HIDE_CURSOR
    this.#stream.write(`${BEGIN_FRAME}${hide}${this.#toTop()}${above}${frame}${ERASE_BELOW}${END_FRAME}`)
    this.#isOpen ||= lines.length > 0
    this.#lines = lines
    this.#widths = lines.map((line) => displayWidth(line.replace(COLOURS, '')))
  }

  /** To the first live line. After the window became narrower, each line may have been folded into several rows. */
  #toTop(): string {
    let rows = 0
    for (const width of this.#widths) rows += Math.max(1, Math.ceil(width / this.#terminalColumns))
    return rows === 0 ? '\r' : `\r${ESCAPE}${rows}A`
  }
}
