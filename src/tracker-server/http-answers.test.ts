import { expect, test } from 'vitest'
import { addressKey } from '../base/address.ts'
import { decodeUtf8, encodeUtf8 } from '../base/bytes.ts'
import type { AnnounceAnswer, AnnounceEvent } from '../protocol/tracker/announce.ts'
import { announceUrl, parseAnnounceAnswer } from '../protocol/tracker/http.ts'
import { parseScrapeAnswer, scrapeUrl } from '../protocol/tracker/http-scrape.ts'
import { HttpAnswers } from './http-answers.ts'
import { Registry } from './registry.ts'
import { Traffic } from './traffic.ts'

const INFOHASH = new Uint8Array(20).fill(1)

function tracker(isAllowed?: (key: string) => boolean): HttpAnswers {
  return new HttpAnswers(new Registry({ random: { below: () => 0 }, isAllowed }), new Traffic())
}

interface Announce {
  readonly ip?: string
  readonly port?: number
  readonly left?: number
  readonly event?: AnnounceEvent
  readonly infohash?: Uint8Array
  readonly numWant?: number
  readonly at?: number
}

function announce(answers: HttpAnswers, options: Announce = {}): AnnounceAnswer {
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
  return parseAnnounceAnswer(answers.answer(target, ip, at)!)
}

const peersIn = (answer: AnnounceAnswer): string[] =>
  answer.kind === 'response' ? answer.peers.map(addressKey) : [answer.reason]

test('peers are told of each other, by the IP they come from, of both families', () => {
  const answers = tracker()
  expect(peersIn(announce(answers, { port: 1 }))).toEqual([])
  expect(peersIn(announce(answers, { ip: '::1', port: 2 }))).toEqual(['127.0.0.1:1'])
  expect(peersIn(announce(answers, { port: 3 }))).toEqual(['127.0.0.1:1', '[::1]:2'])
})

test('an answer has figures, intervals and the IP of the asker', () => {
  const answers = tracker()
  announce(answers, { port: 1, left: 0, event: 'completed' })
  expect(announce(answers, { port: 2 })).toMatchObject({
    seeders: 1,
    leechers: 1,
    downloads: 1,
    interval: 120,
    minInterval: 10,
    externalIp: '127.0.0.1',
  })
})

test('numwant is kept to, and bounded', () => {
  const answers = tracker()
  for (let port = 1; port <= 300; port++) announce(answers, { port })
  const given = (numWant: number): number => peersIn(announce(answers, { port: 1, numWant })).length
  expect([given(-1), given(0), given(7), given(100_000)]).toEqual([50, 0, 7, 200])
})

test('the long form lists IP, port and peer id, the last unless it is unwanted', () => {
  const answers = tracker()
  announce(answers, { port: 1 })
  announce(answers, { ip: '2001:db8::1', port: 2 })
  const target = `/announce?info_hash=${'%01'.repeat(20)}&peer_id=${'x'.repeat(20)}&port=3&left=1&compact=0`
  const textOf = (more: string): string => decodeUtf8(answers.answer(target + more, '127.0.0.1', 0)!)
  const id = '7:peer id20:-SH0100-abcdefghijkl'
  expect(textOf('')).toContain(`5:peersld2:ip9:127.0.0.1${id}4:porti1eed2:ip11:2001:db8::1${id}4:porti2eee`)
  expect(textOf('&no_peer_id=1')).toContain('5:peersld2:ip9:127.0.0.14:porti1eed2:ip11:2001:db8::14:porti2eee')
})

test('a scrape tells figures of the torrents it knows, and of no others', () => {
  const answers = tracker()
  announce(answers, { port: 1, left: 0, event: 'completed' })
  announce(answers, { port: 2 })
  const scrape = (...infohashes: Uint8Array[]) =>
    parseScrapeAnswer(answers.answer(scrapeUrl('/announce', infohashes)!, '127.0.0.1', 0)!)
  const answer = scrape(INFOHASH, new Uint8Array(20))
  expect(answer.kind === 'response' && [...answer.files.values()]).toEqual([{ seeders: 1, leechers: 1, downloads: 1 }])
  expect(scrape()).toMatchObject({ kind: 'refusal', reason: expect.stringContaining('info_hash') })
})

test('nonsense is refused with a reason, other paths are not answered', () => {
  const answers = tracker()
  const refusal = (target: string) => parseAnnounceAnswer(answers.answer(target, '::1', 0)!)
  expect(refusal('/announce?port=1')).toMatchObject({
    kind: 'refusal',
    reason: expect.stringContaining('info_hash'),
    retryInSeconds: Infinity,
  })
  expect(refusal('/announce').kind).toBe('refusal')
  expect(refusal('/scrape?info_hash=a').kind).toBe('refusal')
  for (const path of ['/', '/announcer', '/announce/../x', '', '//announce?port=1']) {
    expect(answers.answer(path, '::1', 0)).toBe(null)
  }
})

test('what the registry refuses is a failure reason, and says when to come back: a torrent may be allowed later', () => {
  let isAllowed = false
  const answers = tracker(() => isAllowed)
  expect(announce(answers)).toEqual({
    kind: 'refusal',
    reason: 'This tracker does not serve this torrent',
    retryInSeconds: 600,
  })
  isAllowed = true
  expect(announce(answers, { at: 600_000 })).toMatchObject({ kind: 'response', leechers: 1 })
})
