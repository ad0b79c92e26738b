import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readWire } from '../../../tests/support/wire-log.ts'
import { concatBytes, fromHex, toHex } from '../../base/bytes.ts'
import { encodePieceHeader, WireEncoder } from './encoder.ts'
import { encodeHandshake } from './handshake.ts'

const fixture = readFileSync(new URL('../../../tests/fixtures/wire.json', import.meta.url), 'utf8')
const { examples } = (JSON.parse(fixture) as { sections: { peer_wire: { examples: { msg: string; hex: string }[] } } })
  .sections.peer_wire

test.each([
  ['keep-alive', (wire: WireEncoder) => wire.keepAlive()],
  ['unchoke', (wire: WireEncoder) => wire.unchoke()],
  ['have 5', (wire: WireEncoder) => wire.have(5)],
  ['request 1,16384,16384', (wire: WireEncoder) => wire.request(1, 16_384, 16_384)],
  ['reject 1,16384,16384', (wire: WireEncoder) => wire.reject(1, 16_384, 16_384)],
  ['bitfield of 10 pieces, have 0 and 9', (wire: WireEncoder) => wire.bitfield(Uint8Array.of(0x80, 0x40))],
] as const)('%s has the bytes of the fixture', (msg, write) => {
  const wire = new WireEncoder()
  write(wire)
  expect(toHex(wire.take())).toBe(examples.find((example) => example.msg === msg)!.hex)
})

test('every message is read back as what was meant, numbers up to the greatest', () => {
  const most = 0xffff_ffff
  const wire = new WireEncoder()
  wire.raw(encodeHandshake(new Uint8Array(20).fill(1), new Uint8Array(20).fill(2), { extensions: false, fast: false }))
  wire.choke()
  wire.unchoke()
  wire.interested()
  wire.notInterested()
  wire.have(most)
  wire.bitfield(Uint8Array.of(0xff))
  wire.request(most, most, most)
  wire.cancel(1, 2, 3)
  wire.reject(4, 5, 6)
  wire.haveAll()
  wire.haveNone()
  wire.suggest(8)
  wire.allowedFast(7)
  wire.extended(3, Uint8Array.of(9))
  expect(readWire([wire.take()])).toEqual([
    `handshake ${'01'.repeat(20)}`,
    `peer-id ${'02'.repeat(20)}`,
    'choke',
    'unchoke',
    'interested',
    'not-interested',
    `have ${most}`,
    'bitfield ff',
    `request ${most}:${most} ${most}`,
    'cancel 1:2 3',
    'reject 4:5 6',
    'have-all',
    'have-none',
    'suggest 8',
    'allowed-fast 7',
    'extended 3 09',
  ])
})

test('what was taken is the taker’s: later messages do not touch it', () => {
  const wire = new WireEncoder()
  wire.have(1)
  const first = wire.take()
  wire.have(2)
  expect(toHex(first)).toBe('000000050400000001')
  expect(toHex(wire.take())).toBe('000000050400000002')
  expect(wire.isEmpty).toBe(true)
})

test('thousands of messages gather in one piece of memory, in order', () => {
  const wire = new WireEncoder()
  for (let piece = 0; piece < 5000; piece++) wire.have(piece)
  const bytes = wire.take()
  expect(bytes).toHaveLength(9 * 5000)
  expect(toHex(bytes.subarray(-9))).toBe('000000050400001387')
})

test('the header of a block stands right before its bytes, wherever in a buffer', () => {
  const framed = new Uint8Array(100)
  encodePieceHeader(framed.subarray(20), 10, 1, 16_384, 3)
  framed.set([7, 8, 9], 43)
  const handshake = encodeHandshake(new Uint8Array(20), new Uint8Array(20), { extensions: true, fast: true })
  expect(readWire([concatBytes([handshake, framed.subarray(30, 46)])]).at(-1)).toBe('piece 1:16384 070809')
  expect(toHex(framed.subarray(0, 30))).toBe(toHex(new Uint8Array(30)))
  expect(fromHex('0000000c070000000100004000')).toEqual(framed.slice(30, 43))
})
