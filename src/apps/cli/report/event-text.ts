import { printable } from '../view/printable.ts'
import type { Style } from '../view/style.ts'
import { slownessText } from '../view/progress-view.ts'
import type { CommandEvent } from './events.ts'

/** Beyond this many, what was told long ago may be told again. */
const MAX_REMEMBERED = 1000

/**
 * Events as sentences for people. What repeats itself (a tracker that stays dead, a peer found guilty of one piece after
 * the other) is told once; programs and the log get all of it.
 */
export class EventText {
  readonly #style: Style
  readonly #told = new Set<string>()

  constructor(style: Style) {
    this.#style = style
  }

  /** Null for what was told before, and for events that the figures or a note of the command say better. */
  of(event: CommandEvent): string | null {
    if (event.event === 'warning') {
      return this.#once(event.message, `${this.#style.busy('Warning:')} ${printable(event.message)}`)
    }
    // In a swarm peers leave all the time; that one did so with answers outstanding is nothing to tell people.
    if (event.event === 'peer_dropped' && event.reason !== 'left') {
      const who = this.#style.busy(`Dropped peer ${printable(event.address)}:`)
      return this.#once(`${event.address} ${event.reason}`, `${who} ${printable(event.message)}`)
    }
    if (event.event === 'slow') return this.#style.busy(printable(slownessText(event.stalled, event.message)))
    if (event.event === 'parked') return `${this.#style.busy('Waiting:')} ${printable(event.message)}`
    if (event.event === 'resumed') return 'Going on'
    return null
  }

  #once(key: string, text: string): string | null {
    if (this.#told.has(key)) return null
    if (this.#told.size >= MAX_REMEMBERED) this.#told.clear()
    this.#told.add(key)
    return text
  }
}
