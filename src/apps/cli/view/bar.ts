// Two ways to show how much is there: a bar of the whole, and a strip in which each column stands for some pieces.
import type { Style } from './style.ts'

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇']
const ASCII_LEVELS = ['-', '-', '-', '=', '=', '=', '=']

/** States of a piece, one byte each, as `Torrent.pieceStates()` returns them. */
export const PIECE = { missing: 0, underWay: 1, have: 2 } as const

/** A bar of `columns` columns in steps of an eighth of a column; full only when `fraction` is 1. */
export function renderBar(fraction: number, columns: number, style: Style): string {
  const eighths = Math.floor(Math.min(1, Math.max(0, fraction)) * columns * 8)
  const full = Math.floor(eighths / 8)
  const partial = style.unicode ? EIGHTHS[eighths % 8] : ''
  const filled = (style.unicode ? '█' : '#').repeat(full) + partial
  const empty = (style.unicode ? '░' : '.').repeat(columns - full - partial.length)
  return style.good(filled) + style.dim(empty)
}

/**
 * The pieces from first to last in at most `columns` columns. A column's height is the share of its pieces that we have;
 * a dot is none at all, a busy colour means that one of them is under way.
 */
export function renderPieceStrip(states: Uint8Array, columns: number, style: Style): string {
  const cells = Math.min(columns, states.length)
  let text = ''
  for (let cell = 0; cell < cells; cell++) {
    const from = Math.floor((cell * states.length) / cells)
    const to = Math.floor(((cell + 1) * states.length) / cells)
    text += renderCell(states.subarray(from, to), style)
  }
  return text
}

function renderCell(states: Uint8Array, style: Style): string {
  let have = 0
  let underWay = 0
  for (const state of states) {
    if (state === PIECE.have) have++
    else if (state === PIECE.underWay) underWay++
  }
  if (have === states.length) return style.good(style.unicode ? '█' : '#')
  const levels = style.unicode ? LEVELS : ASCII_LEVELS
  if (have > 0) {
    const level = levels[Math.floor((have / states.length) * levels.length)]
    return underWay > 0 ? style.busy(level) : style.good(level)
  }
  return underWay > 0 ? style.busy(levels[0]) : style.dim(style.unicode ? '·' : '.')
}
