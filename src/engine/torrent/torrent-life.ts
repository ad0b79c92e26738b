// The life of one torrent: the states that it goes through, and what brings it from one to the next.
//
//   checking -> downloading -> seeding     any of them -> stopped (removed), failed (a person must act),
//                                                         or parked (the disk is full or gone) -> checking
//   downloading, seeding -> moving -> checking
//
// One run of it after the other has the content open; what happens in a run is the run's business.
import { type Address, parseAddress } from '../../base/address.ts'
import type { Emitter } from '../../base/emitter.ts'
import type { PeerError, StateError, StorageError } from '../../base/errors.ts'
import type { RemovedTree } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { Announcer } from '../discovery/announcer.ts'
import { type ContentLocation, contentRoot, locationOf } from '../storage/content-layout.ts'
import { moveContent } from '../storage/content-move.ts'
import { lockContent, removeContent } from '../storage/content-removal.ts'
import { fileAttributes } from '../storage/file-attributes.ts'
import { NO_SETTINGS } from '../storage/torrent-settings.ts'
import { Parking } from './parking.ts'
import { passingTrouble, roomLacking } from './passing-trouble.ts'
import type { WebSeedTrouble } from '../policy/web-seed-health.ts'
import { withoutSecrets } from './web-seeds/shown-url.ts'
import type { RemoveOptions, TorrentEvents, TorrentState } from './torrent-api.ts'
import type { TorrentFigures } from './torrent-figures.ts'
import type { PartsOptions, TorrentParts } from './torrent-parts.ts'
import { type RunOwner, TorrentRun } from './torrent-run.ts'
import type { TorrentSurroundings } from './torrent-surroundings.ts'

export interface LifeOptions extends Omit<PartsOptions, 'location' | 'earlier' | 'isDistrusted'> {
  readonly figures: TorrentFigures
  readonly announcer: Announcer
  readonly events: Emitter<TorrentEvents>
  /** Whom the user named: they are dialled in each run. */
  readonly userPeers: ReadonlyMap<string, Address>
}

/** Fewer connected peers than this, and trackers are asked for more as soon as they allow. */
const FEW_PEERS = 20

export class TorrentLife implements RunOwner {
  state: TorrentState = 'checking'
  /** Why it has failed, or is parked. */
  error: StorageError | StateError | null = null
  /** While data found on disk is being verified: pieces done of pieces to look at. */
  checking: { readonly done: number; readonly total: number } | null = null
  /** Every wanted piece verified and written; rejects when the torrent fails or is removed before. */
  readonly done: Promise<void>
  readonly #options: LifeOptions
  readonly #metainfo: Metainfo
  /** What the application has asked for. */
  readonly #wishes: LifeOptions['options']
  readonly #around: TorrentSurroundings
  readonly #announcer: Announcer
  readonly #events: Emitter<TorrentEvents>
  /** Of the content, as far as it is known. */
  #location: ContentLocation
  #moving: Promise<void> = Promise.resolve()
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

  constructor(options: LifeOptions) {
    this.#options = options
    this.#metainfo = options.metainfo
    this.#wishes = this.#location = options.options
    this.#around = options.around
    this.#announcer = options.announcer
    this.#events = options.events
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

  /** It meets peers. */
  get isRunning(): boolean {
    return (this.state === 'downloading' || this.state === 'seeding') && !this.#run!.isStopped
  }

  /** The torrent's file or top folder: where it is, or will be made. */
  get contentPath(): string {
    return contentRoot(this.#metainfo, this.#location)
  }

  tick(now: number): void {
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
    this.#announcer.wantMore(now)
  }

  /** What is wanted has changed. Resolves when that has taken effect; never rejects. */
  async select(): Promise<void> {
    await this.#run?.select()
  }

  /** @param name elements below the torrent's folder, cleaned. Rejects with TypeError while nothing is open; with StorageError. */
  async renameFile(index: number, name: readonly string[]): Promise<void> {
    if (!this.isRunning) throw new TypeError(`Cannot rename file ${index}: the torrent is ${this.state}`)
    await this.#run!.renameFile(index, name)
  }

  /** Moves all content. Rejects as `Torrent.move` does. */
  async relocate(to: ContentLocation): Promise<void> {
    if (this.#isElsewhere) throw new TypeError(`Cannot move ${this.#metainfo.name}: it has no place of its own`)
    if (!this.isRunning) throw new TypeError(`Cannot move ${this.#metainfo.name}: the torrent is ${this.state}`)
    if (contentRoot(this.#metainfo, to) === this.contentPath) return
    const moving = this.#moveTo(to)
    this.#moving = moving.catch(() => {})
    await moving
  }

  /** What is fetched lies somewhere else than the torrent says, or is not all of it. */
  get #isElsewhere(): boolean {
    return this.#wishes.layout !== undefined || this.#wishes.pieces !== undefined
  }

  /** The torrent leaves the session. Answers and rejects as `Torrent.remove` does. */
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

  /** Begins a run: at the start, and whenever there may be a better one than the last. Never rejects. */
  async start(): Promise<void> {
    if (this.#isOver) return
    this.#settings = this.parts?.settings.current ?? this.#settings
    const run = new TorrentRun(
      {
        ...this.#options,
        location: this.#location,
        earlier: this.#settings,
        isDistrusted: this.#wishes.recheck === true && this.#run === null,
      },
      this.#options.figures,
      this,
    )
    this.#run = run
    try {
      const parts = await run.open()
      if (!parts) return
      if (!this.#isElsewhere) this.#location = locationOf(parts.layout.root)
      this.#unpark()
      for (const address of this.#options.userPeers.values()) parts.swarm.addAddress(address, 'user')
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
    const { layout, download, swarm } = this.parts!
    if (this.#isCompleting) return
    this.#isCompleting = true
    try {
      const empty = this.#wishes.pieces ? [] : this.#options.selection.emptyFiles(layout)
      if (empty.length > 0) await download.volume.ensureFiles(empty)
      await this.#run!.settled()
      if (this.#hasStored && !this.#wishes.pieces) await this.#applyAttributes(this.parts!)
    } catch (error) {
      return this.onTrouble(error as StorageError)
    } finally {
      this.#isCompleting = false
    }
    if (this.state !== 'downloading' || !this.isRunning || !download.isComplete) return
    this.state = 'seeding'
    this.#around.ledger.leave(download)
    if (!this.#wasCompleteAtStart) this.#announcer.announceCompleted(this.#around.platform.clock.now())
    swarm.becomeSeed()
    this.#resolveDone()
    this.#events.emit('done', {})
    this.#events.emit('seeding', {})
  }

  /** Where they cannot be had, the content is as good without them. */
  async #applyAttributes({ layout, download: { volume } }: TorrentParts): Promise<void> {
    const attributes = fileAttributes(this.#metainfo, layout, (file) => this.#options.selection.isSkipped(file))
    if (attributes.executables.length === 0 && attributes.links.length === 0) return
    try {
      await volume.applyAttributes(layout.root, attributes)
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
      const parts = this.parts
      const isFull = this.error?.code === 'disk_full' && parts && (await roomLacking(parts)) !== null
      if (!isFull) await this.start()
    } catch (error) {
      this.#around.log({ level: 'debug', scope: 'disk', message: (error as Error).message })
    } finally {
      this.#isLooking = false
    }
  }

  #unpark(): void {
    if (this.state !== 'parked') return
    this.state = 'checking'
    this.error = null
    this.#parking.end(this.#around.platform.clock.now())
    this.#events.emit('resumed', {})
  }

  #fail(error: StorageError | StateError): void {
    if (this.#isOver) return
    this.state = 'failed'
    this.error = error
    this.#around.log({ level: 'info', scope: 'disk', message: error.message })
    this.#rejectDone(error)
    this.#events.emit('failed', { error })
    this.#stopping = this.#stop()
  }

  async #leave(): Promise<void> {
    const hadFailed = this.state === 'failed'
    this.state = 'stopped'
    await this.#moving
    if (!hadFailed) this.#rejectDone(new Error(`The torrent ${this.#metainfo.name} was removed before it was complete`))
    await this.#stop()
  }

  async #delete(): Promise<RemovedTree> {
    const metainfo = this.#metainfo
    const { platform } = this.#around
    const foreign = this.#wishes.layout?.(this.#options.map)
    if (foreign) return removeContent(platform, { layout: foreign, folder: null })
    const earlier = this.parts?.settings.current ?? this.#settings
    const content = await lockContent({ platform, metainfo, map: this.#options.map, location: this.#location, earlier })
    return removeContent(platform, content)
  }

  async #moveTo(to: ContentLocation): Promise<void> {
    const { platform } = this.#around
    this.state = 'moving'
    const connected = [...this.parts!.swarm.connected()].filter((peer) => !peer.isIncoming).map(({ key }) => key)
    this.#stopping = this.#stop()
    await this.#stopping
    try {
      if (this.#isOver) return
      await moveContent({
        platform,
        metainfo: this.#metainfo,
        map: this.#options.map,
        from: this.#location,
        to,
        earlier: this.parts!.settings.current,
        onProgress: (progress) => this.#events.emit('moving', progress),
        isStopped: () => this.#isOver,
        warn: (message) => this.onWarning('disk', 'move_incomplete', message),
      })
      this.#location = to
      this.#events.emit('moved', { path: this.contentPath })
    } finally {
      if (!this.#isOver) await this.#goOnAt(connected)
    }
  }

  /** Wherever the content is now. */
  async #goOnAt(peers: readonly string[]): Promise<void> {
    this.state = 'checking'
    await this.start()
    for (const peer of peers) this.parts?.swarm.addAddress(parseAddress(peer)!, 'tracker')
  }

  async #stop(): Promise<void> {
    await Promise.all([this.#announcer.stop(), this.#run!.stop()])
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
