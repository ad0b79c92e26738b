import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToIp, isIpv6 } from '../../base/address.ts'
import type { AnnounceEvent } from './announce.ts'
import { decodeUdpRequest, decodeUdpResponse, encodeUdpRequest, encodeUdpResponse } from './udp.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const word = fc.nat({ max: 0xffffffff })
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const port = fc.integer({ min: 1, max: 65_535 })

test('the tracker reads in a request what the client wrote', () => {
  const announce = fc.record({
    kind: fc.constant('announce' as const),
    transactionId: word,
    connectionId: bytes(8),
    infohash: bytes(20),
    peerId: bytes(20),
    port,
    uploaded: count,
    downloaded: count,
    left: count,
    event: fc.constantFrom<AnnounceEvent>('started', 'completed', 'stopped', null),
    key: word,
    numWant: fc.integer({ min: -1, max: 1000 }),
    urlData: fc.stringMatching(/^[!-~]{0,600}$/),
  })
  const scrape = fc.record({
    kind: fc.constant('scrape' as const),
    transactionId: word,
    connectionId: bytes(8),
    infohashes: fc.array(bytes(20), { maxLength: 74 }),
  })
  fc.assert(
    fc.property(fc.oneof(announce, scrape), (request) => {
      expect(decodeUdpRequest(encodeUdpRequest(request))).toEqual(request)
    }),
  )
})

test('the client reads in an answer what the tracker wrote', () => {
  const ip = fc.oneof(bytes(4), bytes(16)).map((ip) => bytesToIp(ip))
  const peers = fc.array(fc.record({ kind: fc.constant('ip' as const), ip, port }))
  const figures = fc.record({ transactionId: word, interval: word, leechers: word, seeders: word, peers })
  fc.assert(
    fc.property(figures, fc.constantFrom(4 as const, 16 as const), (figures, ipLength) => {
      const ofFamily = figures.peers.filter((peer) => isIpv6(peer.ip) === (ipLength === 16))
      const written = encodeUdpResponse({ kind: 'announce', ...figures }, ipLength)
      expect(decodeUdpResponse(written, ipLength)).toEqual({ kind: 'announce', ...figures, peers: ofFamily })
    }),
  )
})

test('whatever a datagram is, reading it does not throw', () => {
  const datagram = fc
    .tuple(fc.constantFrom(0, 1, 2, 3), fc.uint8Array({ maxLength: 200 }))
    .map(([action, rest]) => Uint8Array.of(0, 0, 0, action, ...rest))
  fc.assert(
    fc.property(datagram, (datagram) => {
      expect(() => decodeUdpRequest(datagram)).not.toThrow()
      expect(() => decodeUdpResponse(datagram, 4)).not.toThrow()
      expect(() => decodeUdpResponse(datagram, 16)).not.toThrow()
    }),
  )
})
