// Blocks of one torrent on their way out: request -> read cache -> socket, in batches, without a copy (BEP 3).
// `pump` is called on a request, when the socket has taken all, and when a read has ended. Whom the rate limit holds up
// stands in a line, and is granted bytes in turn at the heartbeat.
// It does not decide whom to serve: the choker does.
import { PIECE_HEADER_BYTES } from '../../protocol/wire/message-id.ts'
import { encodePieceHeader } from '../../protocol/wire/encoder.ts'
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import { type CachedRun, type ReadCache, type ReadSource, UNIT_BLOCKS } from '../storage/read-cache.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import { WaitingLine } from '../transport/waiting-line.ts'
import type { UploadQueue } from './peer/upload-queue.ts'

/** What an upload needs of a peer. */
export interface UploadPeer {
  readonly uploads: UploadQueue
  /** Bytes that its socket has not taken yet. */
  readonly queuedBytes: number
  /** Payload bytes per second that it takes. */
  readonly upRate: number
  /** Sends what is already framed; `onTaken` when the memory may be used again. */
  sendBlocks(framed: Uint8Array, payloadBytes: number, onTaken: () => void): void
}

export interface UploadOwner {
  onReadFailed(error: Error): void
  /** Payload bytes were handed to a peer's socket. */
  onSent(bytes: number): void
}

/** A batch is what a peer takes in this time, within the bounds below: memory stays small with many slow peers. */
const BATCH_MS = 150
const MIN_BATCH_BYTES = 65_536
const MAX_BATCH_BYTES = 4 << 20
/** Blocks that are read ahead for one peer: 8 MiB. */
const MAX_BLOCKS_AHEAD = 512

export class Upload<Peer extends UploadPeer> {
  readonly source: ReadSource
  readonly #cache: ReadCache
  readonly #limiter: RateLimiter
  readonly #owner: UploadOwner
  readonly #waitingForRead = new Map<CachedRun, Set<Peer>>()
  readonly #waitingForFrame = new Set<Peer>()
  readonly #waitingForRate = new WaitingLine<Peer>()
  /** Bytes of the rate that a peer has got and not used: it waits for a read, or for its socket. */
  readonly #granted = new Map<Peer, number>()
  readonly #now: () => number

  constructor(source: ReadSource, cache: ReadCache, limiter: RateLimiter, now: () => number, owner: UploadOwner) {
    this.source = source
    this.#cache = cache
    this.#limiter = limiter
    this.#now = now
    this.#owner = owner
  }

  /** Bytes per second; 0: no limit. */
  get rateLimit(): number {
    return this.#limiter.bytesPerSecond
  }

  /** A block takes more than a second of the limit: there is nothing to give away. */
  get isSlow(): boolean {
    return this.#limiter.isLimited && this.#limiter.bytesPerSecond < BLOCK_BYTES
  }

  /** Somebody could be sent more if the rate limit allowed it. */
  get isHeldByRate(): boolean {
    return this.#limiter.isLimited && !this.#waitingForRate.isEmpty
  }

  /** Sends as much of what the peer asked for as the socket, the rate and the cache allow now. */
  pump(peer: Peer): void {
    const queue = peer.uploads
    const batchBytes = Math.min(MAX_BATCH_BYTES, Math.max(MIN_BATCH_BYTES, (peer.upRate * BATCH_MS) / 1000))
    while (queue.length > 0 && peer.queuedBytes < batchBytes) {
      const allowed = this.#allowedTo(peer)
      if (allowed <= 0) {
        this.#waitingForRate.join(peer)
        return
      }
      const block = this.source.map.blockAt(queue.piece(0), queue.begin(0), queue.bytes(0))
      const isSent = block < 0 ? this.#sendOdd(peer) : this.#sendRun(peer, block, Math.min(batchBytes, allowed))
      if (!isSent) break
    }
    this.#prefetch(peer)
  }

  /** Pieces of which something is in memory: the latest, at most so many. */
  piecesInMemory(most: number): number[] {
    return this.#cache.piecesOf(this.source, most)
  }

  /** Time has passed: another torrent may have given frames back, and a limit may have been lifted. */
  tick(): void {
    this.#takeBackGrants()
    const waiting = this.#limiter.isLimited ? [] : this.#waitingForRate.leaveAll()
    if (this.#waitingForFrame.size > 0) {
      waiting.push(...this.#waitingForFrame)
      this.#waitingForFrame.clear()
    }
    for (const peer of waiting) this.pump(peer)
  }

  /**
   * The heartbeat's share of the rate is given to those who wait for it, in turn.
   * @param bytes Infinity where only this torrent has a limit
   * @returns bytes granted: what is not used is given back later
   */
  shareOut(bytes: number, now: number): number {
    const allowed = Math.min(bytes, this.#limiter.ownAvailable(now))
    return this.#waitingForRate.serve(allowed, (peer, share) => this.#grant(peer, share))
  }

  /** Whole blocks, one at least, no more than the peer has asked for. */
  #grant(peer: Peer, share: number): number {
    const queue = peer.uploads
    if (queue.length === 0) return 0
    const blocks = Math.min(queue.length, Math.floor(share / BLOCK_BYTES))
    const bytes = Math.max(queue.bytes(0), blocks * BLOCK_BYTES)
    this.#limiter.take(bytes)
    this.#granted.set(peer, bytes + (this.#granted.get(peer) ?? 0))
    this.pump(peer)
    return bytes
  }

  /** Bytes that the rate allows the peer now. While others wait, nobody takes what flows in between their turns. */
  #allowedTo(peer: Peer): number {
    if (!this.#limiter.isLimited) return Infinity
    const granted = this.#granted.get(peer)
    if (granted !== undefined) return granted
    return this.#waitingForRate.isEmpty && !this.#limiter.isScarce ? this.#limiter.available(this.#now()) : 0
  }

  /** Bytes go out: they are taken from what the peer has been granted, and on credit beyond. */
  #charge(peer: Peer, bytes: number): void {
    const granted = this.#granted.get(peer) ?? 0
    if (granted > bytes) this.#granted.set(peer, granted - bytes)
    else {
      this.#granted.delete(peer)
      this.#limiter.take(bytes - granted)
    }
  }

  /** Who asks for nothing any more needs nothing. */
  #takeBackGrants(): void {
    for (const [peer, bytes] of this.#granted) {
      if (peer.uploads.length > 0) continue
      this.#granted.delete(peer)
      this.#limiter.refund(bytes)
    }
  }

  /** The peer is gone. */
  forget(peer: Peer): void {
    this.#waitingForRate.leave(peer)
    this.#limiter.refund(this.#granted.get(peer) ?? 0)
    this.#granted.delete(peer)
    this.#waitingForFrame.delete(peer)
    for (const peers of this.#waitingForRead.values()) peers.delete(peer)
  }

  /** Consecutive blocks of one run go out as one view. */
  #sendRun(peer: Peer, block: number, maxBytes: number): boolean {
    const run = this.#runFor(peer, block)
    if (!run) return false
    const queue = peer.uploads
    const maxCount = Math.max(1, Math.floor(maxBytes / BLOCK_BYTES))
    const count = Math.min(maxCount, this.#countInRow(queue, 0, block, run))
    let payload = 0
    for (let i = 0; i < count; i++) payload += queue.bytes(i)
    queue.shift(count)
    this.#send(peer, run, this.#cache.view(this.source, run, block, count), payload)
    if (block + count === run.firstBlock + run.blockCount) this.#cache.consume(run)
    return true
  }

  /** A request that is not one of our blocks: another size, or across two. Rare, so it is copied together. */
  #sendOdd(peer: Peer): boolean {
    const queue = peer.uploads
    const length = queue.bytes(0)
    if (!this.#cache.beginCopy(length)) {
      this.#waitingForFrame.add(peer)
      return false
    }
    const framed = this.#copied(peer, queue.piece(0), queue.begin(0), length)
    if (!framed) {
      this.#cache.endCopy(length)
      return false
    }
    queue.shift(1)
    this.#charge(peer, length)
    this.#owner.onSent(length)
    peer.sendBlocks(framed, length, () => {
      this.#cache.endCopy(length)
      this.#onFrameFree()
    })
    return true
  }

  /** Header and bytes of a request; null when they are not all in memory: then the peer waits for them. */
  #copied(peer: Peer, piece: number, begin: number, length: number): Uint8Array | null {
    const { map } = this.source
    const framed = new Uint8Array(PIECE_HEADER_BYTES + length)
    encodePieceHeader(framed, 0, piece, begin, length)
    let at = begin
    while (at < begin + length) {
      const block = map.firstBlock(piece) + Math.floor(at / BLOCK_BYTES)
      const run = this.#runFor(peer, block)
      if (!run) return null
      const offset = at - map.blockBegin(block)
      const bytes = this.#cache.blockBytes(this.source, run, block).subarray(offset, offset + begin + length - at)
      framed.set(bytes, PIECE_HEADER_BYTES + at - begin)
      at += bytes.length
    }
    return framed
  }

  #send(peer: Peer, run: CachedRun, framed: Uint8Array, payloadBytes: number): void {
    run.uses++
    this.#charge(peer, payloadBytes)
    this.#owner.onSent(payloadBytes)
    peer.sendBlocks(framed, payloadBytes, () => {
      run.uses--
      if (run.uses > 0) return
      this.#cache.settle(run)
      this.#onFrameFree()
    })
  }

  /** The run with this block when it is in memory; else it is read, and the peer waits for it. */
  #runFor(peer: Peer, block: number): CachedRun | null {
    const requests = Math.min(peer.uploads.length, this.#requestsAhead(peer))
    const run = this.#cache.find(this.source, block) ?? this.#read(block, unitsOf(requests))
    if (run?.state === 'ready') return run
    if (!run) this.#waitingForFrame.add(peer)
    else this.#waitFor(run, peer)
    return null
  }

  #waitFor(run: CachedRun, peer: Peer): void {
    let peers = this.#waitingForRead.get(run)
    if (!peers) this.#waitingForRead.set(run, (peers = new Set()))
    peers.add(peer)
  }

  #read(block: number, units: number): CachedRun | null {
    return this.#cache.read(this.source, block, units, (run, error) => this.#onRead(run, error))
  }

  #onRead(run: CachedRun, error: Error | null): void {
    const peers = this.#waitingForRead.get(run) ?? []
    this.#waitingForRead.delete(run)
    this.#cache.settle(run)
    if (error) this.#owner.onReadFailed(error)
    else for (const peer of peers) this.pump(peer)
  }

  #onFrameFree(): void {
    const [peer] = this.#waitingForFrame
    if (!peer) return
    this.#waitingForFrame.delete(peer)
    this.pump(peer)
  }

  /**
   * While a batch is on its way, what the peer takes next is read, several runs in one go: waking a thread costs more than
   * reading a run that is in the system's cache. So nothing is read before half of what was read ahead has been sent.
   */
  #prefetch(peer: Peer): void {
    const queue = peer.uploads
    const { map } = this.source
    const most = Math.min(queue.length, this.#requestsAhead(peer))
    if (queue.ahead > most / 2) return
    let index = queue.ahead
    while (index < most) {
      const block = map.blockAt(queue.piece(index), queue.begin(index), queue.bytes(index))
      if (block < 0) break
      const run = this.#cache.find(this.source, block) ?? this.#read(block, unitsOf(most - index))
      if (!run) break
      index += this.#countInRow(queue, index, block, run)
    }
    queue.ahead = index
  }

  /** How many of its requests a peer is served within about a second: further ahead the cache is not filled for it. */
  #requestsAhead(peer: Peer): number {
    return Math.min(MAX_BLOCKS_AHEAD, UNIT_BLOCKS + Math.floor(peer.upRate / BLOCK_BYTES))
  }

  /** How many requests from `index` on, the first of which is for `block`, go on in the run, one after the other. */
  #countInRow(queue: UploadQueue, index: number, block: number, run: CachedRun): number {
    const { map } = this.source
    const most = Math.min(queue.length - index, run.firstBlock + run.blockCount - block)
    const piece = queue.piece(index)
    const begin = queue.begin(index)
    let count = 1
    while (count < most) {
      const at = index + count
      const isNext = queue.piece(at) === piece && queue.begin(at) === begin + count * BLOCK_BYTES
      if (!isNext || queue.bytes(at) !== map.blockLength(block + count)) break
      count++
    }
    return count
  }
}

/** Units to read for this many requests in a row. */
function unitsOf(requests: number): number {
  return 1 + Math.floor(requests / UNIT_BLOCKS)
}
