import { formatCount } from '../view/format.ts'
import { printable } from '../view/printable.ts'
import type { Style } from '../view/style.ts'
import type { CommandEvent } from './events.ts'

const PIECES_NAMED = 5

/** The event as a sentence for people, or null when it has none: the figures or a note of the command say it better. */
export function eventText(event: CommandEvent, style: Style): string | null {
  if (event.event === 'warning') return `${style.busy('Warning:')} ${printable(event.message)}`
  if (event.event === 'peer_dropped') {
    const message = printable(event.message)
    return `${style.busy(`Dropped peer ${printable(event.address)}:`)} ${message}${piecesText(event.pieces ?? [])}`
  }
  return null
}

function piecesText(pieces: readonly number[]): string {
  if (pieces.length === 0) return ''
  const named = pieces.slice(0, PIECES_NAMED).join(', ')
  const more = pieces.length > PIECES_NAMED ? ` and ${formatCount(pieces.length - PIECES_NAMED, 'other')}` : ''
  return ` (piece${pieces.length === 1 ? '' : 's'} ${named}${more})`
}
