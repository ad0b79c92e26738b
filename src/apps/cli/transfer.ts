// What `download` and `seed` have in common: a session with one torrent, told to a reporter from beginning to end.
// Ends when the content is there, when it was seeded long enough, when the torrent fails, or when the command is stopped.
import { join, resolve } from 'node:path'
import { CommandError, Interrupted } from './command-error.ts'
import type { Context } from './context.ts'
import type { FilePriority, Metainfo } from '../../index.ts'
import type { Engine, EngineSession, EngineTorrent } from './engine.ts'
import { openLogSink } from './log-sink.ts'
import { hostAndPort, type PeerOption, resolvePeer } from './options/peer-option.ts'
import type { SuperSeedMode } from './options/values.ts'
import { type SessionFlags, toSessionOptions } from './options/session-options.ts'
import type { ProgressSource, Reporter } from './report/reporter.ts'
import { LOOK_EVERY_MS, type Slowness, SlownessWatch } from './slowness.ts'
import { formatBytes, formatCount, formatDuration, formatRate } from '../../base/format.ts'
import { formatPercent } from './view/format.ts'
import { printable } from './view/printable.ts'
import type { Preparation } from './view/progress-view.ts'

const SEED_CHECK_MS = 1000

export interface SeedLimits {
  /** Bytes given per byte of content; 0 for no limit. */
  readonly ratio: number
  /** From when the content was complete. */
  readonly minutes: number
}

export interface TransferPlan {
  /** A torrent; or a magnet link or infohash, whose metadata is fetched first. */
  readonly source: Metainfo | string
  /** What to call it until its metadata is known. */
  readonly name: string
  /** Looks at the metadata when it has been fetched: which files are wanted, of all. Throws where it is not what was asked for. */
  readonly onMetadata?: (metainfo: Metainfo) => readonly FilePriority[] | undefined
  readonly location: { readonly path: string; readonly name?: string }
  /** One priority for each file. Default: as they were in the run before. */
  readonly files?: readonly FilePriority[]
  /** `seed` fails when the content is not complete; `download` completes it. */
  readonly kind: 'download' | 'seed'
  /** Why content that is to be seeded is not complete, and what to do; for people. Default: it has to be downloaded. */
  readonly whyIncomplete?: string
  /** How long to serve the complete content; null for not at all. */
  readonly seedLimits: SeedLimits | null
  /** It is served from now on, to whoever connects here. */
  readonly onSeeding?: (listening: EngineSession['listening']) => void
  /** Default: `off`. */
  readonly superSeed?: SuperSeedMode
  /** Take the space of all that is wanted first. Default false. */
  readonly preallocate?: boolean
  /** Files are called NAME.part as long as they are not complete. Default false. */
  readonly partNames?: boolean
  /** Web servers that have the content, besides those of the torrent. */
  readonly webSeeds?: readonly string[]
  /** Default true. */
  readonly useWebSeeds?: boolean
  /** SHA-256 that the one file must have, in hexadecimal. */
  readonly checksum: string | null
}

/** Rejects with Interrupted when it was stopped before it came to its end, else with what went wrong. */
export async function runTransfer(
  plan: TransferPlan,
  flags: SessionFlags & { readonly quiet?: boolean },
  reporter: Reporter,
  engine: Engine,
  context: Context,
): Promise<void> {
  const log = await openLogSink({
    level: flags.logLevel ?? (flags.quiet === true ? 'error' : 'warn'),
    file: flags.logFile,
    toStderr: (line) => reporter.log(line),
    wall: () => context.clock.wall(),
  })
  try {
    const session = await engine.createSession({ ...toSessionOptions(flags, log.write), state: flags.state ?? true })
    const transfer = new Transfer(plan, session, reporter, context)
    let failure: unknown = null
    try {
      await transfer.run(flags)
    } catch (error) {
      failure = error
    }
    transfer.detach()
    reporter.close()
    if (failure instanceof Interrupted) reporter.note(transfer.farewell)
    await session.close()
    if (failure === null || failure instanceof Interrupted) reporter.report({ event: 'stopped' })
    if (failure !== null) throw failure
  } finally {
    reporter.close()
    await log.close()
  }
}

class Transfer implements ProgressSource {
  name: string
  checking: Preparation | null = null
  slowness: Slowness | null = null
  readonly #plan: TransferPlan
  readonly #session: EngineSession
  readonly #reporter: Reporter
  readonly #context: Context
  readonly #onDetach: (() => void)[] = []
  #torrent: EngineTorrent | null = null
  /** Null until it is known. */
  #metainfo: Metainfo | null
  /** When the torrent began to download (monotonic), and what was missing then, in bytes. */
  #startedAt = 0
  #missing = 0

  constructor(plan: TransferPlan, session: EngineSession, reporter: Reporter, context: Context) {
    this.name = printable(plan.name)
    this.#metainfo = typeof plan.source === 'string' ? null : plan.source
    this.#plan = plan
    this.#session = session
    this.#reporter = reporter
    this.#context = context
  }

  stats(): ReturnType<EngineTorrent['stats']> {
    return this.#torrent!.stats()
  }

  metadata(): Preparation | null {
    return this.#torrent!.metadataProgress
  }

  memory(): ReturnType<EngineSession['memory']> {
    return this.#session.memory()
  }

  pieceStates(): Uint8Array {
    return this.#torrent!.pieceStates()
  }

  async run(flags: SessionFlags): Promise<void> {
    for (const { address, port } of this.#session.listening) {
      this.#reporter.report({ event: 'listening', address, port })
    }
    const { stop } = this.#context
    // Seeding has no end of its own.
    if (this.#plan.kind === 'seed') stop.isNormal = true
    const peers = flags.peer ?? []
    const torrent = this.#addTorrent(peers, flags.recheck)
    const hasSource =
      peers.length > 0 || hasWebSeeds(this.#plan) || (flags.dht !== false && this.#metainfo?.isPrivate !== true)
    const failed = this.#watch(torrent, hasSource)
    this.#watchSlowness(torrent)
    this.#showProgress()
    for (const peer of peers) if (!peer.isIp) void this.#addNamedPeer(torrent, peer, flags.bind)

    await stop.orInterrupted(Promise.race([torrent.done, failed]))
    if (this.#plan.kind === 'download') await this.#finishDownload()
    if (this.#plan.seedLimits === null) return
    this.#reporter.report({ event: 'seeding', infohash_v1: torrent.infohash, port: this.#port })
    this.#plan.onSeeding?.(this.#session.listening)
    this.#reporter.note(`Seeding ${this.name} on port ${this.#port} (Ctrl+C to stop)`)
    await stop.orInterrupted(Promise.race([this.#untilSeeded(this.#plan.seedLimits, torrent), failed]))
  }

  /** No event of the torrent is shown, no timer runs after this. */
  detach(): void {
    for (const stop of this.#onDetach.splice(0)) stop()
  }

  /** For whoever stopped it. */
  get farewell(): string {
    if (this.#context.stop.isNormal) return 'Stopping'
    const { state, left, wanted } = this.stats()
    if (state === 'fetching_metadata') return 'Stopping; the metadata has not been found yet'
    return `Stopping at ${formatPercent(wanted - left, wanted)}; the same command goes on from there`
  }

  get #port(): number {
    return this.#session.listening[0].port
  }

  #addTorrent(peers: readonly PeerOption[], recheck: boolean | undefined): EngineTorrent {
    const { source, location, files, superSeed, preallocate, partNames, webSeeds, useWebSeeds } = this.#plan
    const addresses = peers.filter((peer) => peer.isIp).map(hostAndPort)
    this.#startedAt = this.#context.clock.now()
    this.#torrent = this.#session.add(source, {
      ...location,
      files,
      peers: addresses,
      superSeed,
      preallocate,
      partNames,
      webSeeds,
      useWebSeeds,
      recheck,
    })
    return this.#torrent
  }

  /** Tells the torrent's events to the reporter. The promise returned rejects when the torrent fails; it never resolves. */
  #watch(torrent: EngineTorrent, hasSource: boolean): Promise<never> {
    const { kind } = this.#plan
    const reporter = this.#reporter
    const failed = new Promise<never>((_, reject) => {
      this.#onDetach.push(
        torrent.on('failed', ({ error }) => reject(error)),
        torrent.on('metadata', ({ metainfo }) => {
          try {
            this.#onMetadata(metainfo, torrent)
          } catch (error) {
            reject(error as Error)
            void torrent.remove()
          }
        }),
        torrent.on('checked', () => {
          this.checking = null
          this.#startedAt = this.#context.clock.now()
          const { left, pieces, piecesHave } = torrent.stats()
          this.#missing = left
          if (left === 0) return
          if (kind === 'seed') {
            reject(incompleteContent(this.name, pieces - piecesHave, this.#plan.whyIncomplete))
            // Before it begins to fetch what is missing: whoever seeds does not want files changed.
            void torrent.remove()
          } else if (typeof this.#plan.source !== 'string' && this.#metainfo?.trackers.length === 0 && !hasSource)
            this.#warnOfNoPeers()
        }),
      )
    })
    // Whoever waits sees the rejection; between two waits nobody does, and it is not unhandled for that.
    failed.catch(() => {})
    torrent.done.catch(() => {})
    this.#onDetach.push(
      torrent.on('checking', ({ done, total }) => {
        // Pieces, told as bytes; the last one is counted as long as the others, so that it is cut to what there is.
        const { pieceLength, totalSize } = this.#metainfo!
        const bytes = (count: number): number => Math.min(count * pieceLength, totalSize)
        this.checking = { done: bytes(done), total: bytes(total) }
        reporter.report({ event: 'checking', ...this.checking })
      }),
      torrent.on('allocating', ({ done, total }) => {
        this.checking = done < total ? { done, total, isAllocating: true } : null
        // What has been waited for is not counted as time of the download.
        this.#startedAt = this.#context.clock.now()
        reporter.report({ event: 'allocating', done, total })
      }),
      torrent.on('peerDropped', ({ address, reason, message, pieces }) => {
        reporter.report({ event: 'peer_dropped', address, reason, message, ...(pieces ? { pieces } : {}) })
      }),
      torrent.on('warning', ({ code, message }) => reporter.report({ event: 'warning', code, message })),
      torrent.on('parked', ({ error }) =>
        reporter.report({ event: 'parked', code: error.code, message: error.message }),
      ),
      torrent.on('resumed', () => reporter.report({ event: 'resumed' })),
    )
    return failed
  }

  #onMetadata(metainfo: Metainfo, torrent: EngineTorrent): void {
    this.#metainfo = metainfo
    this.name = printable(metainfo.name)
    const { name, totalSize: total_size } = metainfo
    this.#reporter.report({ event: 'metadata', name, total_size, infohash_v1: torrent.infohash })
    const files = this.#plan.onMetadata?.(metainfo)
    if (files) void torrent.setFilePriorities(files)
  }

  #warnOfNoPeers(): void {
    const message = `No trackers in this torrent, no DHT for it, and no --peer given: waiting for peers to connect to port ${this.#port}`
    this.#reporter.report({ event: 'warning', code: 'no_peer_source', message })
  }

  #watchSlowness(torrent: EngineTorrent): void {
    const { clock } = this.#context
    const watch = new SlownessWatch(torrent, clock.now())
    const look = (): void => {
      const isNews = watch.look(clock.now())
      this.slowness = watch.current
      if (!isNews) return
      const { slowness } = this
      if (!slowness) return this.#reporter.report({ event: 'flowing' })
      const { code, message, isStalled } = slowness
      // Told when it began.
      if (code === 'parked') return
      this.#reporter.report({ event: 'slow', code, message, stalled: isStalled })
    }
    this.#onDetach.push(
      clock.every(LOOK_EVERY_MS, look),
      torrent.on('done', () => (this.slowness = null)),
    )
  }

  #showProgress(): void {
    const { progressIntervalMs } = this.#reporter
    if (progressIntervalMs === null) return
    this.#reporter.progress(this)
    this.#onDetach.push(this.#context.clock.every(progressIntervalMs, () => this.#reporter.progress(this)))
  }

  async #addNamedPeer(torrent: EngineTorrent, peer: PeerOption, bind: string | undefined): Promise<void> {
    try {
      for (const address of await resolvePeer(peer, bind, this.#context)) torrent.addPeer(address)
    } catch (error) {
      const message = `Cannot find peer ${peer.host}: ${error instanceof Error ? error.message : String(error)}`
      this.#reporter.report({ event: 'warning', code: 'name_not_found', message })
    }
  }

  async #finishDownload(): Promise<void> {
    const { checksum } = this.#plan
    const torrent = this.#torrent!
    const seconds = (this.#context.clock.now() - this.#startedAt) / 1000
    const path = resolve(torrent.contentPath!)
    const written = torrent.files().filter(({ priority }) => priority !== 'skip')
    let sha256: string | undefined
    if (checksum !== null) {
      sha256 = await this.#verifyChecksum(join(path, ...written[0].path.slice(1)), checksum)
    }
    this.#context.stop.isNormal = true
    this.#reporter.report({ event: 'done', path, files: written.length, ...(sha256 ? { sha256 } : {}) })
    this.#reporter.note(summary(path, this.stats().wanted, this.#missing, seconds))
    if (sha256 !== undefined) this.#reporter.note(`SHA-256 is as expected: ${sha256}`)
  }

  async #verifyChecksum(file: string, expected: string): Promise<string> {
    const { stop } = this.#context
    const { sha256OfFile } = await import('./checksum.ts')
    const actual = await stop.orInterrupted(sha256OfFile(file, stop.signal))
    if (actual !== expected) {
      const message = `The SHA-256 of ${file} is ${actual}, not ${expected}; check the checksum, or where the torrent came from`
      throw new CommandError('checksum_mismatch', message)
    }
    return actual
  }

  /** Resolves when either limit is reached. */
  #untilSeeded({ ratio, minutes }: SeedLimits, torrent: EngineTorrent): Promise<void> {
    const { clock } = this.#context
    const until = clock.now() + minutes * 60_000
    const isReached = (): boolean => {
      const { uploaded, wanted } = torrent.stats()
      return clock.now() >= until || (ratio > 0 && uploaded >= ratio * wanted)
    }
    return new Promise((fulfil) => {
      const check = (): void => {
        if (isReached()) fulfil()
      }
      this.#onDetach.push(clock.every(SEED_CHECK_MS, check))
      check()
    })
  }
}

function hasWebSeeds({ source, webSeeds = [], useWebSeeds = true }: TransferPlan): boolean {
  const named = typeof source === 'string' ? [] : source.webSeeds
  return useWebSeeds && named.length + webSeeds.length > 0
}

function incompleteContent(name: string, missing: number, why = 'run shoal download to get them'): CommandError {
  const what = formatCount(missing, 'piece')
  return new CommandError('incomplete', `Cannot seed ${name}: ${what} missing or damaged; ${why}`)
}

function summary(path: string, total: number, fetched: number, seconds: number): string {
  const where = printable(path)
  if (fetched === 0) return `Complete: ${where}, ${formatBytes(total)}, all of it was there`
  const rate = formatRate(fetched / Math.max(seconds, 0.001))
  return `Complete: ${where}, ${formatBytes(fetched)} in ${formatDuration(seconds)} (${rate}), verified`
}
