// One torrent, composed: content on disk, download, upload, swarm and trackers, and the states it goes through.
//
//   checking -> downloading -> seeding     any of them -> stopped (removed), failed (a person must act),
//                                                         or parked (the disk is full or gone) -> checking
//
// One that begins with a magnet link is `fetching_metadata` first: a stage of its own (metadata-stage.ts), before the first run.
// It owns the state and the events; each part owns its facts. Nothing about pieces, blocks or messages is decided here.
import { type Address, addressKey, parseAddress } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'
import { Emitter } from '../../base/emitter.ts'
import {
  FormatError,
  type PeerError,
  type StateError,
  type StorageError,
  type TrackerError,
} from '../../base/errors.ts'
import { PEER_ID_PREFIX } from '../../base/product.ts'
import type { Connection, ConnectionHandler, Platform, RemovedTree } from '../../platform/platform.ts'
import type { Magnet } from '../../protocol/metainfo/magnet.ts'
import type { Metainfo, TorrentFile } from '../../protocol/metainfo/metainfo.ts'
import { magnetTiers } from '../../protocol/metainfo/magnet-metainfo.ts'
import { newName, newPath } from '../../protocol/metainfo/new-path.ts'
import { Announcer, type AnnouncerOwner, type TrackerStatus } from '../discovery/announcer.ts'
import type { AddressSource, BookCensus } from '../policy/peer-book.ts'
import { type ContentLocation, contentRoot, locationOf } from '../storage/content-layout.ts'
import { moveContent } from '../storage/content-move.ts'
import { NO_SETTINGS } from '../storage/torrent-settings.ts'
import { lockContent, removeContent } from '../storage/content-removal.ts'
import { fileAttributes } from '../storage/file-attributes.ts'
import { RateLimiter } from '../transport/rate-limiter.ts'
import { changedLimits, keptOutstanding, NO_LIMITS, type RateLimits } from '../transport/rate-limits.ts'
import { diagnose } from './diagnosis.ts'
import { gatherFacts } from './diagnosis-facts.ts'
import { forgetMetadata, lookUp, MagnetStart, type MagnetStartOwner, selectedFiles } from './magnet-start.ts'
import { Parking } from './parking.ts'
import { passingTrouble, roomLacking } from './passing-trouble.ts'
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
} from './torrent-api.ts'
import { TorrentFigures } from './torrent-figures.ts'
import type { TorrentParts } from './torrent-parts.ts'
import { type RunOwner, TorrentRun } from './torrent-run.ts'
import { TorrentContent } from './torrent-content.ts'
import type { TorrentInternals, TorrentSurroundings } from './torrent-surroundings.ts'

/** One direction of the payload, under a limit. */
export interface RateSharer {
  /** Somebody waits for the rate. */
  readonly isHeldByRate: boolean
  /** Uses up to about so many bytes, or what its own limit allows. Returns the bytes used. */
  shareOut(bytes: number, now: number): number
}

const PEERS_WANTED = 50
/** Fewer connected peers than this, and trackers are asked for more as soon as they allow. */
const FEW_PEERS = 20
/** The same as long as the metadata is not known: peers that have it. */
const FEW_OFFERING = 5

/** `left` in announces as long as nobody knows how much there is: something. */
const LEFT_UNKNOWN = 16_384

export class Torrent implements RunOwner, AnnouncerOwner, MagnetStartOwner {
  /** Hex of the v1 infohash. */
  readonly infohash: string
  /** Every piece verified and written; rejects when the torrent fails or is removed before. */
  readonly done: Promise<void>
  readonly peerId: Uint8Array
  readonly #options: TorrentOptions & TorrentInternals
  readonly #around: TorrentSurroundings
  /** Null until the metadata is known. */
  #known: TorrentContent | null = null
  /** Before the first run of a torrent that began with a magnet link; null for others, and when it is over. */
  #magnetStart: MagnetStart | null = null
  /** What to call it in messages. */
  #name: string
  readonly #events = new Emitter<TorrentEvents>()
  readonly #announcer: Announcer
  readonly #downLimiter: RateLimiter
  readonly #upLimiter: RateLimiter
  #figures = new TorrentFigures(null)
  #state: TorrentState = 'checking'
  #error: StorageError | StateError | FormatError | null = null
  /** Of the content, as far as it is known. */
  #location: ContentLocation
  #moving: Promise<void> = Promise.resolve()
  #checking: { readonly done: number; readonly total: number } | null = null
  #run: TorrentRun | null = null
  /** The end of the last run, and of its announces. */
  #stopping: Promise<void> = Promise.resolve()
  readonly #parking = new Parking()
  #isLooking = false
  /** As the last run knew them. */
  #settings = NO_SETTINGS
  #isCompleting = false
  #wasCompleteAtStart = false
  /** Something has been fetched: the files are of our making. */
  #hasStored = false
  #resolveDone!: () => void
  #rejectDone!: (error: Error) => void
  #removal: Promise<void> | null = null
  #deletion: Promise<RemovedTree> | null = null
  /** Whom the user named, by their keys. */
  readonly #userPeers = new Map<string, Address>()

  /** Made by `Session.add`. */
  constructor(source: Metainfo | Magnet, options: TorrentOptions & TorrentInternals, around: TorrentSurroundings) {
    this.infohash = toHex(source.infohashV1!)
    this.#name = source.name ?? this.infohash
    this.#options = options
    this.#location = options
    this.#around = around
    const magnet = 'infoBytes' in source ? null : source
    if (!magnet) this.#know(new TorrentContent(source as Metainfo, options.files))
    const limits = changedLimits({ down: options.downRate, up: options.upRate }, NO_LIMITS)
    this.#downLimiter = new RateLimiter(limits.down, around.downLimiter)
    this.#upLimiter = new RateLimiter(limits.up, around.upLimiter)
    for (const peer of options.peers ?? []) this.#nameUserPeer(peer)
    this.peerId = makePeerId(around.platform)
    this.done = new Promise((resolve, reject) => {
      this.#resolveDone = resolve
      this.#rejectDone = reject
    })
    // Whoever does not wait for `done` must not die of an unhandled rejection: `failed` says the same.
    this.done.catch(() => {})
    this.#announcer = new Announcer(
      {
        platform: around.platform,
        clients: around.trackers,
        tiers: options.useTrackers === false ? [] : magnet ? magnetTiers(magnet) : (source as Metainfo).trackers,
        infohash: source.infohashV1!,
        peerId: this.peerId,
        listenPort: () => around.listenPort ?? 0,
        numWant: PEERS_WANTED,
      },
      this,
    )
    if (magnet) this.#startFrom(magnet)
    else void this.#start()
  }

  /** Null until the metadata of a magnet link has been found: see the event `metadata`. */
  get metainfo(): Metainfo | null {
    return this.#known?.metainfo ?? null
  }

  get state(): TorrentState {
    return this.#state
  }

  on<Name extends keyof TorrentEvents>(event: Name, listener: (payload: TorrentEvents[Name]) => void): () => void {
    return this.#events.on(event, listener)
  }

  stats(): TorrentStats {
    const stats = this.#figures.stats(this.#state, this.#parts, this.#around.platform.clock.now())
    return this.#magnetStart ? { ...stats, peers: this.#magnetStart.stage.connected().length } : stats
  }

  /** One byte a piece: 0 missing, 1 under way, 2 had. */
  pieceStates(): Uint8Array {
    return this.#figures.pieceStates(this.#parts)
  }

  /** The connected peers, as they are now. */
  peers(): PeerInfo[] {
    return this.#figures.peers(this.#parts)
  }

  /** Its files, without padding (BEP 47), as they are now. Walks over all pieces: not for each tick. */
  files(): FileInfo[] {
    const have = this.#parts?.download.have
    if (!this.#known) return []
    const { name } = locationOf(this.contentPath!)
    return this.#known.selection.list(have ? (piece) => have.has(piece) : null, this.#parts?.layout.names, name)
  }

  /**
   * Changes what is wanted; files that are not named stay as they are. A torrent that was complete goes on downloading when
   * files are added; one that lacks nothing else is complete when the rest is skipped. Bytes of a skipped file that lie in a
   * piece of a wanted one are fetched all the same, and kept apart: see docs/files.md.
   * Resolves when it has taken effect, on disk too. A disk that refuses fails the torrent.
   * Throws TypeError for a file or a priority that there is not, and while files are not known; nothing changes then.
   */
  setFilePriorities(priorities: FilePriorities): Promise<void> {
    this.#content.selection.set(priorities)
    return this.#run?.select() ?? Promise.resolve()
  }

  /**
   * Gives a file another name, or another folder within the torrent's, while everything goes on. It is remembered with the state.
   * @param path below the torrent's folder, with slashes; cleaned as those in torrents are. Of a torrent of one file, its name:
   * see `rename`.
   * Rejects with TypeError for a file that there is not, and while nothing is open; with FormatError `bad_name` for a path that is
   * none; with StorageError when the disk refuses, `exists` when something has the name. All is as it was then.
   */
  async renameFile(index: number, path: string): Promise<void> {
    const { metainfo } = this.#content
    const file = metainfo.files[index] as TorrentFile | undefined
    if (!file || file.isPad) throw new TypeError(`Cannot rename file ${index}: ${this.#name} has no such file`)
    const name = newPath(path)
    if (metainfo.isSingleFile) return this.rename(path)
    if (!this.#isRunning) throw new TypeError(`Cannot rename file ${index}: the torrent is ${this.#state}`)
    await this.#run!.renameFile(index, name)
  }

  /**
   * Gives the torrent's top folder, or its only file, another name, cleaned as those in torrents are. Connections end, and peers
   * are dialled again. With state it is remembered: who opens the old name gets the new one.
   * Rejects as `move` does, and with FormatError `bad_name` for a name that is none.
   */
  async rename(name: string): Promise<void> {
    const cleaned = newName(name, this.#content.metainfo.isSingleFile)
    if (cleaned.toLowerCase().startsWith(`.${this.infohash}`)) throw ownName(cleaned)
    await this.#relocate({ path: locationOf(this.contentPath!).path, name: cleaned })
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
    const { metainfo } = this.#content
    await this.#relocate({ path: folder, name: locationOf(contentRoot(metainfo, this.#location)).name })
  }

  async #relocate(to: ContentLocation): Promise<void> {
    if (this.#isElsewhere) throw new TypeError(`Cannot move ${this.#name}: it has no place of its own`)
    if (!this.#isRunning) throw new TypeError(`Cannot move ${this.#name}: the torrent is ${this.#state}`)
    if (contentRoot(this.#content.metainfo, to) === this.contentPath) return
    const moving = this.#moveTo(to)
    this.#moving = moving.catch(() => {})
    await moving
  }

  /** The torrent's file or top folder: where it is, or will be made. Null until the metadata is known. */
  get contentPath(): string | null {
    return this.metainfo && contentRoot(this.metainfo, this.#location)
  }

  /** What is fetched lies somewhere else than the torrent says, or is not all of it. */
  get #isElsewhere(): boolean {
    return this.#options.layout !== undefined || this.#options.pieces !== undefined
  }

  /** Why it is slow, or does nothing: the most decisive cause first. Empty for a torrent that does well. Not for each tick. */
  diagnose(): Cause[] {
    if (this.#magnetStart) return this.#magnetStart.diagnose(this.trackers())
    if (!this.#known) return []
    const around = this.#around
    const { budget, listenPort } = around
    const subject = {
      stats: this.stats(),
      error: this.#error,
      checking: this.#checking,
      parts: this.#parts,
      map: this.#known.map,
      watch: this.#figures.watch,
      banned: this.#figures.banned,
      trackers: this.trackers(),
      slots: around.platform.disk.slotCount,
      downLimiter: this.#downLimiter,
      upLimiter: this.#upLimiter,
      budget,
      listenPort,
    }
    return diagnose(gatherFacts(subject, around.platform.clock.now()))
  }

  /** The addresses known of its swarm, counted; null until its data has been found. Walks over all of them. */
  knownAddresses(): BookCensus | null {
    return (this.#parts?.swarm ?? this.#magnetStart?.stage)?.book.census() ?? null
  }

  trackers(): TrackerStatus[] {
    return this.#announcer.status()
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
    const swarm = this.#parts?.swarm ?? this.#magnetStart?.stage
    for (const address of addresses) swarm?.addAddress(address, source)
  }

  /** It uses its trackers and nothing else to find peers (BEP 27). False as long as nobody knows. */
  get isPrivate(): boolean {
    return this.metainfo?.isPrivate ?? false
  }

  /** It takes part in its swarm, and may be told of to everybody: as far as anybody knows, it is not private. */
  get isPublic(): boolean {
    return !this.isPrivate && (this.#isRunning || this.#state === 'fetching_metadata')
  }

  /** How far its metadata is there, in bytes; null when that is known, and as long as no peer has it. */
  get metadataProgress(): { readonly done: number; readonly total: number } | null {
    return this.#magnetStart?.stage.progress() ?? null
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
  async remove({ data = false }: RemoveOptions = {}): Promise<RemovedTree | null> {
    this.#removal ??= this.#leave()
    await this.#removal
    if (data) this.#deletion ??= this.#delete()
    const deleted = this.#deletion?.catch((error: unknown) => {
      if (data) throw error
      return null
    })
    const removed = (await deleted) ?? null
    this.#around.onRemoved()
    return removed
  }

  // ---------------------------------------------------------------- for the session

  /** Somebody connected to us for this torrent. Null: not now. */
  accept(connection: Connection): ConnectionHandler | null {
    if (this.#state === 'fetching_metadata') return this.#magnetStart!.stage.accept(connection)
    return this.#isRunning ? (this.#parts?.swarm.accept(connection) ?? null) : null
  }

  /** What waits for the download limit; null while there is nothing. */
  get asking(): RateSharer | null {
    return this.#isRunning ? this.#parts!.swarm.asking : null
  }

  /** What waits for the upload limit; null while there is nothing. */
  get serving(): RateSharer | null {
    return this.#isRunning ? this.#parts!.upload : null
  }

  /** The download limit changes: so many of the bytes that were asked for are waited for, the rest is cancelled. */
  keepOutstanding(bytes: number): void {
    this.#parts?.swarm.asking.keepOnly(bytes)
  }

  /** Null until the place on disk has been found. */
  get #parts(): TorrentParts | null {
    return this.#run?.parts ?? null
  }

  get #isRunning(): boolean {
    return (this.#state === 'downloading' || this.#state === 'seeding') && !this.#run!.isStopped
  }

  tick(now: number): void {
    if (this.#magnetStart) this.#tickMagnet(this.#magnetStart, now)
    if (this.#parking.isDue(now)) void this.#lookAgain()
    if (!this.#isRunning) return
    const { download, swarm } = this.#parts!
    if (this.#state === 'downloading') this.#figures.tick(this.#parts!, now)
    this.#parts!.journal?.tick()
    download.tick()
    swarm.tick(now)
    if (this.#state === 'downloading' && swarm.connectedCount < FEW_PEERS) this.#announcer.wantMore(now)
    this.#announcer.tick(now)
  }

  /** The machine has slept: connections are dead, whatever they say, and everybody is somewhere else. */
  onSuspended(now: number): void {
    this.#run?.dropConnections()
    this.#magnetStart?.dropConnections()
    this.#announcer.wantMore(now)
  }

  // ---------------------------------------------------------------- life

  /** What needs the metadata, once that is there. Throws TypeError before. */
  get #content(): TorrentContent {
    if (!this.#known) throw new TypeError(`Cannot do that with ${this.#name}: its metadata is not known yet`)
    return this.#known
  }

  #know(content: TorrentContent): void {
    this.#known = content
    this.#name = content.metainfo.name
    this.#figures = new TorrentFigures({ totalSize: content.metainfo.totalSize, pieceCount: content.map.pieceCount })
  }

  #startFrom(magnet: Magnet): void {
    this.#state = 'fetching_metadata'
    const { peerId } = this
    this.#magnetStart = new MagnetStart({ magnet, peerId, path: this.#options.path, around: this.#around }, this)
    for (const peer of magnet.peers) void this.#addLinkPeer(peer)
    void this.#magnetStart.begin()
    this.addFound([...this.#userPeers.values()], 'user')
  }

  /** @param peer `host:port`, as the link has it */
  async #addLinkPeer(peer: string): Promise<void> {
    const address = parseAddress(peer)
    const found = address ? [address] : await lookUp(peer, this.#around)
    for (const each of found) this.#userPeers.set(addressKey(each), each)
    this.addFound(found, 'user')
  }

  #tickMagnet({ stage }: MagnetStart, now: number): void {
    stage.tick(now)
    if (this.#state !== 'fetching_metadata') return
    if (stage.offering < FEW_OFFERING) this.#announcer.wantMore(now)
    this.#announcer.tick(now)
  }

  /** No earlier run has left the metadata: peers are needed. */
  onMetadataMissing(): void {
    if (this.#isOver) return
    const now = this.#around.platform.clock.now()
    this.#announcer.start(now)
    this.tick(now)
    this.#around.onReady()
  }

  onMetadata(metainfo: Metainfo, magnet: Magnet): void {
    if (this.#isOver) return
    const { files } = this.#options
    this.#know(new TorrentContent(metainfo, files ?? selectedFiles(magnet, metainfo)))
    this.#state = 'checking'
    this.#events.emit('metadata', { metainfo })
    void this.#start()
  }

  onMetadataUnusable(error: FormatError): void {
    this.#fail(error)
  }

  async #start(): Promise<void> {
    if (this.#isOver) return
    const { metainfo, map, selection } = this.#content
    this.#settings = this.#parts?.settings.current ?? this.#settings
    const run = new TorrentRun(
      {
        metainfo,
        map,
        peerId: this.peerId,
        options: this.#options,
        selection,
        around: this.#around,
        downLimiter: this.#downLimiter,
        upLimiter: this.#upLimiter,
        location: this.#location,
        earlier: this.#settings,
        isDistrusted: this.#options.recheck === true && this.#run === null,
      },
      this.#figures,
      this,
    )
    this.#run = run
    try {
      const parts = await run.open()
      if (!parts) return
      if (!this.#isElsewhere) this.#location = locationOf(parts.layout.root)
      this.#unpark()
      for (const address of this.#userPeers.values()) parts.swarm.addAddress(address, 'user')
      if (!(await run.check(parts))) return
      const lack = await roomLacking(parts)
      if (lack) throw lack
      if (this.#options.preallocate && !(await run.preallocate(parts))) return
      if (!run.isStopped) this.#goOn(parts)
    } catch (error) {
      this.onTrouble(error as StorageError)
    }
  }

  /** After every wait: has it been removed, or has it failed? */
  get #isOver(): boolean {
    return this.#removal !== null || this.#state === 'failed'
  }

  #goOn({ download, swarm }: TorrentParts): void {
    const now = this.#around.platform.clock.now()
    const { superSeed = 'off' } = this.#options
    this.#wasCompleteAtStart = download.isComplete
    if (download.have.isFull && superSeed !== 'off') swarm.superSeed(superSeed)
    this.#state = 'downloading'
    if (!download.isComplete) this.#around.ledger.enter(download)
    this.#announcer.start(now)
    this.#magnetStart?.end(swarm, this.isPrivate)
    this.#magnetStart = null
    if (download.isComplete) void this.#complete()
    else this.tick(now)
    this.#around.onReady()
  }

  async onSelected(): Promise<void> {
    if (!this.#isRunning) return
    const parts = this.#parts!
    parts.swarm.onWantedChange()
    if (parts.download.isComplete) await this.#complete()
    else if (this.#state === 'seeding') this.#goOnDownloading(parts)
  }

  #goOnDownloading({ download, swarm }: TorrentParts): void {
    this.#state = 'downloading'
    this.#around.ledger.enter(download)
    swarm.becomeLeecher()
    this.#announcer.wantMore(this.#around.platform.clock.now())
  }

  /** Everything that is wanted is here. Files that no piece touches, the empty ones, are made now. */
  async #complete(): Promise<void> {
    const { layout, download, swarm } = this.#parts!
    if (this.#isCompleting) return
    this.#isCompleting = true
    try {
      const empty = this.#options.pieces ? [] : this.#content.selection.emptyFiles(layout)
      if (empty.length > 0) await download.volume.ensureFiles(empty)
      await this.#run!.settled()
      if (this.#hasStored && !this.#options.pieces) await this.#applyAttributes(this.#parts!)
    } catch (error) {
      return this.onTrouble(error as StorageError)
    } finally {
      this.#isCompleting = false
    }
    if (this.#state !== 'downloading' || !this.#isRunning || !download.isComplete) return
    this.#state = 'seeding'
    this.#around.ledger.leave(download)
    if (!this.#wasCompleteAtStart) this.#announcer.announceCompleted(this.#around.platform.clock.now())
    swarm.becomeSeed()
    this.#resolveDone()
    this.#events.emit('done', {})
    this.#events.emit('seeding', {})
  }

  /** Where they cannot be had, the content is as good without them. */
  async #applyAttributes({ layout, download: { volume } }: TorrentParts): Promise<void> {
    const { metainfo, selection } = this.#content
    const attributes = fileAttributes(metainfo, layout, (file) => selection.isSkipped(file))
    if (attributes.executables.length === 0 && attributes.links.length === 0) return
    try {
      await volume.applyAttributes(layout.root, attributes)
    } catch (error) {
      if (this.#isRunning) this.onWarning('disk', 'attributes_failed', (error as Error).message)
    }
  }

  /** The run cannot go on. What passes by itself is waited for. */
  async #endRun(run: TorrentRun, error: StorageError | StateError): Promise<void> {
    this.#stopping = this.#stop()
    const passing = await passingTrouble(error, run.parts, this.#around.platform.disk)
    if (this.#isOver) return
    if (passing) this.#park(passing)
    else this.#fail(error)
  }

  #park(error: StorageError): void {
    // Still for the same reason.
    if (this.#state === 'parked' && this.#error?.code === error.code) return
    this.#state = 'parked'
    this.#error = error
    this.#parking.begin(error, this.#around.platform.clock.now())
    this.#around.log({ level: 'info', scope: 'disk', message: error.message })
    this.#events.emit('parked', { error })
  }

  /** A parked torrent tries to go on, as soon as there is a chance. */
  async #lookAgain(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      // The journal is let go with the old run.
      await this.#stopping
      const parts = this.#parts
      const isFull = this.#error?.code === 'disk_full' && parts && (await roomLacking(parts)) !== null
      if (!isFull) await this.#start()
    } catch (error) {
      this.#around.log({ level: 'debug', scope: 'disk', message: (error as Error).message })
    } finally {
      this.#isLooking = false
    }
  }

  #unpark(): void {
    if (this.#state !== 'parked') return
    this.#state = 'checking'
    this.#error = null
    this.#parking.end(this.#around.platform.clock.now())
    this.#events.emit('resumed', {})
  }

  #fail(error: StorageError | StateError | FormatError): void {
    if (this.#isOver) return
    this.#state = 'failed'
    this.#error = error
    this.#around.log({ level: 'info', scope: 'disk', message: error.message })
    this.#rejectDone(error)
    this.#events.emit('failed', { error })
    this.#stopping = this.#stop()
  }

  async #leave(): Promise<void> {
    const hadFailed = this.#state === 'failed'
    this.#state = 'stopped'
    await this.#moving
    if (!hadFailed) this.#rejectDone(new Error(`The torrent ${this.#name} was removed before it was complete`))
    await this.#stop()
  }

  async #delete(): Promise<RemovedTree> {
    const { platform } = this.#around
    await forgetMetadata(this.infohash, this.#options.path, this.#around)
    if (!this.#known) return { files: 0, bytes: 0, kept: [] }
    const { metainfo, map } = this.#known
    const foreign = this.#options.layout?.(map)
    if (foreign) return removeContent(platform, { layout: foreign, folder: null })
    const earlier = this.#parts?.settings.current ?? this.#settings
    const content = await lockContent({ platform, metainfo, map, location: this.#location, earlier })
    return removeContent(platform, content)
  }

  async #moveTo(to: ContentLocation): Promise<void> {
    const { platform } = this.#around
    const { metainfo, map } = this.#content
    this.#state = 'moving'
    const connected = [...this.#parts!.swarm.connected()].filter((peer) => !peer.isIncoming).map(({ key }) => key)
    this.#stopping = this.#stop()
    await this.#stopping
    try {
      if (this.#isOver) return
      await moveContent({
        platform,
        metainfo,
        map,
        from: this.#location,
        to,
        earlier: this.#parts!.settings.current,
        onProgress: (progress) => this.#events.emit('moving', progress),
        isStopped: () => this.#isOver,
        warn: (message) => this.onWarning('disk', 'move_incomplete', message),
      })
      this.#location = to
      this.#events.emit('moved', { path: contentRoot(metainfo, to) })
    } finally {
      if (!this.#isOver) await this.#goOnAt(connected)
    }
  }

  /** Wherever the content is now. */
  async #goOnAt(peers: readonly string[]): Promise<void> {
    this.#state = 'checking'
    await this.#start()
    for (const peer of peers) this.#parts?.swarm.addAddress(parsePeer(peer), 'tracker')
  }

  async #stop(): Promise<void> {
    this.#magnetStart?.close()
    this.#magnetStart = null
    await Promise.all([this.#announcer.stop(), this.#run?.stop()])
  }

  // ---------------------------------------------------------------- what the trackers ask and report

  announceFigures(): { uploaded: number; downloaded: number; left: number } {
    const { uploaded, downloaded, left } = this.stats()
    if (!this.#known) return { uploaded, downloaded, left: LEFT_UNKNOWN }
    return { uploaded, downloaded, left }
  }

  onAddresses(addresses: readonly Address[]): void {
    this.addFound(addresses, 'tracker')
  }

  onTrackerWarning(trackerUrl: string, message: string): void {
    this.onWarning('tracker', 'tracker_warning', `${trackerUrl} warns: ${message}`)
  }

  onTrackerError(_trackerUrl: string, error: TrackerError): void {
    this.onWarning('tracker', error.code === 'tracker_failure' ? 'tracker_refused' : 'tracker_failed', error.message)
  }

  // ---------------------------------------------------------------- what the run reports

  onChecking(done: number, total: number): void {
    this.#checking = { done, total }
    this.#events.emit('checking', { done, total })
  }

  onChecked(good: number): void {
    this.#checking = null
    this.#events.emit('checked', { good })
  }

  onAllocating(done: number, total: number): void {
    this.#events.emit('allocating', { done, total })
  }

  onStored(): void {
    this.#hasStored = true
    const { download } = this.#parts!
    if (download.isComplete && this.#state === 'downloading') void this.#complete()
  }

  onTrouble(error: StorageError | StateError): void {
    const run = this.#run!
    if (!this.#isOver && !run.isStopped) void this.#endRun(run, error)
  }

  onWarning(scope: string, code: string, message: string): void {
    this.#around.log({ level: 'info', scope, message })
    this.#events.emit('warning', { code, message })
  }

  onPeerDropped(address: string, error: PeerError, pieces?: readonly number[]): void {
    this.#around.log({ level: 'info', scope: 'peer', message: `${address}: ${error.message}` })
    if (error.code === 'corrupt_data') this.#figures.banned++
    this.#events.emit('peerDropped', {
      address,
      reason: error.code,
      message: error.message,
      ...(pieces ? { pieces } : {}),
    })
  }
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
