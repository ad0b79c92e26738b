import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { addressKey, ipAddress } from '../../../base/address.ts'
import { encodeUtf8, fromHex } from '../../../base/bytes.ts'
import { PeerError } from '../../../base/errors.ts'
import { encode } from '../../bencode/index.ts'
import { decodePex, encodePex, MAX_PEX_PEERS, type PexFlags, type PexPeer } from './ut-pex.ts'

interface Fixture {
  readonly sections: { readonly bep11_pex_flags: { readonly example: { readonly hex: string } } }
}
const { example } = (
  JSON.parse(
    readFileSync(new URL('../../../../tests/fixtures/peer-discovery.json', import.meta.url), 'utf8'),
  ) as Fixture
).sections.bep11_pex_flags
const NONE: PexFlags = {
  prefersEncryption: false,
  isUploadOnly: false,
  hasUtp: false,
  hasHolepunch: false,
  isReachable: false,
}
const peer = (ip: string, port: number, flags: Partial<PexFlags> = {}): PexPeer => ({
  address: ipAddress(ip, port),
  flags: { ...NONE, ...flags },
})

test('a message of BEP 11 is understood', () => {
  expect(decodePex(fromHex(example.hex)!)).toEqual({
    added: [peer('1.2.3.4', 6881, { isUploadOnly: true }), peer('5.6.7.8', 6882, { isReachable: true })],
    dropped: [],
  })
})

test('both families and all flags survive being written', () => {
  const message = {
    added: [
      peer('1.2.3.4', 6881, { prefersEncryption: true, hasUtp: true }),
      peer('2001:db8::1', 80, { isUploadOnly: true, hasHolepunch: true, isReachable: true }),
    ],
    dropped: [ipAddress('9.9.9.9', 9), ipAddress('::1', 65_535)],
  }
  expect(decodePex(encodePex(message))).toEqual(message)
})

test('no more than fifty are added, and no more dropped, both families counted', () => {
  const added = Array.from({ length: 60 }, (_, i) => peer(i % 2 ? '::1' : '127.0.0.1', 1 + i))
  const dropped = added.map(({ address }) => ipAddress(address.ip, 100 + address.port))
  const read = decodePex(encodePex({ added, dropped }))
  expect(read.added).toHaveLength(MAX_PEX_PEERS)
  expect(read.dropped).toHaveLength(MAX_PEX_PEERS)
})

test('flags belong to their address, though one before it is nobody', () => {
  const added = Uint8Array.of(1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0, 2)
  expect(decodePex(encode({ added, 'added.f': Uint8Array.of(1, 2) })).added).toEqual([
    peer('2.2.2.2', 2, { isUploadOnly: true }),
  ])
})

test('who is dropped in the same message is not added, and nobody is added twice', () => {
  const [one, two] = [Uint8Array.of(1, 1, 1, 1, 0, 1), Uint8Array.of(2, 2, 2, 2, 0, 2)]
  const message = decodePex(encode({ added: Uint8Array.of(...one, ...two, ...two), dropped: one }))
  expect(message.added.map(({ address }) => addressKey(address))).toEqual(['2.2.2.2:2'])
})

test('a message of thousands is read as far as is useful', () => {
  const added = Uint8Array.from({ length: 6 * 5000 }, (_, i) => (i >> 3) & 0xff)
  expect(decodePex(encode({ added })).added.length).toBeLessThanOrEqual(200)
})

test('what is no dictionary is refused, what is no list of addresses passed over', () => {
  expect(() => decodePex(encodeUtf8('le'))).toThrow(PeerError)
  expect(() => decodePex(encodeUtf8('d'))).toThrow(PeerError)
  expect(decodePex(encode({ added: 5, dropped: ['x'], added6: 'short' }))).toEqual({ added: [], dropped: [] })
})
