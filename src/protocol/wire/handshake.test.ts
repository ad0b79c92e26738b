import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { decodeHandshakeHead, encodeHandshake, HANDSHAKE_BYTES, opensAsHandshake } from './handshake.ts'

const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/wire.json', import.meta.url), 'utf8')) as {
  sections: { peer_wire: { handshake_example: { hex: string; infohash: string; peer_id: string } } }
}
const { hex, infohash, peer_id: peerId } = fixture.sections.peer_wire.handshake_example

test('a handshake of ours is the same as Transmission’s', () => {
  const ours = encodeHandshake(fromHex(infohash)!, encodeUtf8(peerId), { extensions: true, fast: true, dht: true })
  expect(ours).toHaveLength(HANDSHAKE_BYTES)
  expect(toHex(ours)).toBe(hex)
})

test.each([
  { extensions: false, fast: false, dht: false },
  { extensions: true, fast: false, dht: false },
  { extensions: false, fast: true, dht: false },
  { extensions: false, fast: false, dht: true },
])('capabilities %o go into the reserved bytes and come out again', (capabilities) => {
  const bytes = encodeHandshake(fromHex(infohash)!, encodeUtf8(peerId), capabilities)
  expect(decodeHandshakeHead(bytes)).toEqual({ capabilities, infohash: fromHex(infohash) })
})

test('the infohash is a copy: the chunk it came in is reused', () => {
  const bytes = fromHex(hex)!
  const head = decodeHandshakeHead(bytes)
  bytes.fill(0)
  expect(toHex(head.infohash)).toBe(infohash)
})

test('an opening is recognised or refused by the bytes that are there', () => {
  const bytes = fromHex(hex)!
  for (let length = 0; length <= bytes.length; length++) expect(opensAsHandshake(bytes.subarray(0, length))).toBe(true)
  expect(opensAsHandshake(encodeUtf8('GET /announce HTTP/1.1'))).toBe(false)
  const oneLetterOff = bytes.slice()
  oneLetterOff[19] = 'L'.charCodeAt(0)
  expect(opensAsHandshake(oneLetterOff)).toBe(false)
})
