// The peers of one torrent: whom we know, whom we dial, who may come in, who is served (BEP 3). Owns the connected peers
// and the peer book. What is fetched is the download's business; what is said to a peer, the peer's own.
import { type Address, addressKey } from '../../base/address.ts'
import { equalBytes, toHex } from '../../base/bytes.ts'
import { PeerError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, Network } from '../../platform/platform.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { Choker } from '../policy/choker.ts'
import { type AddressSource, type Ending, PeerBook } from '../policy/peer-book.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import type { Download } from './download.ts'
import { canReach } from '../transport/listener.ts'
import { Peer, type PeerOwner } from './peer.ts'
import { PieceSightings } from './piece-sightings.ts'
import type { Upload } from './upload.ts'

/** Connections of the whole session, counted together. */
export interface ConnectionBudget {
  readonly maxPeers: number
  /** Connections being established at once. */
  readonly maxHalfOpen: number
  /** Peers of all torrents, those being dialled included. */
  peers: number
  halfOpen: number
}

export interface SwarmOwner {
  /** A peer did what closed its connection. */
  onPeerDropped(address: string, error: PeerError, pieces?: readonly number[]): void
  onReceived(payloadBytes: number): void
  onFault(error: unknown): void
  /** Is it the id of one of our own torrents? */
  isOwnPeerId(peerId: Uint8Array): boolean
}

export interface SwarmOptions {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly map: PieceMap
  readonly download: Download<Peer>
  readonly upload: Upload<Peer>
  readonly downLimiter: RateLimiter
  readonly network: Network
  readonly budget: ConnectionBudget
  readonly listenPort: number | null
  /** Local IP to dial from. */
  readonly localIp: string | undefined
  readonly now: () => number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
}

/** Peers served at once, the optimistic one included. */
const UPLOAD_SLOTS = 4
const CHOKER_ROUND_MS = 10_000
/** Addresses dialled in one tick: a burst of connections is hard on home routers. */
const DIALS_PER_TICK = 8
/** Two connections that were opened at the same moment, one by each side, are told apart by who is kept: see `onHandshake`. */
const SIMULTANEOUS_MS = 3_000
const MAX_BANNED_IDS = 1000
/** A peer that has moved no payload for so long makes way for a new one when there are too many. */
const IDLE_MS = 60_000

export class Swarm implements PeerOwner {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly map: PieceMap
  readonly download: Download<Peer>
  readonly upload: Upload<Peer>
  readonly downLimiter: RateLimiter
  readonly listenPort: number | null
  readonly book = new PeerBook()
  readonly sightings: PieceSightings
  readonly #options: SwarmOptions
  readonly #owner: SwarmOwner
  readonly #peers = new Set<Peer>()
  readonly #connectedAt = new Map<Peer, number>()
  readonly #bannedIds = new Set<string>()
  readonly #choker: Choker<Peer>
  /** Being closed because neither needs the other. */
  readonly #useless = new Set<Peer>()
  #lastRound: number
  /** Who asks first when memory comes free. */
  #firstToAsk = 0
  #isClosed = false

  constructor(options: SwarmOptions, owner: SwarmOwner) {
    this.#options = options
    this.#owner = owner
    this.infohash = options.infohash
    this.peerId = options.peerId
    this.map = options.map
    this.download = options.download
    this.upload = options.upload
    this.downLimiter = options.downLimiter
    this.listenPort = options.listenPort
    this.sightings = new PieceSightings(options.map.pieceCount)
    this.#choker = new Choker({ slots: UPLOAD_SLOTS, below: options.below })
    this.#lastRound = options.now()
  }

  now(): number {
    return this.#options.now()
  }

  /** Peers whose handshake is done. */
  connected(): IterableIterator<Peer> {
    return this.#connectedAt.keys()
  }

  /** When the peer's handshake was done; undefined for one that is not connected. */
  connectedAt(peer: Peer): number | undefined {
    return this.#connectedAt.get(peer)
  }

  get connectedCount(): number {
    return this.#connectedAt.size
  }

  addAddress(address: Address, source: AddressSource): void {
    if (canReach(this.#options.localIp, address.ip)) this.book.add(address, source)
  }

  /** A peer has connected to us and asked for this torrent. Null: not now. */
  accept(connection: Connection): ConnectionHandler | null {
    if (this.#isClosed || this.book.isBanned(connection.remote) || !this.#hasRoom(this.now())) return null
    const peer = new Peer(this, connection.remote, true)
    this.#enter(peer)
    peer.attach(connection)
    return peer
  }

  tick(now: number): void {
    for (const peer of this.#peers) peer.tick(now)
    this.#dial(now)
    this.upload.tick()
    if (now - this.#lastRound >= CHOKER_ROUND_MS) this.#chokerRound(now)
  }

  /** Everybody learns that we have one piece more. */
  announceHave(piece: number): void {
    for (const peer of this.#connectedAt.keys()) peer.announceHave(piece)
  }

  /** Others who were asked for this block need not send it. */
  cancel(block: number): void {
    for (const peer of this.#connectedAt.keys()) peer.cancel(block)
  }

  /** Memory is free again: everybody asks, each time another one first. */
  requestMore(): void {
    const peers = [...this.#connectedAt.keys()]
    const first = this.#firstToAsk++ % Math.max(1, peers.length)
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
      peer.requestMore()
      peer.flush()
    }
  }

  /** The peer sent wrong data: it is closed and never met again. */
  ban(peer: Peer, pieces: readonly number[]): void {
    // Only what we know ourselves: the port that an incoming peer claims to listen on may be another one's.
    if (!peer.isIncoming) this.book.ban(peer.address)
    this.#bannedIds.add(identity(peer))
    if (this.#bannedIds.size > MAX_BANNED_IDS) this.#bannedIds.delete(this.#bannedIds.values().next().value!)
    const list = pieces.join(', ')
    const error = new PeerError('corrupt_data', `The peer sent wrong data for piece ${list}`)
    peer.close(null)
    // A peer that has left in the meantime is named all the same: its address will not be dialled again.
    this.#owner.onPeerDropped(peer.key, error, pieces)
  }

  /** We have everything: other seeds are of no use to us, nor we to them. */
  becomeSeed(): void {
    for (const peer of this.#connectedAt.keys()) if (peer.isSeed) this.#closeUseless(peer)
  }

  close(): void {
    this.#isClosed = true
    for (const peer of this.#peers) peer.close(null)
  }

  // ---------------------------------------------------------------- what peers report

  onOpen(): void {
    this.#options.budget.halfOpen--
  }

  onReceived(payloadBytes: number): void {
    this.#owner.onReceived(payloadBytes)
  }

  onFault(error: unknown): void {
    this.#owner.onFault(error)
  }

  onHandshake(peer: Peer): void {
    const peerId = peer.peerId!
    if (this.#owner.isOwnPeerId(peerId)) {
      if (!peer.isIncoming) this.book.ban(peer.address)
      return peer.close(null)
    }
    if (this.#bannedIds.has(identity(peer))) return peer.close(null)
    const twin = this.#twinOf(peer)
    if (twin) {
      const [winner, loser] = this.#isBetterThan(peer, twin) ? [peer, twin] : [twin, peer]
      // Now we know where the peer behind an incoming connection can be dialled: that address stays in use.
      const known = loser.dialAddress
      if (winner.dialAddress === null && known) {
        winner.dialAddress = known
        loser.dialAddress = null
      }
      loser.close(null)
      if (loser === peer) return
    }
    this.#connectedAt.set(peer, this.now())
    if (peer.dialAddress) this.book.succeeded(peer.dialAddress)
  }

  onInterestChange(peer: Peer): void {
    if (!peer.isInterested) {
      if (peer.isUnchoked && this.#nextWaiting()) peer.choke()
      this.#fillSlots()
    } else if (!peer.isUnchoked && this.#choker.hasFreeSlot(this.#connectedAt.keys())) peer.unchoke()
  }

  onHaveChange(peer: Peer): void {
    if (peer.isSeed && this.download.isComplete) this.#closeUseless(peer)
  }

  onIntroduced(): void {}

  /** Both of us have everything: nothing can pass between us. */
  #closeUseless(peer: Peer): void {
    this.#useless.add(peer)
    peer.close(null)
  }

  onClosed(peer: Peer, reason: PeerError | null): void {
    const { budget } = this.#options
    this.#peers.delete(peer)
    budget.peers--
    if (!peer.hasOpened) budget.halfOpen--
    const wasConnected = this.#connectedAt.delete(peer)
    const ending: Ending = this.#useless.delete(peer) ? 'useless' : reason || !wasConnected ? 'failed' : 'orderly'
    if (peer.dialAddress) this.book.closed(peer.dialAddress, ending, this.now(), peer.endedBy)
    if (wasConnected && !this.download.isComplete) this.sightings.peerLeft(peer.have, this.now())
    if (wasConnected && !this.#isClosed) this.#fillSlots()
    if (reason && isBlame(reason)) this.#owner.onPeerDropped(peer.key, reason)
  }

  /** Another connection with the same peer. */
  #twinOf(peer: Peer): Peer | null {
    for (const other of this.#connectedAt.keys()) {
      if (other !== peer && equalBytes(other.peerId!, peer.peerId!) && other.address.ip === peer.address.ip)
        return other
    }
    return null
  }

  /**
   * Two connections with one peer: which is kept? The older, unless each side opened one at the same moment; then both
   * sides must come to the same answer, or both connections close: the one opened by the greater peer id.
   */
  #isBetterThan(peer: Peer, twin: Peer): boolean {
    const isSimultaneous = this.now() - this.#connectedAt.get(twin)! < SIMULTANEOUS_MS
    if (!isSimultaneous || peer.isIncoming === twin.isIncoming) return false
    const weAreGreater = toHex(this.peerId) > toHex(peer.peerId!)
    return weAreGreater !== peer.isIncoming
  }

  // ---------------------------------------------------------------- dialling

  #dial(now: number): void {
    const { budget, network, localIp } = this.#options
    for (let i = 0; i < DIALS_PER_TICK; i++) {
      if (budget.halfOpen >= budget.maxHalfOpen) return
      const address = this.book.next(now)
      if (!address) return
      if (!this.#hasRoom(now)) return this.book.release(address)
      if (this.#isConnectedTo(address)) continue // in use: freed when that connection ends, through its dial address
      const peer = new Peer(this, address, false)
      this.#enter(peer)
      budget.halfOpen++
      peer.attach(network.connect(address, localIp === undefined ? {} : { localIp }, peer))
    }
  }

  /** Is a peer that came in by itself known to listen at this address? */
  #isConnectedTo(address: Address): boolean {
    const key = addressKey(address)
    for (const peer of this.#connectedAt.keys())
      if (peer.dialAddress && addressKey(peer.dialAddress) === key) return true
    return false
  }

  /** Is there room for one more connection? If not, the peer that has been of no use for longest makes way. */
  #hasRoom(now: number): boolean {
    const { budget } = this.#options
    if (budget.peers < budget.maxPeers) return true
    let idlest: Peer | null = null
    for (const peer of this.#connectedAt.keys()) if (!idlest || peer.idleSince < idlest.idleSince) idlest = peer
    if (!idlest || now - idlest.idleSince < IDLE_MS) return false
    this.#closeUseless(idlest)
    return true
  }

  #enter(peer: Peer): void {
    this.#peers.add(peer)
    this.#options.budget.peers++
  }

  // ---------------------------------------------------------------- serving

  #chokerRound(now: number): void {
    this.#lastRound = now
    const peers = [...this.#connectedAt.keys()]
    const chosen = this.#choker.round(peers, this.download.isComplete)
    for (const peer of peers) {
      if (chosen.has(peer)) peer.unchoke()
      else peer.choke()
      peer.endRound()
      peer.flush()
    }
  }

  /** A slot has come free: the next one waiting gets it at once, not at the next round. */
  #fillSlots(): void {
    while (this.#choker.hasFreeSlot(this.#connectedAt.keys())) {
      const peer = this.#nextWaiting()
      if (!peer) return
      peer.unchoke()
      peer.flush()
    }
  }

  /** One of those that want something and are not served, at random. */
  #nextWaiting(): Peer | null {
    const waiting = [...this.#connectedAt.keys()].filter((peer) => peer.isInterested && !peer.isUnchoked)
    return waiting.length === 0 ? null : waiting[this.#options.below(waiting.length)]
  }
}

/** A peer id alone is public, and whoever likes can use another's. */
function identity(peer: Peer): string {
  return `${toHex(peer.peerId ?? new Uint8Array())}@${peer.address.ip}`
}

/** Not every end is somebody's fault: a connection that never was, or that has nothing to say, is not. */
function isBlame(reason: PeerError): boolean {
  return !['connect_timeout', 'inactive', 'not_reading'].includes(reason.code)
}
