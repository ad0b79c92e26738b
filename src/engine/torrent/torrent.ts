// One torrent, as applications, its session and its trackers know it. It puts together what it is made of and passes on what
// is asked of it: states are of its life, facts of its parts. Nothing about pieces, blocks or messages is decided here.
import { type Address, addressKey, parseAddress } from '../../base/address.ts'
import { fromHex, toHex } from '../../base/bytes.ts'
import { Emitter } from '../../base/emitter.ts'
import { FormatError, type StateError, type StorageError, type TrackerError } from '../../base/errors.ts'
import { PEER_ID_PREFIX } from '../../base/product.ts'
import type { Connection, ConnectionHandler, Platform, RemovedTree } from '../../platform/platform.ts'
import { magnetTiers } from '../../protocol/metainfo/magnet-metainfo.ts'
import type { Magnet } from '../../protocol/metainfo/magnet.ts'
import type { Metainfo, TorrentFile } from '../../protocol/metainfo/metainfo.ts'
import { newName, newPath } from '../../protocol/metainfo/new-path.ts'
import { Announcer, type AnnouncerOwner, type TrackerStatus } from '../discovery/announcer.ts'
import { scrapeTrackers, type SwarmSize } from '../discovery/scrape-trackers.ts'
import type { AddressSource, BookCensus } from '../policy/peer-book.ts'
import { contentRoot, locationOf } from '../storage/content-layout.ts'
import { RateLimiter } from '../transport/rate-limiter.ts'
import { changedLimits, keptOutstanding, NO_LIMITS, type RateLimits } from '../transport/rate-limits.ts'
import { causeSentence, hostOf } from './cause-sentence.ts'
import { diagnose } from './diagnosis.ts'
import { gatherFacts } from './diagnosis-facts.ts'
import type {
  Cause,
  FileInfo,
  FilePriorities,
  PeerInfo,
  RemoveOptions,
  TorrentEvents,
  TorrentOptions,
  TorrentState,
  TorrentStats,
  WebSeedInfo,
} from './torrent-api.ts'
import { TorrentFigures } from './torrent-figures.ts'
import { TorrentLife } from './torrent-life.ts'
import type { TorrentInternals, TorrentSurroundings } from './torrent-surroundings.ts'

/** One direction of the payload, under a limit. */
export interface RateSharer {
  /** Somebody waits for the rate. */
  readonly isHeldByRate: boolean
  /** Uses up to about so many bytes, or what its own limit allows. Returns the bytes used. */
  shareOut(bytes: number, now: number): number
}

const PEERS_WANTED = 50

export class Torrent implements AnnouncerOwner {
  /** Hex of the v1 infohash. */
  readonly infohash: string
  /** Every wanted piece verified and written; rejects when the torrent fails or is removed before. */
  readonly done: Promise<void>
  readonly peerId: Uint8Array
  readonly #around: TorrentSurroundings
  readonly #events = new Emitter<TorrentEvents>()
  readonly #announcer: Announcer
  readonly #downLimiter: RateLimiter
  readonly #upLimiter: RateLimiter
  readonly #figures = new TorrentFigures()
  readonly #life: TorrentLife
  /** Whom the application named, by their keys. */
  readonly #userPeers = new Map<string, Address>()

  /** Made by `Session.add`. */
  constructor(source: Metainfo | Magnet, options: TorrentOptions & TorrentInternals, around: TorrentSurroundings) {
    this.infohash = toHex(source.infohashV1!)
    this.#around = around
    const limits = changedLimits({ down: options.downRate, up: options.upRate }, NO_LIMITS)
    this.#downLimiter = new RateLimiter(limits.down, around.downLimiter)
    this.#upLimiter = new RateLimiter(limits.up, around.upLimiter)
    for (const peer of options.peers ?? []) this.#nameUserPeer(peer)
    this.peerId = makePeerId(around.platform)
    this.#announcer = new Announcer(
      {
        platform: around.platform,
        clients: around.trackers,
        tiers: options.useTrackers === false ? [] : trackersOf(source),
        infohash: source.infohashV1!,
        peerId: this.peerId,
        listenPort: () => around.listenPort ?? 0,
        isPrivate: () => this.isPrivate,
        numWant: PEERS_WANTED,
      },
      this,
    )
    this.#life = new TorrentLife({
      source,
      peerId: this.peerId,
      options,
      around,
      figures: this.#figures,
      downLimiter: this.#downLimiter,
      upLimiter: this.#upLimiter,
      announcer: this.#announcer,
      events: this.#events,
      userPeers: this.#userPeers,
    })
    this.done = this.#life.done
    this.#life.begin()
  }

  /** Null until the metadata of a magnet link has been found: see the event `metadata`. */
  get metainfo(): Metainfo | null {
    return this.#life.content?.metainfo ?? null
  }

  get state(): TorrentState {
    return this.#life.state
  }

  on<Name extends keyof TorrentEvents>(event: Name, listener: (payload: TorrentEvents[Name]) => void): () => void {
    return this.#events.on(event, listener)
  }

  stats(): TorrentStats {
    const { state, parts, meeting } = this.#life
    return this.#figures.stats(state, parts, meeting?.connectedCount ?? 0, this.#around.platform.clock.now())
  }

  /** One byte a piece: 0 missing, 1 under way, 2 had. */
  pieceStates(): Uint8Array {
    return this.#figures.pieceStates(this.#life.parts)
  }

  /** The connected peers, as they are now; empty as long as the metadata is fetched and files are checked, though some are connected. */
  peers(): PeerInfo[] {
    return this.#figures.peers(this.#life.parts)
  }

  /** The web servers that have the content, as they are now; empty until its place on disk has been found. */
  webSeeds(): WebSeedInfo[] {
    return this.#life.parts?.webSeeds.infos(this.#around.platform.clock.now()) ?? []
  }

  /** Its files, without padding (BEP 47), as they are now. Walks over all pieces: not for each tick. */
  files(): FileInfo[] {
    const { content, parts } = this.#life
    if (!content) return []
    const have = parts?.download.have
    const { name } = locationOf(this.contentPath!)
    return content.selection.list(have ? (piece) => have.has(piece) : null, parts?.layout.names, name)
  }

  /**
   * Changes what is wanted; files that are not named stay as they are. A torrent that was complete goes on downloading when
   * files are added; one that lacks nothing else is complete when the rest is skipped. Bytes of a skipped file that lie in a
   * piece of a wanted one are fetched all the same, and kept apart: see docs/files.md.
   * Resolves when it has taken effect, on disk too. A disk that refuses fails the torrent.
   * Throws TypeError for a file or a priority that there is not, and while files are not known; nothing changes then.
   */
  setFilePriorities(priorities: FilePriorities): Promise<void> {
    this.#life.known.selection.set(priorities)
    return this.#life.select()
  }

  /**
   * Gives a file another name, or another folder within the torrent's, while everything goes on. It is remembered with the state.
   * @param path below the torrent's folder, with slashes; cleaned as those in torrents are. Of a torrent of one file, its name:
   * see `rename`.
   * Rejects with TypeError for a file that there is not, and while nothing is open; with FormatError `bad_name` for a path that is
   * none; with StorageError when the disk refuses, `exists` when something has the name. All is as it was then.
   */
  async renameFile(index: number, path: string): Promise<void> {
    const { metainfo } = this.#life.known
    const file = metainfo.files[index] as TorrentFile | undefined
    if (!file || file.isPad) throw new TypeError(`Cannot rename file ${index}: ${metainfo.name} has no such file`)
    const name = newPath(path)
    if (metainfo.isSingleFile) return this.rename(path)
    await this.#life.renameFile(index, name)
  }

  /**
   * Gives the torrent's top folder, or its only file, another name, cleaned as those in torrents are. Connections end, and peers
   * are dialled again. With state it is remembered: who opens the old name gets the new one.
   * Rejects as `move` does, and with FormatError `bad_name` for a name that is none.
   */
  async rename(name: string): Promise<void> {
    const cleaned = newName(name, this.#life.known.metainfo.isSingleFile)
    if (cleaned.toLowerCase().startsWith(`.${this.infohash}`)) throw ownName(cleaned)
    await this.#life.relocate({ path: locationOf(this.contentPath!).path, name: cleaned })
  }

  /**
   * Moves all content into another folder, under the name that it has. On the same file system that takes a moment; to another one
   * it is copied, verified and then removed, which the event `moving` tells of. Connections end meanwhile, and peers are dialled
   * again. What is verified is remembered there, and not looked at again.
   * Rejects, with all as it was, and goes on there: with StorageError `exists`, `is_link`, `inside_itself`, `disk_full`,
   * `copy_damaged`, `interrupted` (it was removed), or what the disk says; with StateError `in_use`; with TypeError while the
   * torrent does not run, or when it has no place of its own.
   */
  async move(folder: string): Promise<void> {
    await this.#life.relocate({
      path: folder,
      name: locationOf(contentRoot(this.#life.known.metainfo, this.#life.location)).name,
    })
  }

  /** The torrent's file or top folder: where it is, or will be made. Null until the metadata is known. */
  get contentPath(): string | null {
    return this.#life.contentPath
  }

  /** Why it is slow, or does nothing: the most decisive cause first. Empty for a torrent that does well. Not for each tick. */
  diagnose(): Cause[] {
    const { state, error, content, magnet } = this.#life
    if (magnet && state === 'fetching_metadata') return magnet.diagnose(this.trackers())
    if (!content) return endOf(state, error)
    const around = this.#around
    const { budget, listenPort, dht } = around
    const subject = {
      stats: this.stats(),
      error,
      checking: this.#life.checking,
      parts: this.#life.parts,
      map: content.map,
      watch: this.#figures.watch,
      banned: this.#figures.banned,
      trackers: this.trackers(),
      slots: around.platform.disk.slotCount,
      downLimiter: this.#downLimiter,
      upLimiter: this.#upLimiter,
      budget,
      listenPort,
      usesDht: dht !== null && !this.isPrivate,
      binding: around.platform.network.binding,
    }
    return diagnose(gatherFacts(subject, around.platform.clock.now()))
  }

  /** The addresses known of its swarm, counted; null until its data has been found. Walks over all of them. */
  knownAddresses(): BookCensus | null {
    return this.#life.meeting?.book.census() ?? null
  }

  trackers(): TrackerStatus[] {
    return this.#announcer.status()
  }

  /**
   * Asks all its trackers how large the swarm is (BEP 48), in the order of `trackers()`. One that has not answered within 10 s has
   * an error instead; never rejects. Each call asks them anew: not for each tick.
   */
  swarmSizes(): Promise<SwarmSize[]> {
    const { trackers: clients, platform } = this.#around
    const trackers = this.trackers().map(({ url }) => url)
    return scrapeTrackers(clients, platform.clock, { trackers, infohash: fromHex(this.infohash)! })
  }

  /**
   * Dials this peer.
   * @param address `1.2.3.4:6881` or `[::1]:6881`. Throws TypeError when it is neither.
   */
  addPeer(address: string): void {
    this.addFound([this.#nameUserPeer(address)], 'user')
  }

  /** Peers that were found for it; those of ways that are open to all are none of a private torrent's. */
  addFound(addresses: readonly Address[], source: AddressSource): void {
    if (this.isPrivate && (source === 'lsd' || source === 'dht' || source === 'pex')) return
    for (const address of addresses) this.#life.meeting?.addAddress(address, source)
  }

  /** It uses its trackers and nothing else to find peers (BEP 27). False as long as nobody knows. */
  get isPrivate(): boolean {
    return this.metainfo?.isPrivate ?? false
  }

  /** It takes part in its swarm, and may be told of to everybody: as far as anybody knows, it is not private. */
  get isPublic(): boolean {
    return !this.isPrivate && (this.#life.isRunning || this.#life.isFetchingMetadata)
  }

  /** How far its metadata is there, in bytes; null when that is known, and as long as no peer has it. */
  get metadataProgress(): { readonly done: number; readonly total: number } | null {
    return this.#life.magnet?.stage.progress() ?? null
  }

  #nameUserPeer(text: string): Address {
    const address = parsePeer(text)
    this.#userPeers.set(addressKey(address), address)
    return address
  }

  /** The torrent's own limits; those of the session hold beside them. */
  get rates(): RateLimits {
    return { down: this.#downLimiter.ownBytesPerSecond, up: this.#upLimiter.ownBytesPerSecond }
  }

  /** Changes the torrent's own limits, or one of them. Throws TypeError for a rate that is none; nothing changes then. */
  setRates(rates: Partial<RateLimits>): void {
    const now = this.#around.platform.clock.now()
    const before = this.rates
    const after = changedLimits(rates, before)
    this.keepOutstanding(keptOutstanding(after, before))
    this.#downLimiter.setRate(after.down, now)
    this.#upLimiter.setRate(after.up, now)
  }

  /**
   * Leaves the session: trackers are told, writes under way are finished, connections are closed. The data stays, or is deleted:
   * see `RemoveOptions`. Resolves to what was deleted; null: nothing was to be.
   * Rejects only when it was to be deleted: with StorageError, when all that can be deleted has been; with StateError `in_use`.
   */
  remove(options: RemoveOptions = {}): Promise<RemovedTree | null> {
    return this.#life.remove(options)
  }

  // ---------------------------------------------------------------- for the session

  /** Somebody connected to us for this torrent. Null: not now. */
  accept(connection: Connection): ConnectionHandler | null {
    return this.#life.isMeeting ? (this.#life.meeting?.accept(connection) ?? null) : null
  }

  /** What waits for the download limit; null while there is nothing. */
  get asking(): RateSharer | null {
    return this.#life.isRunning ? this.#life.parts!.swarm.asking : null
  }

  /** What waits for the upload limit; null while there is nothing. */
  get serving(): RateSharer | null {
    return this.#life.isRunning ? this.#life.parts!.upload : null
  }

  /** The download limit changes: so many of the bytes that were asked for are waited for, the rest is cancelled. */
  keepOutstanding(bytes: number): void {
    this.#life.parts?.swarm.asking.keepOnly(bytes)
  }

  tick(now: number): void {
    this.#life.tick(now)
  }

  /** The machine has slept. */
  onSuspended(now: number): void {
    this.#life.onSuspended(now)
  }

  /** The addresses that we are bound to have changed, or have gone. */
  onAddressChange(now: number): void {
    this.#life.onAddressChange(now)
  }

  // ---------------------------------------------------------------- what the trackers ask and report

  announceFigures(): { uploaded: number; downloaded: number; left: number | null } {
    const { uploaded, downloaded, left } = this.stats()
    return { uploaded, downloaded, left: this.#life.content ? left : null }
  }

  onAddresses(addresses: readonly Address[]): void {
    this.addFound(addresses, 'tracker')
  }

  /** It decides who is preferred among peers (BEP 40), as what peers say of us does. */
  onExternalIp(ip: string): void {
    this.#life.parts?.swarm.onOurIp(ip)
  }

  onTrackerWarning(trackerUrl: string, message: string): void {
    this.#life.onWarning('tracker', 'tracker_warning', `${hostOf(trackerUrl)} warns: ${message}`)
  }

  onTrackerError(_trackerUrl: string, error: TrackerError): void {
    this.#life.onWarning(
      'tracker',
      error.code === 'tracker_failure' ? 'tracker_refused' : 'tracker_failed',
      error.message,
    )
  }
}

/** Why one whose metadata was never known does nothing. */
function endOf(state: TorrentState, error: FormatError | StateError | StorageError | null): Cause[] {
  if (state !== 'failed' || !error) return [{ code: 'stopped', message: causeSentence({ code: 'stopped' }) }]
  return [{ code: 'failed', error: error.code, message: error.message }]
}

function trackersOf(source: Metainfo | Magnet): readonly (readonly string[])[] {
  return 'infoBytes' in source ? source.trackers : magnetTiers(source)
}

function ownName(name: string): FormatError {
  return new FormatError('bad_name', `Cannot use the name ${JSON.stringify(name)}: such names are the program's own`)
}

function parsePeer(text: string): Address {
  const address = parseAddress(text)
  if (!address) throw new TypeError(`Cannot dial ${JSON.stringify(text)}: expected IP:PORT`)
  return address
}

function makePeerId(platform: Platform): Uint8Array {
  const id = platform.random.bytes(20)
  for (let i = 0; i < PEER_ID_PREFIX.length; i++) id[i] = PEER_ID_PREFIX.charCodeAt(i)
  return id
}
