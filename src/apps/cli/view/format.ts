// Figures for people that only the command line needs; the others are in `base/format.ts`.
import { formatBytes } from '../../../base/format.ts'

/** A size that is a round number in its unit, as piece lengths are: `256 KiB`, `1 MiB`, `1.50 MiB`. */
export function formatRound(bytes: number): string {
  return formatBytes(bytes).replace(/\.0+ /, ' ')
}

/** Rounded down, so that 100 % means all: `37.4 %`. */
export function formatPercent(done: number, total: number): string {
  const tenths = total === 0 ? 1000 : Math.floor((done / total) * 1000)
  return `${tenths === 1000 ? '100' : (tenths / 10).toFixed(1)} %`
}
