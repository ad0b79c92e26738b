// Small messages of the peer wire, gathered until `take`: one write for all that one turn has to say (BEP 3, 6, 10).
// Blocks are not written here: they go from the read cache to the socket with their headers, see `encodePieceHeader`.
import { MessageId, PIECE_HEADER_BYTES } from './message-id.ts'

const START_BYTES = 512
/** A buffer that had to grow beyond this is not kept. */
const KEPT_BYTES = 65_536

export class WireEncoder {
  #bytes = new Uint8Array(START_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** All messages since the last call, as bytes that are the caller's from now on. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length)
    this.#length = 0
    if (this.#bytes.length > KEPT_BYTES) {
      this.#bytes = new Uint8Array(START_BYTES)
      this.#view = new DataView(this.#bytes.buffer)
    }
    return bytes
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  keepAlive(): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, 0)
    this.#length += 4
  }

  choke(): void {
    this.#head(MessageId.choke, 0)
  }

  unchoke(): void {
    this.#head(MessageId.unchoke, 0)
  }

  interested(): void {
    this.#head(MessageId.interested, 0)
  }

  notInterested(): void {
    this.#head(MessageId.notInterested, 0)
  }

  have(piece: number): void {
    this.#head(MessageId.have, 4)
    this.#uint32(piece)
  }

  bitfield(bits: Uint8Array): void {
    this.#head(MessageId.bitfield, bits.length)
    this.raw(bits)
  }

  haveAll(): void {
    this.#head(MessageId.haveAll, 0)
  }

  haveNone(): void {
    this.#head(MessageId.haveNone, 0)
  }

  request(piece: number, begin: number, length: number): void {
    this.#blockMessage(MessageId.request, piece, begin, length)
  }

  cancel(piece: number, begin: number, length: number): void {
    this.#blockMessage(MessageId.cancel, piece, begin, length)
  }

  reject(piece: number, begin: number, length: number): void {
    this.#blockMessage(MessageId.reject, piece, begin, length)
  }

  suggest(piece: number): void {
    this.#head(MessageId.suggest, 4)
    this.#uint32(piece)
  }

  /** Of our node in the DHT (BEP 5). */
  port(port: number): void {
    this.#head(MessageId.port, 2)
    this.#reserve(2)
    this.#view.setUint16(this.#length, port)
    this.#length += 2
  }

  allowedFast(piece: number): void {
    this.#head(MessageId.allowedFast, 4)
    this.#uint32(piece)
  }

  extended(id: number, payload: Uint8Array): void {
    this.#head(MessageId.extended, 1 + payload.length)
    this.#reserve(1)
    this.#bytes[this.#length++] = id
    this.raw(payload)
  }

  #blockMessage(id: number, piece: number, begin: number, length: number): void {
    this.#head(id, 12)
    this.#uint32(piece)
    this.#uint32(begin)
    this.#uint32(length)
  }

  #head(id: number, payloadBytes: number): void {
    this.#reserve(5 + payloadBytes)
    this.#view.setUint32(this.#length, 1 + payloadBytes)
    this.#bytes[this.#length + 4] = id
    this.#length += 5
  }

  #uint32(value: number): void {
    this.#view.setUint32(this.#length, value)
    this.#length += 4
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#length + extra, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Writes the 13 bytes that stand before a block of `length` bytes into `target` at `at`. */
export function encodePieceHeader(target: Uint8Array, at: number, piece: number, begin: number, length: number): void {
  writeUint32(target, at, PIECE_HEADER_BYTES - 4 + length)
  target[at + 4] = MessageId.piece
  writeUint32(target, at + 5, piece)
  writeUint32(target, at + 9, begin)
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}
