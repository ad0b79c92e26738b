// Figures as text: aligned for a terminal, or a table for a document.
import { type Figure, type FigureBound, type Limits, meets } from './scenario.ts'

/** One line a figure, the bounds beside. */
export function figureTable(figures: readonly Figure[], bounds: readonly FigureBound[]): string {
  const rows = figures.map((figure) => {
    const own = bounds.filter((bound) => bound.figure === figure.name)
    return [figure.name, formatFigure(figure), own.map((bound) => boundCell(figure.value, bound)).join(', ')]
  })
  return alignedTable([['figure', 'value', 'bound'], ...rows])
}

/** Columns of equal width, two spaces between. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownTable(rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(rows[0]), `|${'---|'.repeat(rows[0].length)}`, ...rows.slice(1).map(line)].join('\n')
}

/** `1.164`, `67.1 s`, `3 copies`. */
export function formatFigure({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  return `${formatValue(value)} ${unit}`.trimEnd()
}

/** Whole numbers as they are, others with four significant digits or so. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Number.isInteger(value)) return String(value)
  const size = Math.abs(value)
  return value.toFixed(size < 10 ? 3 : size < 100 ? 2 : 1)
}

/** `at most 1.2`, `at least 0.8`; empty without a limit. */
export function formatLimits({ atMost, atLeast }: Limits): string {
  return [atLeast === undefined ? '' : `at least ${atLeast}`, atMost === undefined ? '' : `at most ${atMost}`]
    .filter((text) => text !== '')
    .join(', ')
}

function boundCell(value: number, limits: Limits): string {
  return meets(value, limits) ? formatLimits(limits) : `${formatLimits(limits)}: MISSED`
}
