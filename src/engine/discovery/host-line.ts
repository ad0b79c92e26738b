// Who waits to ask one tracker's host, and whose turn it is there.
//
// What it weighs:
// - Leaving goes first, and at no pace: it has only seconds. It is bounded by places alone, of which a host that answers has more.
// - Otherwise turns alternate between the newest of those that ask for the first time (a person has probably just added it, and
//   looks at it) and whoever waits longest: so the newest hardly waits, and nobody waits for ever.
import type { TrackerError } from '../../base/errors.ts'
import { Pace } from './pace.ts'

/** `leaving`: tells that we go; `first`: the tracker has not heard of the torrent yet, or somebody waits for the answer. */
export type Occasion = 'leaving' | 'first' | 'regular'

export interface Waiter {
  readonly occasion: Occasion
  /** It is its turn. */
  onTurn(): void
  /** There will be none. */
  onRefused(error: TrackerError): void
}

/** Asked at once. */
export const MAX_UNANSWERED_PER_HOST = 10
/** The same for those that leave, where the host has answered lately: whoever answers soon frees a place soon. */
export const MAX_LEAVING_PER_HOST = 50
/** A host whose places are all taken for so long by who gets no answer is silent. */
export const SILENT_AFTER_MS = 10_000
const PER_SECOND = 20
const BURST = 5
/** Within any second; leaving not counted. */
export const MAX_PER_SECOND_AND_HOST = PER_SECOND + BURST

export class HostLine {
  /** Asked, and not answered so far. */
  unanswered = 0
  /** What was over last, ended with an answer. */
  hasAnswered = false
  readonly #pace = new Pace(PER_SECOND, BURST)
  readonly #leaving = new Set<Waiter>()
  /** In the order in which they came. */
  readonly #others = new Set<Waiter>()
  /** The newest last; with some that wait no longer. */
  #firsts: Waiter[] = []
  #isNewestNext = true
  #lastTurnAt = -Infinity

  get waiting(): number {
    return this.#leaving.size + this.#others.size
  }

  get isLeaving(): boolean {
    return this.#leaving.size > 0
  }

  /** It need not be remembered. */
  isIdle(now: number): boolean {
    return this.waiting === 0 && this.unanswered === 0 && this.#pace.isFresh(now)
  }

  isSilent(now: number): boolean {
    return this.#isFull && now - this.#lastTurnAt >= SILENT_AFTER_MS
  }

  get #isFull(): boolean {
    return this.unanswered >= MAX_UNANSWERED_PER_HOST
  }

  get #isFullForLeaving(): boolean {
    return this.unanswered >= (this.hasAnswered ? MAX_LEAVING_PER_HOST : MAX_UNANSWERED_PER_HOST)
  }

  add(waiter: Waiter): void {
    if (waiter.occasion === 'leaving') this.#leaving.add(waiter)
    else this.#others.add(waiter)
    if (waiter.occasion === 'first') this.#firsts.push(waiter)
  }

  /** It waits no longer. False: it did not. */
  remove(waiter: Waiter): boolean {
    const wasWaiting = this.#leaving.delete(waiter) || this.#others.delete(waiter)
    if (this.#firsts.length > 2 * this.#others.size) this.#firsts = this.#firsts.filter((one) => this.#others.has(one))
    return wasWaiting
  }

  /** Gives a turn to whoever is next, if it may be now. Returns what for; null: nobody has got one. */
  giveTurn(now: number, onlyToLeaving: boolean): Occasion | null {
    const leaving = this.#isFullForLeaving ? undefined : firstOf(this.#leaving)
    const waiter = leaving ?? (this.#isFull ? undefined : this.#nextOther(now, onlyToLeaving))
    if (waiter === undefined) return null
    this.remove(waiter)
    this.unanswered++
    this.#lastTurnAt = now
    waiter.onTurn()
    return waiter.occasion
  }

  #nextOther(now: number, onlyToLeaving: boolean): Waiter | undefined {
    if (onlyToLeaving || this.#others.size === 0 || !this.#pace.allows(now)) return undefined
    this.#pace.used(now)
    const isNewestNext = this.#isNewestNext
    this.#isNewestNext = !isNewestNext
    return (isNewestNext ? this.#newest() : undefined) ?? firstOf(this.#others)
  }

  #newest(): Waiter | undefined {
    let newest = this.#firsts.pop()
    while (newest !== undefined && !this.#others.has(newest)) newest = this.#firsts.pop()
    return newest
  }

  /** All who wait are told why they need not. Returns how many there were. */
  refuseAll(error: TrackerError): number {
    const all = [...this.#leaving, ...this.#others]
    for (const waiter of all) this.remove(waiter)
    for (const waiter of all) waiter.onRefused(error)
    return all.length
  }
}

function firstOf(waiters: ReadonlySet<Waiter>): Waiter | undefined {
  for (const waiter of waiters) return waiter
  return undefined
}
