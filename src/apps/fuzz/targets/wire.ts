// The peer wire (BEP 3, 6, 10): a stream means the same however it is cut into chunks, and what was read can be written again.
import { concatBytes } from '../../../base/bytes.ts'
import { PeerError } from '../../../base/errors.ts'
import {
  type Capabilities,
  encodeHandshake,
  encodePieceHeader,
  PIECE_HEADER_BYTES,
  WireDecoder,
  WireEncoder,
  type WireHandler,
} from '../../../protocol/wire/index.ts'
import type { SeededRandom } from '../../../sim/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureBytes } from '../fixtures.ts'
import { isRefusal, type Target } from '../target.ts'

const REFUSALS = [PeerError]
/** Less than a torrent's peers have, so that the limit is often met. */
const MAX_MESSAGE_BYTES = 4096
/** Of a long input: what each chunk costs is not the question. */
const MOST_CHUNKS = 5000

export const wire: Target<Reading> = {
  name: 'wire',
  seeds: seedStreams(),
  words: [
    '\x13BitTorrent protocol',
    '\0\0\0\0',
    '\0\0\0\x01',
    '\0\0\0\x05\x04',
    '\0\0\0\x0d\x06',
    '\0\0@\x09\x07',
    '\0\0\0\x02\x14',
    '\0\0\0\x09\x07',
  ],
  refusals: REFUSALS,
  parse: (input, random) => read(chunksOf(input, random)),
  check(cut, input) {
    // A block that breaks off comes in other parts, but with the same bytes.
    expectSame(cut, read([input.slice()]), 'a stream means the same however it is cut')
    const encoder = new WireEncoder()
    for (const [name, ...values] of cut.messages) write(encoder, name, values)
    expectSame(read([encoder.take()]).messages, cut.messages, 'what was read can be written')
  },
  sources: [
    { path: 'protocol/wire/decoder.ts', without: ['stop', 'get blockBytesLeft'] },
    { path: 'protocol/wire/handshake.ts' },
    { path: 'protocol/wire/encoder.ts', without: ['get isEmpty'] },
  ],
}

type Value = number | Uint8Array | Capabilities
type Message = readonly [name: string, ...values: Value[]]

interface Reading {
  readonly messages: readonly Message[]
  readonly error: Error | null
}

function read(chunks: readonly Uint8Array[]): Reading {
  const recorder = new Recorder()
  const decoder = new WireDecoder(recorder, MAX_MESSAGE_BYTES)
  let error: Error | null = null
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      // It is the caller's again.
      chunk.fill(0xee)
    }
  } catch (thrown) {
    if (!isRefusal(REFUSALS, thrown)) throw thrown
    error = thrown as PeerError
  }
  return { messages: recorder.end(), error }
}

/** Keeps what it is called with. */
class Recorder implements WireHandler {
  readonly #messages: Message[] = []
  #block: { readonly piece: number; readonly begin: number; left: number; readonly parts: Uint8Array[] } | null = null

  /** A block that broke off counts with the bytes that came. */
  end(): readonly Message[] {
    if (this.#block) this.#keepBlock()
    return this.#messages
  }

  onHandshakeHead(infohash: Uint8Array, capabilities: Capabilities): void {
    this.#messages.push(['handshake', infohash, capabilities])
  }
  onPeerId(peerId: Uint8Array): void {
    this.#messages.push(['peerId', peerId])
  }
  onKeepAlive(): void {
    this.#messages.push(['keepAlive'])
  }
  onChoke(): void {
    this.#messages.push(['choke'])
  }
  onUnchoke(): void {
    this.#messages.push(['unchoke'])
  }
  onInterested(): void {
    this.#messages.push(['interested'])
  }
  onNotInterested(): void {
    this.#messages.push(['notInterested'])
  }
  onHave(piece: number): void {
    this.#messages.push(['have', piece])
  }
  onBitfield(bits: Uint8Array): void {
    this.#messages.push(['bitfield', bits.slice()])
  }
  onRequest(piece: number, begin: number, length: number): void {
    this.#messages.push(['request', piece, begin, length])
  }
  onCancel(piece: number, begin: number, length: number): void {
    this.#messages.push(['cancel', piece, begin, length])
  }
  onBlockStart(piece: number, begin: number, length: number): void {
    expectTrue(this.#block === null && length <= MAX_MESSAGE_BYTES, 'blocks follow each other, each of bounded length')
    this.#block = { piece, begin, left: length, parts: [] }
  }
  onBlockBytes(bytes: Uint8Array): void {
    const block = this.#block
    if (block) {
      block.left -= bytes.length
      block.parts.push(bytes.slice())
    }
    expectTrue(block !== null && block.left >= 0, 'bytes of a block come within it')
  }
  onBlockEnd(): void {
    expectTrue(this.#block?.left === 0, 'a block ends with its last byte')
    this.#keepBlock()
  }
  onSuggest(piece: number): void {
    this.#messages.push(['suggest', piece])
  }
  onHaveAll(): void {
    this.#messages.push(['haveAll'])
  }
  onHaveNone(): void {
    this.#messages.push(['haveNone'])
  }
  onReject(piece: number, begin: number, length: number): void {
    this.#messages.push(['reject', piece, begin, length])
  }
  onPort(port: number): void {
    this.#messages.push(['port', port])
  }
  onAllowedFast(piece: number): void {
    this.#messages.push(['allowedFast', piece])
  }
  onExtended(id: number, payload: Uint8Array): void {
    this.#messages.push(['extended', id, payload.slice()])
  }

  #keepBlock(): void {
    const { piece, begin, parts } = this.#block!
    this.#block = null
    this.#messages.push(['block', piece, begin, concatBytes(parts)])
  }
}

type Plain = 'keepAlive' | 'choke' | 'unchoke' | 'interested' | 'notInterested' | 'haveAll' | 'haveNone'

function write(encoder: WireEncoder, name: string, values: readonly Value[]): void {
  const [a, b, c] = values as [number, number, number]
  const [bytes, capabilities] = values as [Uint8Array, Capabilities]
  switch (name) {
    case 'handshake':
      return encoder.raw(encodeHandshake(bytes, new Uint8Array(0), capabilities))
    case 'peerId':
      return encoder.raw(bytes)
    case 'bitfield':
      return encoder.bitfield(bytes)
    case 'extended':
      return encoder.extended(a, values[1] as Uint8Array)
    case 'block':
      return encoder.raw(blockMessage(a, b, values[2] as Uint8Array))
    case 'have':
    case 'suggest':
    case 'allowedFast':
    case 'port':
      return encoder[name](a)
    case 'request':
    case 'cancel':
    case 'reject':
      return encoder[name](a, b, c)
    default:
      return encoder[name as Plain]()
  }
}

function blockMessage(piece: number, begin: number, payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(PIECE_HEADER_BYTES + payload.length)
  encodePieceHeader(message, 0, piece, begin, payload.length)
  message.set(payload, PIECE_HEADER_BYTES)
  return message
}

/** Cut at random: byte for byte, or in a few parts; some of them empty. */
function chunksOf(input: Uint8Array, random: SeededRandom): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const longest = Math.max(2 ** random.below(16), Math.ceil(input.length / MOST_CHUNKS))
  for (let at = 0; at < input.length;) {
    const length = random.below(longest + 1)
    chunks.push(input.slice(at, at + length))
    at += length
  }
  return chunks
}

function seedStreams(): Uint8Array[] {
  const id = new Uint8Array(20).fill(0x41)
  const handshake = encodeHandshake(id, id, { extensions: true, fast: true })
  const everything = new WireEncoder()
  everything.keepAlive()
  everything.bitfield(Uint8Array.of(0x80, 0x40))
  everything.haveAll()
  everything.haveNone()
  everything.choke()
  everything.unchoke()
  everything.interested()
  everything.notInterested()
  everything.have(5)
  everything.request(1, 16_384, 16_384)
  everything.cancel(1, 16_384, 16_384)
  everything.reject(1, 16_384, 16_384)
  everything.suggest(3)
  everything.allowedFast(4)
  everything.raw(blockMessage(1, 16_384, new Uint8Array(100).fill(1)))
  everything.extended(0, Uint8Array.of(0x64, 0x65))
  everything.raw(blockMessage(2, 0, new Uint8Array(0)))
  everything.port(6881)
  everything.raw(Uint8Array.of(0, 0, 0, 4, 99, 1, 2, 3)) // a message of a newer protocol
  const long = new WireEncoder()
  long.bitfield(new Uint8Array(1000).fill(0xff))
  long.raw(blockMessage(7, 0, new Uint8Array(2000).fill(2)))
  long.have(1)
  const longest = new WireEncoder()
  longest.bitfield(new Uint8Array(MAX_MESSAGE_BYTES - 1))
  longest.choke()
  return [
    concatBytes([handshake, everything.take()]),
    concatBytes([handshake, long.take()]),
    concatBytes([handshake, longest.take()]),
    ...fixtureBytes('wire.json', 'hex').map((bytes) => concatBytes(bytes[0] === 19 ? [bytes] : [handshake, bytes])),
    ...fixtureBytes('wire-captures.json', 'peer_first_bytes_hex'),
    concatBytes([handshake, Uint8Array.of(0, 0, 0, 1, 20)]),
    concatBytes([handshake, Uint8Array.of(0, 0, 0, 5, 7, 0, 0, 0, 0)]),
  ]
}
