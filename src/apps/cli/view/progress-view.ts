// The live view of one torrent: name and state, bar, figures, piece strip. Pure: state and width in, lines out.
import type { TorrentStats } from '../../../index.ts'
import { renderBar, renderPieceStrip } from './bar.ts'
import { displayWidth, fitWidth } from './display-width.ts'
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../base/format.ts'
import { formatPercent } from './format.ts'
import { printable } from './printable.ts'
import type { Style } from './style.ts'

export interface ProgressView {
  /** Safe to print. */
  readonly name: string
  readonly stats: TorrentStats
  readonly pieceStates: Uint8Array
  readonly checking: Preparation | null
  /** Of a magnet link's metadata; null when it is known, and as long as nobody has it. */
  readonly metadata?: Preparation | null
  /** Why it is slow. */
  readonly slowness: { readonly isStalled: boolean; readonly message: string } | null
}

/** Bytes looked at of bytes to look at, while data on disk is being verified; or bytes whose space is taken, of all. */
export interface Preparation {
  readonly done: number
  readonly total: number
  readonly isAllocating?: boolean
}

/** Lines that a reason may take. */
const MAX_REASON_LINES = 3

/** Four lines of at most `columns` columns; more when there is a reason to tell. */
export function renderProgress(view: ProgressView, columns: number, style: Style): string[] {
  const { stats, slowness } = view
  if (stats.state === 'fetching_metadata') return renderMetadata(view, columns, style)
  const checking = preparationOf(view)
  const { done, total } = checking ?? { done: stats.wanted - stats.left, total: stats.wanted }
  const fraction = total === 0 ? 1 : done / total
  const label = formatPercent(done, total).padStart(7)
  return [
    renderTitle(view.name, checking?.isAllocating ? 'taking space' : stateOf(stats), columns, style),
    `${renderBar(fraction, Math.max(1, columns - label.length), style)}${style.bold(label)}`,
    joinThatFit(checking ? checkingFigures(checking) : transferFigures(stats), columns, style),
    renderPieceStrip(view.pieceStates, columns, style),
    ...(slowness ? renderReason(printable(reasonText(stats, slowness)), columns, style) : []),
  ].filter((line) => line !== '')
}

function reasonText({ state }: TorrentStats, { isStalled, message }: NonNullable<ProgressView['slowness']>): string {
  return state === 'parked' ? `Waiting: ${message}` : slownessText(isStalled, message)
}

/** Nothing is known but a name, and who is there. */
function renderMetadata({ name, metadata, stats, slowness }: ProgressView, columns: number, style: Style): string[] {
  return [
    renderTitle(name, 'fetching metadata', columns, style),
    joinThatFit(metadataFigures(stats, metadata), columns, style),
    ...(slowness ? renderReason(printable(slownessText(slowness.isStalled, slowness.message)), columns, style) : []),
  ]
}

function metadataFigures(stats: TorrentStats, metadata: Preparation | null | undefined): string[] {
  const amount = metadata
    ? `${formatBytes(metadata.done)} of ${formatBytes(metadata.total)}`
    : 'looking for peers that have it'
  return [amount, formatCount(stats.peers, 'peer')]
}

/** `Stalled: all 12 connected peers choke us`. */
export function slownessText(isStalled: boolean, message: string): string {
  return `${isStalled ? 'Stalled' : 'Slow'}: ${message}`
}

/** The same in one line of plain text, for logs and pipes. */
export function describeProgress(view: ProgressView): string {
  const { stats } = view
  if (stats.state === 'fetching_metadata')
    return `Fetching metadata of ${view.name}: ${metadataFigures(stats, view.metadata).join(', ')}`
  const checking = preparationOf(view)
  if (checking) {
    const { done, total, isAllocating } = checking
    return `${isAllocating ? 'Taking space for' : 'Checking'} ${view.name}: ${formatPercent(done, total)} of ${formatBytes(total)}`
  }
  const figures = transferFigures(stats).join(', ')
  if (stats.state === 'seeding') return `Seeding ${view.name}: ${figures}`
  if (stats.state === 'parked')
    return `Waiting with ${view.name}: ${formatPercent(stats.wanted - stats.left, stats.wanted)}`
  return `Downloading ${view.name}: ${formatPercent(stats.wanted - stats.left, stats.wanted)}, ${figures}`
}

/** Figures, the most important first: what does not fit is left out from the end. */
function transferFigures(stats: TorrentStats): string[] {
  const up = `${formatRate(stats.upRate)} up`
  const given = `${formatBytes(stats.uploaded)} given, ratio ${formatRatio(stats)}`
  const peers = sourcesOf(stats)
  if (stats.state === 'seeding') return [up, peers, given]
  const amount = `${formatBytes(stats.wanted - stats.left)} of ${formatBytes(stats.wanted)}`
  const figures = [amount, `${formatRate(stats.downRate)} down`, remainingTime(stats), peers]
  return stats.uploaded > 0 ? [...figures, up, given] : figures
}

/** `5 peers`, `5 peers + 1 web seed`. */
function sourcesOf({ peers, webSeeds }: TorrentStats): string {
  const counted = formatCount(peers, 'peer')
  return webSeeds === 0 ? counted : `${counted} + ${formatCount(webSeeds, 'web seed')}`
}

function preparationOf({ stats, checking }: ProgressView): Preparation | null {
  return stats.state === 'checking' ? (checking ?? { done: 0, total: stats.total }) : null
}

function checkingFigures({ done, total, isAllocating }: Preparation): string[] {
  return [`${formatBytes(done)} of ${formatBytes(total)} of ${isAllocating ? 'space on disk' : 'data on disk'}`]
}

function remainingTime(stats: TorrentStats): string {
  const seconds = stats.left / stats.downRate
  // Beyond some months the figure says nothing.
  if (stats.downRate < 1 || seconds > 100 * 86_400) return 'waiting for data'
  return `${formatDuration(seconds)} left`
}

function stateOf(stats: TorrentStats): string {
  if (stats.state === 'downloading' && stats.peers + stats.webSeeds === 0) return 'looking for peers'
  if (stats.state === 'parked') return 'waiting'
  return stats.state
}

function formatRatio(stats: TorrentStats): string {
  return (stats.wanted === 0 ? 0 : stats.uploaded / stats.wanted).toFixed(2)
}

function renderTitle(name: string, state: string, columns: number, style: Style): string {
  const room = columns - displayWidth(state) - 2
  if (room < 8) return style.bold(fitWidth(name, columns, style.unicode ? '…' : '..'))
  const title = fitWidth(name, room, style.unicode ? '…' : '..')
  const gap = ' '.repeat(columns - displayWidth(title) - displayWidth(state))
  return `${style.bold(title)}${gap}${style.dim(state)}`
}

/** Broken between words; what is too long all the same is cut. */
function renderReason(text: string, columns: number, style: Style): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`
    const isLast = lines.length === MAX_REASON_LINES
    if (lines.length > 0 && (displayWidth(longer) <= columns || isLast)) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines.map((line) => style.busy(fitWidth(line, columns, style.unicode ? '…' : '..')))
}

function joinThatFit(figures: readonly string[], columns: number, style: Style): string {
  const separator = style.unicode ? ' · ' : ', '
  let line = fitWidth(figures[0], columns, '')
  for (const figure of figures.slice(1)) {
    const longer = line + separator + figure
    if (displayWidth(longer) > columns) break
    line = longer
  }
  return line
}
