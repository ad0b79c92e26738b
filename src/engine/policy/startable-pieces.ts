// The pieces that nobody has begun and that are wanted, by priority: which of them to begin with a peer (BEP 3, 6).
// Higher priorities come first; within one the rarest, or the first in the torrent when it is to be had in sequence.
// It owns how many peers have each piece, too.
import type { Bitfield } from '../../base/bitfield.ts'
import { RarestFirst } from './rarest-first.ts'

/** Priorities go from 0, not wanted, to this. */
export const MAX_PRIORITY = 7
export const NORMAL_PRIORITY = 4

/** From so many on, and this share of all, pieces are not moved one by one. */
const MANY = 4096
const MANY_SHARE = 1 / 16

export type PieceOrder = 'rarest' | 'sequential'

/** What a peer can begin. */
export interface Choice {
  readonly have: Bitfield
  /** Nothing but these (BEP 6, allowed fast); null: all. */
  readonly only: ReadonlySet<number> | null
  /** Pieces that it can send at little cost (BEP 6). */
  readonly suggested?: ReadonlySet<number>
}

export class StartablePieces {
  order: PieceOrder = 'rarest'
  readonly #below: (limit: number) => number
  /** How many peers have each piece, those that have all not counted. */
  readonly #availability: Uint16Array
  /** Peers that have everything are counted once, not in every piece. */
  #seeds = 0
  readonly #priorities: Uint8Array
  /** By priority; null: no piece has ever had it. */
  readonly #levels: (RarestFirst | null)[] = Array.from({ length: MAX_PRIORITY + 1 }, () => null)

  /** @param below a random integer from 0 to `limit - 1` */
  constructor(pieceCount: number, below: (limit: number) => number) {
    this.#below = below
    this.#availability = new Uint16Array(pieceCount)
    this.#priorities = new Uint8Array(pieceCount).fill(NORMAL_PRIORITY)
    this.#levels[NORMAL_PRIORITY] = new RarestFirst(this.#availability, below, true)
  }

  /** How many peers have the piece. */
  availability(piece: number): number {
    return this.#availability[piece] + this.#seeds
  }

  priority(piece: number): number {
    return this.#priorities[piece]
  }

  has(piece: number): boolean {
    return this.#levelOf(piece)?.has(piece) ?? false
  }

  /** Everything that is wanted has been begun. */
  get isEmpty(): boolean {
    for (let priority = MAX_PRIORITY; priority > 0; priority--)
      if ((this.#levels[priority]?.length ?? 0) > 0) return false
    return true
  }

  /** A peer has told all it has. */
  peerHas(have: Bitfield): void {
    if (have.isFull) this.#seeds++
    else if (this.#isMany(have)) this.#changeMany(have, 1)
    else have.forEachSet((piece) => this.#increase(piece))
  }

  /** A peer that had told what it has is gone, or tells anew. */
  peerGone(have: Bitfield): void {
    if (have.isFull) this.#seeds--
    else if (this.#isMany(have)) this.#changeMany(have, -1)
    else have.forEachSet((piece) => this.#decrease(piece))
  }

  /** A peer has one piece more, which is set in `have` already. */
  peerHasPiece(piece: number, have: Bitfield): void {
    this.#increase(piece)
    this.#levelOf(piece)?.told(piece, have)
    if (!have.isFull) return
    if (this.#isMany(have)) this.#changeMany(have, -1)
    else have.forEachSet((each) => this.#decrease(each))
    this.#seeds++
  }

  #isMany({ count, size }: Bitfield): boolean {
    return count >= MANY && count >= MANY_SHARE * size
  }

  #changeMany(have: Bitfield, step: 1 | -1): void {
    const availability = this.#availability
    have.forEachSet((piece) => (availability[piece] += step))
    for (const level of this.#levels) level?.rearrange()
  }

  #increase(piece: number): void {
    const level = this.#levelOf(piece)
    if (level) level.increase(piece)
    else this.#availability[piece]++
  }

  #decrease(piece: number): void {
    const level = this.#levelOf(piece)
    if (level) level.decrease(piece)
    else this.#availability[piece]--
  }

  /** The piece can be started, if it is wanted. */
  insert(piece: number): void {
    this.#levelOf(piece)?.insert(piece)
  }

  /** The piece is under way, or we have it. */
  remove(piece: number): void {
    this.#levelOf(piece)?.remove(piece)
  }

  /** @param isStartable neither under way nor had */
  setPriority(piece: number, priority: number, isStartable: boolean): void {
    if (isStartable) this.remove(piece)
    this.#priorities[piece] = priority
    if (priority > 0) this.#levels[priority] ??= new RarestFirst(this.#availability, this.#below, false)
    if (isStartable) this.insert(piece)
  }

  /** The piece to begin with the peer, or -1. */
  choose(choice: Choice): number {
    const { have, only, suggested } = choice
    if (only) return this.#bestOf(only, have)
    // A hint from the other side: it has these at hand, and they are as good as any while we need them.
    const hinted = suggested && this.order === 'rarest' ? this.#bestOf(suggested, have) : -1
    if (hinted >= 0) return hinted
    return this.#firstFrom((level) => (this.order === 'rarest' ? level.rarest(have) : level.first(have)))
  }

  /** Any piece of the highest priority that the peer has, or -1 when none is found soon. */
  chooseAny(have: Bitfield): number {
    return this.#firstFrom((level) => level.random(have))
  }

  #firstFrom(choose: (level: RarestFirst) => number): number {
    for (let priority = MAX_PRIORITY; priority > 0; priority--) {
      const level = this.#levels[priority]
      if (!level || level.length === 0) continue
      const piece = choose(level)
      if (piece >= 0) return piece
    }
    return -1
  }

  /** Of a few pieces, the most wanted and then the rarest that can be started. */
  #bestOf(pieces: ReadonlySet<number>, have: Bitfield): number {
    let best = -1
    for (const piece of pieces) if (have.has(piece) && this.has(piece) && this.#isBetter(piece, best)) best = piece
    return best
  }

  #isBetter(piece: number, than: number): boolean {
    if (than < 0) return true
    const more = this.#priorities[piece] - this.#priorities[than]
    return more > 0 || (more === 0 && this.#availability[piece] < this.#availability[than])
  }

  #levelOf(piece: number): RarestFirst | null {
    return this.#levels[this.#priorities[piece]]
  }
}
