// Whom of the connected peers we serve (BEP 3): carries out what the choker decides, in rounds and whenever a slot comes
// free. Which peers are connected is the swarm's business; what they are sent, the upload's.
import type { Bitfield } from '../../base/bitfield.ts'
import { Choker, type ChokeCandidate } from '../policy/choker.ts'
import { slotsAtStart, UploadSlots } from '../policy/upload-slots.ts'
import type { Pupil, SuperSeeding } from './super-seeding.ts'

/** What serving does to a peer. */
export interface ServedPeer extends ChokeCandidate, Pupil {
  readonly have: Bitfield
  unchoke(): void
  choke(): void
  /** Tells it which of these pieces costs us least to send (BEP 6). */
  suggestOneOf(pieces: readonly number[]): void
  /** A round of the choker is over. */
  endRound(): void
}

export interface ServingOptions<Peer extends Pupil> {
  readonly download: { readonly isComplete: boolean }
  readonly upload: {
    /** Bytes per second; 0: no limit. */
    readonly rateLimit: number
    piecesInMemory(most: number): number[]
  }
  /** The connected peers, in order. */
  readonly peers: () => Iterable<Peer>
  /** Null: it has not begun. */
  readonly superSeeding: () => SuperSeeding<Peer> | null
  /** Has most of the swarm this piece? */
  readonly isCommon: (piece: number) => boolean
  /** Nobody is ever unchoked. */
  readonly servesNobody: boolean
  readonly now: () => number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
}

/** More while super-seeding: each peer fetches a piece or two and makes way, so that some slots are always changing hands. */
const SUPER_SEED_SLOTS = 3
const ROUND_MS = 10_000
/** Pieces in memory among which a seed finds one to suggest. */
const MAX_SUGGESTED = 8

export class Serving<Peer extends ServedPeer> {
  readonly #options: ServingOptions<Peer>
  readonly #choker: Choker<Peer>
  readonly #slots = new UploadSlots()
  /** Those who have one: whether one is free is asked with every message about interest. */
  readonly #served = new Set<Peer>()
  #lastRound: number

  constructor(options: ServingOptions<Peer>) {
    this.#options = options
    this.#choker = new Choker({ slots: slotsAtStart(options.upload.rateLimit), below: options.below })
    this.#lastRound = options.now()
  }

  tick(now: number): void {
    if (!this.#options.download.isComplete) this.#chokeOverdrawn()
    if (now - this.#lastRound >= ROUND_MS) this.#round(now)
  }

  /** The peer became interested, or ceased to be. */
  onInterestChange(peer: Peer): void {
    // Who has none, and wants none any more, frees no slot.
    if (!peer.isInterested && !peer.isUnchoked) return
    if (!peer.isInterested && this.#nextWaiting()) this.#choke(peer)
    this.fillSlots()
  }

  /** The peer is gone. Whether somebody gets its slot is asked apart, by `fillSlots`. */
  forget(peer: Peer): void {
    this.#served.delete(peer)
  }

  /** A slot may have come free: the next one waiting gets it at once, not at the next round. */
  fillSlots(): void {
    for (let peer = this.#nextWaiting(); peer; peer = this.#nextWaiting()) {
      this.#unchoke(peer, this.#options.now())
      peer.flush()
    }
  }

  #round(now: number): void {
    const { download, servesNobody } = this.#options
    this.#adaptSlots(now - this.#lastRound)
    this.#lastRound = now
    const suggestions = this.#suggestions()
    const peers = [...this.#options.peers()]
    const chosen = servesNobody ? new Set<Peer>() : this.#choker.round(peers, download.isComplete, this.#deserves)
    for (const peer of peers) {
      if (chosen.has(peer)) {
        this.#unchoke(peer, now)
        peer.suggestOneOf(suggestions)
      } else this.#choke(peer)
      peer.endRound()
      peer.flush()
    }
  }

  /** Rare pieces are not suggested: everybody would fetch the same one from us, rather than each another to pass on. */
  #suggestions(): number[] {
    const { download, upload, isCommon } = this.#options
    return download.isComplete && !this.#isSuperSeeding ? upload.piecesInMemory(MAX_SUGGESTED).filter(isCommon) : []
  }

  get #isSuperSeeding(): boolean {
    return this.#options.superSeeding()?.isActive ?? false
  }

  /** Super-seeding, there is more to a slot than whose turn it is. */
  readonly #deserves = (peer: Peer): boolean => this.#options.superSeeding()?.deservesSlot(peer) ?? true

  #adaptSlots(elapsedMs: number): void {
    let [bytes, served, waiting] = [0, 0, 0]
    for (const peer of this.#options.peers()) {
      bytes += peer.bytesToPeer
      if (!peer.isInterested) continue
      if (peer.isUnchoked) served++
      else waiting++
    }
    const bytesPerSecond = (1000 * bytes) / elapsedMs
    const isWaitedFor = waiting > 0
    const slots = this.#slots.round({ bytesPerSecond, limit: this.#options.upload.rateLimit, served, isWaitedFor })
    this.#choker.slots = this.#isSuperSeeding ? slots + SUPER_SEED_SLOTS : slots
  }

  /** Credit is short beside the ten seconds of a round. */
  #chokeOverdrawn(): void {
    const { peers } = this.#options
    for (
      let peer = this.#choker.overdrawn(this.#served, peers);
      peer;
      peer = this.#choker.overdrawn(this.#served, peers)
    ) {
      this.#choke(peer)
      peer.flush()
      this.fillSlots()
    }
  }

  #unchoke(peer: Peer, now: number): void {
    this.#served.add(peer)
    peer.unchoke()
    this.#options.superSeeding()?.onServed(peer, now)
  }

  #choke(peer: Peer): void {
    this.#served.delete(peer)
    peer.choke()
  }

  #nextWaiting(): Peer | null {
    const { download, peers, servesNobody } = this.#options
    if (servesNobody || !this.#choker.hasFreeSlot(this.#served)) return null
    return this.#choker.next([...peers()], download.isComplete, this.#deserves)
  }
}
