// Carries out super-seeding (BEP 16) among the peers of one swarm: tells each what it may have, until every piece is out
// or another seed is there; then everybody is told everything. Who was there before it began knows everything. Which piece goes to whom is the policy's choice.
import type { Bitfield } from '../../base/bitfield.ts'
import { type Reveal, SuperSeed } from '../policy/super-seed.ts'

/** What super-seeding does to a peer. */
export interface Pupil {
  readonly have: Bitfield
  readonly isSeed: boolean
  readonly isUnchoked: boolean
  readonly isInterested: boolean
  /** Says "have", as though we had got the piece just now. */
  reveal(piece: number): void
  flush(): void
}

export interface SuperSeedingOptions<Peer> {
  readonly pieceCount: number
  /** Another seed ends the mode: only a sole one gains by it. */
  readonly endsWithOtherSeed: boolean
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
  /** The connected peers, in order. */
  readonly peers: () => Iterable<Peer>
}

/** Old offers are looked through this often; and a peer that has not told what it has by then has nothing. */
const TICK_MS = 1000

export class SuperSeeding<Peer extends Pupil> {
  readonly #options: SuperSeedingOptions<Peer>
  readonly #policy: SuperSeed<Peer>
  #lastTick = 0
  #isOver = false

  constructor(options: SuperSeedingOptions<Peer>) {
    this.#options = options
    const { pieceCount, below } = options
    this.#policy = new SuperSeed({
      pieceCount,
      below,
      isServed: (peer) => peer.isUnchoked,
      isInterested: (peer) => peer.isInterested,
    })
    for (const peer of options.peers()) this.#policy.peerKnows(peer, peer.have)
  }

  get isActive(): boolean {
    return !this.#isOver
  }

  /** Must the peer not have this piece yet? */
  hides(peer: Peer, piece: number): boolean {
    return !this.#isOver && !this.#policy.isRevealed(peer, piece)
  }

  /** The peer has told all that it has. */
  onHave(peer: Peer, now: number): void {
    if (this.#isOver) return
    if (peer.isSeed && this.#options.endsWithOtherSeed) return this.#end()
    this.#carryOut(this.#policy.peerHas(peer, peer.have, now))
  }

  /** The peer has one piece more. */
  onPiece(peer: Peer, piece: number, now: number): void {
    if (this.#isOver) return
    if (this.#policy.knows(peer)) this.#carryOut(this.#policy.peerHasPiece(peer, piece, now))
    else this.onHave(peer, now)
  }

  /** The peer has been given a slot. */
  onServed(peer: Peer, now: number): void {
    if (!this.#isOver) this.#carryOut(this.#policy.served(peer, now))
  }

  /** Is a slot for this peer well used? */
  deservesSlot(peer: Peer): boolean {
    return this.#isOver || this.#policy.deservesSlot(peer)
  }

  onGone(peer: Peer): void {
    this.#policy.peerGone(peer)
  }

  tick(now: number): void {
    if (this.#isOver || now - this.#lastTick < TICK_MS) return
    this.#lastTick = now
    // Without the fast extension a peer that has nothing says nothing.
    for (const peer of this.#options.peers()) if (!this.#policy.knows(peer)) this.onHave(peer, now)
    if (!this.#isOver) this.#carryOut(this.#policy.tick(now))
  }

  #carryOut(reveals: readonly Reveal<Peer>[]): void {
    for (const { peer, piece } of reveals) peer.reveal(piece)
    for (const peer of new Set(reveals.map((reveal) => reveal.peer))) peer.flush()
    if (this.#policy.isDone) this.#end()
  }

  #end(): void {
    this.#isOver = true
    for (const peer of this.#options.peers()) {
      for (let piece = 0; piece < this.#options.pieceCount; piece++)
        if (!peer.have.has(piece) && !this.#policy.isRevealed(peer, piece)) peer.reveal(piece)
      peer.flush()
    }
  }
}
