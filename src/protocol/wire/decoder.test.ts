import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readWire, WireLog } from '../../../tests/support/wire-log.ts'
import { concatBytes, fromHex, toHex } from '../../base/bytes.ts'
import { PeerError } from '../../base/errors.ts'
import { WireDecoder } from './decoder.ts'
import { encodePieceHeader, WireEncoder } from './encoder.ts'
import { encodeHandshake, opensAsHandshake } from './handshake.ts'
import { MessageId } from './message-id.ts'

interface WireFixture {
  readonly sections: {
    readonly peer_wire: {
      readonly handshake_example: { readonly hex: string; readonly infohash: string; readonly peer_id: string }
      readonly examples: readonly { readonly msg: string; readonly hex: string }[]
      readonly ids: Readonly<Record<string, number>>
    }
  }
}
interface Captures {
  readonly infohash: string
  readonly clients: Readonly<Record<string, { readonly peer_first_bytes_hex: readonly string[] }>>
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url), 'utf8'))
const { peer_wire: vectors } = (read('wire.json') as WireFixture).sections
const captures = read('wire-captures.json') as Captures

const handshake = encodeHandshake(new Uint8Array(20).fill(0xaa), new Uint8Array(20).fill(0xbb), {
  extensions: true,
  fast: true,
})
const LIMIT = 262_144

/** Lines of these messages, after a handshake. */
const readMessages = (...parts: Uint8Array[]): string[] => readWire([concatBytes([handshake, ...parts])]).slice(2)

function blockMessage(piece: number, begin: number, payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(13 + payload.length)
  encodePieceHeader(message, 0, piece, begin, payload.length)
  message.set(payload, 13)
  return message
}

function message(id: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, 1 + payload.length)
  head[4] = id
  return concatBytes([head, payload])
}

/** Why a stream of these messages is refused, as the code of the PeerError. */
function refusal(...parts: Uint8Array[]): string {
  try {
    readMessages(...parts)
  } catch (error) {
    if (error instanceof PeerError) return error.code
    throw error
  }
  return 'accepted'
}

/** A refusal is an answer, too; every other error is not. */
function readOrRefuse(chunks: readonly Uint8Array[]): void {
  try {
    readWire(chunks)
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
  }
}

describe('fixtures', () => {
  const lines: Record<string, string[]> = {
    'keep-alive': ['keep-alive'],
    unchoke: ['unchoke'],
    'have 5': ['have 5'],
    'request 1,16384,16384': ['request 1:16384 16384'],
    'reject 1,16384,16384': ['reject 1:16384 16384'],
    'port 6881': ['port 6881'],
    'bitfield of 10 pieces, have 0 and 9': ['bitfield 8040'],
  }
  test.each(vectors.examples)('$msg is read', ({ msg, hex }) => {
    expect(readMessages(fromHex(hex)!)).toEqual(lines[msg])
  })

  test('the handshake of Transmission is read', () => {
    const { hex, infohash, peer_id: peerId } = vectors.handshake_example
    expect(readWire([fromHex(hex)!])).toEqual([
      `handshake ${infohash} fast extensions`,
      `peer-id ${toHex(new TextEncoder().encode(peerId))}`,
    ])
  })

  test('messages have the numbers of BEP 3, 6 and 10', () => {
    const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    for (const [name, id] of Object.entries(MessageId)) expect(vectors.ids[snake(name)]).toBe(id)
  })
})

describe('what real clients sent', () => {
  const [libtorrent] = captures.clients['libtorrent_2.0.8_plaintext'].peer_first_bytes_hex
  const [encrypted, aria2] = captures.clients['aria2_1.36'].peer_first_bytes_hex

  test('libtorrent: extension handshake, have-none, interest and requests', () => {
    const [opening, , extended, ...rest] = readWire([fromHex(libtorrent)!])
    expect(opening).toBe(`handshake ${captures.infohash} fast extensions`)
    expect(extended).toMatch(/^extended 0 64/)
    const requests = [2, 3, 4, 5].map((piece) => `request ${piece}:0 16384`)
    expect(rest).toEqual(['have-none', 'interested', ...requests])
  })

  test('aria2: allowed-fast pieces, a short last block, and the id of an extension message of ours', () => {
    const [opening, , extended, ...rest] = readWire([fromHex(aria2)!])
    expect(opening).toBe(`handshake ${captures.infohash} fast extensions`)
    expect(extended).toMatch(/^extended 0 64/)
    expect(rest).toEqual([
      'have-none',
      ...[4, 6, 5, 1, 0, 2, 3].map((piece) => `allowed-fast ${piece}`),
      'interested',
      ...['3:0 16384', '1:0 16384', '6:0 1696', '0:0 16384', '2:0 16384', '4:0 16384'].map((each) => `request ${each}`),
      'extended 1 6465',
    ])
  })

  test('an encrypted opening is no handshake from its first byte on', () => {
    expect(opensAsHandshake(fromHex(encrypted)!.subarray(0, 1))).toBe(false)
    expect(() => readWire([fromHex(encrypted)!.subarray(0, 1)])).toThrow(
      expect.objectContaining({ name: 'PeerError', code: 'not_bittorrent' }),
    )
  })
})

describe('chunks', () => {
  const conversation = new WireEncoder()
  conversation.bitfield(Uint8Array.of(1, 2, 3))
  conversation.keepAlive()
  conversation.unchoke()
  conversation.request(1, 2, 3)
  conversation.extended(0, new Uint8Array(300).fill(7))
  conversation.haveAll()
  const stream = concatBytes([
    handshake,
    conversation.take(),
    blockMessage(
      3,
      16_384,
      new Uint8Array(700).map((_, i) => i),
    ),
    blockMessage(4, 0, new Uint8Array(0)),
    message(MessageId.interested, new Uint8Array(0)),
  ])
  const expected = readWire([stream])

  test('a stream that arrives byte by byte is read like one in a single chunk', () => {
    expect(expected).toHaveLength(11)
    expect(readWire(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  test('however a stream is cut, the calls are the same', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: stream.length }), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, (places) => {
        const at = [0, ...places.toSorted((a, b) => a - b), stream.length]
        const chunks = at.slice(1).map((end, i) => stream.subarray(at[i], end))
        expect(readWire(chunks)).toEqual(expected)
      }),
    )
  })

  test('the bytes of a block are handed on as they arrive, and nothing of them is kept', () => {
    const log = new WireLog()
    const sizes: number[] = []
    log.onBlockBytes = (bytes) => sizes.push(bytes.length)
    const decoder = new WireDecoder(log, LIMIT)
    decoder.push(concatBytes([handshake, blockMessage(0, 0, new Uint8Array(100)).subarray(0, 20)]))
    expect([sizes, decoder.blockBytesLeft]).toEqual([[7], 93])
    decoder.push(new Uint8Array(50))
    expect([sizes, decoder.blockBytesLeft]).toEqual([[7, 50], 43])
    decoder.push(new Uint8Array(43))
    expect([sizes, decoder.blockBytesLeft]).toEqual([[7, 50, 43], 0])
  })

  test('the 48 bytes before the peer id are told at once: the other side may wait for our id', () => {
    expect(readWire([handshake.subarray(0, 48)])).toEqual([`handshake ${'aa'.repeat(20)} fast extensions`])
    expect(readWire([handshake.subarray(0, 47)])).toEqual([])
  })
})

describe('what closes the connection', () => {
  const tooShort = [MessageId.have, MessageId.request, MessageId.cancel, MessageId.reject, MessageId.allowedFast]

  test.each([
    [
      'a message longer than anything that can be asked for',
      Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 20),
      'message_too_long',
    ],
    [
      'a block longer than anything that can be asked for',
      Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 7),
      'bad_message_length',
    ],
    ['a block without a head', message(MessageId.piece, new Uint8Array(7)), 'bad_message_length'],
    ['an extension message without an id', message(MessageId.extended, new Uint8Array(0)), 'bad_message_length'],
    ['a choke with a payload', message(MessageId.choke, new Uint8Array(1)), 'bad_message_length'],
    ...tooShort.map((id) => [`message ${id} that is too short`, message(id, new Uint8Array(3)), 'bad_message_length']),
  ] as [string, Uint8Array, string][])('%s', (_, bytes, code) => {
    expect(refusal(bytes)).toBe(code)
  })

  test('a length is refused as soon as it is known, not when the bytes are there', () => {
    const head = message(MessageId.have, new Uint8Array(9)).subarray(0, 5)
    expect(refusal(head)).toBe('bad_message_length')
  })

  test('an unknown message is passed over: it is from a newer protocol', () => {
    expect(readMessages(message(99, new Uint8Array(1000)), message(MessageId.unchoke, new Uint8Array(0)))).toEqual([
      'unchoke',
    ])
  })

  test('the longest message that is allowed is read, one byte more is not', () => {
    expect(refusal(message(99, new Uint8Array(LIMIT - 1)))).toBe('accepted')
    expect(refusal(message(99, new Uint8Array(LIMIT)))).toBe('message_too_long')
  })

  test('whatever a peer sends, it is read or refused with a PeerError', () => {
    const opened = fc.uint8Array({ maxLength: 300 }).map((bytes) => concatBytes([handshake, bytes]))
    const mutated = fc
      .tuple(
        fc.constantFrom(...Object.values(captures.clients).flatMap((client) => client.peer_first_bytes_hex)),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      )
      .map(([hex, changes]) => {
        const bytes = fromHex(hex)!
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(opened, mutated), fc.integer({ min: 1, max: 100 }), (bytes, chunkLength) => {
        const chunks: Uint8Array[] = []
        for (let at = 0; at < bytes.length; at += chunkLength) chunks.push(bytes.subarray(at, at + chunkLength))
        expect(() => readOrRefuse(chunks)).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  test('a length that is announced costs no memory before its bytes come', () => {
    const decoder = new WireDecoder(new WireLog(), 1 << 30)
    decoder.push(concatBytes([handshake, Uint8Array.of(0x3f, 0xff, 0xff, 0xff, MessageId.bitfield)]))
    const before = process.memoryUsage().arrayBuffers
    decoder.push(new Uint8Array(1000))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
  })
})
