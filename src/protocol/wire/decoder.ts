// Incremental decoder of the peer wire (BEP 3, 6, 10): chunks in, calls out. It keeps no payload: the bytes of a block
// are handed on as they arrive, so that they are copied once, to where they belong. Everything else is small, bounded by
// `maxMessageBytes`, and checked for its length here; whether an index or a block makes sense is the handler's question.
// A message that breaks the format is thrown as PeerError: the connection is of no more use.
import { PeerError } from '../../base/errors.ts'
import {
  type Capabilities,
  decodeHandshakeHead,
  HANDSHAKE_BYTES,
  HANDSHAKE_HEAD_BYTES,
  opensAsHandshake,
  PROTOCOL_HEADER,
} from './handshake.ts'
import { MessageId } from './message-id.ts'

/** One call per message, in the order of the wire. Views are valid during the call only. */
export interface WireHandler {
  /** The first 48 bytes are here; the peer id may take its time (some peers wait for ours before they send it). */
  onHandshakeHead(infohash: Uint8Array, capabilities: Capabilities): void
  onPeerId(peerId: Uint8Array): void
  onKeepAlive(): void
  onChoke(): void
  onUnchoke(): void
  onInterested(): void
  onNotInterested(): void
  onHave(piece: number): void
  onBitfield(bits: Uint8Array): void
  onRequest(piece: number, begin: number, length: number): void
  onCancel(piece: number, begin: number, length: number): void
  /** A block begins; its `length` bytes follow in calls of `onBlockBytes`, then `onBlockEnd`. */
  onBlockStart(piece: number, begin: number, length: number): void
  onBlockBytes(bytes: Uint8Array): void
  onBlockEnd(): void
  onSuggest(piece: number): void
  onHaveAll(): void
  onHaveNone(): void
  onReject(piece: number, begin: number, length: number): void
  onAllowedFast(piece: number): void
  onExtended(id: number, payload: Uint8Array): void
  /** UDP port of its node in the DHT (BEP 5); may be 0. */
  onPort(port: number): void
}

/** Payload length that each message of fixed length must have; -1 where it varies. */
const PAYLOAD_BYTES: Readonly<Record<number, number>> = {
  [MessageId.choke]: 0,
  [MessageId.unchoke]: 0,
  [MessageId.interested]: 0,
  [MessageId.notInterested]: 0,
  [MessageId.have]: 4,
  [MessageId.bitfield]: -1,
  [MessageId.request]: 12,
  [MessageId.cancel]: 12,
  [MessageId.port]: 2,
  [MessageId.suggest]: 4,
  [MessageId.haveAll]: 0,
  [MessageId.haveNone]: 0,
  [MessageId.reject]: 12,
  [MessageId.allowedFast]: 4,
  [MessageId.extended]: -1,
}

type State = 'handshake-head' | 'peer-id' | 'message' | 'block-payload'

const BLOCK_HEAD_BYTES = 13
const LENGTH_BYTES = 4
/** Room for the beginning of a message that is kept for the next one: with hundreds of peers, more would add up. */
const KEPT_BYTES = 1024
const PEER_ID_BYTES = HANDSHAKE_BYTES - HANDSHAKE_HEAD_BYTES

export class WireDecoder {
  readonly #handler: WireHandler
  readonly #maxMessageBytes: number
  #state: State = 'handshake-head'
  /** The beginning of a message whose rest has not come yet. */
  #pending: Uint8Array
  #pendingLength = 0
  /** Bytes of the current block still to come. */
  #blockLeft = 0
  #isStopped = false

  /** @param maxMessageBytes longest message but `piece` that is accepted, in bytes */
  constructor(handler: WireHandler, maxMessageBytes: number) {
    this.#handler = handler
    this.#maxMessageBytes = maxMessageBytes
    this.#pending = new Uint8Array(HANDSHAKE_BYTES)
  }

  /** The beginning of a message whose rest has not come, for whoever decodes the rest; null within a handshake or a block. */
  get unfinished(): Uint8Array | null {
    return this.#state === 'message' ? this.#pending.slice(0, this.#pendingLength) : null
  }

  /** Bytes of a block that are still to come; 0 between messages. */
  get blockBytesLeft(): number {
    return this.#blockLeft
  }

  /** Decodes nothing more, not even the rest of a chunk that is being pushed: the peer is closed. */
  stop(): void {
    this.#isStopped = true
  }

  /** Decodes all of `chunk`; what is incomplete is kept for the next one. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.#isStopped) {
      if (this.#state === 'block-payload') at = this.#pushBlock(chunk, at)
      else if (this.#pendingLength > 0) at = this.#completePending(chunk, at)
      else {
        const used = this.#decodeOne(chunk, at, chunk.length)
        if (used === 0) {
          this.#keep(chunk, at, chunk.length)
          return
        }
        at += used
      }
    }
  }

  #pushBlock(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#blockLeft)
    this.#blockLeft -= end - at
    this.#handler.onBlockBytes(chunk.subarray(at, end))
    if (this.#blockLeft === 0) this.#endBlock()
    return end
  }

  #endBlock(): void {
    this.#state = 'message'
    this.#handler.onBlockEnd()
  }

  /** Adds to the pending beginning just what the next step of decoding needs. */
  #completePending(chunk: Uint8Array, at: number): number {
    const need = this.#bytesNeeded(this.#pending, 0, this.#pendingLength)
    const take = Math.min(need - this.#pendingLength, chunk.length - at)
    this.#keep(chunk, at, at + take)
    if (this.#pendingLength < need) return at + take
    const length = this.#pendingLength
    const used = this.#decodeOne(this.#pending, 0, length)
    // Zero: with these bytes we know a longer length to wait for, and go on gathering.
    if (used > 0) this.#forgetPending()
    return at + take
  }

  /** How many bytes, from the message's first on, the next step needs. */
  #bytesNeeded(bytes: Uint8Array, at: number, available: number): number {
    // Each byte of the header is looked at as it comes: who sends something else is not waited for.
    if (this.#state === 'handshake-head')
      return available < PROTOCOL_HEADER.length ? available + 1 : HANDSHAKE_HEAD_BYTES
    if (this.#state === 'peer-id') return PEER_ID_BYTES
    if (available < 4) return 4
    const length = readUint32(bytes, at)
    if (length === 0 || available < 5) return length === 0 ? 4 : 5
    return bytes[at + 4] === MessageId.piece ? BLOCK_HEAD_BYTES : 4 + length
  }

  /** Decodes one step of what stands at `at`; returns the bytes used, or 0 when more are needed. */
  #decodeOne(bytes: Uint8Array, at: number, end: number): number {
    const available = end - at
    if (this.#state === 'message') return this.#decodeMessage(bytes, at, available)
    if (this.#state === 'peer-id') return this.#decodePeerId(bytes, at, available)
    return this.#decodeHandshakeHead(bytes.subarray(at, Math.min(end, at + HANDSHAKE_HEAD_BYTES)))
  }

  #decodeHandshakeHead(head: Uint8Array): number {
    if (!opensAsHandshake(head))
      throw new PeerError('not_bittorrent', 'The peer does not open with a BitTorrent handshake')
    if (head.length < HANDSHAKE_HEAD_BYTES) return 0
    this.#state = 'peer-id'
    const { infohash, capabilities } = decodeHandshakeHead(head)
    this.#handler.onHandshakeHead(infohash, capabilities)
    return HANDSHAKE_HEAD_BYTES
  }

  #decodePeerId(bytes: Uint8Array, at: number, available: number): number {
    if (available < PEER_ID_BYTES) return 0
    this.#state = 'message'
    this.#handler.onPeerId(bytes.slice(at, at + PEER_ID_BYTES))
    return PEER_ID_BYTES
  }

  #decodeMessage(bytes: Uint8Array, at: number, available: number): number {
    if (available < 4) return 0
    const length = readUint32(bytes, at)
    if (length === 0) {
      this.#handler.onKeepAlive()
      return 4
    }
    if (available < 5) return 0
    const id = bytes[at + 4]
    if (id === MessageId.piece) return this.#startBlock(bytes, at, available, length)
    if (length > this.#maxMessageBytes)
      throw new PeerError(
        'message_too_long',
        `Message ${id} of ${length} bytes is longer than ${this.#maxMessageBytes}`,
      )
    const expected = PAYLOAD_BYTES[id]
    if (expected !== undefined && expected >= 0 && length - 1 !== expected)
      throw new PeerError(
        'bad_message_length',
        `Message ${id} has ${length - 1} bytes of payload instead of ${expected}`,
      )
    if (available < 4 + length) return 0
    this.#dispatch(id, bytes, at + 5, at + 4 + length)
    return 4 + length
  }

  #startBlock(bytes: Uint8Array, at: number, available: number, length: number): number {
    if (length < 9 || length - 9 > this.#maxMessageBytes)
      throw new PeerError('bad_message_length', `A block message of ${length} bytes cannot be`)
    if (available < BLOCK_HEAD_BYTES) return 0
    this.#blockLeft = length - 9
    this.#state = 'block-payload'
    this.#handler.onBlockStart(readUint32(bytes, at + 5), readUint32(bytes, at + 9), this.#blockLeft)
    if (this.#blockLeft === 0) this.#endBlock()
    return BLOCK_HEAD_BYTES
  }

  #dispatch(id: number, bytes: Uint8Array, at: number, end: number): void {
    const handler = this.#handler
    switch (id) {
      case MessageId.choke:
        return handler.onChoke()
      case MessageId.unchoke:
        return handler.onUnchoke()
      case MessageId.interested:
        return handler.onInterested()
      case MessageId.notInterested:
        return handler.onNotInterested()
      case MessageId.have:
        return handler.onHave(readUint32(bytes, at))
      case MessageId.bitfield:
        return handler.onBitfield(bytes.subarray(at, end))
      case MessageId.request:
        return handler.onRequest(readUint32(bytes, at), readUint32(bytes, at + 4), readUint32(bytes, at + 8))
      case MessageId.cancel:
        return handler.onCancel(readUint32(bytes, at), readUint32(bytes, at + 4), readUint32(bytes, at + 8))
      case MessageId.suggest:
        return handler.onSuggest(readUint32(bytes, at))
      case MessageId.haveAll:
        return handler.onHaveAll()
      case MessageId.haveNone:
        return handler.onHaveNone()
      case MessageId.reject:
        return handler.onReject(readUint32(bytes, at), readUint32(bytes, at + 4), readUint32(bytes, at + 8))
      case MessageId.allowedFast:
        return handler.onAllowedFast(readUint32(bytes, at))
      case MessageId.extended:
        if (end === at) throw new PeerError('bad_message_length', 'An extension message without an id cannot be')
        return handler.onExtended(bytes[at], bytes.subarray(at + 1, end))
      case MessageId.port:
        return handler.onPort((bytes[at] << 8) | bytes[at + 1])
      default:
      // Unknown messages are from a newer protocol: they are passed over.
    }
  }

  #forgetPending(): void {
    this.#pendingLength = 0
    if (this.#pending.length > KEPT_BYTES) this.#pending = new Uint8Array(HANDSHAKE_BYTES)
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#pendingLength + to - from
    if (length > this.#pending.length) {
      const most = LENGTH_BYTES + this.#maxMessageBytes
      const grown = new Uint8Array(Math.max(length, Math.min(most, 2 * this.#pending.length)))
      grown.set(this.#pending.subarray(0, this.#pendingLength))
      this.#pending = grown
    }
    this.#pending.set(bytes.subarray(from, to), this.#pendingLength)
    this.#pendingLength = length
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}
