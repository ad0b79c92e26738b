import { expect, test } from 'vitest'
import { addressKey } from '../base/address.ts'
import { encodeUtf8 } from '../base/bytes.ts'
import type { AnnounceAnswer, AnnounceEvent } from '../protocol/tracker/announce.ts'
import { announceUrl, parseAnnounceAnswer } from '../protocol/tracker/http.ts'
import { parseScrapeAnswer, scrapeUrl } from '../protocol/tracker/http-scrape.ts'
import { Registry } from './registry.ts'

const FIRST = { below: () => 0 }
const INFOHASH = new Uint8Array(20).fill(1)

interface Announce {
  readonly ip?: string
  readonly port?: number
  readonly left?: number
  readonly event?: AnnounceEvent
  readonly infohash?: Uint8Array
  readonly numWant?: number
  readonly at?: number
}

function announce(registry: Registry, options: Announce = {}): AnnounceAnswer {
  const { ip = '127.0.0.1', port = 6881, left = 100, event = null, infohash = INFOHASH, numWant = -1, at = 0 } = options
  const target = announceUrl('/announce', {
    infohash,
    peerId: encodeUtf8('-SH0100-abcdefghijkl'),
    port,
    uploaded: 0,
    downloaded: 0,
    left,
    event,
    key: 1,
    numWant,
    ip: '6.6.6.6',
  })
  return parseAnnounceAnswer(registry.answer(target, ip, at)!)
}

const peersIn = (answer: AnnounceAnswer): string[] =>
  answer.kind === 'response' ? answer.peers.map(addressKey) : [answer.reason]

test('peers are told of each other, by the IP they come from, loopback as well', () => {
  const registry = new Registry(FIRST)
  expect(peersIn(announce(registry, { port: 1 }))).toEqual([])
  expect(peersIn(announce(registry, { ip: '::1', port: 2 }))).toEqual(['127.0.0.1:1'])
  expect(peersIn(announce(registry, { port: 3 }))).toEqual(['127.0.0.1:1', '[::1]:2'])
})

test('an answer has figures, intervals and the IP of the asker', () => {
  const registry = new Registry(FIRST)
  announce(registry, { port: 1, left: 0 })
  expect(announce(registry, { port: 2 })).toMatchObject({
    seeders: 1,
    leechers: 1,
    interval: 120,
    minInterval: 10,
    externalIp: '127.0.0.1',
  })
})

test('numwant is kept to, and bounded', () => {
  const registry = new Registry(FIRST)
  for (let port = 1; port <= 300; port++) announce(registry, { port })
  const given = (numWant: number): number => peersIn(announce(registry, { port: 1, numWant })).length
  expect([given(-1), given(0), given(7), given(100_000)]).toEqual([50, 0, 7, 200])
})

test('who stops is gone at once, who falls silent after a while', () => {
  const registry = new Registry(FIRST)
  announce(registry, { port: 1 })
  announce(registry, { port: 2, at: 200_000 })
  announce(registry, { port: 3, at: 200_000 })
  expect(peersIn(announce(registry, { port: 2, event: 'stopped', at: 200_000 }))).toEqual([])
  registry.forgetOld(280_000)
  expect(peersIn(announce(registry, { port: 9, at: 280_000 }))).toEqual(['127.0.0.1:3'])
  registry.forgetOld(1e9)
  expect([registry.torrents, registry.peers]).toEqual([0, 0])
})

test('a stop of somebody unknown leaves nothing behind', () => {
  const registry = new Registry(FIRST)
  announce(registry, { event: 'stopped' })
  expect([registry.torrents, registry.peers]).toEqual([0, 0])
})

test('memory is bounded: a full tracker refuses new torrents and peers, and serves those it has', () => {
  const registry = new Registry(FIRST, { maxTorrents: 1, maxPeers: 2 })
  announce(registry, { port: 1 })
  const other = new Uint8Array(20).fill(2)
  expect(announce(registry, { infohash: other })).toMatchObject({ kind: 'refusal', retryInSeconds: 120 })
  announce(registry, { port: 2 })
  expect(announce(registry, { port: 3 }).kind).toBe('refusal')
  expect(peersIn(announce(registry, { port: 1 }))).toEqual(['127.0.0.1:2'])
  announce(registry, { port: 1, event: 'stopped' })
  expect(announce(registry, { port: 3 }).kind).toBe('response')
})

test('a scrape tells figures of the torrents it knows', () => {
  const registry = new Registry(FIRST)
  announce(registry, { port: 1, left: 0, event: 'completed' })
  announce(registry, { port: 2 })
  const scrape = (...infohashes: Uint8Array[]) =>
    parseScrapeAnswer(registry.answer(scrapeUrl('/announce', infohashes)!, '127.0.0.1', 0)!)
  const answer = scrape(INFOHASH, new Uint8Array(20))
  expect(answer.kind === 'response' && [...answer.files.values()]).toEqual([{ seeders: 1, leechers: 1, downloads: 1 }])
  expect(scrape().kind).toBe('refusal')
})

test('nonsense is refused with a reason, other paths are not answered', () => {
  const registry = new Registry(FIRST)
  expect(parseAnnounceAnswer(registry.answer('/announce?port=1', '::1', 0)!)).toMatchObject({
    kind: 'refusal',
    reason: expect.stringContaining('info_hash'),
  })
  expect(registry.answer('/', '::1', 0)).toBe(null)
  expect(registry.answer('/announce/../x', '::1', 0)).toBe(null)
})
