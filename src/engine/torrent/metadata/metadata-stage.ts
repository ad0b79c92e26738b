// The first stage of a torrent that began as a magnet link: a swarm that knows no pieces. It meets peers, gets the metadata from
// them (`MetadataFetch` decides how), and hands the connections over when the torrent can begin to download. It knows nothing of
// files, and tells its owner once what it has found.
import type { Address } from '../../../base/address.ts'
import type { PeerError } from '../../../base/errors.ts'
import { isCutOff } from '../../../platform/bound/sources.ts'
import type { Connection, ConnectionHandler, Network } from '../../../platform/platform.ts'
import { decodePex, METADATA_PART_BYTES } from '../../../protocol/wire/index.ts'
import { MetadataFetch, type FetchOutcome } from '../../policy/metadata-fetch.ts'
import { type AddressSource, type Ending, PeerBook } from '../../policy/peer-book.ts'
import { canReach } from '../../transport/listener.ts'
import { isBlame } from '../peer/connection-times.ts'
import type { DhtLink } from '../dht-link.ts'
import type { MetadataMemory } from './metadata-memory.ts'
import { MetadataPeer, type MetadataPeerOwner } from './metadata-peer.ts'
import { HEAR_EVERY_MS, usefulAddresses } from '../peer/peer-exchange.ts'
import { type ConnectionBudget, DIALS_PER_TICK, MAX_HALF_OPEN, type Swarm } from '../swarm.ts'

export interface MetadataStageOwner {
  /** The right one. */
  onMetadata(metadata: Uint8Array): void
  onPeerDropped(address: string, error: PeerError): void
  onFault(error: unknown): void
  /** Is it the id of one of our own torrents? */
  isOwnPeerId(peerId: Uint8Array): boolean
}

export interface MetadataStageOptions {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  /** Larger metadata is not believed in. */
  readonly maxBytes: number
  /** Are these the info bytes that the infohash means? */
  readonly verify: (bytes: Uint8Array) => boolean
  readonly network: Network
  readonly budget: ConnectionBudget
  readonly memory: MetadataMemory
  readonly listenPort: number | null
  /** Local IP to dial from. */
  readonly localIp: string | undefined
  readonly usesPex: boolean
  readonly dht: DhtLink | null
  readonly now: () => number
}

/** How often requests and time limits are looked at. */
const LOOK_EVERY_MS = 500
/** A peer that has nothing to offer for so long, or does not give it, makes way when there are as many as there may be. */
const USELESS_AFTER_MS = 30_000

export class MetadataStage implements MetadataPeerOwner {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly listenPort: number | null
  readonly usesPex: boolean
  dht: DhtLink | null
  readonly book = new PeerBook()
  readonly #options: MetadataStageOptions
  readonly #owner: MetadataStageOwner
  readonly #fetch: MetadataFetch<MetadataPeer>
  readonly #peers = new Set<MetadataPeer>()
  /** When each has last told of others. */
  readonly #heardAt = new WeakMap<MetadataPeer, number>()
  readonly #letGo = new Set<MetadataPeer>()
  #halfOpen = 0
  #lookAt = 0
  #isFound = false
  #isPrivate = false
  #isClosed = false

  constructor(options: MetadataStageOptions, owner: MetadataStageOwner) {
    this.#options = options
    this.#owner = owner
    this.infohash = options.infohash
    this.peerId = options.peerId
    this.listenPort = options.listenPort
    this.usesPex = options.usesPex
    this.dht = options.dht
    const { maxBytes, verify } = options
    this.#fetch = new MetadataFetch({ partBytes: METADATA_PART_BYTES, maxBytes, verify })
    options.memory.enter(this.#fetch)
  }

  now(): number {
    return this.#options.now()
  }

  /** Peers whose handshake is done. */
  connected(): MetadataPeer[] {
    return [...this.#peers].filter(({ isConnected }) => isConnected)
  }

  get connectedCount(): number {
    return this.connected().length
  }

  /** Of them, those that say they have the metadata, and have not failed to give it. */
  get offering(): number {
    return this.#fetch.sourceCount
  }

  /** Bytes that are here, of those that there are by most peers' word; null as long as nobody says anything. */
  progress(): { readonly done: number; readonly total: number } | null {
    return this.#fetch.progress()
  }

  addAddress(address: Address, source: AddressSource): void {
    if (canReach(this.#options.localIp, address.ip)) this.book.add(address, source)
  }

  /** A peer has connected to us and asked for this torrent. Null: not now. */
  accept(connection: Connection): ConnectionHandler | null {
    if (this.#isClosed || this.book.isBanned(connection.remote)) return null
    if (this.#isFull && !this.#makeRoom(this.now())) return null
    const peer = new MetadataPeer(this, connection.remote, true)
    this.#enter(peer)
    peer.attach(connection)
    return peer
  }

  /** The metadata is here, from peers or from elsewhere. */
  get isFound(): boolean {
    return this.#isFound
  }

  /** The metadata is known from elsewhere: peers are asked for nothing more, and nobody else is dialled. */
  stopLooking(): void {
    this.#isFound = true
    this.#stopFetching()
  }

  #stopFetching(): void {
    this.#fetch.stop()
    this.#options.memory.leave(this.#fetch)
  }

  tick(now: number): void {
    if (now >= this.#lookAt) {
      this.#lookAt = now + LOOK_EVERY_MS
      for (const peer of this.#peers) peer.tick(now)
      this.#ask()
      if (this.#isFull && this.book.hasPromising(now)) this.#makeRoom(now)
    }
    if (!this.#isFound) this.#dial(now)
  }

  /** The torrent turned out to be private: whoever was found in ways that are open to all goes, and is forgotten. */
  becomePrivate(): void {
    this.#isPrivate = true
    this.dht = null
    for (const peer of this.#peers) {
      if (!peer.isIncoming && !this.book.isForPrivate(peer.address)) peer.close(null)
    }
  }

  /** Gives peers and addresses to the torrent's swarm; of a private torrent, those that have their business there. */
  handOver(swarm: Swarm, isPrivate: boolean): void {
    swarm.learnFrom(this.book, isPrivate)
    for (const peer of this.#peers) {
      const met = peer.handOver()
      if (!met) continue
      this.#leave(peer)
      const { address, isIncoming, dialAddress } = peer
      const successor = swarm.takeOver({ ...met, address, isIncoming, dialAddress })
      if (successor) peer.target = successor
      else met.connection.close()
    }
    this.close()
  }

  close(): void {
    this.#isClosed = true
    this.#stopFetching()
    for (const peer of this.#peers) peer.close(null)
  }

  // ---------------------------------------------------------------- what peers report

  onOpen(): void {
    this.#options.budget.halfOpen--
    this.#halfOpen--
  }

  onHandshake(peer: MetadataPeer): void {
    if (this.#owner.isOwnPeerId(peer.peerId!)) {
      if (!peer.isIncoming) this.book.ban(peer.address)
      return this.#letGoOf(peer)
    }
    if (peer.dialAddress) this.book.succeeded(peer.dialAddress)
  }

  onOffer(peer: MetadataPeer, bytes: number): void {
    this.#fetch.offer(peer, bytes, peer.hasOneAnswer ? 1 : undefined)
    this.#ask()
  }

  onDialAddress(peer: MetadataPeer): void {
    this.addAddress(peer.dialAddress!, 'incoming')
    this.book.take(peer.dialAddress!)
  }

  isAsked(peer: MetadataPeer, part: number): boolean {
    return this.#fetch.isAsked(peer, part)
  }

  onPart(peer: MetadataPeer, part: number, totalSize: number | null, bytes: Uint8Array): void {
    if (this.#isFound) return
    this.#conclude(this.#fetch.onPart(peer, part, totalSize, bytes))
    this.#options.memory.onReceived(bytes.length)
  }

  onReject(peer: MetadataPeer, part: number): void {
    this.#fetch.onReject(peer, part, this.now())
  }

  onPex(peer: MetadataPeer, payload: Uint8Array): void {
    if (this.#isPrivate) return
    const now = this.now()
    if (now - (this.#heardAt.get(peer) ?? -Infinity) < HEAR_EVERY_MS) return
    this.#heardAt.set(peer, now)
    for (const address of usefulAddresses(decodePex(payload).added, peer.address, false))
      this.addAddress(address, 'pex')
  }

  onFault(error: unknown): void {
    this.#owner.onFault(error)
  }

  onClosed(peer: MetadataPeer, reason: PeerError | null): void {
    if (!peer.hasOpened) this.onOpen()
    this.#leave(peer)
    if (peer.dialAddress) this.book.closed(peer.dialAddress, this.#endingOf(peer, reason), this.now(), peer.endedBy)
    if (reason && isBlame(reason)) this.#owner.onPeerDropped(peer.key, reason)
    this.#ask()
  }

  #endingOf(peer: MetadataPeer, reason: PeerError | null): Ending {
    if (this.#letGo.delete(peer)) return 'replaced'
    return reason || peer.peerId === null ? 'failed' : 'fruitless'
  }

  // ---------------------------------------------------------------- how

  #ask(): void {
    if (this.#isFound || this.#isClosed) return
    const asked = new Set<MetadataPeer>()
    for (const { peer, part } of this.#fetch.requests(this.now())) {
      peer.request(part)
      asked.add(peer)
    }
    for (const peer of asked) peer.flush()
  }

  #conclude({ metadata, liars }: FetchOutcome<MetadataPeer>): void {
    for (const { peer, error } of liars) {
      // Only what we know ourselves: the port that an incoming peer claims to listen on may be another one's.
      if (!peer.isIncoming) this.book.ban(peer.address)
      peer.close(error)
    }
    if (metadata) {
      this.stopLooking()
      this.#owner.onMetadata(metadata)
    } else this.#ask()
  }

  #dial(now: number): void {
    const { budget, network, localIp } = this.#options
    if (isCutOff(network.binding)) return
    for (let i = 0; i < DIALS_PER_TICK; i++) {
      if (this.#isClosed || this.#isFull || budget.halfOpen >= budget.maxHalfOpen || this.#halfOpen >= MAX_HALF_OPEN)
        return
      const address = this.book.next(now)
      if (!address) return
      const peer = new MetadataPeer(this, address, false)
      this.#enter(peer)
      budget.halfOpen++
      this.#halfOpen++
      peer.attach(network.connect(address, localIp === undefined ? {} : { localIp }, peer))
    }
  }

  get #isFull(): boolean {
    const { budget } = this.#options
    return budget.peers >= budget.maxPeers || this.#peers.size >= budget.maxPeersPerTorrent
  }

  /** For one that may be of more use than one of these. False: nobody may go. */
  #makeRoom(now: number): boolean {
    if (this.#isFound) return false
    const isUseless = (peer: MetadataPeer): boolean =>
      peer.isConnected && !this.#fetch.mayGive(peer) && now - peer.connectedAt > USELESS_AFTER_MS
    const useless = [...this.#peers].find(isUseless)
    if (useless) this.#letGoOf(useless)
    return useless !== undefined
  }

  #letGoOf(peer: MetadataPeer): void {
    this.#letGo.add(peer)
    peer.close(null)
  }

  #enter(peer: MetadataPeer): void {
    this.#peers.add(peer)
    this.#options.budget.peers++
  }

  #leave(peer: MetadataPeer): void {
    if (!this.#peers.delete(peer)) return
    this.#options.budget.peers--
    this.#fetch.leave(peer)
  }
}
