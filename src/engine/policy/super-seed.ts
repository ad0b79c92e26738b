// Super-seeding (BEP 16): the only seed of a young swarm hides what it has and reveals single pieces, so that it uploads
// hardly more than one copy until all pieces are out.
//  - A piece is revealed to one peer; the next ones to that peer when the earlier are seen at somebody else: who passes
//    on gets more, who does not gets nothing more for a while.
//  - Who is served is offered two pieces, so that its slot is never idle; who waits for a slot, one, so that it is interested.
//  - What nobody has and nobody has been offered comes first. What somebody waits for is not offered to another: it is
//    sooner out when the slot goes to who waits. Only when nothing of that kind is left, what others have is revealed.
//  - Who has fetched what it was offered does not say so: we have it ourselves. It wants nothing more of us. When soon
//    after nobody else has the piece, it keeps it for itself, and the piece is offered to another.
//    A keeper is offered nothing as long as there is somebody else who may pass it on.
//  - A peer that knew all that we have before the mode began is offered nothing, and served when no slot is better used: what
//    it takes, others may be sent at the same time.
//  - A peer with nobody to pass a piece on to is not blamed, and an old offer does not count for ever: two peers that
//    cannot reach each other must not wait for each other.
// Pure: peers are opaque keys. It tells what to reveal; the caller says so on the wire, and serves nothing else.
import type { Bitfield } from '../../base/bitfield.ts'
import { RarityOrder } from './rarity-order.ts'

/** Pieces revealed to one peer that is served and not seen at another yet ... */
const MAX_PENDING = 2
/** ... and to one that waits for a slot. */
const MAX_PENDING_WAITING = 1
/** An offer that was not passed on counts no more after this time, in milliseconds. */
const OFFER_MS = 60_000
/** Who has got a piece from us has this long to pass it on, in milliseconds. */
const PASS_ON_MS = 5_000
/** Places of the order that are looked at for a piece that the peer lacks. */
const LOOKED_AT = 4096

/** Say "have" of this piece to this peer. */
export interface Reveal<Peer> {
  readonly peer: Peer
  readonly piece: number
}

export interface SuperSeedOptions<Peer> {
  readonly pieceCount: number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
  /** Has the peer a slot now? */
  readonly isServed: (peer: Peer) => boolean
  /** Does the peer want something that it was offered? */
  readonly isInterested: (peer: Peer) => boolean
}

/** One peer, as the super-seed sees it. */
interface Pupil {
  have: Bitfield
  /** It knows of all that we have. */
  readonly isInformed: boolean
  readonly revealed: Set<number>
  /** Revealed pieces not seen elsewhere -> when they were revealed. */
  readonly pending: Map<number, number>
  /** Since when it has wanted nothing of what it was offered: it has it. Null: it wants something. */
  idleSince: number | null
  /** It had a piece from us and did not pass it on, and has passed on none since. */
  isKeeper: boolean
}

export class SuperSeed<Peer> {
  readonly #pupils = new Map<Peer, Pupil>()
  /** By how often a piece was revealed or is had. */
  readonly #order: RarityOrder
  /** Peers that have each piece. */
  readonly #copies: Uint16Array
  /** Piece -> to whom it is offered and has not been passed on by. */
  readonly #offers = new Map<number, Set<Peer>>()
  readonly #isServed: (peer: Peer) => boolean
  readonly #isInterested: (peer: Peer) => boolean
  /** Pieces that no connected peer has. */
  #unseen: number

  constructor({ pieceCount, below, isServed, isInterested }: SuperSeedOptions<Peer>) {
    this.#isServed = isServed
    this.#isInterested = isInterested
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
    const pupil = this.#pupils.get(peer)
    return pupil !== undefined && (pupil.isInformed || pupil.revealed.has(piece))
  }

  /** A peer was there, and knew of everything, before the mode began. */
  peerKnows(peer: Peer, have: Bitfield): void {
    this.#enter(peer, have, true)
    this.#count(have, 1)
  }

  /** A peer is there, or tells anew all that it has. `have` is kept: it shows what the peer gets from now on. */
  peerHas(peer: Peer, have: Bitfield, now: number): Reveal<Peer>[] {
    const known = this.#pupils.get(peer)
    if (known) this.#count(known.have, -1)
    this.#count(have, 1)
    if (known) known.have = have
    else this.#enter(peer, have, false)
    const passed: Peer[] = []
    for (const [other, { pending }] of this.#pupils) {
      if (other === peer) continue
      for (const piece of pending.keys()) if (have.has(piece) && this.#passedOn(other, piece)) passed.push(other)
    }
    return this.#revealTo([...passed, peer], now)
  }

  /** A peer has one piece more; call it after the piece is set in its `have`. */
  peerHasPiece(peer: Peer, piece: number, now: number): Reveal<Peer>[] {
    this.#add(piece, 1)
    const pupil = this.#pupils.get(peer)
    // What we have shown to a peer it may have from us: that tells nothing of others.
    const isOurs = pupil !== undefined && (pupil.isInformed || pupil.revealed.has(piece))
    const passed: Peer[] = []
    if (!isOurs) {
      for (const other of this.#offers.get(piece) ?? [])
        if (other !== peer && this.#passedOn(other, piece)) passed.push(other)
    }
    return this.#revealTo([...passed, peer], now)
  }

  /** The peer has been given a slot. */
  served(peer: Peer, now: number): Reveal<Peer>[] {
    return this.#revealTo([peer], now)
  }

  /** Was the peer offered a piece that nobody has and nobody else is being sent? */
  deservesSlot(peer: Peer): boolean {
    for (const piece of this.#pupils.get(peer)?.pending.keys() ?? [])
      if (this.#copies[piece] === 0 && !this.#isBeingSent(piece, peer)) return true
    return false
  }

  /** A peer is gone. What it was offered is offered to others. */
  peerGone(peer: Peer): void {
    const pupil = this.#pupils.get(peer)
    if (!pupil) return
    for (const piece of pupil.pending.keys()) this.#withdraw(peer, piece)
    this.#pupils.delete(peer)
    this.#count(pupil.have, -1)
    for (const piece of pupil.revealed) this.#order.decrease(piece)
  }

  /** Time passes: old offers count no more. Call it every few seconds. */
  tick(now: number): Reveal<Peer>[] {
    for (const [peer, pupil] of this.#pupils) {
      const idleSince = this.#isInterested(peer) ? null : (pupil.idleSince ?? now)
      pupil.idleSince = idleSince
      const isKept = (since: number): boolean => idleSince !== null && now - Math.max(idleSince, since) > PASS_ON_MS
      for (const [piece, since] of pupil.pending) {
        pupil.isKeeper ||= isKept(since)
        if (now - since > OFFER_MS || isKept(since)) this.#withdraw(peer, piece)
      }
    }
    return this.#revealTo([...this.#pupils.keys()], now)
  }

  #enter(peer: Peer, have: Bitfield, isInformed: boolean): void {
    const pupil = {
      have,
      isInformed,
      revealed: new Set<number>(),
      pending: new Map(),
      idleSince: null,
      isKeeper: false,
    }
    this.#pupils.set(peer, pupil)
  }

  #revealTo(peers: readonly Peer[], now: number): Reveal<Peer>[] {
    const reveals: Reveal<Peer>[] = []
    for (const peer of peers) {
      const pupil = this.#pupils.get(peer)
      if (!pupil || pupil.isInformed) continue
      if (pupil.isKeeper && this.#hasPasser()) continue
      const most = this.#isServed(peer) ? MAX_PENDING : MAX_PENDING_WAITING
      while (this.#owing(pupil) < most) {
        const piece = this.#choose(pupil)
        if (piece < 0) break
        this.#order.increase(piece)
        pupil.revealed.add(piece)
        this.#offer(peer, pupil, piece, now)
        reveals.push({ peer, piece })
      }
    }
    return reveals
  }

  /** Is there somebody who lacks something and is no keeper? */
  #hasPasser(): boolean {
    for (const { isKeeper, isInformed, have } of this.#pupils.values())
      if (!isKeeper && !isInformed && !have.isFull) return true
    return false
  }

  /** The piece was seen at somebody else. Returns whether the peer was offered it. */
  #passedOn(peer: Peer, piece: number): boolean {
    if (!this.#withdraw(peer, piece)) return false
    this.#pupils.get(peer)!.isKeeper = false
    return true
  }

  /** Pieces that the peer has still to fetch or to pass on; those that it has and nobody else lacks are neither. */
  #owing({ have, pending }: Pupil): number {
    let owing = 0
    for (const piece of pending.keys()) if (!have.has(piece) || this.#copies[piece] < this.#pupils.size) owing++
    return owing
  }

  #choose({ have, revealed }: Pupil): number {
    const most = Math.min(LOOKED_AT, this.#order.length)
    let seen = -1
    for (let i = 0; i < most; i++) {
      const piece = this.#order.at(i)
      if (have.has(piece) || revealed.has(piece)) continue
      if (this.#copies[piece] > 0) seen = seen < 0 ? piece : seen
      else if (!this.#offers.has(piece)) return piece
    }
    return seen >= 0 && this.#isAnybodyWaiting() ? -1 : seen
  }

  /** Is anybody offered a piece that nobody has and nobody is being sent? */
  #isAnybodyWaiting(): boolean {
    for (const piece of this.#offers.keys())
      if (this.#copies[piece] === 0 && !this.#isBeingSent(piece, null)) return true
    return false
  }

  /** Is somebody served, other than this peer, who was offered the piece? */
  #isBeingSent(piece: number, except: Peer | null): boolean {
    for (const peer of this.#offers.get(piece) ?? []) if (peer !== except && this.#isServed(peer)) return true
    return false
  }

  #offer(peer: Peer, { pending }: Pupil, piece: number, now: number): void {
    pending.set(piece, now)
    const peers = this.#offers.get(piece)
    if (peers) peers.add(peer)
    else this.#offers.set(piece, new Set([peer]))
  }

  /** Returns whether there was such an offer. */
  #withdraw(peer: Peer, piece: number): boolean {
    const peers = this.#offers.get(piece)
    if (peers?.delete(peer) && peers.size === 0) this.#offers.delete(piece)
    return this.#pupils.get(peer)?.pending.delete(piece) ?? false
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
