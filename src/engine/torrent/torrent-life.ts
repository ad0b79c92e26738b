// The life of one torrent: the states that it goes through, and what brings it from one to the next.
//
//   checking -> downloading -> seeding     any of them -> stopped (removed), failed (a person must act),
//                                                         or parked (the disk is full or gone) -> checking
//   downloading, seeding -> moving -> checking
//
// One that begins with a magnet link is `fetching_metadata` first: a stage of its own, before the first run.
// One run of it after the other has the content open; what happens in a run is the run's business.
import type { Address } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'
import type { Emitter } from '../../base/emitter.ts'
import { FormatError, type PeerError, type StateError, StorageError } from '../../base/errors.ts'
import { cutOffSentence, isCutOff } from '../../platform/bound/sources.ts'
import type { RemovedTree } from '../../platform/platform.ts'
import type { Magnet } from '../../protocol/metainfo/magnet.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { Announcer } from '../discovery/announcer.ts'
import type { PeerBook } from '../policy/peer-book.ts'
import { type ContentLocation, contentRoot } from '../storage/content-layout.ts'
import { requirePriorities } from './file-selection.ts'
import { applyAttributes, makeEmptyFiles } from './finish-files.ts'
import { MagnetStart, type MagnetStartOwner, selectedFiles } from './metadata/magnet-start.ts'
import type { MetadataStage } from './metadata/metadata-stage.ts'
import { Parking } from './parking.ts'
import { passingTrouble, roomLacking } from './passing-trouble.ts'
import type { Swarm } from './swarm.ts'
import type { WebSeedTrouble } from '../policy/web-seed-health.ts'
import { withoutSecrets } from './web-seeds/shown-url.ts'
import type { RemoveOptions, TorrentEvents, TorrentState } from './torrent-api.ts'
import { TorrentContent } from './torrent-content.ts'
import type { TorrentFigures } from './torrent-figures.ts'
import type { PartsOptions, TorrentParts } from './torrent-parts.ts'
import { TorrentPlace } from './torrent-place.ts'
import { type RunOwner, TorrentRun } from './torrent-run.ts'
import type { TorrentSurroundings } from './torrent-surroundings.ts'

export interface LifeOptions extends Pick<PartsOptions, 'peerId' | 'options' | 'around' | 'downLimiter' | 'upLimiter'> {
  /** What it begins with. */
  readonly source: Metainfo | Magnet
  readonly figures: TorrentFigures
  readonly announcer: Announcer
  readonly events: Emitter<TorrentEvents>
  /** Whom the user named, by their keys: they are dialled in each run. */
  readonly userPeers: Map<string, Address>
}

/** Fewer connected peers than this, and trackers are asked for more as soon as they allow. */
const FEW_PEERS = 20

export class TorrentLife implements RunOwner, MagnetStartOwner {
  state: TorrentState
  /** Why it has failed, or is parked. */
  error: StorageError | StateError | FormatError | null = null
  /** Null until the metadata is known. */
  content: TorrentContent | null = null
  /** From a magnet link to the first run; null before and after, and for others. */
  magnet: MagnetStart | null = null
  /** While data found on disk is being verified: pieces done of pieces to look at. */
  checking: { readonly done: number; readonly total: number } | null = null
  /** Every wanted piece verified and written; rejects when the torrent fails or is removed before. */
  readonly done: Promise<void>
  readonly #options: LifeOptions
  /** What the application has asked for. */
  readonly #wishes: LifeOptions['options']
  readonly #around: TorrentSurroundings
  readonly #announcer: Announcer
  readonly #events: Emitter<TorrentEvents>
  readonly #place: TorrentPlace
  #moving: Promise<void> = Promise.resolve()
  #run: TorrentRun | null = null
  /** The end of the last run, and of its announces. */
  #stopping: Promise<void> = Promise.resolve()
  readonly #parking = new Parking()
  /** Whom the last run knew. */
  #book: PeerBook | null = null
  /** Whom the link named: they are dialled in each run. */
  readonly #linkPeers: Address[] = []
  #isLooking = false
  #isCompleting = false
  #wasCompleteAtStart = false
  /** Something has been fetched: the files are of our making. */
  #hasStored = false
  #resolveDone!: () => void
  #rejectDone!: (error: Error) => void
  #removal: Promise<void> | null = null
  #deletion: Promise<RemovedTree> | null = null

  constructor(options: LifeOptions) {
    const { source, peerId, around, announcer, userPeers } = options
    this.#options = options
    this.#wishes = options.options
    this.#place = new TorrentPlace(source.infohashV1!, this.#wishes, around)
    this.#around = around
    this.#announcer = options.announcer
    this.#events = options.events
    if ('infoBytes' in source) this.#know(new TorrentContent(source, this.#wishes.files))
    else {
      const { metadata: store } = this.#place
      requirePriorities(this.#wishes.files ?? {})
      this.magnet = new MagnetStart({ magnet: source, peerId, store, around, announcer, userPeers }, this)
    }
    this.state = this.magnet ? 'fetching_metadata' : 'checking'
    this.done = new Promise((resolve, reject) => {
      this.#resolveDone = resolve
      this.#rejectDone = reject
    })
    // Whoever does not wait for `done` must not die of an unhandled rejection: `failed` says the same.
    this.done.catch(() => {})
  }

  /** Null until the place on disk has been found. */
  get parts(): TorrentParts | null {
    return this.#run?.parts ?? null
  }

  /** What needs the metadata, once that is there. Throws TypeError before. */
  get known(): TorrentContent {
    if (!this.content) throw new TypeError(`Cannot do that with ${this.#name}: its metadata is not known yet`)
    return this.content
  }

  /** What to call it in messages. */
  get #name(): string {
    const { source } = this.#options
    return this.content?.metainfo.name ?? source.name ?? toHex(source.infohashV1!)
  }

  /** Who meets its peers, or will; null while nobody does. */
  get meeting(): Swarm | MetadataStage | null {
    return this.magnet?.stage ?? this.parts?.swarm ?? null
  }

  /** Peers are asked for the metadata, since it is not remembered. */
  get isFetchingMetadata(): boolean {
    return this.state === 'fetching_metadata' && this.magnet?.isAsking === true
  }

  /** Peers that connect to us are welcome. */
  get isMeeting(): boolean {
    return this.isRunning || this.state === 'fetching_metadata'
  }

  /** Pieces come and go. */
  get isRunning(): boolean {
    return (this.state === 'downloading' || this.state === 'seeding') && !this.#run!.isStopped
  }

  /** Of the content, as far as it is known. */
  get location(): ContentLocation {
    return this.#place.location
  }

  /** The torrent's file or top folder: where it is, or will be made. Null until the metadata is known. */
  get contentPath(): string | null {
    return this.content && this.#place.pathOf(this.content)
  }

  tick(now: number): void {
    this.magnet?.tick(now)
    if (this.#parking.isDue(now)) void this.#lookAgain()
    if (!this.isRunning) return
    const { download, swarm, webSeeds } = this.parts!
    if (this.state === 'downloading') this.#options.figures.tick(this.parts!, now)
    this.parts!.journal?.tick()
    download.tick()
    swarm.tick(now)
    webSeeds.tick(now)
    if (this.state === 'downloading' && swarm.connectedCount < FEW_PEERS) this.#announcer.wantMore(now)
    this.#announcer.tick(now)
  }

  /** The machine has slept: connections are dead, whatever they say, and everybody is somewhere else. */
  onSuspended(now: number): void {
    this.#run?.dropConnections()
    this.magnet?.dropConnections()
    this.#recall()
    this.#announcer.wantMore(now)
  }

  /** We have other local addresses, or none: trackers shall know, and whoever could not be reached may be reached now. */
  onAddressChange(now: number): void {
    const { binding } = this.#around.platform.network
    this.#announcer.onAddressChange(now)
    this.#recall()
    if (binding && isCutOff(binding)) this.onWarning('session', 'bind_gone', cutOffSentence(binding.name))
  }

  /** It was our network that failed: whoever could not be reached, or was lost, is tried at once. */
  #recall(): void {
    this.meeting?.book.recallLost()
    this.parts?.webSeeds.recall()
  }

  /** What is wanted has changed. Resolves when that has taken effect; never rejects. */
  async select(): Promise<void> {
    await this.#run?.select()
    if (this.state !== 'parked') return
    await this.#stopping
    this.#selectParked()
    // There may be room for what is wanted now.
    void this.#lookAgain()
  }

  /** @param name elements below the torrent's folder, cleaned. Rejects with TypeError while nothing is open; with StorageError. */
  async renameFile(index: number, name: readonly string[]): Promise<void> {
    if (!this.isRunning) throw new TypeError(`Cannot rename file ${index}: the torrent is ${this.state}`)
    await this.#run!.renameFile(index, name)
  }

  /** Moves all content. Rejects as `Torrent.move` does. */
  async relocate(to: ContentLocation): Promise<void> {
    if (this.#place.isElsewhere) throw new TypeError(`Cannot move ${this.#name}: it has no place of its own`)
    if (!this.isRunning) throw new TypeError(`Cannot move ${this.#name}: the torrent is ${this.state}`)
    if (contentRoot(this.known.metainfo, to) === this.contentPath) return
    const moving = this.#moveTo(to)
    this.#moving = moving.catch(() => {})
    await moving
  }

  /** The torrent leaves the session. Answers and rejects as `Torrent.remove` does. */
  async remove({ data = false }: RemoveOptions = {}): Promise<RemovedTree | null> {
    this.#removal ??= this.#leave()
    await this.#removal
    if (data) this.#deletion ??= this.#place.delete(this.content, this.parts)
    const deleted = this.#deletion?.catch((error: unknown) => {
      if (data) throw error
      return null
    })
    const removed = (await deleted) ?? null
    this.#around.onRemoved()
    return removed
  }

  // ---------------------------------------------------------------- from a link to the first run

  /** To be called once. */
  begin(): void {
    if (this.magnet) void this.magnet.begin()
    else void this.#start()
  }

  onLinkPeer(address: Address): void {
    this.#linkPeers.push(address)
    this.meeting?.addAddress(address, 'link')
  }

  onMetadata(metainfo: Metainfo, magnet: Magnet): void {
    if (this.#isOver) return
    try {
      this.#know(new TorrentContent(metainfo, this.#wishes.files, selectedFiles(magnet, metainfo)))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return this.#fail(new FormatError('no_such_file', error.message))
    }
    this.state = 'checking'
    this.#events.emit('metadata', { metainfo })
    void this.#start()
  }

  onMetadataUnusable(error: FormatError): void {
    this.#fail(error)
  }

  #know(content: TorrentContent): void {
    this.content = content
    this.#options.figures.know(content)
  }

  // ---------------------------------------------------------------- runs

  /** Begins a run: at the start, and whenever there may be a better one than the last. Never rejects. */
  async #start(): Promise<void> {
    if (this.#isOver) return
    const { metainfo, map, selection } = this.known
    this.#book = this.parts?.swarm.book ?? this.#book
    const run = new TorrentRun(
      {
        ...this.#options,
        metainfo,
        map,
        selection,
        location: this.#place.location,
        earlier: this.#place.settingsAfter(this.parts),
        isDistrusted: this.#wishes.recheck === true && this.#run === null,
      },
      this.#options.figures,
      this,
    )
    this.#run = run
    try {
      const parts = await run.open()
      if (!parts) return
      this.#place.foundBy(parts)
      this.#unpark()
      if (this.#book) parts.swarm.learnFrom(this.#book)
      for (const address of this.#options.userPeers.values()) parts.swarm.addAddress(address, 'user')
      for (const address of this.#linkPeers) parts.swarm.addAddress(address, 'link')
      if (!(await run.check(parts))) return
      const lack = await roomLacking(parts)
      if (lack) throw lack
      if (this.#wishes.preallocate && !(await run.preallocate(parts))) return
      if (!run.isStopped) this.#goOn(parts)
    } catch (error) {
      this.onTrouble(error as StorageError)
    }
  }

  /** After every wait: has it been removed, or has it failed? */
  get #isOver(): boolean {
    return this.#removal !== null || this.state === 'failed'
  }

  #goOn({ download, swarm }: TorrentParts): void {
    const now = this.#around.platform.clock.now()
    const { superSeed = 'off' } = this.#wishes
    this.#wasCompleteAtStart = download.isComplete
    if (download.have.isFull && superSeed !== 'off') swarm.superSeed(superSeed)
    this.state = 'downloading'
    if (!download.isComplete) this.#around.ledger.enter(download)
    this.#announcer.start(now)
    this.magnet?.end(swarm, this.known.metainfo.isPrivate)
    this.magnet = null
    if (download.isComplete) void this.#complete()
    else this.tick(now)
    this.#around.onReady()
  }

  async onSelected(): Promise<void> {
    if (!this.isRunning) return
    const parts = this.parts!
    parts.swarm.onWantedChange()
    if (parts.download.isComplete) await this.#complete()
    else if (this.state === 'seeding') this.#goOnDownloading(parts)
  }

  #goOnDownloading({ download, swarm }: TorrentParts): void {
    this.state = 'downloading'
    this.#around.ledger.enter(download)
    swarm.becomeLeecher()
    this.#announcer.wantMore(this.#around.platform.clock.now())
  }

  /** Everything that is wanted is here. Files that no piece touches, the empty ones, are made now. */
  async #complete(): Promise<void> {
    const parts = this.parts!
    const { download, swarm } = parts
    if (this.#isCompleting) return
    this.#isCompleting = true
    try {
      if (!this.#wishes.pieces) await makeEmptyFiles(parts, this.known)
      await this.#run!.settled()
      if (this.#hasStored && !this.#wishes.pieces) await this.#applyAttributes(parts)
    } catch (error) {
      return this.onTrouble(error as StorageError)
    } finally {
      this.#isCompleting = false
    }
    if (this.state !== 'downloading' || !this.isRunning || !download.isComplete) return
    this.state = 'seeding'
    this.#around.ledger.leave(download)
    if (!this.#wasCompleteAtStart) this.#announcer.announceCompleted()
    swarm.becomeSeed()
    this.#resolveDone()
    this.#events.emit('done', {})
    this.#events.emit('seeding', {})
  }

  async #applyAttributes(parts: TorrentParts): Promise<void> {
    try {
      await applyAttributes(parts, this.known)
    } catch (error) {
      if (this.isRunning) this.onWarning('disk', 'attributes_failed', (error as Error).message)
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
    if (this.state === 'parked' && this.error?.code === error.code) return
    this.state = 'parked'
    this.error = error
    this.#parking.begin(this.#around.platform.clock.now())
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
      this.#selectParked()
      const lack = this.error?.code === 'disk_full' && this.parts ? await roomLacking(this.parts) : null
      if (lack) this.error = lack
      else await this.#start()
    } catch (error) {
      this.#around.log({ level: 'debug', scope: 'disk', message: (error as Error).message })
    } finally {
      this.#isLooking = false
    }
  }

  /** No run is there to learn of what is wanted now: the figures of the last one follow. */
  #selectParked(): void {
    if (this.state !== 'parked' || this.#wishes.pieces) return
    this.parts?.download.setPriorities(this.known.selection.piecePriorities())
  }

  #unpark(): void {
    if (this.state !== 'parked') return
    this.state = 'checking'
    this.error = null
    this.#parking.end(this.#around.platform.clock.now())
    this.#events.emit('resumed', {})
  }

  #fail(error: StorageError | StateError | FormatError): void {
    if (this.#isOver) return
    this.state = 'failed'
    this.error = error
    this.#around.log({ level: 'info', scope: scopeOf(error), message: error.message })
    this.#rejectDone(error)
    this.#events.emit('failed', { error })
    this.#stopping = this.#stop()
  }

  async #leave(): Promise<void> {
    const hadFailed = this.state === 'failed'
    this.state = 'stopped'
    await this.#moving
    if (!hadFailed) this.#rejectDone(new Error(`The torrent ${this.#name} was removed before it was complete`))
    await this.#stop()
  }

  async #moveTo(to: ContentLocation): Promise<void> {
    const content = this.known
    const parts = this.parts!
    this.state = 'moving'
    this.#stopping = this.#stop()
    await this.#stopping
    try {
      if (this.#isOver) return
      await this.#place.move(content, {
        to,
        earlier: parts.settings.current,
        onProgress: (progress) => this.#events.emit('moving', progress),
        isStopped: () => this.#isOver,
        warn: (message) => this.onWarning('disk', 'move_incomplete', message),
      })
      this.#events.emit('moved', { path: this.#place.pathOf(content) })
    } finally {
      // Wherever the content is now.
      if (!this.#isOver) {
        this.state = 'checking'
        await this.#start()
      }
    }
  }

  async #stop(): Promise<void> {
    this.magnet?.close()
    this.magnet = null
    await Promise.all([this.#announcer.stop(), this.#run?.stop(), this.#place.metadata.settled()])
  }

  // ---------------------------------------------------------------- what the run reports

  onChecking(done: number, total: number): void {
    this.checking = { done, total }
    this.#events.emit('checking', { done, total })
  }

  onChecked(good: number): void {
    this.checking = null
    this.#events.emit('checked', { good })
  }

  onAllocating(done: number, total: number): void {
    this.#events.emit('allocating', { done, total })
  }

  onStored(): void {
    this.#hasStored = true
    const { download } = this.parts!
    if (download.isComplete && this.state === 'downloading') void this.#complete()
  }

  onTrouble(error: StorageError | StateError): void {
    const run = this.#run!
    if (!this.#isOver && !run.isStopped) void this.#endRun(run, error)
  }

  onWarning(scope: string, code: string, message: string): void {
    this.#around.log({ level: 'info', scope, message })
    this.#events.emit('warning', { code, message })
  }

  onWebSeedGone(url: string, { code, reason }: WebSeedTrouble): void {
    this.onWarning('web_seed', `web_seed_${code}`, `Web seed ${withoutSecrets(url)} is not asked any more: ${reason}`)
  }

  onPeerDropped(address: string, error: PeerError, pieces?: readonly number[]): void {
    this.#around.log({ level: 'info', scope: 'peer', message: `${address}: ${error.message}` })
    if (error.code === 'corrupt_data') this.#options.figures.banned++
    this.#events.emit('peerDropped', {
      address,
      reason: error.code,
      message: error.message,
      ...(pieces ? { pieces } : {}),
    })
  }
}

/** Of the log: the part that it is about. */
function scopeOf(error: StorageError | StateError | FormatError): string {
  if (error instanceof FormatError) return 'metadata'
  return error instanceof StorageError ? 'disk' : 'state'
}
