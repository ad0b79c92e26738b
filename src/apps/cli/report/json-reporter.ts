// Events as JSON, one object a line, on stdout and with nothing else there.
import type { MemoryUse, TorrentStats } from '../../../index.ts'
import { printable, printableJson } from '../view/printable.ts'
import type { CommandEvent } from './events.ts'
import type { ProgressSource, Reporter } from './reporter.ts'

const CHECKING_INTERVAL_MS = 500
/**
 * Once a second, and once more when the content is complete, so that the figures end where they should: never more than
 * two within a second, as is promised.
 */
const PROGRESS_INTERVAL_MS = 1000

export interface JsonReporterOptions {
  readonly writeOut: (text: string) => void
  readonly writeErr: (text: string) => void
  /** Unix milliseconds. */
  readonly wall: () => number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export class JsonReporter implements Reporter {
  readonly progressIntervalMs = PROGRESS_INTERVAL_MS
  readonly #options: JsonReporterOptions
  #source: ProgressSource | null = null
  #lastProgress = ''
  #checkingAt = -Infinity

  constructor(options: JsonReporterOptions) {
    this.#options = options
  }

  report(event: CommandEvent): void {
    if ((event.event === 'checking' || event.event === 'allocating') && event.done < event.total) {
      const now = this.#options.now()
      if (now - this.#checkingAt < CHECKING_INTERVAL_MS) return
      this.#checkingAt = now
    }
    if (event.event === 'done' && this.#source) this.progress(this.#source)
    this.#write(event)
  }

  progress(source: ProgressSource): void {
    this.#source = source
    const stats = source.stats()
    // While data on disk is looked at, `checking` tells how far; progress of a transfer begins after it, and after `metadata`.
    if (stats.state === 'checking' || stats.state === 'fetching_metadata') return
    const event = progressEvent(stats, source.memory())
    const text = JSON.stringify(event)
    // What has come to rest is not told again and again.
    if (text === this.#lastProgress) return
    this.#lastProgress = text
    this.#write(event)
  }

  note(): void {}

  log(line: string): void {
    this.#options.writeErr(`${printable(line)}\n`)
  }

  close(): void {}

  #write(event: CommandEvent): void {
    const { event: name, ...rest } = event
    this.#options.writeOut(`${printableJson({ event: name, time: this.#options.wall(), ...rest })}\n`)
  }
}

function progressEvent(stats: TorrentStats, memory: MemoryUse): CommandEvent {
  return {
    event: 'progress',
    downloaded: stats.downloaded,
    uploaded: stats.uploaded,
    left: stats.left,
    wanted: stats.wanted,
    total: stats.total,
    down_rate: Math.round(stats.downRate),
    up_rate: Math.round(stats.upRate),
    peers: stats.peers,
    web_seeds: stats.webSeeds,
    pieces_have: stats.piecesHave,
    pieces: stats.pieces,
    memory_in: memory.incoming,
    memory_out: memory.outgoing,
    memory_budget: memory.budget,
  }
}
