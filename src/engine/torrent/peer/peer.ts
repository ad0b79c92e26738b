// One connected peer (BEP 3, 6, 10): the connection and the handshake. What the peer has is in `PeerPieces`, what we ask it
// for in `PeerRequests`, what it gets from us in `PeerService`, what else is said in `PeerExtensions`; every message of the
// wire is one line here, or a few.
// It does not decide whom to serve (choker), what to fetch (download) or whom to meet (swarm).
import { type Address, addressKey } from '../../../base/address.ts'
import { Bitfield } from '../../../base/bitfield.ts'
import { NetworkError, PeerError } from '../../../base/errors.ts'
import type { Connection, ConnectionHandler } from '../../../platform/platform.ts'
import {
  allowedFastSet,
  type Capabilities,
  WireDecoder,
  WireEncoder,
  type WireHandler,
} from '../../../protocol/wire/index.ts'
import type { ChokeCandidate } from '../../policy/choker.ts'
import { KEEP_ALIVE_MS, overdue } from './connection-times.ts'
import { checkInfohash, ourHandshake } from './handshake.ts'
import type { BlockSource } from '../download.ts'
import { PeerExtensions } from './peer-extensions.ts'
import type { PeerOwner } from './peer-owner.ts'
import { PeerPieces } from './peer-pieces.ts'
import { PeerRequests } from './peer-requests.ts'
import { PeerService } from './peer-service.ts'
import type { UploadQueue } from './upload-queue.ts'
import type { UploadPeer } from '../upload.ts'

const ALLOWED_FAST_PIECES = 10
/** Anything but a block: a bitfield of the torrent's pieces, or an extension message. */
const MIN_MESSAGE_LIMIT = 131_072
/** Suggestions and allowances within one round of the choker. */
const MAX_HINTS = 1000

/** Metadata that is written before the peer has taken what was written before. */
const METADATA_AHEAD_BYTES = 65_536

/** A peer that cannot use it at once hears only so often of the pieces that we have got. */
const NEWS_EVERY_MS = 1_000

type Stage = 'connecting' | 'handshaking' | 'connected' | 'closed'

export class Peer implements ConnectionHandler, WireHandler, BlockSource, UploadPeer, ChokeCandidate {
  readonly address: Address
  readonly isIncoming: boolean
  readonly priority: number
  stage: Stage
  /** The connection was established, or came in. */
  hasOpened: boolean
  /** Once it is closed: the code of the error that ended it, or `closed`. */
  endedBy = 'closed'
  peerId: Uint8Array | null = null
  /** When its last bytes came. */
  lastReceivedAt = 0
  /** Where it can be dialled: its own word for an incoming connection. */
  dialAddress: Address | null
  readonly #owner: PeerOwner<Peer>
  readonly #encoder = new WireEncoder()
  readonly #decoder: WireDecoder
  readonly #pieces: PeerPieces
  readonly #requests: PeerRequests
  readonly #service: PeerService
  readonly #extensions: PeerExtensions
  #connection!: Connection
  #capabilities: Capabilities = { extensions: false, fast: false, dht: false }
  #hasNamedNode = false
  /** Suggestions and allowances within this round of the choker. */
  #hints = 0
  #isTakenOver = false
  #now: number
  #openedAt: number
  #lastSentAt = 0
  #newsSentAt = 0

  /** @param priority its rank among the peers (BEP 40) */
  constructor(owner: PeerOwner<Peer>, address: Address, isIncoming: boolean, priority = 0) {
    this.#owner = owner
    this.address = address
    this.isIncoming = isIncoming
    this.priority = priority
    this.dialAddress = isIncoming ? null : address
    this.stage = isIncoming ? 'handshaking' : 'connecting'
    this.hasOpened = isIncoming
    this.#pieces = new PeerPieces(owner, this.#encoder)
    this.#decoder = new WireDecoder(this, Math.max(MIN_MESSAGE_LIMIT, this.have.bytes.length + 1))
    this.#requests = new PeerRequests(this, owner, this.#encoder)
    this.#service = new PeerService(owner.map, this.#encoder)
    const { metadata, exchange } = owner
    const onPex = exchange && ((payload: Uint8Array): void => exchange.onMessage(this, payload, this.#now))
    this.#extensions = new PeerExtensions(this.#encoder, { metadata, onPex })
    this.#now = this.#openedAt = owner.now()
  }

  /** Called once, right after construction. */
  attach(connection: Connection): void {
    this.#connection = connection
    if (this.isIncoming) this.#sendHandshake()
  }

  /**
   * Called once, right after construction, where another has exchanged handshakes with the peer for us, and told it that we have
   * nothing. What the peer has said follows through `onBytes`, from its handshake on.
   */
  takeOver(connection: Connection): void {
    this.#connection = connection
    this.#isTakenOver = true
    this.stage = 'handshaking'
    this.hasOpened = true
  }

  get key(): string {
    return addressKey(this.address)
  }

  get have(): Bitfield {
    return this.#pieces.have
  }

  get isSeed(): boolean {
    return this.have.isFull
  }

  /** It wants nothing, by its own word (BEP 21) or because it has everything. */
  get isUploadOnly(): boolean {
    return this.isSeed || (this.#extensions.isUploadOnly && !this.isInterested)
  }

  /** What it calls itself, or null. */
  get client(): string | null {
    return this.#extensions.client
  }

  get isClosed(): boolean {
    return this.stage === 'closed'
  }

  get isConnected(): boolean {
    return this.stage === 'connected'
  }

  /** Since when no payload has gone either way: the longest idle peer makes way when there are too many. */
  get idleSince(): number {
    return Math.max(this.#requests.lastPayloadAt, this.#service.lastUploadAt)
  }

  /** Has any payload passed, either way? */
  get hasMovedPayload(): boolean {
    return this.#requests.hasDelivered || this.#service.lastUploadAt > 0
  }

  // What the picker, the choker and the upload look at.

  get isChokingUs(): boolean {
    return this.#requests.isChoked
  }
  /** It has something that we want. */
  get isWanted(): boolean {
    return this.#pieces.isWanted
  }
  /** It does not answer what it was asked for. */
  get isSnubbed(): boolean {
    return this.#requests.isSnubbed
  }
  /** Blocks that it was asked for and has not sent. */
  get outstanding(): number {
    return this.#requests.outstanding
  }
  get allowedFast(): ReadonlySet<number> {
    return this.#requests.allowedFast
  }
  get suggested(): ReadonlySet<number> {
    return this.#pieces.suggested
  }
  get downRate(): number {
    return this.#requests.rate(this.#owner.now())
  }
  get owesUs(): boolean {
    return this.#requests.isOwed
  }
  get bytesFromPeer(): number {
    return this.#requests.bytesThisRound
  }
  get isInterested(): boolean {
    return this.#service.isInterested
  }
  get isUnchoked(): boolean {
    return this.#service.isUnchoked
  }
  get roundsUnchoked(): number {
    return this.#service.roundsUnchoked
  }
  get bytesToPeer(): number {
    return this.#service.bytesThisRound
  }
  get upRate(): number {
    return this.#service.rate(this.#owner.now())
  }
  get uploads(): UploadQueue {
    return this.#service.queue
  }
  get queuedBytes(): number {
    return this.#connection.queuedBytes
  }
  hasAsked(block: number): boolean {
    return this.#requests.has(block)
  }
  etaMs(blocks: number): number {
    return this.#requests.etaMs(blocks, this.#owner.now())
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
    this.#now = this.lastReceivedAt = this.#owner.now()
    const isMidBlock = chunk.length < this.#decoder.blockBytesLeft
    try {
      this.#decoder.push(chunk)
      // In the middle of a block the peer has said nothing: there is nothing to answer.
      if (this.isClosed || isMidBlock) return
      // Blocks are sent from memory that is bounded; what else is said is not.
      if (this.queuedBytes - this.#service.untakenBytes > this.#owner.maxQueuedBytes)
        throw new PeerError('flood', 'The peer asks without reading the answers')
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
    if (this.isConnected) this.#serveMetadata()
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
    const isAddressGone = error instanceof NetworkError && error.code === 'address_gone'
    if (!this.isClosed) this.#finish(null, error, isOurs || isAddressGone)
    if (isOurs) this.#owner.onFault(error)
    this.#service.releaseMemory()
  }

  /** Closes the connection. @param reason what the peer did; null when it is not to blame */
  close(reason: PeerError | null): void {
    if (this.stage === 'closed') return
    this.#connection.close()
    this.#finish(reason, null, true)
  }

  #finish(reason: PeerError | null, error: Error | null, isOurWish = false): void {
    const owed = this.#requests.outstanding
    const { upload } = this.#owner
    this.stage = 'closed'
    this.#decoder.stop()
    this.#requests.close()
    this.#pieces.close()
    upload.forget(this)
    this.uploads.clear()
    const how = error ? ` (${error.message})` : ''
    const left =
      owed > 0 && !isOurWish ? new PeerError('left', `The peer left while ${owed} blocks were outstanding${how}`) : null
    const failure = reason ?? (error instanceof NetworkError ? error : left)
    this.endedBy = failure?.code ?? 'closed'
    this.#owner.onClosed(this, reason ?? left)
  }

  /** Sends what has gathered. */
  flush(): void {
    if (this.#encoder.isEmpty || this.isClosed || this.stage === 'connecting') return
    if (this.#pieces.hasNews) this.#sendNews()
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
    if (this.#pieces.hasNews && this.#isNewsDue(now)) this.#sendNews()
    this.requestMore()
    this.flush()
  }

  /**
   * In a large swarm most messages say that somebody has one piece more. They are urgent for who is served, or finds
   * nothing to want with us; who waits for a slot anyway hears of several at once, or with whatever else we have to say.
   */
  #isNewsDue(now: number): boolean {
    return this.isUnchoked || !this.isInterested || now - this.#newsSentAt >= NEWS_EVERY_MS
  }

  #sendNews(): void {
    this.#pieces.sendHaves()
    this.#newsSentAt = this.#now
  }

  #timedOut(now: number): PeerError | null {
    if (this.stage === 'closed') return null
    if (this.stage !== 'connected') return overdue(this.stage, this.#openedAt, now)
    const reason = overdue(this.stage, this.lastReceivedAt, now)
    if (reason) return reason
    return this.#service.overdue(this.#connection, now) ?? this.#requests.overdue(now)
  }

  // ---------------------------------------------------------------- handshake

  #sendHandshake(): void {
    this.#encoder.raw(ourHandshake(this.#owner))
    this.flush()
  }

  onHandshakeHead(infohash: Uint8Array, capabilities: Capabilities): void {
    checkInfohash(infohash, this.#owner)
    this.#capabilities = capabilities
  }

  onPeerId(peerId: Uint8Array): void {
    this.peerId = peerId
    this.stage = 'connected'
    this.#requests.start(this.#now)
    this.#service.start(this.#now)
    this.#owner.onHandshake(this)
    if (!this.isConnected) return
    const { listenPort, download, upload, isSuperSeeding, servesNobody } = this.#owner
    // Who says that it wants nothing, and then shows nothing, is taken to be of no use.
    const isUploadOnly = download.isComplete && !isSuperSeeding
    if (this.#capabilities.extensions)
      this.#extensions.sendHandshake(this.address, listenPort, isUploadOnly, !this.#isTakenOver)
    this.#sendHave()
    const isGiving = !isSuperSeeding && !servesNobody && !upload.isSlow
    if (this.#capabilities.fast && isGiving) this.#grantAllowedFast()
    const port = this.#capabilities.dht && !this.#isTakenOver ? this.#owner.dht?.portFor(this.address.ip) : null
    if (port) this.#encoder.port(port)
  }

  /** Once is enough. */
  onPort(port: number): void {
    if (port !== 0 && !this.#hasNamedNode) this.#owner.dht?.addNode({ ...this.address, port })
    this.#hasNamedNode = true
  }

  #sendHave(): void {
    const { have } = this.#owner.download
    if (this.#isTakenOver) {
      // A bitfield may come at the beginning only.
      if (!this.#owner.isSuperSeeding) have.forEachSet((piece) => this.#encoder.have(piece))
    } else if (this.#owner.isSuperSeeding) {
      if (this.#capabilities.fast) this.#encoder.haveNone()
    } else if (this.#capabilities.fast && have.isFull) this.#encoder.haveAll()
    else if (this.#capabilities.fast && have.count === 0) this.#encoder.haveNone()
    else if (have.count > 0) this.#encoder.bitfield(have.bytes)
  }

  /**
   * BEP 6: a newcomer gets a few pieces of ours even while it is choked, so that it has something to trade. Only what is
   * common already: of the rest the swarm needs one copy of each, not ten copies of ten (the set is the same for a /24).
   */
  #grantAllowedFast(): void {
    const { infohash, map, download } = this.#owner
    for (const piece of allowedFastSet(this.address.ip, infohash, map.pieceCount, ALLOWED_FAST_PIECES)) {
      if (download.have.has(piece) && this.#owner.isCommon(piece)) this.#service.allow(piece)
    }
  }

  onExtended(id: number, payload: Uint8Array): void {
    if (!this.#capabilities.extensions) throw new PeerError('not_negotiated', 'The peer did not offer extensions')
    const handshake = this.#extensions.onMessage(id, payload)
    if (handshake) {
      if (handshake.requestQueue !== null) this.#requests.setPeerLimit(handshake.requestQueue)
      if (this.dialAddress === null && handshake.listenPort !== null) {
        this.dialAddress = { ...this.address, port: handshake.listenPort }
        this.#owner.onDialAddress(this)
      }
      if (handshake.yourIp !== null) this.#owner.onOurIp(handshake.yourIp)
    }
    if (this.#extensions.isUploadOnly) this.#owner.onHaveChange(this)
    this.#serveMetadata()
  }

  /** As much as the peer reads: blocks on their way are not counted. */
  #serveMetadata(): void {
    this.#extensions.serveMetadata(METADATA_AHEAD_BYTES - (this.queuedBytes - this.#service.untakenBytes))
    this.flush()
  }

  /** It exchanges peers with us (BEP 11). */
  get takesPex(): boolean {
    return this.isConnected && this.#extensions.takesPex
  }

  sendPex(payload: Uint8Array): void {
    this.#extensions.sendPex(payload)
    this.flush()
  }

  /** We want nothing any more, or something again (BEP 21). */
  tellUploadOnly(isUploadOnly: boolean): void {
    if (this.isConnected) this.#extensions.sendUploadOnly(isUploadOnly)
  }

  /** What we want has changed: are we still interested? */
  recountWanted(): void {
    this.#pieces.recount()
    this.#requests.lookAgain()
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
    this.#pieces.tell(have)
    this.#requests.lookAgain()
    this.#owner.onHaveChange(this)
  }

  onHave(piece: number): void {
    this.#requirePiece(piece)
    if (!this.#pieces.add(piece)) return
    this.#requests.lookAgain()
    this.#owner.onPiece(this, piece)
    if (this.isSeed) this.#owner.onHaveChange(this)
  }

  /** It learns that we have this piece, which we hid from it. */
  reveal(piece: number): void {
    if (this.isConnected) this.#encoder.have(piece)
  }

  /** We have one piece more: the peer is told unless it has it too. */
  announceHave(piece: number): void {
    if (this.isConnected) this.#pieces.announce(piece)
  }

  onSuggest(piece: number): void {
    this.#requireHint(piece)
    this.#pieces.suggest(piece)
  }

  onAllowedFast(piece: number): void {
    this.#requireHint(piece)
    this.#requests.onAllowedFast(piece)
  }

  #requireHint(piece: number): void {
    this.#requireFast()
    this.#requirePiece(piece)
    if (++this.#hints > MAX_HINTS)
      throw new PeerError('hint_flood', 'The peer suggests and allows pieces without measure')
  }

  #requireFast(): void {
    if (!this.#capabilities.fast)
      throw new PeerError('not_negotiated', 'A message of the fast extension was not negotiated')
  }

  #requirePiece(piece: number): void {
    if (piece >= this.#owner.map.pieceCount)
      throw new PeerError('bad_piece', `Piece ${piece} is not one of ${this.#owner.map.pieceCount}`)
  }

  // ---------------------------------------------------------------- what we ask for

  onChoke(): void {
    this.#requests.onChoke(this.#capabilities.fast)
  }

  onUnchoke(): void {
    this.#requests.onUnchoke(this.#now)
  }

  onReject(piece: number, begin: number, length: number): void {
    this.#requireFast()
    this.#requests.onReject(piece, begin, length)
  }

  onBlockStart(piece: number, begin: number, length: number): void {
    this.#requests.startBlock(piece, begin, length)
  }

  onBlockBytes(bytes: Uint8Array): void {
    this.#requests.fillBlock(bytes, this.#now)
  }

  onBlockEnd(): void {
    this.#requests.endBlock(this.#now)
  }

  /** Asks for what there is to ask for. */
  requestMore(): void {
    if (this.isConnected && this.isWanted) this.#requests.requestMore(this.#now)
  }

  /** Under a rate limit: would it ask for more if it were its turn? */
  get hasRoomToAsk(): boolean {
    return this.isConnected && this.isWanted && this.#requests.hasRoom
  }

  /** It is its turn under a rate limit. @returns bytes asked for; 0: there is nothing to ask for */
  requestSome(blocks: number): number {
    return this.hasRoomToAsk ? this.#requests.requestSome(blocks, this.#owner.now()) : 0
  }

  /** Of what it was asked for, all but the first blocks are cancelled. */
  keepOnly(blocks: number): void {
    this.#requests.keepOnly(blocks)
  }

  /** Somebody else has delivered this block. */
  cancel(block: number): void {
    this.#requests.cancel(block)
  }

  // ---------------------------------------------------------------- what it asks for

  onInterested(): void {
    this.#changeInterest(true)
  }

  onNotInterested(): void {
    this.#changeInterest(false)
  }

  #changeInterest(isInterested: boolean): void {
    if (this.isInterested === isInterested) return
    this.#service.changeInterest(isInterested)
    this.#owner.onInterestChange(this)
  }

  onRequest(piece: number, begin: number, length: number): void {
    this.#requirePiece(piece)
    const have = this.#owner.download.have.has(piece) && !this.#owner.hides(this, piece)
    this.#service.onRequest(piece, begin, length, have, this.#capabilities.fast)
  }

  onCancel(piece: number, begin: number, length: number): void {
    this.#service.onCancel(piece, begin, length, this.#capabilities.fast)
  }

  /** Tells it which of these pieces, all in our memory, costs us least (BEP 6): one that it lacks. */
  suggestOneOf(pieces: readonly number[]): void {
    if (!this.#capabilities.fast) return
    const piece = pieces.find((each) => !this.have.has(each))
    if (piece !== undefined) this.#service.suggest(piece)
  }

  unchoke(): void {
    this.#service.unchoke()
  }

  choke(): void {
    this.#service.choke(this.#capabilities.fast)
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.#hints = 0
    this.#pieces.endRound()
    this.#requests.endRound()
    this.#service.endRound()
    this.#extensions.endRound()
  }

  sendBlocks(framed: Uint8Array, payloadBytes: number, onTaken: () => void): void {
    // What was said before the blocks arrives before them.
    this.flush()
    this.#lastSentAt = this.#owner.now()
    this.#service.send(this.#connection, framed, payloadBytes, onTaken, this.#lastSentAt)
  }
}
