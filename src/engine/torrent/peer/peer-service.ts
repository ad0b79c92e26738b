// What one peer asks us for, and gets (BEP 3, 6): its interest, its slot, the queue of its requests, and the memory that
// its socket is sending from. Who gets a slot is the choker's choice; how blocks are read, the upload's.
import { PeerError } from '../../../base/errors.ts'
import { RateMeter } from '../../../base/rate-meter.ts'
import type { Connection } from '../../../platform/platform.ts'
import type { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import type { WireEncoder } from '../../../protocol/wire/index.ts'
import { MAX_QUEUED_REQUESTS, UploadQueue } from './upload-queue.ts'

/** BEP 3's largest request that clients still make. */
const MAX_REQUEST_BYTES = 131_072
/** Requests for allowed pieces that wait while the peer is choked. */
const MAX_REQUESTS_WHILE_CHOKED = 1000
/** Changes of interest within one round of the choker. */
const MAX_INTEREST_CHANGES = 100
/**
 * Requests refused within one round of the choker because the peer is choked or we lack the piece. Those that cross our
 * choke on a long fast link are some thousands.
 */
const MAX_REFUSED = 20_000
/** Pieces suggested to one peer, in all: a hint now and then, no second bitfield. */
const MAX_SUGGESTIONS = 64
/** It takes nothing of what it asked for. */
const NOT_READING_MS = 120_000

export class PeerService {
  readonly queue = new UploadQueue()
  isInterested = false
  isUnchoked = false
  roundsUnchoked = 0
  /** Payload bytes since the last round of the choker. */
  bytesThisRound = 0
  lastUploadAt = 0
  readonly #map: PieceMap
  readonly #encoder: WireEncoder
  readonly #meter = new RateMeter()
  /** Pieces it may have while it is choked (BEP 6). */
  readonly #allowed = new Set<number>()
  /** Memory that the socket may still be sending from. */
  readonly #untaken = new Set<() => void>()
  #untakenBytes = 0
  #interestChanges = 0
  #refused = 0
  readonly #suggested = new Set<number>()
  #bytesTaken = 0
  #lastTakenAt = 0

  constructor(map: PieceMap, encoder: WireEncoder) {
    this.#map = map
    this.#encoder = encoder
  }

  /** Bytes of blocks, with their headers, that the socket has not taken yet. */
  get untakenBytes(): number {
    return this.#untakenBytes
  }

  rate(now: number): number {
    return this.#meter.rate(now)
  }

  /** The handshake is done: patience begins. */
  start(now: number): void {
    this.#lastTakenAt = now
  }

  /** It became interested, or ceased to be. */
  changeInterest(isInterested: boolean): void {
    if (++this.#interestChanges > MAX_INTEREST_CHANGES)
      throw new PeerError('interest_flapping', 'The peer changes its interest without measure')
    this.isInterested = isInterested
  }

  /** BEP 6: the peer may have this piece even while it is choked. */
  allow(piece: number): void {
    this.#allowed.add(piece)
    this.#encoder.allowedFast(piece)
  }

  /** BEP 6: the piece costs us least to send now. Each is suggested once. */
  suggest(piece: number): void {
    if (this.#suggested.size >= MAX_SUGGESTIONS || this.#suggested.has(piece)) return
    this.#suggested.add(piece)
    this.#encoder.suggest(piece)
  }

  unchoke(): void {
    if (this.isUnchoked) return
    this.isUnchoked = true
    this.roundsUnchoked = 0
    this.#encoder.unchoke()
  }

  /** @param isRejecting with the fast extension each request that is not served is rejected (BEP 6) */
  choke(isRejecting: boolean): void {
    if (!this.isUnchoked) return
    this.isUnchoked = false
    this.roundsUnchoked = 0
    this.#encoder.choke()
    const { queue } = this
    for (let left = queue.length; left > 0; left--) {
      const request = [queue.piece(0), queue.begin(0), queue.bytes(0)] as const
      queue.shift(1)
      if (this.#allowed.has(request[0])) queue.push(...request)
      else if (isRejecting) this.#encoder.reject(...request)
    }
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.bytesThisRound = 0
    this.#interestChanges = 0
    this.#refused = 0
    if (this.isUnchoked) this.roundsUnchoked++
  }

  /** @param have whether we have the piece */
  onRequest(piece: number, begin: number, length: number, have: boolean, isRejecting: boolean): void {
    if (length === 0 || length > MAX_REQUEST_BYTES || begin + length > this.#map.pieceLength(piece))
      throw new PeerError('bad_request', `${length} bytes at ${begin} in piece ${piece} cannot be asked for`)
    const isAllowed = have && (this.isUnchoked || this.#allowed.has(piece))
    const most = this.isUnchoked ? MAX_QUEUED_REQUESTS : MAX_REQUESTS_WHILE_CHOKED
    if (!isAllowed && ++this.#refused > MAX_REFUSED)
      throw new PeerError('request_flood', `The peer made ${this.#refused} requests that it knows are not served`)
    if (isAllowed && this.queue.length < most) this.queue.push(piece, begin, length)
    else if (isRejecting) this.#encoder.reject(piece, begin, length)
  }

  onCancel(piece: number, begin: number, length: number, isRejecting: boolean): void {
    // BEP 6: a cancelled request is answered too.
    if (this.queue.remove(piece, begin, length) && isRejecting) this.#encoder.reject(piece, begin, length)
  }

  /** Sends what is already framed; `onTaken` follows when the memory may be used again, even if the connection ends before. */
  send(connection: Connection, framed: Uint8Array, payloadBytes: number, onTaken: () => void, now: number): void {
    this.bytesThisRound += payloadBytes
    this.lastUploadAt = now
    this.#meter.add(payloadBytes, now)
    this.#untaken.add(onTaken)
    this.#untakenBytes += framed.length
    connection.write(framed, () => {
      this.#untakenBytes -= framed.length
      if (this.#untaken.delete(onTaken)) onTaken()
    })
  }

  /** Why the peer must be closed by now, or null. */
  overdue(connection: Connection, now: number): PeerError | null {
    const { queuedBytes, bytesSent } = connection
    if (queuedBytes === 0 || bytesSent !== this.#bytesTaken) {
      this.#bytesTaken = bytesSent
      this.#lastTakenAt = now
    }
    if (now - this.#lastTakenAt <= NOT_READING_MS) return null
    return new PeerError('not_reading', `The peer took nothing of what it asked for in ${NOT_READING_MS / 1000} s`)
  }

  /** The connection is closed: nothing is sent from our memory any more. */
  releaseMemory(): void {
    for (const onTaken of this.#untaken) onTaken()
    this.#untaken.clear()
  }
}
