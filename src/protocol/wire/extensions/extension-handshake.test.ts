import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bencode, type Bencodable } from '../../../../tests/support/bencode.ts'
import { encodeUtf8, fromHex } from '../../../base/bytes.ts'
import { PeerError } from '../../../base/errors.ts'
import { decodeExtensionHandshake, encodeExtensionHandshake, type ExtensionHandshake } from './extension-handshake.ts'

interface Vector {
  readonly hex: string
  readonly means: { readonly m: Readonly<Record<string, number>>; readonly metadata_size: number; readonly v: string }
}
const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../tests/fixtures/${name}`, import.meta.url), 'utf8'))
const vector = (read('wire.json') as { sections: { bep10_extended_handshake: Vector } }).sections
  .bep10_extended_handshake

const SILENT: ExtensionHandshake = {
  extensions: new Map(),
  client: null,
  requestQueue: null,
  listenPort: null,
  yourIp: null,
  metadataSize: null,
  isUploadOnly: false,
}
const decode = (value: Bencodable): ExtensionHandshake => decodeExtensionHandshake(bencode(value))

describe('what qBittorrent says', () => {
  // Length prefix, message id and extension id stand before the dictionary.
  const handshake = decodeExtensionHandshake(fromHex(vector.hex)!.subarray(6))

  test('is understood', () => {
    const { m, metadata_size: metadataSize, v } = vector.means
    expect(Object.fromEntries(handshake.extensions)).toEqual(m)
    expect(handshake).toMatchObject({
      client: v,
      requestQueue: 500,
      yourIp: '127.0.0.1',
      metadataSize,
      listenPort: null,
      isUploadOnly: true,
    })
  })

  test('is said again in our words without loss', () => {
    expect(decodeExtensionHandshake(encodeExtensionHandshake(handshake))).toEqual(handshake)
  })
})

test('who says nothing is taken to have said nothing', () => {
  expect(decode({})).toEqual(SILENT)
  expect(new TextDecoder().decode(encodeExtensionHandshake(SILENT))).toBe('d1:mdee')
})

test('who says without end is not listened to', () => {
  expect(() => decode({ x: Array<number>(5000).fill(0) })).toThrow('more than 5000 values at byte')
})

test('keys that we do not know are passed over, and what follows the dictionary too', () => {
  expect(decode({ unknown: ['x', { y: 1 }], v: 'z' }).client).toBe('z')
  expect(decodeExtensionHandshake(encodeUtf8('d1:v1:zetrailing')).client).toBe('z')
})

test.each([
  ['reqq', 'requestQueue', 1, 1_000_000],
  ['p', 'listenPort', 1, 65_535],
  ['metadata_size', 'metadataSize', 1, Number.MAX_SAFE_INTEGER],
] as const)('%s counts from its least to its greatest value, and not beyond', (key, name, least, most) => {
  expect([least, most].map((value) => decode({ [key]: value })[name])).toEqual([least, most])
  expect([least - 1, -5].map((value) => decode({ [key]: value })[name])).toEqual([null, null])
  expect(decodeExtensionHandshake(encodeUtf8(`d${key.length}:${key}i99999999999999999999ee`))[name]).toBeNull()
  expect(decode({ [key]: 'text' })[name]).toBeNull()
})

test('extension ids are one byte; a name with another one is passed over; 0 says that it is not wanted', () => {
  const { extensions } = decode({ m: { a: 0, b: 255, c: 256, d: -1, e: 'text' } })
  expect([...extensions]).toEqual([
    ['a', 0],
    ['b', 255],
  ])
})

test('no more than 64 extensions are remembered', () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, 1]))
  expect(decode({ m: many }).extensions.size).toBe(64)
})

test('a client’s name is cut to 64 characters, and need not be UTF-8', () => {
  expect(decode({ v: 'ü'.repeat(500) }).client).toBe('ü'.repeat(64))
  expect(decode({ v: Uint8Array.of(0x41, 0xff) }).client).toBe('A\ufffd')
})

test('an IP of ours must be 4 or 16 bytes', () => {
  expect(decode({ yourip: Uint8Array.of(1, 2, 3, 4) }).yourIp).toBe('1.2.3.4')
  expect(decode({ yourip: new Uint8Array(16).fill(1) }).yourIp).toBe('101:101:101:101:101:101:101:101')
  expect(decode({ yourip: '1.2.3.4' }).yourIp).toBeNull()
})

test.each([
  ['no bencode', encodeUtf8('hello')],
  ['nothing', new Uint8Array(0)],
  ['a list', encodeUtf8('le')],
  ['a dictionary that does not end', encodeUtf8('d1:v')],
  ['a tower of lists', encodeUtf8('d1:v' + 'l'.repeat(10_000))],
])('%s costs the connection', (_, payload) => {
  expect(() => decodeExtensionHandshake(payload)).toThrow(PeerError)
})

test('whatever comes, it is a handshake or a PeerError', () => {
  const decodeOrRefuse = (payload: Uint8Array): void => {
    try {
      decodeExtensionHandshake(payload)
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
      expect(() => decodeOrRefuse(new Uint8Array([...encodeUtf8('d1:m'), ...tail]))).not.toThrow()
    }),
  )
})
