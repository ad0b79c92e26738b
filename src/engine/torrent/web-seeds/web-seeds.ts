// The web seeds of one torrent (BEP 19): which of them are in use, and what they are told. A few at a time: a torrent may name
// hundreds of mirrors, and one good server is enough. Those in use are drawn by chance, so that mirrors share the load.
import { Bitfield } from '../../../base/bitfield.ts'
import type { Clock, Network } from '../../../platform/platform.ts'
import type { Metainfo } from '../../../protocol/metainfo/metainfo.ts'
import { BLOCK_BYTES, type PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import { hasWebSeedFileUrl } from '../../../protocol/metainfo/web-seed-url.ts'
import type { WebSeedTrouble } from '../../policy/web-seed-health.ts'
import type { RateLimiter } from '../../transport/rate-limiter.ts'
import type { BlockSource, Download } from '../download.ts'
import type { WebSeedInfo } from '../torrent-api.ts'
import { WebSeed, type WebSeedOwner } from './web-seed.ts'

export interface WebSeedsOptions {
  /** The first of all: those that a person named. */
  readonly named: readonly string[]
  /** The torrent's own. */
  readonly listed: readonly string[]
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly download: Download<BlockSource>
  readonly downLimiter: RateLimiter
  readonly network: Pick<Network, 'connect' | 'lookup'>
  readonly clock: Pick<Clock, 'now' | 'wall'>
  readonly userAgent: string
  readonly localIp: string | undefined
  /** Bytes that pieces on their way may take, of all torrents. */
  readonly memory: number
  /** A random integer from 0 to `limit - 1`. */
  readonly below: (limit: number) => number
  /** Connected peers. */
  readonly peers: () => number
}

export interface WebSeedsOwner {
  onReceived(bytes: number): void
  /** It has been given up. */
  onGone(url: string, trouble: WebSeedTrouble): void
}

/** Servers asked at once. */
const MAX_IN_USE = 4
/** Blocks under way from one server. */
const MAX_BLOCKS = 1024
/** Part of memory that all of them together may be asked for. */
const MEMORY_SHARE = 1 / 4
const CHANCE_STEPS = 1 << 16

export class WebSeeds implements WebSeedOwner {
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly download: Download<BlockSource>
  readonly downLimiter: RateLimiter
  readonly stream: WebSeedOwner['stream']
  readonly #options: WebSeedsOptions
  readonly #owner: WebSeedsOwner
  readonly #urls: ReadonlySet<string>
  #seeds: readonly WebSeed[] | null = null
  #inUse: readonly WebSeed[] = []
  #isResting = true
  #isClosed = false

  constructor(options: WebSeedsOptions, owner: WebSeedsOwner) {
    this.#options = options
    this.#owner = owner
    this.metainfo = options.metainfo
    this.map = options.map
    this.download = options.download
    this.downLimiter = options.downLimiter
    const { network, clock, userAgent, localIp } = options
    this.stream = { network, userAgent, localIp, now: () => clock.now(), wall: () => clock.wall() }
    this.#urls = new Set([...options.named, ...shuffled(options.listed, options.below)])
  }

  /** A torrent that is complete has no use for them: they are made when they are needed. */
  get #all(): readonly WebSeed[] {
    return (this.#seeds ??= this.#make())
  }

  #make(): WebSeed[] {
    const urls = [...this.#urls]
    if (this.metainfo.isSingleFile || urls.length === 0)
      return urls.map((url) => new WebSeed(url, this.#piecesAt(url), this))
    // What files are called below a folder is the same on all servers.
    const pieces = this.#piecesAt(urls[0])
    return urls.map((url) => new WebSeed(url, pieces, this))
  }

  /** Those of files that can have a URL there. */
  #piecesAt(url: string): Bitfield {
    const { map, metainfo } = this
    const pieces = Bitfield.full(map.pieceCount)
    for (const [file, { isPad }] of metainfo.files.entries()) {
      if (isPad || hasWebSeedFileUrl(url, metainfo, file)) continue
      const { first, last } = map.piecesOfFile(file) ?? { first: 0, last: -1 }
      for (let piece = first; piece <= last; piece++) pieces.clear(piece)
    }
    return pieces
  }

  /** Those that may be asked now. */
  get inUse(): readonly WebSeed[] {
    return this.#inUse
  }

  /** Content comes from one of them. */
  get isServing(): boolean {
    return this.#inUse.some((seed) => seed.isServing)
  }

  /** Has one of them the piece, as far as we know? */
  has(piece: number): boolean {
    return this.#inUse.some((seed) => seed.have.has(piece))
  }

  tick(now: number): void {
    if (this.#isClosed || this.#urls.size === 0) return
    if (this.download.isComplete) return this.#rest()
    this.#choose(now)
    for (const seed of this.#all) seed.tick(now)
  }

  #choose(now: number): void {
    const inUse = this.#all.filter(({ health }) => health.isReady(now)).slice(0, MAX_IN_USE)
    this.#inUse = inUse
    this.#isResting = false
    for (const seed of this.#all) seed.isInUse = inUse.includes(seed)
  }

  /** Nothing is to be fetched, for now. */
  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    this.#inUse = []
    for (const seed of this.#seeds ?? []) {
      seed.isInUse = false
      seed.rest()
    }
  }

  /** The network is another one, or there again: all may be tried at once. */
  recall(): void {
    for (const seed of this.#seeds ?? []) seed.health.recall()
  }

  /** Memory has come free. */
  requestMore(): void {
    for (const seed of this.#inUse) seed.requestMore()
  }

  /** The block has come, or is not wanted any more. */
  cancel(block: number): void {
    for (const seed of this.#seeds ?? []) seed.cancel(block)
  }

  close(): void {
    this.#isClosed = true
    this.#rest()
  }

  infos(now: number): WebSeedInfo[] {
    return this.#all.map((seed) => {
      const { isGone, trouble } = seed.health
      const retryMs = seed.health.waitMs(now)
      const state = isGone ? 'gone' : retryMs !== null ? 'waiting' : seed.outstanding > 0 ? 'receiving' : 'idle'
      return {
        url: seed.url,
        state,
        downloaded: seed.received,
        downRate: seed.rate(now),
        error: trouble?.code ?? null,
        reason: trouble?.reason ?? null,
        retryMs,
      }
    })
  }

  // ---------------------------------------------------------------- for each of them

  get maxBlocks(): number {
    const share = (MEMORY_SHARE * this.#options.memory) / BLOCK_BYTES / Math.max(1, this.#inUse.length)
    return Math.min(MAX_BLOCKS, share)
  }

  get hasOthers(): boolean {
    return this.#options.peers() > 0 || this.#inUse.length > 1
  }

  isTrusted(url: string): boolean {
    return this.#options.named.includes(url)
  }

  fraction(): number {
    return this.#options.below(CHANCE_STEPS) / CHANCE_STEPS
  }

  onReceived(bytes: number): void {
    this.#owner.onReceived(bytes)
  }

  onGone(seed: WebSeed, trouble: WebSeedTrouble): void {
    seed.isInUse = false
    this.#inUse = this.#inUse.filter((other) => other !== seed)
    this.#owner.onGone(seed.url, trouble)
  }
}

/** In an order by chance (Fisher and Yates). */
function shuffled<Value>(values: readonly Value[], below: (limit: number) => number): Value[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = below(i + 1)
    ;[result[i], result[j]] = [result[j], result[i]]
  }
  return result
}
