import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToIp, isIpv6 } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'
import type { AnnounceEvent } from './announce.ts'
import { encodeScrapeReply, parseScrapeAnswer, parseScrapeQuery, scrapeUrl } from './http-scrape.ts'
import { announceUrl, encodeAnnounceReply, parseAnnounceAnswer, parseAnnounceQuery } from './http.ts'
import { percentDecode, percentEncode } from './query-string.ts'

const twenty = fc.uint8Array({ minLength: 20, maxLength: 20 })
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const port = fc.integer({ min: 1, max: 65_535 })
const ip = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => bytesToIp(bytes))
const address = fc.record({ kind: fc.constant('ip' as const), ip, port })

test('whatever the bytes are, they survive percent-encoding', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(percentDecode(percentEncode(bytes))).toEqual(bytes)
    }),
  )
})

test('the tracker reads in an announce what the client wrote', () => {
  const request = fc.record({
    infohash: twenty,
    peerId: twenty,
    port,
    uploaded: count,
    downloaded: count,
    left: count,
    event: fc.constantFrom<AnnounceEvent>('started', 'completed', 'stopped', null),
    key: fc.nat({ max: 0xffffffff }),
    numWant: fc.nat({ max: 1000 }),
    trackerId: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    ip,
  })
  const trackers = fc.constantFrom('http://a/announce', 'http://a/announce?passkey=1', 'http://a/x?', 'http://a/#part')
  fc.assert(
    fc.property(trackers, request, (tracker, request) => {
      const { key, ip: _, ...same } = request
      const query = parseAnnounceQuery(announceUrl(tracker, request))
      expect(query).toMatchObject({ ...same, isCompact: true, withoutPeerIds: true })
      expect(Number.parseInt(String.fromCharCode(...query.key!), 16)).toBe(key)
    }),
  )
})

test('the client reads in an answer what the tracker wrote, in either form', () => {
  const figures = { interval: count, minInterval: count, seeders: count, leechers: count, externalIp: ip }
  fc.assert(
    fc.property(fc.record(figures), fc.array(address), fc.boolean(), (reply, peers, isCompact) => {
      const listed = peers.map((address) => ({ address }))
      const body = encodeAnnounceReply({ ...reply, peers: listed }, { isCompact, withoutPeerIds: false })
      const sorted = [...peers.filter((peer) => !isIpv6(peer.ip)), ...peers.filter((peer) => isIpv6(peer.ip))]
      expect(parseAnnounceAnswer(body)).toMatchObject({ ...reply, peers: isCompact ? sorted : peers })
    }),
  )
})

test('a scrape and its answer are read as they were written', () => {
  const figures = fc.record({ seeders: count, leechers: count, downloads: count })
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(twenty, figures), { selector: ([hash]) => toHex(hash) }), (files) => {
      const infohashes = files.map(([infohash]) => infohash).slice(0, 50)
      expect(parseScrapeQuery(scrapeUrl('http://a/announce', infohashes)!)).toEqual(infohashes)
      const expected = new Map(files.map(([infohash, each]) => [toHex(infohash), each]))
      expect(parseScrapeAnswer(encodeScrapeReply(files))).toEqual({ kind: 'response', files: expected })
    }),
  )
})
