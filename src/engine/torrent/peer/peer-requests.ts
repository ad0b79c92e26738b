// What we ask one peer for, and the blocks that come from it (BEP 3, 6): the window of requests, the block that is
// arriving, and the patience with a peer that does not deliver. Which blocks are asked for is the picker's choice.
import { PeerError } from '../../../base/errors.ts'
import { RateMeter } from '../../../base/rate-meter.ts'
import { BLOCK_BYTES, type PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import type { WireEncoder } from '../../../protocol/wire/index.ts'
import { DEFAULT_REQUEST_QUEUE, RequestWindow } from '../../policy/request-window.ts'
import type { Lease } from '../../storage/partial-piece.ts'
import type { RateLimiter } from '../../transport/rate-limiter.ts'
import type { BlockSource, Download } from '../download.ts'

export interface RequestsOwner {
  readonly map: PieceMap
  readonly download: Download<BlockSource>
  readonly downLimiter: RateLimiter
  /** Payload bytes came in. */
  onReceived(bytes: number): void
}

/** Our own bound on requests under way from one peer. */
const MAX_WINDOW = 2048
/** Asking is done in batches of at least this many blocks, or a quarter of the window: each write wakes the other side. */
const REQUEST_BATCH = 64
const ENDGAME_BLOCKS = 8
/** Who owes us blocks and has sent no byte for this long is not counted on: somebody idle is asked for them, too. */
const SILENT_MS = 1500
/** What is expected of a peer that has not sent anything yet. */
const UNKNOWN_ETA_MS = 2000
/** What a request takes though nothing stands before it. */
const LATENCY_MS = 100
/** Without a byte of payload for this long, the peer's requests go to others ... */
const SNUB_MS = 15_000
/** ... and after this long without a whole block it is closed. */
const NO_BLOCK_TIMEOUT_MS = 45_000
/** Rejects of what the peer offered, beyond all that was asked for, with no block between: then it is taken for a liar. */
const MAX_REJECTS = 64
/** Times in a row that a peer took requests and choked us, or fell silent, without a block. */
const MAX_BARREN_ROUNDS = 5
/** Pieces that a peer may allow us while it chokes us. */
const MAX_ALLOWED_FAST = 100
/** Chokes and unchokes within one round of the choker. */
const MAX_CHOKE_CHANGES = 60
/** Rejects of one piece's blocks, as a multiple of their number, while the peer lets us ask: it does not have the piece. */
const MAX_REJECTS_OF_PIECE = 8

/** The block that is arriving. */
interface Arriving {
  readonly block: number
  readonly length: number
  readonly wasAsked: boolean
  /** Where it goes; null: away. */
  readonly lease: Lease<BlockSource> | null
}

export class PeerRequests {
  isChoked = true
  /** Pieces that may be asked for all the same (BEP 6). */
  readonly allowedFast = new Set<number>()
  /** Payload bytes since the last round of the choker. */
  bytesThisRound = 0
  lastPayloadAt = 0
  readonly #source: BlockSource
  readonly #owner: RequestsOwner
  readonly #encoder: WireEncoder
  readonly #window = new RequestWindow(BLOCK_BYTES)
  readonly #meter = new RateMeter()
  #arriving: Arriving | null = null
  /** Blocks that may still come though they were cancelled or given up. */
  #forgiven = 0
  #rejects = 0
  /** Pieces with rejects since the last unchoke -> how many. */
  readonly #rejected = new Map<number, number>()
  #chokeChanges = 0
  /** Before this round of the choker. */
  #hasDelivered = false
  /** Blocks asked for since the last one came, or the last unchoke. */
  #askedInVain = 0
  #barrenRounds = 0
  #isSnubbed = false
  #lastBlockAt = 0
  /** The longest that we have waited for a block. */
  #longestWaitMs = 0
  /** Bytes per second when it last sent something. */
  #knownRate = 0
  /** `download.changes` when there was nothing to pick for this peer; -1: look. */
  #nothingToPickAt = -1

  constructor(source: BlockSource, owner: RequestsOwner, encoder: WireEncoder) {
    this.#source = source
    this.#owner = owner
    this.#encoder = encoder
    this.setPeerLimit(DEFAULT_REQUEST_QUEUE)
  }

  get outstanding(): number {
    return this.#window.outstanding
  }

  /** We wait for blocks, and it has unchoked us. */
  get isOwed(): boolean {
    return !this.isChoked && (this.outstanding > 0 || this.#isSnubbed)
  }

  /** Has any block come from it? */
  get hasDelivered(): boolean {
    return this.#hasDelivered || this.bytesThisRound > 0
  }

  /** It was asked, and has sent no payload for some time: its requests have gone to others. */
  get isSnubbed(): boolean {
    return this.#isSnubbed
  }

  /** @param requests how many the peer keeps at once, by its own word (BEP 10) */
  setPeerLimit(requests: number): void {
    this.#window.limit = Math.min(MAX_WINDOW, requests)
  }

  rate(now: number): number {
    return this.#meter.rate(now)
  }

  has(block: number): boolean {
    return this.#window.has(block)
  }

  /**
   * Milliseconds until the peer has delivered what it was asked for and so many blocks more (fewer, when negative), by
   * its latest rate; Infinity: it delivers nothing.
   */
  etaMs(blocks: number, now: number): number {
    const owes = this.outstanding > 0
    const isRefused = this.isChoked && this.allowedFast.size === 0
    if (owes && (isRefused || this.#isSnubbed || now - this.lastPayloadAt > SILENT_MS)) return Infinity
    this.#knownRate = this.rate(now) || this.#knownRate
    if (this.#knownRate === 0) return UNKNOWN_ETA_MS
    return LATENCY_MS + (Math.max(0, this.outstanding + blocks) * BLOCK_BYTES * 1000) / this.#knownRate
  }

  /** The handshake is done: patience begins. */
  start(now: number): void {
    this.lastPayloadAt = this.#lastBlockAt = now
  }

  /** There may be something to pick that there was not before. */
  lookAgain(): void {
    this.#nothingToPickAt = -1
  }

  // ---------------------------------------------------------------- what the peer says

  /** @param isRejecting with the fast extension each request is rejected or served; without, a choke answers them all (BEP 6) */
  onChoke(isRejecting: boolean): void {
    if (this.isChoked) return
    this.isChoked = true
    this.#countChokeChange()
    this.#countBarrenRound()
    if (this.#barrenRounds > MAX_BARREN_ROUNDS)
      throw new PeerError('silent', `The peer took requests ${this.#barrenRounds} times and sent no block`)
    if (!isRejecting) this.loseAll()
    this.#owner.download.picker.disown(this.#source)
  }

  onUnchoke(now: number): void {
    if (!this.isChoked) return
    this.isChoked = false
    this.#isSnubbed = false
    this.#rejects = 0
    this.#rejected.clear()
    this.#askedInVain = 0
    this.#countChokeChange()
    this.lookAgain()
    if (this.outstanding === 0) this.start(now)
  }

  #countChokeChange(): void {
    if (++this.#chokeChanges > MAX_CHOKE_CHANGES)
      throw new PeerError('choke_flapping', 'The peer chokes and unchokes us without measure')
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.#hasDelivered = this.hasDelivered
    this.bytesThisRound = 0
    this.#chokeChanges = 0
  }

  onAllowedFast(piece: number): void {
    if (this.allowedFast.size >= MAX_ALLOWED_FAST) return
    this.allowedFast.add(piece)
    this.lookAgain()
  }

  onReject(piece: number, begin: number, length: number): void {
    const { map, download, downLimiter } = this.#owner
    const block = map.blockAt(piece, begin, length)
    if (block < 0 || !this.#window.drop(block)) return
    download.picker.requestLost(block, this.#source)
    downLimiter.refund(length)
    if (this.isChoked) {
      this.allowedFast.delete(piece)
      return
    }
    const ofPiece = (this.#rejected.get(piece) ?? 0) + 1
    this.#rejected.set(piece, ofPiece)
    if (ofPiece > MAX_REJECTS_OF_PIECE * map.blockCount(piece))
      throw new PeerError('rejects', `The peer rejected ${ofPiece} requests for piece ${piece}, which it says it has`)
    if (++this.#rejects > this.#window.limit + MAX_REJECTS)
      throw new PeerError('rejects', `The peer rejected ${this.#rejects} requests for what it says it has`)
  }

  // ---------------------------------------------------------------- asking

  /** Asks for as many blocks as the window and memory allow. Under a rate limit, peers ask in turn instead: see `requestSome`. */
  requestMore(now: number): void {
    if (!this.#mayAsk || this.#owner.downLimiter.isLimited) return
    const { room, size } = this.#window
    if (room > 0 && room >= Math.min(REQUEST_BATCH, size >> 2)) this.#request(room, now)
  }

  /** Under a rate limit: would it ask for more if it were its turn? */
  get hasRoom(): boolean {
    return this.#mayAsk && this.#window.room > 0
  }

  /**
   * It is this peer's turn to ask under a rate limit.
   * @returns bytes asked for: 0 when there is nothing to ask for
   */
  requestSome(blocks: number, now: number): number {
    const most = Math.min(blocks, this.#window.room)
    return most > 0 && this.#mayAsk ? this.#request(most, now) : 0
  }

  get #mayAsk(): boolean {
    if (this.#isSnubbed || (this.isChoked && this.allowedFast.size === 0)) return false
    const { download } = this.#owner
    if (this.#nothingToPickAt === download.changes) return false
    // While memory is short, who has something under way waits to be called: see `onSlotsFree`.
    return !download.isStarved || this.outstanding === 0
  }

  /** Returns the bytes asked for. */
  #request(room: number, now: number): number {
    const { download, map, downLimiter } = this.#owner
    const isIdle = this.outstanding === 0
    const blocks = download.pick(this.#source, room, isIdle ? ENDGAME_BLOCKS : 0)
    // Where memory was the reason, another torrent may give some back at any time.
    if (isIdle && blocks.length === 0 && !download.isStarved) this.#nothingToPickAt = download.changes
    if (isIdle && blocks.length > 0) this.start(now)
    this.#askedInVain += blocks.length
    let bytes = 0
    for (const block of blocks) {
      const length = map.blockLength(block)
      this.#window.ask(block, now)
      this.#encoder.request(map.pieceOfBlock(block), map.blockBegin(block), length)
      bytes += length
    }
    downLimiter.take(bytes)
    return bytes
  }

  /** The rate has become lower: of what is under way, only so many blocks are waited for, those asked for first. */
  keepOnly(blocks: number): void {
    const { download } = this.#owner
    for (const block of [...this.#window.blocks()].slice(blocks)) {
      this.cancel(block)
      download.picker.requestLost(block, this.#source)
    }
  }

  /** The block is not wanted from this peer any more: somebody else has delivered it, for one. */
  cancel(block: number): void {
    if (!this.#window.drop(block)) return
    this.#forgiven++
    const { map, downLimiter } = this.#owner
    downLimiter.refund(map.blockLength(block))
    this.#encoder.cancel(map.pieceOfBlock(block), map.blockBegin(block), map.blockLength(block))
  }

  // ---------------------------------------------------------------- blocks

  startBlock(piece: number, begin: number, length: number): void {
    const { map, download } = this.#owner
    const block = map.blockAt(piece, begin, length)
    if (block < 0)
      throw new PeerError('bad_block', `There is no block of ${length} bytes at ${begin} in piece ${piece}`)
    const wasAsked = this.#window.has(block)
    if (!wasAsked && this.#forgiven-- <= 0)
      throw new PeerError('unrequested_block', `Block ${piece}:${begin} was not asked for`)
    this.#arriving = { block, length, wasAsked, lease: download.startBlock(this.#source, block) }
  }

  fillBlock(bytes: Uint8Array, now: number): void {
    this.lastPayloadAt = now
    const { lease } = this.#arriving!
    if (lease) this.#owner.download.writeBlock(lease, bytes)
  }

  endBlock(now: number): void {
    const { block, length, wasAsked, lease } = this.#arriving!
    this.#arriving = null
    this.#longestWaitMs = Math.max(this.#longestWaitMs, now - this.#lastBlockAt)
    this.#lastBlockAt = now
    this.#rejects = 0
    this.#barrenRounds = 0
    this.#askedInVain = 0
    this.#isSnubbed = false
    this.bytesThisRound += length
    this.#meter.add(length, now)
    this.#owner.onReceived(length)
    // A request that was dropped while its block arrived (cancelled, timed out) is not settled twice.
    const isSettled = wasAsked && this.#window.settle(block, length, now)
    const { download, downLimiter } = this.#owner
    // What it took of the rate was given back when it was given up.
    if (!isSettled) downLimiter.take(length)
    const isUseful = lease !== null && download.finishBlock(lease, isSettled)
    if (!lease) download.wastedBytes += length
    if (!isUseful && isSettled) download.picker.requestLost(block, this.#source)
  }

  // ---------------------------------------------------------------- patience

  /** Why the peer must be closed by now, or null. One that has been silent for some time loses its requests to others. */
  overdue(now: number): PeerError | null {
    if (this.outstanding === 0 && !this.#isSnubbed) return null
    // Who has taken long before, and sent a block in the end, is slow and not silent.
    const patienceMs = Math.max(SNUB_MS, 2 * this.#longestWaitMs)
    if (now - this.lastPayloadAt > patienceMs && !this.#isSnubbed) this.#snub()
    if (now - this.#lastBlockAt <= NO_BLOCK_TIMEOUT_MS || this.isChoked) return null
    return new PeerError('silent', `No block within ${NO_BLOCK_TIMEOUT_MS / 1000} s though blocks were asked for`)
  }

  /**
   * Its requests go to others; what still comes is taken. It is told so, but for the first, which may be on its way: who is
   * only slow goes on with that one, and does not send the others beside those who send them now.
   */
  #snub(): void {
    this.#isSnubbed = true
    this.#countBarrenRound()
    const { map } = this.#owner
    for (const block of [...this.#window.blocks()].slice(1))
      this.#encoder.cancel(map.pieceOfBlock(block), map.blockBegin(block), map.blockLength(block))
    this.loseAll()
  }

  #countBarrenRound(): void {
    if (this.#askedInVain > 0) this.#barrenRounds++
  }

  /** None of what was asked for can be counted on. */
  loseAll(): void {
    const { download, downLimiter, map } = this.#owner
    for (const block of this.#window.dropAll()) {
      download.picker.requestLost(block, this.#source)
      downLimiter.refund(map.blockLength(block))
      this.#forgiven++
    }
    download.picker.disown(this.#source)
  }

  /** The peer is gone, perhaps in the middle of a block. */
  close(): void {
    if (this.#arriving?.lease) this.#owner.download.abandonBlock(this.#arriving.lease)
    this.#arriving = null
    this.loseAll()
  }
}
