// One run of a torrent: from the moment when its content is looked for until all of it is let go. A torrent whose disk was full
// or gone has to end its run, and begins another one later. States are the torrent's; what happens to pieces, peers and the
// journal meanwhile is passed on from here.
import type { PeerError, StateError, StorageError } from '../../base/errors.ts'
import { CheckProgress } from '../storage/check-progress.ts'
import { checkContent } from '../storage/content-check.ts'
import type { WebSeedTrouble } from '../policy/web-seed-health.ts'
import { preallocate } from '../storage/preallocation.ts'
import type { BlockSource, DownloadOwner } from './download.ts'
import { FileNaming } from './file-naming.ts'
import { Peer } from './peer/peer.ts'
import type { TorrentFigures } from './torrent-figures.ts'
import { openParts, type PartsOptions, type TorrentParts } from './torrent-parts.ts'
import type { RecordsOwner } from './torrent-records.ts'
import { WebSeed } from './web-seeds/web-seed.ts'

/** What goes on, from the first look at the disk on: the torrent. Nothing is told of a run that has been stopped. */
export interface RunOwner {
  /** Data found on disk is being verified: pieces done of pieces to look at. */
  onChecking(done: number, total: number): void
  /** All data that was on disk has been looked at. */
  onChecked(good: number): void
  /** Space is being taken: bytes done of bytes in all. */
  onAllocating(done: number, total: number): void
  /** A piece is verified and on disk. */
  onStored(): void
  /** A change of what is wanted has taken effect. */
  onSelected(): Promise<void>
  /** It cannot go on like this: the disk refuses, or the same content is open elsewhere. */
  onTrouble(error: StorageError | StateError): void
  onWarning(scope: string, code: string, message: string): void
  /** A web seed has been given up. */
  onWebSeedGone(url: string, trouble: WebSeedTrouble): void
  /** @param pieces those it delivered wrong data for */
  onPeerDropped(address: string, error: PeerError, pieces?: readonly number[]): void
}

export class TorrentRun implements DownloadOwner<BlockSource>, RecordsOwner {
  /** Null until the content's place on disk has been found. */
  parts: TorrentParts | null = null
  readonly #options: PartsOptions
  readonly #figures: TorrentFigures
  readonly #owner: RunOwner
  /** From then on a change of the selection takes effect at once. */
  #isSelectionInUse = false
  /** Settles when all changes so far have taken effect; never rejects. */
  #selecting: Promise<void> = Promise.resolve()
  /** Settles when all changes on disk so far have been made; never rejects. */
  #changing: Promise<void> = Promise.resolve()
  /** Null until what is on disk is known. */
  #naming: FileNaming | null = null
  /** Settles when the step under way before it goes on has ended; never rejects. */
  #beginning: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | null = null

  constructor(options: PartsOptions, figures: TorrentFigures, owner: RunOwner) {
    this.#options = options
    this.#figures = figures
    this.#owner = owner
  }

  get isStopped(): boolean {
    return this.#stopping !== null
  }

  /**
   * Finds the content's place on disk. Null: the run was stopped meanwhile. To be called once.
   * Rejects with StorageError when the disk refuses, with StateError when the same content is open elsewhere.
   */
  open(): Promise<TorrentParts | null> {
    return this.#begin(async () => {
      this.parts = await this.#open()
      if (this.isStopped) this.#leave(this.parts)
      void this.#rememberSelection()
    })
  }

  /** Finds what of the content is there. To be called once, when it is open. The same answers and errors. */
  check(parts: TorrentParts): Promise<TorrentParts | null> {
    return this.#begin(async () => {
      await this.#check(parts)
      if (this.isStopped) return
      if (parts.download.have.count > 0) this.#rememberPlace(parts)
      const willWrite = !parts.download.isComplete || parts.layout.places?.isEmpty === false
      await parts.journal?.begin(parts.download.have, willWrite)
      this.#naming = this.#namingOf(parts)
      if (!this.#options.options.pieces) await this.#beginSelection(parts)
    })
  }

  /** Takes the space of all that is wanted. To be called once, after the check. The same answers and errors. */
  preallocate(parts: TorrentParts): Promise<TorrentParts | null> {
    return this.#begin(() => this.#preallocate(parts))
  }

  async #begin(step: () => Promise<void>): Promise<TorrentParts | null> {
    const beginning = step()
    this.#beginning = beginning.catch(() => {})
    await beginning
    return this.isStopped ? null : this.parts
  }

  async #beginSelection(parts: TorrentParts): Promise<void> {
    this.#isSelectionInUse = true
    const applied = this.#applySelection(parts)
    this.#selecting = applied.catch(() => {})
    await applied
  }

  /** What is wanted has changed: the parts learn of it. Resolves when it has taken effect; never rejects. */
  select(): Promise<void> {
    const remembered = this.#rememberSelection()
    this.#selecting = this.#selecting
      .then(() => remembered)
      .then(() => (this.#isSelectionInUse ? this.#select() : undefined))
    return this.#selecting
  }

  #applySelection(parts: TorrentParts): Promise<void> {
    return this.#exclusively(async () => {
      await this.#options.selection.apply(parts)
      await this.#naming?.settle()
    })
  }

  /** Changes of where files are, and of what they are called, do not meet. */
  #exclusively(change: () => Promise<void>): Promise<void> {
    const changing = this.#changing.then(change)
    this.#changing = changing.catch(() => {})
    return changing
  }

  /** Resolves when all files have the names that they shall have. */
  async settled(): Promise<void> {
    await this.#changing
  }

  /**
   * Gives a file another name, while everything goes on. Rejects with StorageError, and then it has its old one.
   * @param name elements below the torrent's folder, cleaned
   */
  renameFile(file: number, name: readonly string[]): Promise<void> {
    return this.#exclusively(async () => this.#naming?.rename(file, name))
  }

  #namingOf(parts: TorrentParts): FileNaming | null {
    const { names } = parts.layout
    const warn = (code: string, message: string): void => this.#owner.onWarning('disk', code, message)
    return names && new FileNaming(this.#options.map, parts, names, warn)
  }

  async #rememberSelection(): Promise<void> {
    const settings = this.parts?.settings
    const priorities = this.#options.selection.stored()
    if (settings && !isSameMap(priorities, settings.current.priorities)) await settings.save({ priorities })
  }

  /** The drive that something is on is to be known again, when it is gone and comes back. */
  #rememberPlace({ settings, download }: TorrentParts): void {
    const { fileSystem } = download.volume
    if (settings.current.marks[0] !== fileSystem) void settings.save({ marks: [fileSystem] })
  }

  /** The machine has slept: connections are dead, whatever they say. */
  dropConnections(): void {
    for (const peer of this.parts?.swarm.connected() ?? []) peer.close(null)
    for (const seed of this.parts?.webSeeds.inUse ?? []) seed.rest()
  }

  /** Connections are closed, writes under way are finished, files and journal are let go. Never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    if (this.parts) this.#leave(this.parts)
    await this.#beginning
    const { parts } = this
    if (!parts) return
    await parts.download.stop()
    // Files on their way to another place.
    await this.#selecting
    await this.#changing
    await parts.settings.close()
    await parts.journal?.close()
    this.#options.around.cache.forgetAll(parts.upload.source)
    await parts.download.volume.release(parts.layout.top)
  }

  /** No peers from now on, and no room for their data. */
  #leave({ download, swarm, webSeeds }: TorrentParts): void {
    this.#options.around.ledger.leave(download)
    swarm.close()
    webSeeds.close()
  }

  #open(): Promise<TorrentParts> {
    const { clock } = this.#options.around.platform
    return openParts(this.#options, {
      records: this,
      download: this,
      upload: {
        onReadFailed: (error) => this.#onTrouble(error as StorageError),
        onSent: (bytes) => this.#figures.onSent(bytes, clock.now()),
      },
      swarm: {
        onPeerDropped: (address, error, pieces) => this.#owner.onPeerDropped(address, error, pieces),
        onReceived: (bytes) => this.#figures.onReceived(bytes, clock.now()),
        onFault: (error) => this.#onFault(error),
        isOwnPeerId: (peerId) => this.#options.around.isOwnPeerId(peerId),
      },
      webSeeds: {
        onReceived: (bytes) => this.#figures.onReceived(bytes, clock.now()),
        onGone: (url, trouble) => this.#owner.onWebSeedGone(url, trouble),
      },
    })
  }

  /** What is known from earlier runs is not looked at again; what is not sure is, and only that. */
  async #check(parts: TorrentParts): Promise<void> {
    const { download, known } = parts
    known?.have.forEachSet((piece) => download.setHave(piece))
    if (!known) await this.#checkPieces(parts, this.#options.options.pieces ?? null)
    else if (known.unsure.length > 0) await this.#checkPieces(parts, new Set(known.unsure))
    if (this.isStopped) return
    for (const [piece, blocks] of known?.blocks ?? []) download.restoreBlocks(piece, blocks)
    this.#owner.onChecked(download.have.count)
  }

  async #checkPieces({ layout, download, journal }: TorrentParts, wanted: ReadonlySet<number> | null): Promise<void> {
    const { map, metainfo, around } = this.#options
    const now = (): number => around.platform.clock.now()
    const { have, volume } = download
    let progress = null as CheckProgress | null
    try {
      await checkContent({
        map,
        layout,
        volume,
        pieceHashes: metainfo.pieceHashes!,
        wanted,
        onBegin: (pieces) => {
          if (journal) progress = new CheckProgress(journal, have, pieces, now())
        },
        onGood: (piece) => download.setHave(piece),
        onLooked: (piece) => progress?.looked(piece, now()),
        onProgress: (done, total) => this.#owner.onChecking(done, total),
        isStopped: () => this.isStopped,
      })
    } finally {
      await progress?.end(this.isStopped)
    }
  }

  /** Files that are complete have their space; those that are skipped need none. */
  async #preallocate({ layout, download, journal }: TorrentParts): Promise<void> {
    const { metainfo, map, selection } = this.#options
    const lacksSome = (file: number): boolean => {
      const { first, last } = map.piecesOfFile(file) ?? { first: 0, last: -1 }
      for (let piece = first; piece <= last; piece++) if (download.missing.has(piece)) return true
      return false
    }
    const files = [...metainfo.files.keys()].filter(
      (file) => layout.paths[file] !== '' && !selection.isSkipped(file) && lacksSome(file),
    )
    await preallocate({
      volume: download.volume,
      files: files.map((file) => ({ path: layout.paths[file], length: metainfo.files[file].length })),
      onTouched: (i) => {
        journal?.touchedFile(files[i])
        journal?.tick()
      },
      onProgress: (done, total) => this.#owner.onAllocating(done, total),
      isStopped: () => this.isStopped,
    })
  }

  async #select(): Promise<void> {
    const parts = this.parts!
    if (this.isStopped) return
    try {
      // What was complete at the start has a journal that tells of no writing yet.
      if (parts.download.isComplete) await parts.journal?.begin(parts.download.have, true)
      await this.#applySelection(parts)
    } catch (error) {
      return this.#onTrouble(error as StorageError)
    }
    if (!this.isStopped) await this.#owner.onSelected()
  }

  #onTrouble(error: StorageError): void {
    if (!this.isStopped) this.#owner.onTrouble(error)
  }

  /** A bug of ours has cost one peer; it must not cost more, nor go unnoticed. */
  #onFault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#options.around.log({ level: 'error', scope: 'peer', message: `Internal error: ${text}` })
  }

  // ---------------------------------------------------------------- what the parts report

  onPieceStored(piece: number): void {
    const { around, map } = this.#options
    this.#rememberPlace(this.parts!)
    this.parts!.swarm.announceHave(piece)
    this.#figures.watch.onStored(map.pieceLength(piece), around.platform.clock.now())
    if (this.#naming?.onStored(piece)) void this.#exclusively(() => this.#naming!.settle())
    this.#owner.onStored()
  }

  onGuilty(source: BlockSource, pieces: readonly number[]): void {
    if (source instanceof Peer) this.parts!.swarm.ban(source, pieces)
    else if (source instanceof WebSeed) source.ban(pieces)
  }

  onBlockDuplicated(block: number): void {
    this.parts!.swarm.cancel(block)
    this.parts!.webSeeds.cancel(block)
  }

  onStorageFailed(error: StorageError): void {
    this.#onTrouble(error)
  }

  onStateWarning(code: string, message: string): void {
    this.#owner.onWarning('state', code, message)
  }

  onSlotsFree(): void {
    this.parts!.swarm.requestMore()
    this.parts!.webSeeds.requestMore()
  }
}

function isSameMap<Value>(a: ReadonlyMap<number, Value>, b: ReadonlyMap<number, Value>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}
