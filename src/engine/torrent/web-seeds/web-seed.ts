// A web server that has the files of a torrent (BEP 19): a source of pieces beside the peers. What it is asked for is the
// picker's choice, as with a peer, but in runs of neighbouring pieces, so that one request brings many. What comes goes the way
// of all blocks. Memory: only what the download has reserved is asked for. Wrong data is its own fault, and ends it.
import type { Bitfield } from '../../../base/bitfield.ts'
import type { Metainfo } from '../../../protocol/metainfo/metainfo.ts'
import { BLOCK_BYTES, type FileRun, type PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import { webSeedFileUrl } from '../../../protocol/metainfo/web-seed-url.ts'
import { WebSeedHealth, type WebSeedTrouble } from '../../policy/web-seed-health.ts'
import type { Lease } from '../../storage/partial-piece.ts'
import type { RangeFailure } from '../../transport/range-answer.ts'
import { RangeStream, type RangeStreamOptions } from '../../transport/range-stream.ts'
import type { RateLimiter } from '../../transport/rate-limiter.ts'
import type { AskingPeer } from '../asking-turns.ts'
import type { BlockSource, Download } from '../download.ts'
import { BlockStream } from './block-stream.ts'
import { filePartsOf } from './file-parts.ts'
import { ServerPace } from './server-pace.ts'

export interface WebSeedOwner {
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly download: Download<BlockSource>
  readonly downLimiter: RateLimiter
  readonly stream: Omit<RangeStreamOptions, 'isTrusted'>
  /** A person named it. */
  isTrusted(url: string): boolean
  /** Blocks that one web seed may be asked for at once. */
  readonly maxBlocks: number
  /** Others can fetch what this one is not asked for. */
  readonly hasOthers: boolean
  /** By chance, 0 to 1. */
  fraction(): number
  onReceived(bytes: number): void
  /** It will not be asked any more. */
  onGone(seed: WebSeed, trouble: WebSeedTrouble): void
}

const ENDGAME_BLOCKS = 8
/** Without a whole block for so long it is left for a while, however its bytes drip. */
const NO_BLOCK_TIMEOUT_MS = 45_000
/** Files in a row that it does not have: then it is not the server of this torrent. */
const MAX_MISSING_IN_A_ROW = 16

const NO_PIECES: ReadonlySet<number> = new Set()
const NO_URL: WebSeedTrouble = { code: 'no_url', reason: 'a file has a name that no URL can have' }
const ZEROS = new Uint8Array(BLOCK_BYTES)

export class WebSeed implements BlockSource, AskingPeer {
  readonly url: string
  readonly health = new WebSeedHealth()
  readonly allowedFast = NO_PIECES
  readonly suggested = NO_PIECES
  readonly isChokingUs = false
  have: Bitfield
  /** Payload bytes so far. */
  received = 0
  /** While it is not, it is asked for nothing more. */
  isInUse = false
  readonly #owner: WebSeedOwner
  readonly #stream: RangeStream
  readonly #blocks: BlockStream
  readonly #pace = new ServerPace()
  /** Blocks that it was asked for, and that are wanted from it. */
  readonly #asked = new Set<number>()
  /** What was asked for and has not come: the first is arriving. */
  #parts: FileRun[] = []
  #lastBlockAt = 0
  /** Where the next run begins, if it can. */
  #nextPiece = -1
  /** `download.changes` when there was nothing to pick. */
  #nothingToPickAt = -1
  #missingInARow = 0

  /** @param have every piece of the torrent whose files can have a URL; shared, and copied when it has fewer */
  constructor(url: string, have: Bitfield, owner: WebSeedOwner) {
    this.url = url
    this.have = have
    if (!have.isFull) this.health.trouble = NO_URL
    this.#owner = owner
    this.#blocks = new BlockStream(this, {
      map: owner.map,
      download: owner.download,
      onBlock: (block, lease) => this.#onBlock(block, lease),
    })
    this.#stream = new RangeStream(
      { ...owner.stream, isTrusted: owner.isTrusted(url) },
      {
        onBytes: (bytes) => this.#onBytes(bytes),
        onRangeDone: () => this.#onPartDone(),
        onFailed: (failure) => this.#onFailed(failure),
      },
    )
  }

  get outstanding(): number {
    return this.#asked.size
  }

  /** Bytes per second. */
  rate(now: number): number {
    return this.#pace.rate(now)
  }

  /** It owes us blocks, and has not fallen silent. */
  get isServing(): boolean {
    return this.outstanding > 0 && !this.#pace.isSilent(this.#now)
  }

  hasAsked(block: number): boolean {
    return this.#asked.has(block)
  }

  etaMs(blocks: number): number {
    return this.#pace.etaMs(this.outstanding, blocks, this.#now)
  }

  // ---------------------------------------------------------------- asking

  /** Asks for what there is room for, as soon as half of what was asked for has come; not under a rate limit: see `requestSome`. */
  requestMore(): void {
    if (this.#owner.downLimiter.isLimited || !this.#mayAsk) return
    const size = this.#windowSize
    if (2 * this.outstanding <= size) this.#request(size - this.outstanding)
  }

  get hasRoomToAsk(): boolean {
    return this.#mayAsk && this.outstanding < this.#windowSize
  }

  requestSome(blocks: number): number {
    const room = Math.min(blocks, this.#windowSize - this.outstanding)
    return room > 0 && this.#mayAsk ? this.#request(room) : 0
  }

  /** A request cannot be made shorter: it is ended, and what is wanted of it is asked for anew. */
  keepOnly(blocks: number): void {
    if (blocks < this.outstanding) this.#loseAll()
  }

  flush(): void {}

  /** The block is not wanted from it any more. It comes all the same, unless nothing else is on its way. */
  cancel(block: number): void {
    if (!this.#asked.delete(block)) return
    this.#owner.downLimiter.refund(this.#owner.map.blockLength(block))
    if (this.outstanding === 0) this.#loseAll()
  }

  tick(now: number): void {
    if (this.have.count === 0) return this.#giveUp(NO_URL)
    this.#stream.tick(now)
    if (this.outstanding > 0 && now - this.#lastBlockAt > NO_BLOCK_TIMEOUT_MS) {
      const reason = `no block came within ${NO_BLOCK_TIMEOUT_MS / 1000} s`
      this.#onFailed({ scope: 'for-now', code: 'stalled', reason, retryAfterMs: null })
    }
    this.requestMore()
  }

  /** Its data was wrong. */
  ban(pieces: readonly number[]): void {
    this.#giveUp({ code: 'corrupt_data', reason: `it sent wrong data for piece ${pieces.join(', ')}` })
  }

  /** It is asked for nothing more, for now. */
  rest(): void {
    this.#loseAll()
    this.#stream.close()
  }

  get #now(): number {
    return this.#owner.stream.now()
  }

  get #mayAsk(): boolean {
    const { download } = this.#owner
    if (!this.isInUse || this.#nothingToPickAt === download.changes || !this.health.isReady(this.#now)) return false
    return !download.isStarved || this.outstanding === 0
  }

  /** Near the end it takes half of what is left, and leaves the other half to others. */
  get #windowSize(): number {
    const { maxBlocks, hasOthers, download } = this.#owner
    const byRest = hasOthers ? download.bytesLeft / 2 / BLOCK_BYTES : Infinity
    return this.#pace.windowBlocks(Math.min(maxBlocks, byRest), this.#now)
  }

  /** Returns the bytes asked for. */
  #request(room: number): number {
    const { download, map, downLimiter } = this.#owner
    const isIdle = this.outstanding === 0
    const blocks = download.pick(this, room, isIdle ? ENDGAME_BLOCKS : 0, this.#nextPiece)
    if (blocks.length === 0) {
      if (isIdle && !download.isStarved) this.#nothingToPickAt = download.changes
      return 0
    }
    if (isIdle) this.#start()
    this.#nextPiece = map.pieceOfBlock(blocks.at(-1)!) + 1
    blocks.sort((a, b) => a - b)
    let bytes = 0
    for (const block of blocks) {
      this.#asked.add(block)
      bytes += map.blockLength(block)
    }
    downLimiter.take(bytes)
    this.#blocks.expect(blocks)
    this.#ask(filePartsOf(map, blocks))
    return bytes
  }

  #start(): void {
    this.#lastBlockAt = this.#now
    this.#pace.start(this.#now)
  }

  #ask(parts: readonly FileRun[]): void {
    const { metainfo } = this.#owner
    const ranges = []
    for (const part of parts) {
      const { length: fileLength } = metainfo.files[part.file]
      const url = webSeedFileUrl(this.url, metainfo, part.file)
      if (url !== null) ranges.push({ url, offset: part.offset, length: part.length, fileLength })
      this.#parts.push(part)
    }
    if (ranges.length > 0) this.#stream.ask(ranges)
    this.#fillPads()
  }

  // ---------------------------------------------------------------- receiving

  #onBytes(bytes: Uint8Array): void {
    this.#pace.onPayload(this.#now)
    this.#blocks.write(bytes)
  }

  #onPartDone(): void {
    this.#parts.shift()
    this.#fillPads()
    this.requestMore()
  }

  /** Padding is zeros everywhere: nobody is asked for it. */
  #fillPads(): void {
    const parts = this.#parts
    for (let part = parts[0]; part && this.#owner.metainfo.files[part.file].isPad; part = parts[0]) {
      parts.shift()
      // Each block may lead to anything, even to the end of all that was asked for.
      for (let left = part.length; left > 0 && parts === this.#parts; left -= ZEROS.length)
        this.#blocks.write(ZEROS.subarray(0, left))
    }
  }

  #onBlock(block: number, lease: Lease<BlockSource> | null): void {
    const { download, downLimiter, map } = this.#owner
    const length = map.blockLength(block)
    const now = this.#now
    this.#lastBlockAt = now
    this.#missingInARow = 0
    this.received += length
    this.#pace.onBlock(length, now)
    this.health.succeeded()
    this.#owner.onReceived(length)
    const wasAsked = this.#asked.delete(block)
    if (!wasAsked) downLimiter.take(length)
    const isUseful = lease !== null && download.finishBlock(lease, wasAsked)
    if (!lease) download.wastedBytes += length
    if (!isUseful && wasAsked) download.picker.requestLost(block, this)
    this.requestMore()
  }

  // ---------------------------------------------------------------- trouble

  #onFailed({ scope, code, reason, retryAfterMs }: RangeFailure): void {
    const file = this.#parts[0]?.file
    this.#loseAll()
    if (scope === 'for-good') this.#giveUp({ code, reason })
    else if (scope === 'file' && file !== undefined) this.#lack(file, { code, reason })
    else this.health.failed({ code, reason }, retryAfterMs, this.#now, this.#owner.fraction())
  }

  /** It does not have this file, or another one under its name. The others are asked for. */
  #lack(file: number, trouble: WebSeedTrouble): void {
    const { map } = this.#owner
    const { first, last } = map.piecesOfFile(file) ?? { first: 0, last: -1 }
    this.have = this.have.copy()
    for (let piece = first; piece <= last; piece++) this.have.clear(piece)
    this.health.trouble = trouble
    this.#missingInARow++
    if (this.have.count === 0 || this.#missingInARow >= MAX_MISSING_IN_A_ROW) this.#giveUp(trouble)
  }

  #giveUp(trouble: WebSeedTrouble): void {
    if (this.health.isGone) return
    this.health.giveUp(trouble)
    this.rest()
    this.#owner.onGone(this, trouble)
  }

  #loseAll(): void {
    const { download, downLimiter, map } = this.#owner
    this.#stream.abort()
    this.#blocks.abort()
    this.#parts = []
    const lost = [...this.#asked]
    this.#asked.clear()
    for (const block of lost) {
      download.picker.requestLost(block, this)
      downLimiter.refund(map.blockLength(block))
    }
    download.picker.disown(this)
  }
}
