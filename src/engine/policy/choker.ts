// Whom we upload to (BEP 3).
// Every 10 s the peers that serve us best (or, when seeding, that take fastest) get a slot; one waiting peer, redrawn
// every third round, gets a chance to prove itself. When seeding, a peer that has held its slot for several rounds makes
// way for one that waits, so that everybody is served in turn. Between rounds a free slot goes to the first who asks.
// Pure: the caller brings peers and randomness, and carries out the answer.

/** Rounds between two draws of the optimistic slot. */
const OPTIMISTIC_EVERY = 3
/** Rounds a peer may hold a slot of a seed while others wait. */
const SEEDING_TURN = 6

export interface ChokeCandidate {
  /** Wants something of ours. */
  readonly isInterested: boolean
  /** Has a slot now. */
  readonly isUnchoked: boolean
  /** Payload bytes received from it since the last round. */
  readonly bytesFromPeer: number
  /** Payload bytes sent to it since the last round. */
  readonly bytesToPeer: number
  /** Rounds for which it has held its slot. */
  readonly roundsUnchoked: number
}

export interface ChokerOptions {
  /** Peers served at once, the optimistic one included; at least 1. */
  readonly slots: number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
}

export class Choker<Peer extends ChokeCandidate> {
  readonly #options: ChokerOptions
  #round = 0
  /** The last round in which a peer had a slot. */
  readonly #served = new WeakMap<Peer, number>()
  #optimistic: Peer | null = null

  constructor(options: ChokerOptions) {
    this.#options = options
  }

  /** Is there a slot for one more right now? */
  hasFreeSlot(peers: Iterable<Peer>): boolean {
    let used = 0
    for (const peer of peers) if (peer.isUnchoked && peer.isInterested) used++
    return used < this.#options.slots
  }

  /** Returns the peers to serve until the next round; everybody else is choked. */
  round(peers: readonly Peer[], isSeeding: boolean): Set<Peer> {
    const chosen = this.#choose(peers, isSeeding)
    for (const peer of chosen) this.#served.set(peer, this.#round)
    return chosen
  }

  #choose(peers: readonly Peer[], isSeeding: boolean): Set<Peer> {
    const eager = peers.filter((peer) => peer.isInterested)
    if (this.#optimistic && !eager.includes(this.#optimistic)) this.#optimistic = null
    const isDraw = this.#round++ % OPTIMISTIC_EVERY === 0
    const { slots } = this.#options
    if (eager.length <= slots) return new Set(eager)

    const ranked = [...eager].sort(isSeeding ? (a, b) => this.#bySeeding(a, b) : byReciprocity)
    if (isDraw || !this.#optimistic) this.#optimistic = this.#draw(ranked.slice(slots - 1))
    const chosen = new Set<Peer>([this.#optimistic])
    for (const peer of ranked) {
      if (chosen.size >= slots) break
      chosen.add(peer)
    }
    return chosen
  }

  /** Seeding: who has had its turn goes last; who has a slot keeps it, the fastest first; then who has waited longest. */
  #bySeeding(a: Peer, b: Peer): number {
    const hadTurn = (peer: Peer): number => Number(peer.roundsUnchoked >= SEEDING_TURN)
    const served = (peer: Peer): number => this.#served.get(peer) ?? -1
    return (
      hadTurn(a) - hadTurn(b) ||
      Number(b.isUnchoked) - Number(a.isUnchoked) ||
      b.bytesToPeer - a.bytesToPeer ||
      served(a) - served(b)
    )
  }

  #draw(waiting: readonly Peer[]): Peer {
    return waiting[this.#options.below(waiting.length)]
  }
}

/** Downloading: who gives most comes first. */
function byReciprocity(a: ChokeCandidate, b: ChokeCandidate): number {
  return b.bytesFromPeer - a.bytesFromPeer || Number(b.isUnchoked) - Number(a.isUnchoked)
}
