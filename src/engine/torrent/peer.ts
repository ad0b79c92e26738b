// One connected peer (BEP 3, 6, 10): what the two of us have told each other, and what is under way between us.
// Owns the choke and interest flags, the peer's `have`, the window of our requests and the queue of its requests.
// It carries out the wire; it does not decide whom to serve (choker), what to fetch (download) or whom to meet (swarm).
import { type Address, addressKey } from '../../base/address.ts'
import { Bitfield } from '../../base/bitfield.ts'
import { NetworkError, PeerError } from '../../base/errors.ts'
import { RateMeter } from '../../base/rate-meter.ts'
import type { Connection, ConnectionHandler } from '../../platform/platform.ts'
import { BLOCK_BYTES, type PieceMap } from '../../protocol/metainfo/piece-map.ts'
import {
  allowedFastSet,
  type Capabilities,
  decodeExtensionHandshake,
  encodeExtensionHandshake,
  encodeHandshake,
  EXTENSION_HANDSHAKE_ID,
  WireDecoder,
  WireEncoder,
  type WireHandler,
} from '../../protocol/wire/index.ts'
import { equalBytes } from '../../base/bytes.ts'
import type { ChokeCandidate } from '../policy/choker.ts'
import { DEFAULT_REQUEST_QUEUE, RequestWindow } from '../policy/request-window.ts'
import type { Lease } from '../storage/partial-piece.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import type { BlockSource, Download } from './download.ts'
import { MAX_QUEUED_REQUESTS, UploadQueue } from './upload-queue.ts'
import type { Upload, UploadPeer } from './upload.ts'

/** What a peer needs around it: its torrent's parts, and somebody who hears of what happens. */
export interface PeerOwner {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly map: PieceMap
  readonly download: Download<Peer>
  readonly upload: Upload<Peer>
  readonly downLimiter: RateLimiter
  /** The port we listen on, for others to dial; null when we do not. */
  readonly listenPort: number | null
  now(): number
  /** A connection that we dialled is established. */
  onOpen(): void
  /** The peer has told its id: it may be one too many, or ourselves. */
  onHandshake(peer: Peer): void
  /** It became interested, or ceased to be. */
  onInterestChange(peer: Peer): void
  /** It told what it has. */
  onHaveChange(peer: Peer): void
  /** Payload bytes came from it. */
  onReceived(bytes: number): void
  /** A mistake of our own code came to light while this peer was served. */
  onFault(error: unknown): void
  /** The end. `reason` is null when nobody is to blame. */
  onClosed(peer: Peer, reason: PeerError | null): void
}

/** What we tell others that we keep (BEP 10); more is kept all the same. */
const ADVERTISED_REQUEST_QUEUE = 2000
/** Our own bound on requests under way from one peer. */
const MAX_WINDOW = 2048
/** BEP 3's largest request that clients still make. */
const MAX_REQUEST_BYTES = 131_072
const ALLOWED_FAST_PIECES = 10
/** Asking is done in batches of at least this many blocks, or a quarter of the window: each write wakes the other side. */
const REQUEST_BATCH = 64
const ENDGAME_BLOCKS = 8
/** Anything but a block: a bitfield of the torrent's pieces, or an extension message. */
const MIN_MESSAGE_LIMIT = 262_144

const CONNECT_TIMEOUT_MS = 10_000
const HANDSHAKE_TIMEOUT_MS = 15_000
/** Without a byte of payload for this long, the peer's requests go to others ... */
const SNUB_MS = 15_000
/** ... and after this long without a whole block it is closed. */
const NO_BLOCK_TIMEOUT_MS = 45_000
const KEEP_ALIVE_MS = 100_000
/** BEP 3: two minutes, and as long again for the patience of others. */
const INACTIVE_MS = 240_000
/** Rejects of what the peer offered, beyond all that was asked for, with no block between: then it is taken for a liar. */
const MAX_REJECTS = 64
/** Times in a row that a peer took requests and choked us, or fell silent, without a block. */
const MAX_BARREN_ROUNDS = 5
/** It takes nothing of what it asked for. */
const NOT_READING_MS = 60_000
/** More than any batch of blocks: answers to a flood by somebody who does not read them. */
const MAX_QUEUED_BYTES = 8 << 20
/** Pieces that a peer may allow us, and requests for those of ours that wait while it is choked. */
const MAX_ALLOWED_FAST = 100
const MAX_REQUESTS_WHILE_CHOKED = 1000
const MAX_EXTENSION_HANDSHAKE_BYTES = 16_384
const MAX_EXTENSION_HANDSHAKES = 10
/** Changes of interest within one round of the choker. */
const MAX_INTEREST_CHANGES = 100

type Stage = 'connecting' | 'handshaking' | 'connected' | 'closed'

export class Peer implements ConnectionHandler, WireHandler, BlockSource, UploadPeer, ChokeCandidate {
  readonly address: Address
  readonly isIncoming: boolean
  stage: Stage
  /** The connection was established, or came in. */
  hasOpened: boolean
  peerId: Uint8Array | null = null
  /** What it calls itself, or null. */
  client: string | null = null
  /** Where it can be dialled: its own word for an incoming connection. */
  dialAddress: Address | null
  have: Bitfield
  readonly allowedFast = new Set<number>()
  readonly uploads = new UploadQueue()
  isChokingUs = true
  isInterested = false
  isUnchoked = false
  roundsUnchoked = 0
  /** Payload bytes since the last choker round. */
  bytesFromPeer = 0
  bytesToPeer = 0
  readonly #owner: PeerOwner
  #connection!: Connection
  readonly #decoder: WireDecoder
  readonly #encoder = new WireEncoder()
  readonly #window = new RequestWindow(BLOCK_BYTES)
  readonly #downMeter = new RateMeter()
  readonly #upMeter = new RateMeter()
  readonly #allowedToPeer = new Set<number>()
  #capabilities: Capabilities = { extensions: false, fast: false }
  #hasToldHave = false
  #isInterestedInThem = false
  /** Pieces it has and we want. */
  #wantedPieces = 0
  /** The block that is arriving: its number, whether we asked for it, and where it goes (null: away). */
  #arriving: { block: number; length: number; wasAsked: boolean; lease: Lease<Peer> | null } | null = null
  /** Blocks that may still come though they were cancelled or given up. */
  #forgiven = 0
  #rejects = 0
  #barrenRounds = 0
  #extensionHandshakes = 0
  #interestChanges = 0
  /** `download.changes` when there was nothing to pick for this peer; -1: look. */
  #nothingToPickAt = -1
  #isSnubbed = false
  /** Memory that the socket may still be sending from. */
  readonly #untaken = new Set<() => void>()
  #now = 0
  #openedAt: number
  #lastReceivedAt = 0
  #lastSentAt = 0
  #lastPayloadAt = 0
  #lastBlockAt = 0
  #lastUploadAt = 0
  #lastTakenAt = 0
  #bytesTaken = 0

  constructor(owner: PeerOwner, address: Address, isIncoming: boolean) {
    this.#owner = owner
    this.address = address
    this.isIncoming = isIncoming
    this.dialAddress = isIncoming ? null : address
    this.stage = isIncoming ? 'handshaking' : 'connecting'
    this.hasOpened = isIncoming
    this.have = new Bitfield(owner.map.pieceCount)
    this.#decoder = new WireDecoder(this, Math.max(MIN_MESSAGE_LIMIT, this.have.bytes.length + 1))
    this.#now = this.#openedAt = owner.now()
    this.#window.limit = Math.min(MAX_WINDOW, DEFAULT_REQUEST_QUEUE)
  }

  /** Called once, right after construction. */
  attach(connection: Connection): void {
    this.#connection = connection
    if (this.isIncoming) this.#sendHandshake()
  }

  get key(): string {
    return addressKey(this.address)
  }

  get isSeed(): boolean {
    return this.have.isFull
  }

  get isClosed(): boolean {
    return this.stage === 'closed'
  }

  get isConnected(): boolean {
    return this.stage === 'connected'
  }

  get isWaitingForBlocks(): boolean {
    return this.#window.outstanding > 0
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes
  }

  get downRate(): number {
    return this.#downMeter.rate(this.#owner.now())
  }

  get upRate(): number {
    return this.#upMeter.rate(this.#owner.now())
  }

  hasAsked(block: number): boolean {
    return this.#window.has(block)
  }

  // ---------------------------------------------------------------- connection

  onOpen(): void {
    this.stage = 'handshaking'
    this.hasOpened = true
    this.#now = this.#openedAt = this.#owner.now()
    this.#owner.onOpen()
    this.#sendHandshake()
  }

  onBytes(chunk: Uint8Array): void {
    this.#now = this.#lastReceivedAt = this.#owner.now()
    try {
      this.#decoder.push(chunk)
      if (this.isClosed) return
      if (this.queuedBytes > MAX_QUEUED_BYTES) throw new PeerError('flood', 'The peer asks without reading the answers')
      // Once per chunk, not per message: what a peer asks for in one breath is answered in one batch.
      this.#owner.upload.pump(this)
      this.requestMore()
      this.flush()
    } catch (error) {
      if (error instanceof PeerError) return this.close(error)
      this.close(null)
      this.#owner.onFault(error)
    }
  }

  onDrain(): void {
    this.#owner.upload.pump(this)
  }

  /** A peer that sends no more is of no more use: there is no half a conversation in this protocol. */
  onEnd(): void {
    if (this.stage === 'closed') return
    this.#connection.close()
    this.#finish(null, null)
  }

  onClose(error: Error | null): void {
    // A connection that ends blames nobody, unless blocks were owed: see `#finish`. What our own code threw is no peer's fault.
    const isOurs = error !== null && !(error instanceof NetworkError)
    if (!this.isClosed) this.#finish(null, error, isOurs)
    if (isOurs) this.#owner.onFault(error)
    for (const onTaken of this.#untaken) onTaken()
    this.#untaken.clear()
  }

  /** Closes the connection. @param reason what the peer did; null when it is not to blame */
  close(reason: PeerError | null): void {
    if (this.stage === 'closed') return
    this.#connection.close()
    this.#finish(reason, null, true)
  }

  #finish(reason: PeerError | null, error: Error | null, isOurWish = false): void {
    const owed = this.#window.outstanding
    const { download, upload } = this.#owner
    this.stage = 'closed'
    this.#decoder.stop()
    this.#abandonArriving()
    this.#loseRequests()
    download.picker.peerGone(this.have)
    upload.forget(this)
    this.uploads.clear()
    const how = error ? ` (${error.message})` : ''
    const left =
      owed > 0 && !isOurWish ? new PeerError('left', `The peer left while ${owed} blocks were outstanding${how}`) : null
    this.#owner.onClosed(this, reason ?? left)
  }

  /** Sends what has gathered. */
  flush(): void {
    if (this.#encoder.isEmpty || this.isClosed || this.stage === 'connecting') return
    this.#lastSentAt = this.#now
    this.#connection.write(this.#encoder.take())
  }

  /** Time passes: time limits, keep-alive, and requests that the rate or memory did not allow before. */
  tick(now: number): void {
    this.#now = now
    const reason = this.#timedOut(now)
    if (reason) return this.close(reason)
    if (this.stage !== 'connected') return
    if (now - this.#lastSentAt > KEEP_ALIVE_MS) this.#encoder.keepAlive()
    this.requestMore()
    this.flush()
  }

  #timedOut(now: number): PeerError | null {
    if (this.stage === 'connecting' && now - this.#openedAt > CONNECT_TIMEOUT_MS)
      return new PeerError('connect_timeout', `No connection within ${CONNECT_TIMEOUT_MS / 1000} s`)
    if (this.stage === 'handshaking' && now - this.#openedAt > HANDSHAKE_TIMEOUT_MS)
      return new PeerError('handshake_timeout', `No handshake within ${HANDSHAKE_TIMEOUT_MS / 1000} s`)
    if (this.stage !== 'connected') return null
    if (now - this.#lastReceivedAt > INACTIVE_MS)
      return new PeerError('inactive', `Nothing received for ${INACTIVE_MS / 1000} s`)
    if (this.#isNotReading(now))
      return new PeerError('not_reading', `The peer took nothing of what it asked for in ${NOT_READING_MS / 1000} s`)
    if (this.#window.outstanding === 0 && !this.#isSnubbed) return null
    if (now - this.#lastPayloadAt > SNUB_MS && !this.#isSnubbed) this.#snub()
    if (now - this.#lastBlockAt > NO_BLOCK_TIMEOUT_MS && !this.isChokingUs)
      return new PeerError('silent', `No block within ${NO_BLOCK_TIMEOUT_MS / 1000} s though blocks were asked for`)
    return null
  }

  #isNotReading(now: number): boolean {
    const { queuedBytes, bytesSent } = this.#connection
    if (queuedBytes === 0 || bytesSent !== this.#bytesTaken) {
      this.#bytesTaken = bytesSent
      this.#lastTakenAt = now
    }
    return now - this.#lastTakenAt > NOT_READING_MS
  }

  /** Its requests go to others; what still comes is taken. */
  #snub(): void {
    this.#isSnubbed = true
    this.#countBarrenRound()
    this.#loseRequests()
  }

  #loseRequests(): void {
    const { download, downLimiter, map } = this.#owner
    for (const block of this.#window.dropAll()) {
      download.picker.requestLost(block)
      downLimiter.refund(map.blockLength(block))
      this.#forgiven++
    }
    download.picker.disown(this)
  }

  #countBarrenRound(): void {
    if (this.#window.outstanding > 0) this.#barrenRounds++
  }

  /** Since when no payload has gone either way: the longest idle peer makes way when there are too many. */
  get idleSince(): number {
    return Math.max(this.#lastPayloadAt, this.#lastUploadAt)
  }

  // ---------------------------------------------------------------- handshake

  #sendHandshake(): void {
    const { infohash, peerId } = this.#owner
    this.#encoder.raw(encodeHandshake(infohash, peerId, { extensions: true, fast: true }))
    this.flush()
  }

  onHandshakeHead(infohash: Uint8Array, capabilities: Capabilities): void {
    if (!equalBytes(infohash, this.#owner.infohash))
      throw new PeerError('wrong_infohash', 'The peer answered for another torrent')
    this.#capabilities = capabilities
  }

  onPeerId(peerId: Uint8Array): void {
    this.peerId = peerId
    this.stage = 'connected'
    this.#lastPayloadAt = this.#lastBlockAt = this.#lastTakenAt = this.#now
    this.#owner.onHandshake(this)
    if (!this.isConnected) return
    if (this.#capabilities.extensions) this.#sendExtensionHandshake()
    this.#sendHave()
    if (this.#capabilities.fast) this.#grantAllowedFast()
  }

  #sendExtensionHandshake(): void {
    const { download, listenPort } = this.#owner
    const payload = encodeExtensionHandshake({
      extensions: new Map(),
      client: 'Shoal 0.1.0',
      requestQueue: ADVERTISED_REQUEST_QUEUE,
      listenPort,
      yourIp: this.address.ip,
      metadataSize: null,
      isUploadOnly: download.isComplete,
    })
    this.#encoder.extended(EXTENSION_HANDSHAKE_ID, payload)
  }

  #sendHave(): void {
    const { have } = this.#owner.download
    if (this.#capabilities.fast && have.isFull) this.#encoder.haveAll()
    else if (this.#capabilities.fast && have.count === 0) this.#encoder.haveNone()
    else if (have.count > 0) this.#encoder.bitfield(have.bytes)
  }

  /** BEP 6: a newcomer gets a few pieces of ours even while it is choked. */
  #grantAllowedFast(): void {
    const { infohash, map, download } = this.#owner
    for (const piece of allowedFastSet(this.address.ip, infohash, map.pieceCount, ALLOWED_FAST_PIECES)) {
      if (!download.have.has(piece)) continue
      this.#allowedToPeer.add(piece)
      this.#encoder.allowedFast(piece)
    }
  }

  onExtended(id: number, payload: Uint8Array): void {
    if (!this.#capabilities.extensions) throw new PeerError('not_negotiated', 'The peer did not offer extensions')
    if (id !== EXTENSION_HANDSHAKE_ID) return
    if (payload.length > MAX_EXTENSION_HANDSHAKE_BYTES || ++this.#extensionHandshakes > MAX_EXTENSION_HANDSHAKES)
      throw new PeerError('flood', 'The peer sends extension handshakes without measure')
    const handshake = decodeExtensionHandshake(payload)
    this.client = handshake.client ?? this.client
    if (handshake.requestQueue !== null) this.#window.limit = Math.min(MAX_WINDOW, handshake.requestQueue)
    if (this.dialAddress === null && handshake.listenPort !== null)
      this.dialAddress = { ...this.address, port: handshake.listenPort }
  }

  onKeepAlive(): void {}

  // ---------------------------------------------------------------- what the peer has

  onBitfield(bits: Uint8Array): void {
    const have = Bitfield.fromBytes(this.#owner.map.pieceCount, bits)
    if (!have) throw new PeerError('bad_bitfield', `A bitfield of ${bits.length} bytes does not fit the torrent`)
    this.#tellHave(have)
  }

  onHaveAll(): void {
    this.#requireFast()
    this.#tellHave(Bitfield.full(this.#owner.map.pieceCount))
  }

  onHaveNone(): void {
    this.#requireFast()
    this.#tellHave(new Bitfield(this.#owner.map.pieceCount))
  }

  #tellHave(have: Bitfield): void {
    if (this.#hasToldHave || this.have.count > 0)
      throw new PeerError('late_bitfield', 'The peer told what it has a second time')
    this.#hasToldHave = true
    this.have = have
    const { download } = this.#owner
    download.picker.peerHas(have)
    this.#wantedPieces = 0
    for (let piece = 0; piece < have.size; piece++)
      if (have.has(piece) && download.isWanted(piece)) this.#wantedPieces++
    this.#updateInterest()
    this.#owner.onHaveChange(this)
  }

  onHave(piece: number): void {
    this.#requirePiece(piece)
    if (this.have.has(piece)) return
    this.have.set(piece)
    this.#nothingToPickAt = -1
    const { download } = this.#owner
    download.picker.peerHasPiece(piece, this.have)
    if (download.isWanted(piece)) {
      this.#wantedPieces++
      this.#updateInterest()
    }
    if (this.have.isFull) this.#owner.onHaveChange(this)
  }

  /** We have one piece more: the peer is told unless it has it too. */
  announceHave(piece: number): void {
    if (this.stage !== 'connected') return
    if (this.have.has(piece)) {
      this.#wantedPieces--
      this.#updateInterest()
    } else this.#encoder.have(piece)
  }

  #updateInterest(): void {
    const isInterested = this.#wantedPieces > 0
    if (isInterested === this.#isInterestedInThem) return
    this.#isInterestedInThem = isInterested
    if (isInterested) this.#encoder.interested()
    else this.#encoder.notInterested()
  }

  onSuggest(piece: number): void {
    this.#requireFast()
    this.#requirePiece(piece)
  }

  onAllowedFast(piece: number): void {
    this.#requireFast()
    this.#requirePiece(piece)
    if (this.allowedFast.size >= MAX_ALLOWED_FAST) return
    this.allowedFast.add(piece)
    this.#nothingToPickAt = -1
  }

  #requireFast(): void {
    if (!this.#capabilities.fast)
      throw new PeerError('not_negotiated', 'A message of the fast extension was not negotiated')
  }

  #requirePiece(piece: number): void {
    if (piece >= this.#owner.map.pieceCount)
      throw new PeerError('bad_piece', `Piece ${piece} is not one of ${this.#owner.map.pieceCount}`)
  }

  // ---------------------------------------------------------------- asking

  onChoke(): void {
    if (this.isChokingUs) return
    this.isChokingUs = true
    this.#countBarrenRound()
    if (this.#barrenRounds > MAX_BARREN_ROUNDS)
      throw new PeerError('silent', `The peer took requests ${this.#barrenRounds} times and sent no block`)
    // Without the fast extension a choke answers all requests; with it, each is rejected or served (BEP 6).
    if (!this.#capabilities.fast) this.#loseRequests()
    this.#owner.download.picker.disown(this)
  }

  onUnchoke(): void {
    if (!this.isChokingUs) return
    this.isChokingUs = false
    this.#isSnubbed = false
    this.#rejects = 0
    this.#nothingToPickAt = -1
    if (this.#window.outstanding === 0) this.#lastPayloadAt = this.#lastBlockAt = this.#now
  }

  onReject(piece: number, begin: number, length: number): void {
    this.#requireFast()
    const block = this.#owner.map.blockAt(piece, begin, length)
    if (block < 0 || !this.#window.drop(block)) return
    this.#owner.download.picker.requestLost(block)
    this.#owner.downLimiter.refund(length)
    if (this.isChokingUs) this.allowedFast.delete(piece)
    else if (++this.#rejects > this.#window.limit + MAX_REJECTS)
      throw new PeerError('rejects', `The peer rejected ${this.#rejects} requests for what it says it has`)
  }

  /** Asks for as many blocks as the window, the rate and memory allow. */
  requestMore(): void {
    if (this.stage !== 'connected' || !this.#isInterestedInThem || this.#isSnubbed) return
    if (this.isChokingUs && this.allowedFast.size === 0) return
    const { download, map, downLimiter } = this.#owner
    if (this.#nothingToPickAt === download.changes) return
    const room = this.#requestRoom()
    if (room === 0) return
    const blocks = download.pick(this, room, this.#window.outstanding === 0 ? ENDGAME_BLOCKS : 0)
    if (blocks.length === 0 && this.#window.outstanding === 0) this.#nothingToPickAt = download.changes
    if (this.#window.outstanding === 0) this.#lastPayloadAt = this.#lastBlockAt = this.#now
    for (const block of blocks) {
      const length = map.blockLength(block)
      this.#window.ask(block, this.#now)
      this.#encoder.request(map.pieceOfBlock(block), map.blockBegin(block), length)
      downLimiter.take(length)
    }
  }

  #requestRoom(): number {
    const { downLimiter } = this.#owner
    const { room, size } = this.#window
    if (!downLimiter.isLimited) return room < Math.min(REQUEST_BATCH, size >> 2) ? 0 : room
    // Under a limit, no more than two seconds of it wait at one peer.
    const most = Math.max(1, Math.ceil((2 * downLimiter.bytesPerSecond) / BLOCK_BYTES))
    const allowed = Math.floor(downLimiter.available(this.#now) / BLOCK_BYTES)
    return Math.max(0, Math.min(room, allowed, most - this.#window.outstanding))
  }

  /** Somebody else has delivered this block. */
  cancel(block: number): void {
    if (!this.#window.drop(block)) return
    this.#forgiven++
    const { map, downLimiter } = this.#owner
    downLimiter.refund(map.blockLength(block))
    this.#encoder.cancel(map.pieceOfBlock(block), map.blockBegin(block), map.blockLength(block))
  }

  // ---------------------------------------------------------------- blocks in

  onBlockStart(piece: number, begin: number, length: number): void {
    const block = this.#owner.map.blockAt(piece, begin, length)
    if (block < 0)
      throw new PeerError('bad_block', `There is no block of ${length} bytes at ${begin} in piece ${piece}`)
    const wasAsked = this.#window.has(block)
    if (!wasAsked && this.#forgiven-- <= 0)
      throw new PeerError('unrequested_block', `Block ${piece}:${begin} was not asked for`)
    this.#arriving = { block, length, wasAsked, lease: this.#owner.download.startBlock(this, block) }
  }

  onBlockBytes(bytes: Uint8Array): void {
    this.#lastPayloadAt = this.#now
    const { lease } = this.#arriving!
    if (lease) this.#owner.download.writeBlock(lease, bytes)
  }

  onBlockEnd(): void {
    const { block, length, wasAsked, lease } = this.#arriving!
    this.#arriving = null
    this.#lastBlockAt = this.#now
    this.#rejects = 0
    this.#barrenRounds = 0
    this.#isSnubbed = false
    this.bytesFromPeer += length
    this.#downMeter.add(length, this.#now)
    this.#owner.onReceived(length)
    // A request that was dropped while its block arrived (cancelled, timed out) is not settled twice.
    const isSettled = wasAsked && this.#window.settle(block, length, this.#now)
    const { download } = this.#owner
    const isUseful = lease !== null && download.finishBlock(lease, isSettled)
    if (!lease) download.wastedBytes += length
    if (!isUseful && isSettled) download.picker.requestLost(block)
  }

  #abandonArriving(): void {
    if (this.#arriving?.lease) this.#owner.download.abandonBlock(this.#arriving.lease)
    this.#arriving = null
  }

  // ---------------------------------------------------------------- blocks out

  onInterested(): void {
    if (!this.isInterested) this.#changeInterest(true)
  }

  onNotInterested(): void {
    if (this.isInterested) this.#changeInterest(false)
  }

  #changeInterest(isInterested: boolean): void {
    if (++this.#interestChanges > MAX_INTEREST_CHANGES)
      throw new PeerError('flood', 'The peer changes its interest without measure')
    this.isInterested = isInterested
    this.#owner.onInterestChange(this)
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.bytesFromPeer = 0
    this.bytesToPeer = 0
    this.#interestChanges = 0
    if (this.isUnchoked) this.roundsUnchoked++
  }

  unchoke(): void {
    if (this.isUnchoked) return
    this.isUnchoked = true
    this.roundsUnchoked = 0
    this.#encoder.unchoke()
  }

  choke(): void {
    if (!this.isUnchoked) return
    this.isUnchoked = false
    this.roundsUnchoked = 0
    this.#encoder.choke()
    this.#refuseQueued()
  }

  #refuseQueued(): void {
    const queue = this.uploads
    const kept: [number, number, number][] = []
    for (let i = 0; i < queue.length; i++) {
      const request: [number, number, number] = [queue.piece(i), queue.begin(i), queue.bytes(i)]
      if (this.#allowedToPeer.has(request[0])) kept.push(request)
      else if (this.#capabilities.fast) this.#encoder.reject(...request)
    }
    queue.clear()
    for (const request of kept) queue.push(...request)
  }

  onRequest(piece: number, begin: number, length: number): void {
    this.#requirePiece(piece)
    const { map, download } = this.#owner
    if (length === 0 || length > MAX_REQUEST_BYTES || begin + length > map.pieceLength(piece))
      throw new PeerError('bad_request', `${length} bytes at ${begin} in piece ${piece} cannot be asked for`)
    const isAllowed = this.isUnchoked || this.#allowedToPeer.has(piece)
    const most = this.isUnchoked ? MAX_QUEUED_REQUESTS : MAX_REQUESTS_WHILE_CHOKED
    if (!isAllowed || !download.have.has(piece) || this.uploads.length >= most) {
      if (this.#capabilities.fast) this.#encoder.reject(piece, begin, length)
      return
    }
    this.uploads.push(piece, begin, length)
  }

  onCancel(piece: number, begin: number, length: number): void {
    // BEP 6: a cancelled request is answered too.
    if (this.uploads.remove(piece, begin, length) && this.#capabilities.fast) this.#encoder.reject(piece, begin, length)
  }

  sendBlocks(framed: Uint8Array, payloadBytes: number, onTaken: () => void): void {
    this.flush()
    this.bytesToPeer += payloadBytes
    this.#lastSentAt = this.#lastUploadAt = this.#owner.now()
    this.#upMeter.add(payloadBytes, this.#lastUploadAt)
    this.#untaken.add(onTaken)
    this.#connection.write(framed, () => {
      if (this.#untaken.delete(onTaken)) onTaken()
    })
  }
}
