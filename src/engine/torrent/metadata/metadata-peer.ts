// One peer of a torrent whose metadata is not known yet (BEP 3, 6, 9, 10): it is asked for that, and for nothing else. What it
// says meanwhile of its pieces is written down, in the form of the wire, for whoever goes on with the connection: a `Peer`, which
// can make sense of it. What is asked for is decided in `MetadataFetch`; whom to meet, in `MetadataStage`.
import { type Address, addressKey } from '../../../base/address.ts'
import { PeerError } from '../../../base/errors.ts'
import { CLIENT_NAME } from '../../../base/product.ts'
import type { Connection, ConnectionHandler } from '../../../platform/platform.ts'
import {
  type Capabilities,
  decodeExtensionHandshake,
  decodeMetadataMessage,
  encodeExtensionHandshake,
  encodeHandshake,
  encodeMetadataReject,
  encodeMetadataRequest,
  EXTENSION_HANDSHAKE_ID,
  UT_METADATA,
  UT_PEX,
  WireDecoder,
  WireEncoder,
  type WireHandler,
} from '../../../protocol/wire/index.ts'
import { KEEP_ALIVE_MS, overdue } from '../peer/connection-times.ts'
import { checkInfohash, type HandshakeOwner, ourHandshake } from '../peer/handshake.ts'
import { ADVERTISED_REQUEST_QUEUE, extensionIds } from '../peer/peer-extensions.ts'

export interface MetadataPeerOwner extends HandshakeOwner {
  readonly listenPort: number | null
  readonly usesPex: boolean
  now(): number
  /** A connection that we dialled is established. */
  onOpen(): void
  /** The peer has told its id: it may be one too many, or ourselves. */
  onHandshake(peer: MetadataPeer): void
  /** It has metadata of so many bytes, by its own word. */
  onOffer(peer: MetadataPeer, bytes: number): void
  /** One that came to us has told where it can be dialled. */
  onDialAddress(peer: MetadataPeer): void
  /** Has it been asked for this part? */
  isAsked(peer: MetadataPeer, part: number): boolean
  onPart(peer: MetadataPeer, part: number, totalSize: number | null, bytes: Uint8Array): void
  onReject(peer: MetadataPeer, part: number): void
  /** A message of peer exchange (BEP 11). */
  onPex(peer: MetadataPeer, payload: Uint8Array): void
  onFault(error: unknown): void
  /** The end, but for a peer that somebody else has taken over. `reason` is null when nobody is to blame. */
  onClosed(peer: MetadataPeer, reason: PeerError | null): void
}

/** How ids of rtorrent begin: `-lt`. */
const RTORRENT_ID = [0x2d, 0x6c, 0x74]
/** A bitfield of the most pieces that a torrent may have. */
const MAX_MESSAGE_BYTES = 262_145
/** What is written down for whoever goes on: a bitfield, and some thousand messages. */
const MAX_SAID_BYTES = 524_288
/** Bytes that it may leave unread of what we say. */
const MAX_QUEUED_BYTES = 131_072
/** Extension messages within ten seconds, without the parts of metadata that were asked for. */
const MAX_MESSAGES = 1000
const MESSAGES_WITHIN_MS = 10_000

export class MetadataPeer implements ConnectionHandler, WireHandler {
  readonly address: Address
  readonly isIncoming: boolean
  /** Where it can be dialled: its own word for an incoming connection. */
  dialAddress: Address | null
  peerId: Uint8Array | null = null
  connectedAt = 0
  hasOpened: boolean
  isClosed = false
  /** Once it is closed: the code of the error that ended it, or `closed`. */
  endedBy = 'closed'
  readonly #owner: MetadataPeerOwner
  readonly #decoder = new WireDecoder(this, MAX_MESSAGE_BYTES)
  readonly #encoder = new WireEncoder()
  /** All that was said and is of use later; null: too much. */
  #said: WireEncoder | null = new WireEncoder()
  #saidBytes = 0
  #connection!: Connection
  #capabilities: Capabilities = { extensions: false, fast: false, dht: false }
  #hasNamedNode = false
  /** The id under which it wants messages of metadata; null: it does not. */
  #metadataId: number | null = null
  #messages = 0
  #messagesSince = 0
  #openedAt: number
  #lastReceivedAt: number
  #lastSentAt = 0
  /** Who has taken over. */
  #target: ConnectionHandler | null = null

  constructor(owner: MetadataPeerOwner, address: Address, isIncoming: boolean) {
    this.#owner = owner
    this.address = address
    this.isIncoming = isIncoming
    this.dialAddress = isIncoming ? null : address
    this.hasOpened = isIncoming
    this.#openedAt = this.#lastReceivedAt = owner.now()
  }

  /** Called once, right after construction. */
  attach(connection: Connection): void {
    this.#connection = connection
    if (this.isIncoming) this.#sendHandshake()
  }

  get key(): string {
    return addressKey(this.address)
  }

  get isConnected(): boolean {
    return this.peerId !== null && !this.isClosed
  }

  /** rtorrent has room for one answer, and does not listen any more when a second request comes before that is sent. */
  get hasOneAnswer(): boolean {
    return this.peerId !== null && RTORRENT_ID.every((byte, i) => this.peerId![i] === byte)
  }

  request(part: number): void {
    if (this.#metadataId !== null) this.#encoder.extended(this.#metadataId, encodeMetadataRequest(part))
  }

  /**
   * Gives the connection to somebody who is handed all that the peer has said, from its handshake to the message that it is in the
   * middle of; our handshake has been sent, with the word that we have nothing. Null: it cannot be, and is closed.
   */
  handOver(): { readonly connection: Connection; readonly said: Uint8Array } | null {
    const { unfinished } = this.#decoder
    if (!this.isConnected || !this.#said || !unfinished) {
      this.close(null)
      return null
    }
    this.isClosed = true
    this.#said.raw(unfinished)
    return { connection: this.#connection, said: this.#said.take() }
  }

  /** Who goes on, after `handOver`. */
  set target(target: ConnectionHandler) {
    this.#target = target
  }

  /** Closes the connection. @param reason what the peer did; null when it is not to blame */
  close(reason: PeerError | null): void {
    if (this.isClosed) return
    this.#connection.close()
    this.#finish(reason, reason?.code ?? 'closed')
  }

  #finish(reason: PeerError | null, endedBy: string): void {
    this.isClosed = true
    this.endedBy = endedBy
    this.#decoder.stop()
    this.#owner.onClosed(this, reason)
  }

  flush(): void {
    if (this.#encoder.isEmpty || this.isClosed || !this.hasOpened) return
    this.#lastSentAt = this.#owner.now()
    this.#connection.write(this.#encoder.take())
  }

  tick(now: number): void {
    const reason = this.#timedOut(now)
    if (reason) return this.close(reason)
    if (this.isConnected && now - this.#lastSentAt > KEEP_ALIVE_MS) this.#encoder.keepAlive()
    this.flush()
  }

  #timedOut(now: number): PeerError | null {
    if (this.isConnected) return overdue('connected', this.#lastReceivedAt, now)
    return overdue(this.hasOpened ? 'handshaking' : 'connecting', this.#openedAt, now)
  }

  // ---------------------------------------------------------------- connection

  onOpen(): void {
    this.hasOpened = true
    this.#openedAt = this.#owner.now()
    this.#owner.onOpen()
    this.#sendHandshake()
  }

  onBytes(chunk: Uint8Array): void {
    if (this.#target) return this.#target.onBytes(chunk)
    this.#lastReceivedAt = this.#owner.now()
    try {
      this.#decoder.push(chunk)
      if (this.#connection.queuedBytes > MAX_QUEUED_BYTES)
        throw new PeerError('flood', 'The peer asks without reading the answers')
      this.flush()
    } catch (error) {
      if (error instanceof PeerError) return this.close(error)
      this.close(null)
      this.#owner.onFault(error)
    }
  }

  onDrain(): void {
    this.#target?.onDrain()
  }

  onEnd(): void {
    if (this.#target) this.#target.onEnd()
    else this.close(null)
  }

  onClose(error: Error | null): void {
    if (this.#target) this.#target.onClose(error)
    else if (!this.isClosed) this.#finish(null, (error as { code?: string } | null)?.code ?? 'closed')
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
    const { infohash, listenPort, usesPex } = this.#owner
    this.peerId = peerId
    this.connectedAt = this.#owner.now()
    this.#note((said) => said.raw(encodeHandshake(infohash, peerId, this.#capabilities)))
    this.#owner.onHandshake(this)
    if (this.isClosed) return
    if (this.#capabilities.extensions) {
      const handshake = encodeExtensionHandshake({
        extensions: extensionIds(usesPex),
        client: CLIENT_NAME,
        requestQueue: ADVERTISED_REQUEST_QUEUE,
        listenPort,
        yourIp: this.address.ip,
        metadataSize: null,
        isUploadOnly: false,
      })
      this.#encoder.extended(EXTENSION_HANDSHAKE_ID, handshake)
    }
    if (this.#capabilities.fast) this.#encoder.haveNone()
    // Some wait for a bitfield until they see that none comes (rtorrent).
    else this.#encoder.keepAlive()
    const port = this.#capabilities.dht ? this.#owner.dht?.portFor(this.address.ip) : null
    if (port) this.#encoder.port(port)
  }

  /** Once is enough. */
  onPort(port: number): void {
    if (port !== 0 && !this.#hasNamedNode) this.#owner.dht?.addNode({ ...this.address, port })
    this.#hasNamedNode = true
  }

  onExtended(id: number, payload: Uint8Array): void {
    if (!this.#capabilities.extensions) throw new PeerError('not_negotiated', 'The peer did not offer extensions')
    const ids = extensionIds(this.#owner.usesPex)
    if (id === ids.get(UT_METADATA)) return this.#onMetadataMessage(payload)
    this.#countMessage()
    // Whom it tells of is listened to here and now: what was told over hours would be a flood to whoever goes on.
    if (id === ids.get(UT_PEX)) return this.#owner.onPex(this, payload)
    this.#note((said) => said.extended(id, payload), payload.length)
    if (id === EXTENSION_HANDSHAKE_ID) this.#onExtensionHandshake(payload)
  }

  #countMessage(): void {
    const now = this.#owner.now()
    if (now - this.#messagesSince >= MESSAGES_WITHIN_MS) {
      this.#messagesSince = now
      this.#messages = 0
    }
    if (++this.#messages > MAX_MESSAGES)
      throw new PeerError('extension_flood', 'The peer sends extension messages without measure')
  }

  #onExtensionHandshake(payload: Uint8Array): void {
    const { extensions, listenPort, metadataSize } = decodeExtensionHandshake(payload)
    const id = extensions.get(UT_METADATA)
    if (id !== undefined) this.#metadataId = id === 0 ? null : id
    if (this.dialAddress === null && listenPort !== null) {
      this.dialAddress = { ...this.address, port: listenPort }
      this.#owner.onDialAddress(this)
    }
    if (this.#metadataId === null || metadataSize === null) return
    this.#owner.onOffer(this, metadataSize)
  }

  #onMetadataMessage(payload: Uint8Array): void {
    const message = decodeMetadataMessage(payload)
    // Parts that it was asked for have a measure of their own: there may be thousands, and the faster the better.
    if (message.kind !== 'data' || !this.#owner.isAsked(this, message.part)) this.#countMessage()
    if (message.kind === 'data') this.#owner.onPart(this, message.part, message.totalSize, message.bytes)
    else if (message.kind === 'reject') this.#owner.onReject(this, message.part)
    else if (message.kind === 'request' && this.#metadataId !== null)
      this.#encoder.extended(this.#metadataId, encodeMetadataReject(message.part))
  }

  // ---------------------------------------------------------------- what is for later

  #note(write: (said: WireEncoder) => void, bytes = 16): void {
    this.#saidBytes += bytes
    if (this.#saidBytes > MAX_SAID_BYTES) this.#said = null
    if (this.#said) write(this.#said)
  }

  onKeepAlive(): void {}

  onChoke(): void {
    this.#note((said) => said.choke())
  }

  onUnchoke(): void {
    this.#note((said) => said.unchoke())
  }

  onInterested(): void {
    this.#note((said) => said.interested())
  }

  onNotInterested(): void {
    this.#note((said) => said.notInterested())
  }

  onHave(piece: number): void {
    this.#note((said) => said.have(piece))
  }

  onBitfield(bits: Uint8Array): void {
    this.#note((said) => said.bitfield(bits), bits.length)
  }

  onHaveAll(): void {
    this.#note((said) => said.haveAll())
  }

  onHaveNone(): void {
    this.#note((said) => said.haveNone())
  }

  onSuggest(piece: number): void {
    this.#note((said) => said.suggest(piece))
  }

  onAllowedFast(piece: number): void {
    this.#note((said) => said.allowedFast(piece))
  }

  /** We have told that we have nothing. */
  onRequest(piece: number, begin: number, length: number): void {
    if (this.#capabilities.fast) this.#encoder.reject(piece, begin, length)
  }

  onCancel(): void {}

  onReject(): void {}

  onBlockStart(): void {
    throw new PeerError('unrequested_block', 'The peer sent a block that nobody asked for')
  }

  onBlockBytes(): void {}

  onBlockEnd(): void {}
}
