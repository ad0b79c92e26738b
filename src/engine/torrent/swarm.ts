// The peers of one torrent: whom we know, whom we dial, who may come in (BEP 3). Owns the connected peers and the peer book.
// Who is served is in `Serving`. What is fetched is the download's business; what is said to a peer, the peer's own.
import type { Address } from '../../base/address.ts'
import { PeerError } from '../../base/errors.ts'
import { isCutOff } from '../../platform/bound/sources.ts'
import type { Connection, ConnectionHandler, Network } from '../../platform/platform.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { OwnAddress } from '../policy/own-address.ts'
import { type AddressSource, type Ending, PeerBook } from '../policy/peer-book.ts'
import { whoIsTurnedOver, whoMakesWay } from '../policy/peer-turnover.ts'
import { isYoungSwarm } from '../policy/young-swarm.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import { isBlame } from './peer/connection-times.ts'
import type { DhtLink } from './dht-link.ts'
import type { BlockSource, Download } from './download.ts'
import { canReach } from '../transport/listener.ts'
import { type AskingPeer, AskingTurns } from './asking-turns.ts'
import { PeerExchange } from './peer/peer-exchange.ts'
import { PeerIdentities } from './peer/peer-identities.ts'
import type { PeerOwner } from './peer/peer-owner.ts'
import { Peer } from './peer/peer.ts'
import { Serving } from './serving.ts'
import { SuperSeeding } from './super-seeding.ts'
import { PieceSightings } from './piece-sightings.ts'
import type { Upload } from './upload.ts'

/** Connections of the whole session, counted together. */
export interface ConnectionBudget {
  readonly maxPeers: number
  readonly maxPeersPerTorrent: number
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
  readonly download: Download<BlockSource>
  readonly upload: Upload<Peer>
  /** The torrent's info bytes. */
  readonly metadata: Uint8Array
  /** Peers are told of each other (BEP 11): never those of a private torrent. */
  readonly usesPex: boolean
  /** Null: it is not spoken of: of a private torrent, or where there is none. */
  readonly dht: DhtLink | null
  readonly downLimiter: RateLimiter
  readonly network: Network
  readonly budget: ConnectionBudget
  readonly listenPort: number | null
  /** Local IP to dial from. */
  readonly localIp: string | undefined
  /** Who else asks for blocks under the download limit. Default: nobody. */
  readonly otherAskers?: () => Iterable<AskingPeer>
  /** Nobody is ever unchoked. Default false. */
  readonly servesNobody?: boolean
  readonly now: () => number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
}

/** A peer that somebody else has met for the swarm. */
export interface MetPeer {
  readonly connection: Connection
  readonly address: Address
  readonly isIncoming: boolean
  readonly dialAddress: Address | null
  /** All that it has said and that matters, from its handshake on. */
  readonly said: Uint8Array
}

/** Addresses dialled in one tick: a burst of connections is hard on home routers. */
export const DIALS_PER_TICK = 8
/** Of the connections being established at once, what one torrent may have: it may know nobody but the dead. */
export const MAX_HALF_OPEN = 30
/** How often time limits of peers are looked at. */
const PATIENCE_EVERY_MS = 1000
/** How often useless peers make way for untried addresses, when there are as many as there may be. */
const TURNOVER_MS = 150_000

/** Answers that peers do not read, over all of them ... */
const MAX_ANSWERS_BYTES = 16 << 20
/** ... but for each peer so much: one who asks for much at a time, and is choked, is refused as much at a time. */
const MIN_ANSWERS_BYTES = 128 << 10

export class Swarm implements PeerOwner<Peer> {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly map: PieceMap
  readonly download: Download<BlockSource>
  readonly upload: Upload<Peer>
  readonly metadata: Uint8Array
  readonly exchange: PeerExchange<Peer> | null
  readonly dht: DhtLink | null
  readonly downLimiter: RateLimiter
  readonly listenPort: number | null
  /** Under a download limit: who may ask. */
  readonly asking: AskingTurns<AskingPeer>
  readonly book = new PeerBook()
  readonly sightings: PieceSightings
  readonly #options: SwarmOptions
  readonly #owner: SwarmOwner
  readonly #peers = new Set<Peer>()
  readonly #connectedAt = new Map<Peer, number>()
  readonly #identities: PeerIdentities
  readonly #ownAddress: OwnAddress
  readonly #serving: Serving<Peer>
  /** Being closed by our own choice, and why. */
  readonly #letGo = new Map<Peer, Ending>()
  #halfOpen = 0
  #superSeeding: SuperSeeding<Peer> | null = null
  /** Super-seeding begins as soon as it pays. */
  #awaitsYoungSwarm = false
  #lastTurnover: number
  /** Something has been written for peers that waits for the next heartbeat to be sent. */
  #hasNews = false
  /** `download.changes` at the last heartbeat that reached the peers. */
  #changesSeen = -1
  /** When the peers' time limits are looked at next. */
  #patienceAt = 0
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
    this.metadata = options.metadata
    this.exchange = options.usesPex ? this.#newExchange() : null
    this.dht = options.dht
    this.downLimiter = options.downLimiter
    this.listenPort = options.listenPort
    this.asking = new AskingTurns<AskingPeer>(options.downLimiter, () => this.#askers())
    this.sightings = new PieceSightings(options.map.pieceCount)
    this.#serving = new Serving<Peer>({
      download: options.download,
      upload: options.upload,
      peers: () => this.connected(),
      superSeeding: () => this.#superSeeding,
      isCommon: (piece) => this.isCommon(piece),
      servesNobody: this.servesNobody,
      now: options.now,
      below: options.below,
    })
    this.#identities = new PeerIdentities(options.peerId, this.#connectedAt)
    this.#ownAddress = new OwnAddress(options.listenPort ?? 0)
    if (options.localIp !== undefined) this.#ownAddress.connectedFrom(options.localIp)
    this.#lastTurnover = options.now()
  }

  #newExchange(): PeerExchange<Peer> {
    return new PeerExchange<Peer>({
      peers: () => this.connected(),
      onAddress: (address) => this.addAddress(address, 'pex'),
      isSeed: () => this.download.isComplete,
    })
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

  *#askers(): Generator<AskingPeer> {
    yield* this.connected()
    yield* this.#options.otherAskers?.() ?? []
  }

  get connectedCount(): number {
    return this.#connectedAt.size
  }

  addAddress(address: Address, source: AddressSource): void {
    if (!canReach(this.#options.localIp, address.ip)) return
    // Those that a person gives have that person's order.
    this.book.add(address, source, source === 'user' ? 0 : this.#ownAddress.priorityOf(address))
  }

  /**
   * Takes over what another book knows of this swarm.
   * @param isPrivate only those who may be met in a private torrent
   */
  learnFrom(book: PeerBook, isPrivate = false): void {
    this.book.adoptBans(book)
    for (const known of book.sound()) if (!isPrivate || known.isForPrivate) this.addAddress(known.address, known.source)
  }

  /** A peer has connected to us and asked for this torrent. Null: not now. */
  accept(connection: Connection): ConnectionHandler | null {
    if (this.#isClosed || this.book.isBanned(connection.remote)) return null
    this.#ownAddress.connectedFrom(connection.localIp)
    const priority = this.#ownAddress.priorityOf(connection.remote)
    if (this.#isFull && !this.#makeRoom(priority)) return null
    const peer = new Peer(this, connection.remote, true, priority)
    this.#enter(peer)
    peer.attach(connection)
    return peer
  }

  /** Goes on with a connection on which handshakes have been exchanged for this torrent, and nothing was offered. Null: it cannot be. */
  takeOver({ connection, address, isIncoming, dialAddress, said }: MetPeer): ConnectionHandler | null {
    if (this.#isClosed || this.#isFull || this.book.isBanned(address)) return null
    this.#ownAddress.connectedFrom(connection.localIp)
    const peer = new Peer(this, address, isIncoming, this.#ownAddress.priorityOf(address))
    peer.dialAddress = dialAddress
    if (dialAddress) this.book.take(dialAddress)
    this.#enter(peer)
    peer.takeOver(connection)
    peer.onBytes(said)
    return peer
  }

  tick(now: number): void {
    this.#tickPeers(now)
    this.exchange?.tick(now)
    this.asking.tick()
    if (now - this.#lastTurnover >= TURNOVER_MS) this.#turnOver(now)
    this.#dial(now)
    this.upload.tick()
    this.#serving.tick(now)
    this.#superSeeding?.tick(now)
  }

  /** Most heartbeats bring nothing that a peer waits for, and there may be hundreds of them: they are left alone then. */
  #tickPeers(now: number): void {
    const { changes, isStarved } = this.download
    if (!this.#hasNews && !isStarved && changes === this.#changesSeen && now < this.#patienceAt) return
    if (now >= this.#patienceAt) this.#patienceAt = now + PATIENCE_EVERY_MS
    this.#hasNews = false
    this.#changesSeen = changes
    for (const peer of this.#peers) peer.tick(now)
  }

  /** Everybody learns that we have one piece more. */
  announceHave(piece: number): void {
    this.#hasNews = true
    for (const peer of this.#connectedAt.keys()) peer.announceHave(piece)
  }

  /** Others who were asked for this block need not send it. */
  cancel(block: number): void {
    this.#hasNews = true
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
    this.#identities.ban(peer)
    const list = pieces.join(', ')
    const error = new PeerError('corrupt_data', `The peer sent wrong data for piece ${list}`)
    peer.close(null)
    // A peer that has left in the meantime is named all the same: its address will not be dialled again.
    this.#owner.onPeerDropped(peer.key, error, pieces)
  }

  /** We have everything that we want: peers that want nothing are of no use to us, nor we to them (BEP 21). */
  becomeSeed(): void {
    this.#hasNews = true
    for (const peer of this.#connectedAt.keys()) {
      if (peer.isUploadOnly) this.#letGoOf(peer, 'useless')
      else peer.tellUploadOnly(true)
    }
  }

  /** What we want has changed: our interest follows. */
  onWantedChange(): void {
    this.#hasNews = true
    for (const peer of this.#connectedAt.keys()) peer.recountWanted()
  }

  /** We had everything that we wanted, and want more now. */
  becomeLeecher(): void {
    this.#hasNews = true
    this.book.recallUseless()
    for (const peer of this.#connectedAt.keys()) peer.tellUploadOnly(false)
  }

  /**
   * Peers learn of few pieces at a time (BEP 16), until all are out: `on` at once, `auto` as soon as they are the leechers of
   * a young swarm, and until there is another seed.
   */
  superSeed(mode: 'auto' | 'on'): void {
    if (mode === 'on') this.#startSuperSeeding(false)
    else this.#awaitsYoungSwarm = true
  }

  #startSuperSeeding(endsWithOtherSeed: boolean): void {
    const { below } = this.#options
    const peers = (): Iterable<Peer> => this.connected()
    this.#awaitsYoungSwarm = false
    this.#superSeeding = new SuperSeeding<Peer>({ pieceCount: this.map.pieceCount, endsWithOtherSeed, below, peers })
  }

  get isSuperSeeding(): boolean {
    return this.#superSeeding?.isActive ?? false
  }

  get servesNobody(): boolean {
    return this.#options.servesNobody ?? false
  }

  hides(peer: Peer, piece: number): boolean {
    return this.#superSeeding?.hides(peer, piece) ?? false
  }

  close(): void {
    this.#isClosed = true
    for (const peer of this.#peers) peer.close(null)
  }

  // ---------------------------------------------------------------- what peers report

  isCommon(piece: number): boolean {
    return 2 * this.download.picker.availability(piece) > this.connectedCount
  }

  onOpen(): void {
    this.#options.budget.halfOpen--
    this.#halfOpen--
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
    if (this.#identities.isBanned(peer)) return peer.close(null)
    const twin = this.#identities.twinOf(peer)
    if (twin) {
      const isKept = this.#identities.isBetterThan(peer, twin, this.now())
      const [winner, loser] = isKept ? [peer, twin] : [twin, peer]
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
    this.#serving.onInterestChange(peer)
  }

  /** When neither wants anything of the other, nothing can pass between us, though one may lack pieces (BEP 21). */
  onHaveChange(peer: Peer): void {
    if (this.#awaitsYoungSwarm && isYoungSwarm(this.connected(), this.map.pieceCount)) this.#startSuperSeeding(true)
    else this.#superSeeding?.onHave(peer, this.now())
    if (peer.isUploadOnly && this.download.isComplete) this.#letGoOf(peer, 'useless')
  }

  onPiece(peer: Peer, piece: number): void {
    this.#superSeeding?.onPiece(peer, piece, this.now())
  }

  onDialAddress(peer: Peer): void {
    this.addAddress(peer.dialAddress!, 'incoming')
    this.book.take(peer.dialAddress!)
  }

  onOurIp(ip: string): void {
    this.#ownAddress.seenAs(ip)
  }

  #letGoOf(peer: Peer, ending: Ending): void {
    if (peer.isClosed) return
    this.#letGo.set(peer, ending)
    peer.close(null)
  }

  onClosed(peer: Peer, reason: PeerError | null): void {
    const { budget } = this.#options
    this.#peers.delete(peer)
    budget.peers--
    if (!peer.hasOpened) {
      budget.halfOpen--
      this.#halfOpen--
    }
    const wasConnected = this.#connectedAt.delete(peer)
    this.asking.forget(peer)
    this.exchange?.forget(peer)
    this.#serving.forget(peer)
    this.#superSeeding?.onGone(peer)
    const ending = this.#letGo.get(peer) ?? endingOf(peer, wasConnected, reason)
    this.#letGo.delete(peer)
    if (peer.dialAddress) this.book.closed(peer.dialAddress, ending, this.now(), peer.endedBy)
    if (wasConnected && !this.download.isComplete) this.sightings.peerLeft(peer.have, this.now())
    if (wasConnected && !this.#isClosed) this.#serving.fillSlots()
    if (reason && isBlame(reason)) this.#owner.onPeerDropped(peer.key, reason)
  }

  // ---------------------------------------------------------------- dialling

  #dial(now: number): void {
    const { budget, network, localIp } = this.#options
    if (isCutOff(network.binding)) return
    for (let i = 0; i < DIALS_PER_TICK; i++) {
      if (this.#isFull || budget.halfOpen >= budget.maxHalfOpen || this.#halfOpen >= MAX_HALF_OPEN) return
      const address = this.book.next(now)
      if (!address) return
      const peer = new Peer(this, address, false, this.#ownAddress.priorityOf(address))
      this.#enter(peer)
      budget.halfOpen++
      this.#halfOpen++
      peer.attach(network.connect(address, localIp === undefined ? {} : { localIp }, peer))
    }
  }

  get maxQueuedBytes(): number {
    return Math.max(MIN_ANSWERS_BYTES, MAX_ANSWERS_BYTES / this.#options.budget.peers)
  }

  /** Are there as many connections as there may be? */
  get #isFull(): boolean {
    const { budget } = this.#options
    return budget.peers >= budget.maxPeers || this.#peers.size >= budget.maxPeersPerTorrent
  }

  /** Makes room for one who comes. False: nobody here may go for it. */
  #makeRoom(newcomerPriority: number): boolean {
    const peer = whoMakesWay(this.#connectedAt.keys(), newcomerPriority, this.now())
    if (peer) this.#letGoOf(peer, 'replaced')
    return peer !== null
  }

  /** While we download, some peers of no use make way for addresses that may be of more. */
  #turnOver(now: number): void {
    this.#lastTurnover = now
    if (!this.#isFull || this.download.isComplete || !this.book.hasPromising(now)) return
    const isNeeded = (peer: Peer): boolean => this.#isOnlyHolder(peer)
    for (const peer of whoIsTurnedOver([...this.#connectedAt.keys()], now, isNeeded)) this.#letGoOf(peer, 'replaced')
  }

  /** Has it a piece that we want and nobody else here has? */
  #isOnlyHolder({ have }: Peer): boolean {
    const { picker, missing } = this.download
    return have.findCommon(missing, (piece) => picker.availability(piece) === 1) >= 0
  }

  #enter(peer: Peer): void {
    this.#peers.add(peer)
    this.#options.budget.peers++
  }
}

function endingOf(peer: Peer, wasConnected: boolean, reason: PeerError | null): Ending {
  if (reason || !wasConnected) return 'failed'
  return peer.hasMovedPayload ? 'orderly' : 'fruitless'
}
