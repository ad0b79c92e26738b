import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeUtf8, fromHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { decodeLsd, encodeLsd, LSD_GROUP_V4, LSD_GROUP_V6, LSD_PORT, MAX_LSD_INFOHASHES } from './lsd.ts'

interface Fixture {
  readonly sections: { readonly bep14_lsd: { readonly groups: readonly string[]; readonly example_ascii: string } }
}
const { groups, example_ascii: example } = (
  JSON.parse(readFileSync(new URL('../../../tests/fixtures/peer-discovery.json', import.meta.url), 'utf8')) as Fixture
).sections.bep14_lsd
const INFOHASH = '0123456789abcdef0123456789abcdef01234567'
const refusal = (text: string): string => {
  try {
    decodeLsd(encodeUtf8(text))
    return 'accepted'
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return error.code
  }
}

test('the groups are those of BEP 14', () => {
  expect([`${LSD_GROUP_V4}:${LSD_PORT}`, `[${LSD_GROUP_V6}]:${LSD_PORT}`]).toEqual(groups)
})

test('the message of BEP 14 is understood', () => {
  expect(decodeLsd(encodeUtf8(example))).toEqual({ port: 6881, infohashes: [fromHex(INFOHASH)], cookie: 'abc' })
})

test('a message is written as in BEP 14, but for the letters of the infohash', () => {
  const message = { port: 6881, infohashes: [fromHex(INFOHASH)!], cookie: 'abc' }
  expect(encodeLsd(message, LSD_GROUP_V4)).toEqual(encodeUtf8(example.replace(/[A-F]{6}/g, (s) => s.toLowerCase())))
})

test('several torrents survive being written to the group of IPv6, and fit into one datagram', () => {
  const infohashes = Array.from({ length: MAX_LSD_INFOHASHES }, (_, i) => new Uint8Array(20).fill(i))
  const message = { port: 65_535, infohashes, cookie: null }
  const datagram = encodeLsd(message, LSD_GROUP_V6)
  expect(datagram.length).toBeLessThan(1400)
  expect(decodeLsd(datagram)).toEqual(message)
})

test('a message of none, or of too many, is not written', () => {
  const infohashes = Array.from({ length: MAX_LSD_INFOHASHES + 1 }, () => new Uint8Array(20))
  expect(() => encodeLsd({ port: 1, infohashes, cookie: null }, LSD_GROUP_V4)).toThrow(RangeError)
  expect(() => encodeLsd({ port: 1, infohashes: [], cookie: null }, LSD_GROUP_V4)).toThrow(RangeError)
})

test('names of headers may be in any case, lines end as they like, others are passed over', () => {
  const text = `BT-SEARCH * HTTP/1.1\nPORT:  80 \nnonsense\nX-Other: 1\ninfohash: ${INFOHASH}\n\nInfohash: bad\n`
  expect(decodeLsd(encodeUtf8(text))).toEqual({ port: 80, infohashes: [fromHex(INFOHASH)], cookie: null })
})

test('what is no message, or names nobody, is refused', () => {
  const first = 'BT-SEARCH * HTTP/1.1\r\n'
  expect(refusal('')).toBe('not_lsd')
  expect(refusal('M-SEARCH * HTTP/1.1\r\n')).toBe('not_lsd')
  expect(refusal(`${first}Port: 80\r\n\r\n`)).toBe('missing_hash')
  expect(refusal(`${first}Infohash: ${INFOHASH}\r\n\r\n`)).toBe('bad_port')
  for (const port of ['0', '65536', '-1', '1e3', ''])
    expect(refusal(`${first}Port: ${port}\r\nInfohash: ${INFOHASH}\r\n\r\n`)).toBe('bad_port')
  expect(refusal(`${first}Port: 80\r\nInfohash: ${INFOHASH}0\r\n\r\n`)).toBe('bad_hash')
  expect(refusal(`${first}${'x'.repeat(1400)}`)).toBe('too_large')
})
