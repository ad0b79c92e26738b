// One level of priority: its pieces that can be started, and the rarest of them that a peer has.
//
// The order by rarity answers at once for a peer that has some of the rarest pieces. One that has none of them must not
// cost a walk through the whole order each time: its pieces are gathered in a shortlist, which is used up before the
// next walk. So a choice is constant time, but for one pass over a bitfield now and then.
import { Bitfield } from '../../base/bitfield.ts'
import { RarityOrder } from './rarity-order.ts'

/** Places of the order that are looked at for every peer. */
const LOOKED_AT = 128
/** Pieces gathered at once for a peer that has none of those. */
const SHORTLIST = 64
const RANDOM_TRIES = 16

/** Pieces that one peer has, and that could be started when they were noted. */
interface Shortlist {
  pieces: number[]
  /** No others are there, unless some were added to the level since. */
  isComplete: boolean
  /** `#inserts` when it was made. */
  readonly inserts: number
}

export class RarestFirst {
  readonly #order: RarityOrder
  /** The same pieces as in the order, by number. */
  readonly #members: Bitfield
  readonly #below: (limit: number) => number
  /** By what a peer has. */
  readonly #shortlists = new WeakMap<Bitfield, Shortlist>()
  #inserts = 0

  /**
   * @param availability of each piece, shared by all levels
   * @param below a random integer from 0 to `limit - 1`
   */
  constructor(availability: Uint16Array, below: (limit: number) => number, isFull: boolean) {
    this.#below = below
    this.#order = new RarityOrder(availability, below, isFull)
    this.#members = isFull ? Bitfield.full(availability.length) : new Bitfield(availability.length)
  }

  get length(): number {
    return this.#order.length
  }

  has(piece: number): boolean {
    return this.#order.has(piece)
  }

  increase(piece: number): void {
    this.#order.increase(piece)
  }

  decrease(piece: number): void {
    this.#order.decrease(piece)
  }

  /** The availability of many pieces has been changed at once. */
  rearrange(): void {
    this.#order.rearrange()
  }

  insert(piece: number): void {
    this.#inserts++
    this.#order.insert(piece)
    this.#members.set(piece)
  }

  remove(piece: number): void {
    this.#order.remove(piece)
    this.#members.clear(piece)
  }

  /** A peer has come to have the piece. */
  told(piece: number, have: Bitfield): void {
    const list = this.#shortlists.get(have)
    if (!list || !this.has(piece)) return
    if (list.pieces.length < SHORTLIST) list.pieces.push(piece)
    else list.isComplete = false
  }

  /** The rarest that the peer has, or nearly so; -1: it has none. */
  rarest(have: Bitfield): number {
    if (this.#hasNothing(have)) return -1
    const most = Math.min(LOOKED_AT, this.length)
    for (let i = 0; i < most; i++) {
      const piece = this.#order.at(i)
      if (have.has(piece)) return piece
    }
    return most === this.length ? -1 : this.#fromShortlist(have)
  }

  /** Any that the peer has; -1: none was found in a few tries. */
  random(have: Bitfield): number {
    for (let i = 0; i < RANDOM_TRIES && this.length > 0; i++) {
      const piece = this.#order.at(this.#below(this.length))
      if (have.has(piece)) return piece
    }
    return -1
  }

  /** The first in the torrent that the peer has; -1: none. */
  first(have: Bitfield): number {
    const [piece] = this.#common(have, 0, have.bytes.length, 1)
    return piece ?? -1
  }

  /** Found before, and nothing has come since. */
  #hasNothing(have: Bitfield): boolean {
    const list = this.#shortlistOf(have)
    return list !== null && list.isComplete && list.pieces.length === 0
  }

  #shortlistOf(have: Bitfield): Shortlist | null {
    const list = this.#shortlists.get(have)
    return list?.inserts === this.#inserts ? list : null
  }

  #fromShortlist(have: Bitfield): number {
    const list = this.#shortlistOf(have) ?? this.#gather(have)
    let best = this.#bestOf(list)
    if (best < 0 && !list.isComplete) best = this.#bestOf(this.#gather(have))
    return best
  }

  #bestOf(list: Shortlist): number {
    list.pieces = list.pieces.filter((piece) => this.has(piece))
    let best = -1
    for (const piece of list.pieces)
      if (best < 0 || this.#order.availability(piece) < this.#order.availability(best)) best = piece
    return best
  }

  /** Notes pieces that can be started and that the peer has, from a random place of the torrent on. */
  #gather(have: Bitfield): Shortlist {
    const end = have.bytes.length
    const from = this.#below(end)
    const pieces = this.#common(have, from, end, SHORTLIST)
    if (pieces.length < SHORTLIST) pieces.push(...this.#common(have, 0, from, SHORTLIST - pieces.length))
    const list = { pieces, isComplete: pieces.length < SHORTLIST, inserts: this.#inserts }
    this.#shortlists.set(have, list)
    return list
  }

  /** At most `most` pieces that both have, in the bytes from `from` to `end`. */
  #common(have: Bitfield, from: number, end: number, most: number): number[] {
    const [ours, theirs] = [this.#members.bytes, have.bytes]
    const found: number[] = []
    for (let i = from; i < end; i++) {
      let both = ours[i] & theirs[i]
      while (both !== 0) {
        const bit = Math.clz32(both) - 24
        found.push(8 * i + bit)
        if (found.length >= most) return found
        both &= ~(0x80 >> bit)
      }
    }
    return found
  }
}
