// All torrents of a program: what they share (listeners, rate limits, memory, connections) and one heartbeat for all.
// It joins torrents to the outside; what happens within a torrent is the torrent's business.
import { type Address, addressKey } from '../../base/address.ts'
import { equalBytes, toHex } from '../../base/bytes.ts'
import type { Log } from '../../base/log.ts'
import { CLIENT_NAME } from '../../base/product.ts'
import { bindIp, cutOffSentence, isCutOff } from '../../platform/bound/sources.ts'
import type { Binding, Connection, ConnectionHandler, Platform, Stop, TcpListener } from '../../platform/platform.ts'
import { v2Only } from '../../protocol/metainfo/magnet-metainfo.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { FamilyStatus } from '../discovery/dht/dht-api.ts'
import { LocalDiscovery, type LocalDiscoveryOwner } from '../discovery/local-discovery.ts'
import { PacedTrackers } from '../discovery/paced-trackers.ts'
import { TrackerClients } from '../discovery/tracker-clients.ts'
import { ReadCache } from '../storage/read-cache.ts'
import { SlotLedger } from '../storage/slot-ledger.ts'
import { MetadataMemory } from '../torrent/metadata/metadata-memory.ts'
import type { ConnectionBudget } from '../torrent/swarm.ts'
import type { TorrentOptions } from '../torrent/torrent-api.ts'
import type { TorrentInternals } from '../torrent/torrent-surroundings.ts'
import { Torrent } from '../torrent/torrent.ts'
import { listenForPeers } from '../transport/listener.ts'
import { changedLimits, keptOutstanding, NO_LIMITS, type RateLimits } from '../transport/rate-limits.ts'
import { type MemoryUse, memorySentence, memoryUse } from './memory-use.ts'
import { Greeting, type GreetingAnswer, type GreetingOwner } from './greeting.ts'
import { readSource } from './read-source.ts'
import { RateSharing } from './rate-sharing.ts'
import { type Entrance, readEntrance, SessionDht } from './session-dht.ts'
import type { SessionOptions } from './settings.ts'

const HEARTBEAT_MS = 100
/** Whose limits they are, in errors. */
const OF_ALL = ' of all torrents'
const DEFAULT_MAX_PEERS = 200
const DEFAULT_MAX_PEERS_PER_TORRENT = 60
const MAX_HALF_OPEN = 50
/** Connections that have not said yet what they want. */
const MAX_GREETINGS = 100
const GREETING_TIMEOUT_MS = 10_000
/** A heartbeat this late means that the machine has slept. */
const SUSPENDED_MS = 30_000
/** Trackers take up to 3 s; a sound disk needs less. */
const LEAVE_WITHIN_MS = 3_500
/** How often the log is told of memory, while that changes. */
const MEMORY_EVERY_MS = 10_000

export class Session implements GreetingOwner, LocalDiscoveryOwner {
  readonly #platform: Platform
  readonly #options: SessionOptions
  readonly #log: Log
  readonly #torrents = new Map<string, Torrent>()
  readonly #greetings = new Set<Greeting>()
  readonly #ledger: SlotLedger
  readonly #cache: ReadCache
  readonly #down: RateSharing
  readonly #up: RateSharing
  readonly #budget: ConnectionBudget
  readonly #metadataMemory = new MetadataMemory()
  readonly #trackers: PacedTrackers
  /** Null: nobody is looked for on the local network. */
  #local: LocalDiscovery | null = null
  readonly #dhtEntrance: Entrance
  /** Null: there is none for us. */
  #dht: SessionDht | null = null
  #listeners: readonly TcpListener[] = []
  #stopHeartbeat: Stop = () => {}
  #stopFollowing: Stop = () => {}
  #lastBeat = 0
  #memoryTold = { at: 0, sentence: '' }
  #closing: Promise<void> | null = null

  private constructor(options: SessionOptions, platform: Platform) {
    this.#platform = platform
    // Where the network itself is bound, nothing here need know an interface's address.
    this.#options = platform.network.binding ? { ...options, bind: bindIp(options.bind) } : options
    this.#log = options.log ?? (() => {})
    this.#ledger = new SlotLedger(platform.disk)
    this.#cache = new ReadCache(platform.disk)
    const limits = changedLimits({ down: options.downRate, up: options.upRate }, NO_LIMITS, OF_ALL)
    this.#down = new RateSharing(limits.down)
    this.#up = new RateSharing(limits.up)
    this.#budget = {
      maxPeers: options.maxPeers ?? DEFAULT_MAX_PEERS,
      maxPeersPerTorrent: options.maxPeersPerTorrent ?? options.maxPeers ?? DEFAULT_MAX_PEERS_PER_TORRENT,
      maxHalfOpen: MAX_HALF_OPEN,
      peers: 0,
      halfOpen: 0,
    }
    const clients = new TrackerClients(platform, this.#options.bind, CLIENT_NAME.replace(' ', '/'))
    this.#trackers = new PacedTrackers(clients, platform.clock)
    this.#dhtEntrance = readEntrance(options)
  }

  /**
   * Begins to listen. Rejects with NetworkError when the port or address cannot be had, with TypeError for a bad option; the
   * platform is closed then.
   */
  static async open(options: SessionOptions, platform: Platform): Promise<Session> {
    let session: Session
    try {
      session = new Session(options, platform)
      session.#listeners = await listenForPeers(
        platform.network,
        { port: options.port, ip: session.#options.bind },
        (connection) => session.#onConnection(connection),
      )
    } catch (error) {
      await platform.disk.close()
      throw error
    }
    if (options.useLsd) session.#openLocalDiscovery()
    const { port } = session.#listeners[0]
    if (options.useDht) session.#dht = new SessionDht(platform, session.#dhtEntrance, session.#options, port)
    void session.#dht?.open()
    session.#lastBeat = platform.clock.now()
    session.#stopHeartbeat = platform.clock.every(HEARTBEAT_MS, () => session.#tick())
    const { binding } = platform.network
    if (binding) session.#stopFollowing = binding.onChange(() => session.#onBindingChange(binding))
    return session
  }

  #openLocalDiscovery(): void {
    const { network, random } = this.#platform
    const cookie = toHex(random.bytes(8))
    const listenPort = this.#listeners[0].port
    this.#local = new LocalDiscovery({ network, listenPort, localIp: this.#options.bind, cookie, log: this.#log }, this)
    void this.#local.open()
  }

  /** Our node in the DHT: one for each family, none where there is no DHT. */
  get dht(): FamilyStatus[] {
    return this.#dht?.status ?? []
  }

  /**
   * Never a private one. Of a link nobody knows that before its metadata is here, and neighbours may have just this: they are told, for
   * whoever has it announces itself every five minutes only, and dials who does.
   */
  localTorrents(): string[] {
    return [...this.#torrents.keys()].filter((infohash) => this.isLocalTorrent(infohash))
  }

  isLocalTorrent(infohash: string): boolean {
    return this.#torrents.get(infohash)?.isPublic ?? false
  }

  onLocalPeer(infohash: string, address: Address): void {
    this.#torrents.get(infohash)?.addFound([address], 'lsd')
  }

  /** Where peers can reach us. */
  get listening(): { address: string; port: number }[] {
    // A family without an address may get one later, and has none to show until then.
    const known = this.#listeners.filter(({ ip }) => ip !== '')
    return known.map((listener) => ({ address: listener.ip, port: listener.port }))
  }

  get torrents(): Torrent[] {
    return [...this.#torrents.values()]
  }

  /**
   * Takes a torrent in: what is on disk is checked and kept, the rest is downloaded, all of it is served.
   * @param torrent its bytes, what was read from them, or a text: a magnet link, or a bare infohash (40 hex digits or 32 base32
   * letters). Of these the metadata is fetched from peers first: see the event `metadata`.
   * Throws FormatError for what is no torrent or no link, or `v2_only`; TypeError when it is in the session already, or for a bad option.
   */
  add(torrent: Uint8Array | Metainfo | string, options: TorrentOptions & TorrentInternals): Torrent {
    const source = readSource(torrent)
    const { infohashV1 } = source
    const name = source.name ?? (infohashV1 ? toHex(infohashV1) : 'the torrent')
    if (!infohashV1) throw v2Only(name)
    const key = toHex(infohashV1)
    if (this.#closing) throw new TypeError('Cannot add a torrent: the session is closed')
    if (this.#torrents.has(key)) throw new TypeError(`Cannot add ${name}: it is in the session already`)
    const added = new Torrent(source, options, {
      platform: this.#platform,
      ledger: this.#ledger,
      cache: this.#cache,
      downLimiter: this.#down.limiter,
      upLimiter: this.#up.limiter,
      budget: this.#budget,
      metadataMemory: this.#metadataMemory,
      trackers: this.#trackers,
      listenPort: this.#listeners[0]?.port ?? null,
      localIp: this.#options.bind,
      usesPex: this.#options.usePex ?? true,
      dht: this.#dht,
      log: this.#log,
      isOwnPeerId: (peerId) => this.#isOwnPeerId(peerId),
      onReady: () => {
        this.#dht?.seek(added)
        for (const greeting of this.#greetings) greeting.askAgain()
      },
      onRemoved: () => {
        this.#dht?.forget(added)
        // It may have been added anew since.
        if (this.#torrents.get(key) === added) this.#torrents.delete(key)
      },
    })
    this.#torrents.set(key, added)
    added.on('metadata', ({ metainfo }) => {
      if (metainfo.isPrivate) this.#dht?.seek(added)
    })
    this.#dht?.seek(added, source.nodes)
    return added
  }

  /** The limits of all torrents together. */
  get rates(): RateLimits {
    return { down: this.#down.limiter.bytesPerSecond, up: this.#up.limiter.bytesPerSecond }
  }

  /** Changes the limits of all torrents together, or one of them. Throws TypeError for a rate that is none; nothing changes then. */
  setRates(rates: Partial<RateLimits>): void {
    const now = this.#platform.clock.now()
    const before = this.rates
    const after = changedLimits(rates, before, OF_ALL)
    const kept = keptOutstanding(after, before) / this.#torrents.size
    for (const torrent of this.#torrents.values()) torrent.keepOutstanding(kept)
    this.#down.limiter.setRate(after.down, now)
    this.#up.limiter.setRate(after.up, now)
  }

  /** What content on its way takes of the memory that it may. */
  memory(): MemoryUse {
    return memoryUse(this.#platform.disk)
  }

  /** Everything ends in order: trackers are told (as far as 3 s allow), writes are finished, connections and files are closed. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  async #shutDown(): Promise<void> {
    this.#local?.close()
    for (const greeting of this.#greetings) greeting.close()
    const leaving = Promise.all([
      ...this.#listeners.map((listener) => listener.close()),
      ...this.torrents.map((torrent) => torrent.remove()),
      this.#dht?.close(),
    ])
    // A disk that hangs holds its torrents for ever: closing it fails what they wait for.
    await this.#atMost(LEAVE_WITHIN_MS, leaving)
    this.#stopHeartbeat()
    this.#stopFollowing()
    this.#trackers.close()
    await this.#platform.disk.close()
    await leaving
  }

  async #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    let stopWaiting: Stop = () => {}
    const elapsed = new Promise<void>((resolve) => (stopWaiting = this.#platform.clock.after(ms, resolve)))
    await Promise.race([work, elapsed])
    stopWaiting()
  }

  #tick(): void {
    const now = this.#platform.clock.now()
    const hasSlept = now - this.#lastBeat > SUSPENDED_MS
    this.#lastBeat = now
    for (const greeting of this.#greetings) if (now - greeting.openedAt > GREETING_TIMEOUT_MS) greeting.close()
    if (hasSlept) this.#onOtherPlace(now)
    for (const torrent of this.#torrents.values()) {
      if (hasSlept) torrent.onSuspended(now)
      torrent.tick(now)
      this.#down.ask(torrent.asking)
      this.#up.ask(torrent.serving)
    }
    this.#down.tick(now)
    this.#up.tick(now)
    this.#trackers.tick(now)
    this.#local?.tick(now)
    this.#dht?.tick(now)
    this.#tellMemory(now)
  }

  #tellMemory(now: number): void {
    if (now - this.#memoryTold.at < MEMORY_EVERY_MS) return
    const sentence = memorySentence(this.memory())
    if (sentence !== this.#memoryTold.sentence) this.#log({ level: 'debug', scope: 'disk', message: sentence })
    this.#memoryTold = { at: now, sentence }
  }

  /** What we are bound to has gone, is back, or has other addresses: connections from those that have gone end by themselves. */
  #onBindingChange(binding: Binding): void {
    const message = isCutOff(binding) ? cutOffSentence(binding.name) : `Bound to ${binding.ips.join(' and ')}`
    this.#log({ level: 'info', scope: 'session', message })
    const now = this.#platform.clock.now()
    this.#trackers.onAddressChange()
    for (const torrent of this.#torrents.values()) torrent.onAddressChange(now)
    this.#onOtherPlace(now)
  }

  /** We are somewhere else, perhaps: who looks for us where nobody is asked, in the DHT and near us, finds the old place. */
  #onOtherPlace(now: number): void {
    this.#dht?.onAddressChange(now)
    this.#local?.announceAnew()
  }

  // ---------------------------------------------------------------- incoming connections

  #onConnection(connection: Connection): ConnectionHandler | null {
    // Where there are as many peers as there may be, the torrent that this one wants may make room for it.
    if (this.#closing || this.#greetings.size >= MAX_GREETINGS) return null
    const greeting = new Greeting(connection, this, this.#platform.clock.now())
    this.#greetings.add(greeting)
    return greeting
  }

  onGreeting(infohash: Uint8Array, connection: Connection): GreetingAnswer {
    const torrent = this.#torrents.get(toHex(infohash))
    if (torrent?.state === 'checking') return 'later'
    const handler = torrent?.accept(connection) ?? null
    if (handler) return handler
    const why = torrent
      ? `is not taken in by ${torrent.infohash}, which is ${torrent.state}`
      : 'asks for an unknown torrent'
    this.#log({ level: 'debug', scope: 'peer', message: `${addressKey(connection.remote)} ${why}` })
    return null
  }

  onGreeted(greeting: Greeting): void {
    this.#greetings.delete(greeting)
  }

  #isOwnPeerId(peerId: Uint8Array): boolean {
    return this.torrents.some((torrent) => equalBytes(torrent.peerId, peerId))
  }
}
