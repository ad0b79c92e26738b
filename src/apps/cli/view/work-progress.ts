// One live line, or a plain one now and then, for work that has an end: verifying, creating.
import type { Context } from '../context.ts'
import { renderBar } from './bar.ts'
import { fitWidth } from './display-width.ts'
import { formatBytes } from '../../../base/format.ts'
import { formatPercent } from './format.ts'
import { LiveArea } from './live-area.ts'
import { type Style, styleFor } from './style.ts'

const LIVE_INTERVAL_MS = 100
const PLAIN_INTERVAL_MS = 5000
const BAR_COLUMNS = 30

export class WorkProgress {
  readonly #label: string
  readonly #context: Context
  readonly #area: LiveArea | null
  readonly #isQuiet: boolean
  #shownAt: number

  /** @param label safe to print */
  constructor(label: string, flags: { readonly json?: boolean; readonly quiet?: boolean }, context: Context) {
    this.#label = label
    this.#context = context
    this.#isQuiet = flags.quiet === true || (flags.json === true && context.stderr.isTTY !== true)
    const isLive = !this.#isQuiet && context.stderr.isTTY === true && context.env.TERM !== 'dumb'
    this.#area = isLive ? new LiveArea(context.stderr) : null
    // A plain line is for work that takes its time: the first comes after one interval.
    this.#shownAt = isLive ? -Infinity : context.clock.now()
  }

  /** Bytes. May be called as often as one likes. */
  update(done: number, total: number): void {
    const now = this.#context.clock.now()
    if (this.#isQuiet || now - this.#shownAt < (this.#area ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS)) return
    this.#shownAt = now
    if (!this.#area) this.#context.stderr.write(`${this.#label}: ${figures(done, total)}\n`)
    else
      this.#area.update([
        this.#liveLine(this.#area.columns, done, total, styleFor(this.#context.stderr, this.#context.env)),
      ])
  }

  close(): void {
    this.#area?.close()
  }

  #liveLine(columns: number, done: number, total: number, style: Style): string {
    const text = figures(done, total)
    const room = columns - text.length - BAR_COLUMNS - 3
    if (room < 8) return fitWidth(text, columns)
    const bar = renderBar(total === 0 ? 1 : done / total, BAR_COLUMNS, style)
    return `${fitWidth(this.#label, room)} ${bar} ${text}`
  }
}

function figures(done: number, total: number): string {
  return `${formatPercent(done, total)} of ${formatBytes(total)}`
}
