// A peer that blocks are to be picked for: what it has, how much it may be asked for, and whether there is memory for it.
import type { Bitfield } from '../../base/bitfield.ts'

export interface PickRequest<Key> {
  readonly peer: Key
  readonly have: Bitfield
  /** At most this many blocks. */
  readonly room: number
  /** At most this many blocks that others were asked for already. */
  readonly endgameRoom: number
  /** Pieces that may be asked for while the peer chokes us (BEP 6); null: all. */
  readonly only: ReadonlySet<number> | null
  /** Pieces that the peer suggests (BEP 6). */
  readonly suggested?: ReadonlySet<number>
  /**
   * It sends neighbouring pieces at once (a web seed): with each piece that is begun the one after it is begun, too, and this one
   * first if it is no less rare than others; -1: none. Absent: it is a peer, and asked for one piece like any other.
   */
  readonly nextInRun?: number
  /** It may have sent wrong data: it gets whole pieces to itself, so that the next wrong one names it. */
  readonly isOnParole?: boolean
  /** Milliseconds on the clock of the deadlines; not needed while there are none. */
  readonly now?: number
  /** Was this peer asked for the block already? */
  hasAsked(block: number): boolean
  /** Memory for the block; false when there is none now. */
  reserve(block: number): boolean
  /** So many blocks, counted from a piece's first, share their memory: what is refused for one is refused for all of them. */
  readonly blocksPerReserve: number
}

/** Has the peer the piece, and may it be asked for it? */
export function mayHave<Key>(request: PickRequest<Key>, piece: number): boolean {
  return request.have.has(piece) && (request.only === null || request.only.has(piece))
}
