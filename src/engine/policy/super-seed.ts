// Super-seeding (BEP 16): the only seed of a young swarm hides what it has and reveals single pieces, so that it uploads
// hardly more than one copy until all pieces are out.
//  - A piece is revealed to one peer; the next ones to that peer when the earlier are seen at somebody else: who passes
//    on gets more, who does not gets nothing more for a while.
//  - What nobody has been offered and nobody has comes first.
//  - A peer with nobody to pass a piece on to is not blamed, and an old offer does not count for ever: two peers that
//    cannot reach each other must not wait for each other.
// Pure: peers are opaque keys. It tells what to reveal; the caller says so on the wire, and serves nothing else.
import type { Bitfield } from '../../base/bitfield.ts'
import { RarityOrder } from './rarity-order.ts'

/** Pieces revealed to one peer and not seen at another yet. */
const MAX_PENDING = 2
/** An offer that was not passed on counts no more after this time, in milliseconds. */
const OFFER_MS = 60_000
/** Places of the order that are looked at for a piece that the peer lacks. */
const LOOKED_AT = 4096

/** Say "have" of this piece to this peer. */
export interface Reveal<Peer> {
  readonly peer: Peer
  readonly piece: number
}

/** One peer, as the super-seed sees it. */
interface Pupil {
  have: Bitfield
  readonly revealed: Set<number>
  /** Revealed pieces not seen elsewhere -> when they were revealed. */
  readonly pending: Map<number, number>
}

export class SuperSeed<Peer> {
  readonly #pupils = new Map<Peer, Pupil>()
  /** By how often a piece was revealed or is had. */
  readonly #order: RarityOrder
  /** Peers that have each piece. */
  readonly #copies: Uint16Array
  /** Pieces that no connected peer has. */
  #unseen: number

  /** @param below a random integer from 0 to `limit - 1` */
  constructor(pieceCount: number, below: (limit: number) => number) {
    this.#order = new RarityOrder(new Uint16Array(pieceCount), below, true)
    this.#copies = new Uint16Array(pieceCount)
    this.#unseen = pieceCount
  }

  /** Every piece is had by somebody else who is connected: the mode has done its work. */
  get isDone(): boolean {
    return this.#unseen === 0
  }

  /** Has the peer been told of anything? */
  knows(peer: Peer): boolean {
    return this.#pupils.has(peer)
  }

  /** May the peer ask for this piece? */
  isRevealed(peer: Peer, piece: number): boolean {
    return this.#pupils.get(peer)?.revealed.has(piece) ?? false
  }

  /** A peer is there, or tells anew all that it has. `have` is kept: it shows what the peer gets from now on. */
  peerHas(peer: Peer, have: Bitfield, now: number): Reveal<Peer>[] {
    const known = this.#pupils.get(peer)
    if (known) this.#count(known.have, -1)
    this.#count(have, 1)
    if (known) known.have = have
    else this.#pupils.set(peer, { have, revealed: new Set(), pending: new Map() })
    const passed: Peer[] = []
    for (const [other, { pending }] of this.#pupils) {
      if (other === peer) continue
      for (const piece of pending.keys()) if (have.has(piece) && pending.delete(piece)) passed.push(other)
    }
    return this.#revealTo([...passed, peer], now)
  }

  /** A peer has one piece more; call it after the piece is set in its `have`. */
  peerHasPiece(peer: Peer, piece: number, now: number): Reveal<Peer>[] {
    this.#add(piece, 1)
    const pupil = this.#pupils.get(peer)
    // What we have shown to a peer it may have from us: that tells nothing of others.
    const isOurs = pupil?.revealed.has(piece) ?? false
    const passed: Peer[] = []
    for (const [other, { pending }] of this.#pupils)
      if (other !== peer && !isOurs && pending.delete(piece)) passed.push(other)
    return this.#revealTo([...passed, peer], now)
  }

  /** A peer is gone. What it was offered is offered to others. */
  peerGone(peer: Peer): void {
    const pupil = this.#pupils.get(peer)
    if (!pupil) return
    this.#pupils.delete(peer)
    this.#count(pupil.have, -1)
    for (const piece of pupil.revealed) this.#order.decrease(piece)
  }

  /** Time passes: old offers count no more. Call it every few seconds. */
  tick(now: number): Reveal<Peer>[] {
    for (const { pending } of this.#pupils.values())
      for (const [piece, since] of pending) if (now - since > OFFER_MS) pending.delete(piece)
    return this.#revealTo([...this.#pupils.keys()], now)
  }

  #revealTo(peers: readonly Peer[], now: number): Reveal<Peer>[] {
    const reveals: Reveal<Peer>[] = []
    for (const peer of peers) {
      const pupil = this.#pupils.get(peer)
      if (!pupil) continue
      while (this.#owing(pupil) < MAX_PENDING) {
        const piece = this.#choose(pupil)
        if (piece < 0) break
        this.#order.increase(piece)
        pupil.revealed.add(piece)
        pupil.pending.set(piece, now)
        reveals.push({ peer, piece })
      }
    }
    return reveals
  }

  /** Pieces that the peer has still to fetch or to pass on; those that it has and nobody else lacks are neither. */
  #owing({ have, pending }: Pupil): number {
    let owing = 0
    for (const piece of pending.keys()) if (!have.has(piece) || this.#copies[piece] < this.#pupils.size) owing++
    return owing
  }

  #choose({ have, revealed }: Pupil): number {
    const most = Math.min(LOOKED_AT, this.#order.length)
    for (let i = 0; i < most; i++) {
      const piece = this.#order.at(i)
      if (!have.has(piece) && !revealed.has(piece)) return piece
    }
    return -1
  }

  #count(have: Bitfield, step: 1 | -1): void {
    if (have.count === 0) return
    for (let piece = 0; piece < have.size; piece++) if (have.has(piece)) this.#add(piece, step)
  }

  #add(piece: number, step: 1 | -1): void {
    if (step > 0) this.#order.increase(piece)
    else this.#order.decrease(piece)
    const had = this.#copies[piece]
    this.#copies[piece] += step
    if (had === 0) this.#unseen--
    else if (this.#copies[piece] === 0) this.#unseen++
  }
}
