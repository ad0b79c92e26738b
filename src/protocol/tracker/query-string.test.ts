import { assert, property, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { addParameters, percentDecode, percentEncode, queryParameters } from './query-string.ts'

test('each byte outside the unreserved set is encoded, and nothing else', () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const plain = percentEncode(all).replace(/%[0-9A-F]{2}/g, '')
  expect(plain).toBe('-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~')
  expect(percentEncode(fromHex('00ff20')!)).toBe('%00%FF%20')
})

test('decoding takes what any client encodes: digits in either case, and characters left as they are', () => {
  expect(toHex(percentDecode('%9cq%A6(*)+')!)).toBe('9c71a6282a292b')
  for (const damaged of ['%', '%1', '%zz', 'a%2', '\u0100'])
    expect([damaged, percentDecode(damaged)]).toEqual([damaged, null])
})

test('all bytes survive encoding and decoding', () => {
  assert(
    property(uint8Array({ maxLength: 50 }), (bytes) => {
      expect(toHex(percentDecode(percentEncode(bytes))!)).toBe(toHex(bytes))
    }),
  )
})

test('parameters are split but not decoded; too many are refused', () => {
  expect(queryParameters('/announce')).toEqual([])
  expect(queryParameters('/announce?a=1&&b&c=%20=x')).toEqual([
    ['a', '1'],
    ['b', ''],
    ['c', '%20=x'],
  ])
  expect(queryParameters(`/a?${'x=1&'.repeat(1000)}`)).toBe(null)
})

test.each([
  ['http://t/announce', 'http://t/announce?a=1&b=2'],
  ['http://t/announce?', 'http://t/announce?a=1&b=2'],
  ['http://t/announce?passkey=%aB', 'http://t/announce?passkey=%aB&a=1&b=2'],
  ['http://t/announce?passkey=x&', 'http://t/announce?passkey=x&a=1&b=2'],
  ['http://t/announce#part', 'http://t/announce?a=1&b=2'],
])('parameters are added to %s', (url, expected) => {
  expect(addParameters(url, ['a=1', 'b=2'])).toBe(expected)
})

test('text of any length is encoded as bytes', () => {
  expect(percentEncode(encodeUtf8('ä'))).toBe('%C3%A4')
})
