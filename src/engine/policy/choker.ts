// Whom we upload to (BEP 3).
//
// Downloading: the peers that gave us most in the last 20 s get a slot; one more is drawn by chance every third round,
// newcomers and those who have little before others, to prove itself. A peer that owes us blocks and sends none for a
// minute gets none but by that chance, and there is one such chance more. Of those that have never sent anything only few
// are served at a time as long as others have, and only with so much in advance (see credit.ts): who rides free gets what is
// left over.
// Seeding: nobody gives us anything, so everybody is served in turn; who takes fastest keeps its slot for some rounds.
// Between rounds a free slot is given away at once, by the same preferences.
// Pure: the caller brings peers and randomness, and carries out the answer.
import { type Borrower, Credit } from './credit.ts'

/** Rounds between two draws of the optimistic slots. */
const OPTIMISTIC_EVERY = 3
/** For so many rounds a peer counts as a newcomer ... */
const NEWCOMER_ROUNDS = 6
/** ... and is drawn this many times as often as the others. */
const NEWCOMER_CHANCE = 3
/** Rounds without a byte after which a peer that owes us blocks is taken to snub us. */
const SNUB_ROUNDS = 6
/** Rounds a peer may hold a slot of a seed while others wait. */
const SEEDING_TURN = 6
/** Slots kept from peers that have never sent anything, while others have; one is theirs in any case. */
const CONTRIBUTOR_SLOTS = 3

export interface ChokeCandidate extends Borrower {
  /** Wants something of ours. */
  readonly isInterested: boolean
  /** Has a slot now. */
  readonly isUnchoked: boolean
  /** We wait for blocks that it lets us have. */
  readonly owesUs: boolean
  /** The pieces that it has. */
  readonly have: { readonly count: number }
  /** Payload bytes received from it since the last round. */
  readonly bytesFromPeer: number
  /** Rounds for which it has held its slot. */
  readonly roundsUnchoked: number
}

export interface ChokerOptions {
  /** Peers served at once, the optimistic ones included; at least 1. */
  readonly slots: number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
}

/** What is remembered of a peer from round to round. */
interface Past {
  readonly firstRound: number
  /** The last round in which it had a slot; -1: none. */
  servedRound: number
  bytesFrom: number
  bytesTo: number
  /** It has sent something, at any time. */
  hasGiven: boolean
  /** Rounds in a row in which it owed us blocks and sent none. */
  silentRounds: number
}

export class Choker<Peer extends ChokeCandidate> {
  /** Peers served at once; may change between rounds. */
  slots: number
  readonly #below: (limit: number) => number
  #round = 0
  readonly #past = new WeakMap<Peer, Past>()
  readonly #credit = new Credit<Peer>()
  #optimistic: Peer[] = []

  constructor({ slots, below }: ChokerOptions) {
    this.slots = slots
    this.#below = below
  }

  /** Is there a slot for one more right now? @param served those who have one, at least */
  hasFreeSlot(served: Iterable<Peer>): boolean {
    let used = 0
    for (const peer of served) if (peer.isUnchoked && peer.isInterested) used++
    return used < this.slots
  }

  /**
   * Who gets a slot that has come free between rounds; null: nobody.
   * @param deserves who, when seeding, comes before all others
   */
  next(peers: readonly Peer[], isSeeding: boolean, deserves: (peer: Peer) => boolean = () => true): Peer | null {
    let waiting = this.#withCreditFirst(peers.filter((peer) => peer.isInterested && !peer.isUnchoked))
    if (waiting.length === 0 || !this.hasFreeSlot(peers)) return null
    if (isSeeding) {
      const deserving = waiting.filter(deserves)
      if (deserving.length > 0) waiting = deserving
      const longest = Math.min(...waiting.map((peer) => this.#pastOf(peer).servedRound))
      return this.#draw(waiting.filter((peer) => this.#pastOf(peer).servedRound === longest))
    }
    const willing = waiting.filter((peer) => !this.#isSnubbing(peer))
    const best = this.#ranked(willing, false).at(0)
    if (best && this.#hasGiven(best)) return best
    // One more than in a round: it may be the optimistic slot that has come free.
    const served = peers.filter((peer) => peer.isInterested && peer.isUnchoked)
    const idle = served.filter((peer) => !this.#hasGiven(peer)).length
    return served.length > idle && idle > this.#idleSlots ? null : this.#draw(willing.length > 0 ? willing : waiting)
  }

  /**
   * Downloading: who is to be choked between rounds, because it has had all that it gets in advance and somebody else waits;
   * null: nobody.
   * @param served those who have a slot
   * @param peers all of them; looked at only when somebody's credit is used up
   */
  overdrawn(served: Iterable<Peer>, peers: () => Iterable<Peer>): Peer | null {
    for (const peer of served) {
      if (this.#hasGiven(peer) || !this.#credit.isUsedUp(peer)) continue
      for (const other of peers()) if (other.isInterested && !other.isUnchoked && !this.#isInDebt(other)) return peer
    }
    return null
  }

  /**
   * Returns the peers to serve until the next round; everybody else is choked.
   * @param deserves who, when seeding, comes before all others
   */
  round(peers: readonly Peer[], isSeeding: boolean, deserves: (peer: Peer) => boolean = () => true): Set<Peer> {
    for (const peer of peers) this.#observe(peer)
    this.#credit.endRound(peers)
    const chosen = this.#choose(peers, isSeeding, deserves)
    for (const peer of peers) {
      const past = this.#pastOf(peer)
      if (chosen.has(peer)) past.servedRound = this.#round
      past.bytesFrom = peer.bytesFromPeer
      past.bytesTo = peer.bytesToPeer
    }
    this.#round++
    return chosen
  }

  #choose(peers: readonly Peer[], isSeeding: boolean, deserves: (peer: Peer) => boolean): Set<Peer> {
    const interested = this.#withCreditFirst(peers.filter((peer) => peer.isInterested))
    const { slots } = this
    const deserving = isSeeding ? interested.filter(deserves) : interested
    // Slots are better left to those that get their turn when one comes free than given to who has no use for it.
    const eager = deserving.length > 0 ? deserving : interested
    const isDraw = this.#round % OPTIMISTIC_EVERY === 0
    this.#optimistic = isDraw ? [] : this.#optimistic.filter((peer) => eager.includes(peer))
    if (eager.length <= slots) return new Set(eager)

    const snubbing = isSeeding ? [] : eager.filter((peer) => this.#isSnubbing(peer))
    const chances = Math.min(snubbing.length > 0 ? 2 : 1, slots)
    const ranked = this.#ranked(eager, isSeeding).filter((peer) => !snubbing.includes(peer))
    const regular = isSeeding ? ranked : this.#limitIdle(ranked)
    while (this.#optimistic.length < chances) {
      const others = [...ranked, ...snubbing].filter((peer) => !this.#optimistic.includes(peer))
      const first = new Set(regular.filter((peer) => others.includes(peer)).slice(0, slots - chances))
      this.#optimistic.push(this.#draw(others.filter((peer) => !first.has(peer))))
    }
    const chosen = new Set(this.#optimistic.slice(0, chances))
    for (const peer of regular) {
      if (chosen.size >= slots) break
      chosen.add(peer)
    }
    return chosen
  }

  #ranked(peers: readonly Peer[], isSeeding: boolean): Peer[] {
    return peers.toSorted(isSeeding ? (a, b) => this.#bySeeding(a, b) : (a, b) => this.#byReciprocity(a, b))
  }

  /** Regular slots go to few that have never sent anything, if anybody else wants one. */
  #limitIdle(ranked: readonly Peer[]): readonly Peer[] {
    const givers = ranked.filter((peer) => this.#hasGiven(peer))
    if (givers.length === 0) return ranked
    const idle = ranked.filter((peer) => !this.#hasGiven(peer))
    return [...givers, ...idle.slice(0, this.#idleSlots)]
  }

  /** Regular slots for those that have never sent anything. */
  get #idleSlots(): number {
    return Math.max(1, this.slots - CONTRIBUTOR_SLOTS)
  }

  /** Downloading: who gives most comes first; then who gave once; among equals, who has a slot keeps it. */
  #byReciprocity(a: Peer, b: Peer): number {
    return (
      this.#recentlyFrom(b) - this.#recentlyFrom(a) ||
      Number(this.#hasGiven(b)) - Number(this.#hasGiven(a)) ||
      Number(b.isUnchoked) - Number(a.isUnchoked)
    )
  }

  /** Seeding: who has had its turn goes last; who has a slot keeps it, the fastest first; then who has waited longest. */
  #bySeeding(a: Peer, b: Peer): number {
    const hadTurn = (peer: Peer): number => Number(peer.roundsUnchoked >= SEEDING_TURN)
    const recentlyTo = (peer: Peer): number => peer.bytesToPeer + this.#pastOf(peer).bytesTo
    return (
      hadTurn(a) - hadTurn(b) ||
      Number(b.isUnchoked) - Number(a.isUnchoked) ||
      recentlyTo(b) - recentlyTo(a) ||
      this.#pastOf(a).servedRound - this.#pastOf(b).servedRound
    )
  }

  /**
   * Of two drawn by chance the one that has less: it has least to trade, and would be done last. (Who rides free has little,
   * too, but soon no credit.)
   */
  #draw(waiting: readonly Peer[]): Peer {
    const [one, other] = [this.#drawOne(waiting), this.#drawOne(waiting)]
    return other.have.count < one.have.count ? other : one
  }

  /** Newcomers, who have had none to give, are drawn more often. */
  #drawOne(waiting: readonly Peer[]): Peer {
    const newcomers = waiting.filter((peer) => this.#round - this.#pastOf(peer).firstRound < NEWCOMER_ROUNDS)
    const ticket = this.#below(waiting.length + (NEWCOMER_CHANCE - 1) * newcomers.length)
    return ticket < waiting.length ? waiting[ticket] : newcomers[(ticket - waiting.length) % newcomers.length]
  }

  #observe(peer: Peer): void {
    const past = this.#pastOf(peer)
    past.hasGiven ||= peer.bytesFromPeer > 0
    past.silentRounds = peer.owesUs && peer.bytesFromPeer === 0 ? past.silentRounds + 1 : 0
  }

  #isInDebt(peer: Peer): boolean {
    return this.#credit.isInDebt(peer) && !this.#hasGiven(peer)
  }

  /** Those in debt only when there is nobody else. */
  #withCreditFirst(peers: readonly Peer[]): readonly Peer[] {
    const withCredit = peers.filter((peer) => !this.#isInDebt(peer))
    return withCredit.length > 0 ? withCredit : peers
  }

  #isSnubbing(peer: Peer): boolean {
    return peer.owesUs && peer.bytesFromPeer === 0 && this.#pastOf(peer).silentRounds >= SNUB_ROUNDS
  }

  #hasGiven(peer: Peer): boolean {
    return peer.bytesFromPeer > 0 || this.#pastOf(peer).hasGiven
  }

  /** Over two rounds: one alone says more about chance than about the peer. */
  #recentlyFrom(peer: Peer): number {
    return peer.bytesFromPeer + this.#pastOf(peer).bytesFrom
  }

  #pastOf(peer: Peer): Past {
    let past = this.#past.get(peer)
    if (!past) {
      past = { firstRound: this.#round, servedRound: -1, bytesFrom: 0, bytesTo: 0, hasGiven: false, silentRounds: 0 }
      this.#past.set(peer, past)
    }
    return past
  }
}
