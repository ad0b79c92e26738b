// When each piece was last to be had from a connected peer: for telling people how long a piece has been missing from the
// swarm. Four bytes a piece, and nothing at all until a peer with some of the pieces has left.
// Not for picking: what connected peers have now is the picker's fact.
import type { Bitfield } from '../../base/bitfield.ts'

export class PieceSightings {
  readonly #pieceCount: number
  /** Seconds of the clock, plus one; 0 for never. */
  #seenAt: Uint32Array | null = null
  /** The same for all pieces: seeds leave often, and need no walk. */
  #allSeenAt = 0

  constructor(pieceCount: number) {
    this.#pieceCount = pieceCount
  }

  /** A peer with these pieces is connected no more. @param now milliseconds of the clock */
  peerLeft(have: Bitfield, now: number): void {
    const seconds = Math.floor(now / 1000) + 1
    if (have.isFull) this.#allSeenAt = seconds
    if (have.isFull || have.count === 0) return
    const seenAt = (this.#seenAt ??= new Uint32Array(this.#pieceCount))
    have.forEachSet((piece) => (seenAt[piece] = seconds))
  }

  /** When a peer that had the piece was last connected, in whole seconds, as milliseconds; null for never. */
  lastSeenAt(piece: number): number | null {
    const seconds = Math.max(this.#allSeenAt, this.#seenAt?.[piece] ?? 0)
    return seconds === 0 ? null : (seconds - 1) * 1000
  }
}
