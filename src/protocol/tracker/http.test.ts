import { readFileSync } from 'node:fs'
import { assert, property, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressKey, ipAddress } from '../../base/address.ts'
import { encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { TrackerError } from '../../base/errors.ts'
import { encode } from '../bencode/index.ts'
import type { AnnounceRequest, AnnounceResponse } from './announce.ts'
import { announceUrl, encodeAnnounceReply, encodeRefusal, parseAnnounceAnswer, parseAnnounceQuery } from './http.ts'

interface Vector {
  readonly id: string
  readonly hex: string
  readonly means: Readonly<Record<string, unknown>>
}

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url), 'utf8'))
}

const { vectors } = (
  fixture('protocol-trackers.json') as { sections: { http_tracker_responses: { vectors: Vector[] } } }
).sections.http_tracker_responses
const captures = fixture('wire-captures-trackers.json') as {
  infohash: string
  clients: Record<string, { http_tracker_requests: string[] }>
}

const REQUEST: AnnounceRequest = {
  infohash: fromHex('9c71a61ee9d5143b5781dc28fdff9b6b93fe7040')!,
  peerId: encodeUtf8('-SH0100-abcdefgh(*)~'),
  port: 6881,
  uploaded: 1,
  downloaded: 2,
  left: 9_007_199_254_740_991,
  event: 'started',
  key: 0xbeef,
  numWant: 50,
}

/** The response that a bencoded answer holds. */
function response(body: Uint8Array): AnnounceResponse {
  const answer = parseAnnounceAnswer(body)
  if (answer.kind !== 'response') throw new Error(`refused: ${answer.reason}`)
  return answer
}

describe('the answers of the fixtures', () => {
  const announces = vectors.filter(({ id }) => !['failure', 'hostnames'].includes(id) && !id.startsWith('scrape'))

  test.each(announces)('$id', ({ hex, means }) => {
    const answer = response(fromHex(hex)!)
    const expected = {
      interval: means.interval,
      minInterval: means.min_interval,
      seeders: means.seeders,
      leechers: means.leechers,
      downloads: means.downloads,
      warning: means.warning,
      externalIp: means.external_ip,
    }
    // A vector states what it is about, not all that its bytes hold.
    expect(answer).toMatchObject(
      Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)),
    )
    const peers = [...((means.peers ?? []) as string[]), ...((means.peers6 ?? []) as string[])]
    expect(answer.peers.map(addressKey)).toEqual(peers)
  })

  test('failure', () => {
    const { hex } = vectors.find(({ id }) => id === 'failure')!
    expect(parseAnnounceAnswer(fromHex(hex)!)).toEqual({
      kind: 'refusal',
      reason: 'test message',
      retryInSeconds: null,
    })
  })

  test('hostnames: names are kept apart from addresses', () => {
    const { hex } = vectors.find(({ id }) => id === 'hostnames')!
    const { peers, namedPeers } = response(fromHex(hex)!)
    expect(peers).toEqual([])
    expect(namedPeers).toEqual([
      { host: 'test_hostname', port: 1000 },
      { host: 'another_host', port: 1001 },
    ])
  })
})

test.each([
  [{ 'retry in': 5 }, 300],
  [{ 'retry in': '5' }, 300],
  [{ 'retry in': 'never' }, Infinity],
  [{ 'retry in': -1 }, null],
  [{ 'retry in': 'soon' }, null],
  [{ 'retry in': '' }, null],
])('a refusal with %j is retried in %s seconds', (fields, expected) => {
  const body = encode({ 'failure reason': 'full', ...fields })
  expect(parseAnnounceAnswer(body)).toEqual({ kind: 'refusal', reason: 'full', retryInSeconds: expected })
})

test('what makes no sense in an answer is left out, the rest is used', () => {
  const answer = response(
    encode({
      interval: -5,
      'min interval': 'x',
      complete: 2n ** 60n,
      'external ip': 'x',
      'tracker id': '',
      peers: [
        { ip: '1.2.3.4', port: 0 },
        { ip: '1.2.3.4', port: 65_536 },
        { ip: '1.2.3.4' },
        7,
        { ip: '1.2.3.4', port: 80 },
      ],
      peers6: 'short',
    }),
  )
  expect(answer).toMatchObject({ interval: null, minInterval: null, seeders: null, externalIp: null, trackerId: null })
  expect(answer.peers).toEqual([ipAddress('1.2.3.4', 80)])
})

test('an external IP may be IPv6, or text', () => {
  expect(response(encode({ 'external ip': fromHex('20010db8000000000000000000000001')! })).externalIp).toBe(
    '2001:db8::1',
  )
  expect(response(encode({ 'external ip': '10.1.2.3' })).externalIp).toBe('10.1.2.3')
})

test('keys out of order and a line end after the answer do no harm', () => {
  expect(response(encodeUtf8('d5:peers0:8:intervali60ee\r\n')).interval).toBe(60)
})

test('messages become one printable line of bounded length', () => {
  const reason = `\u001b[31mred\u0000\n\u202eline ${'x'.repeat(10_000)}`
  const answer = parseAnnounceAnswer(encode({ 'failure reason': reason }))
  expect(answer).toMatchObject({ reason: expect.stringMatching(/^\[31mred line x+$/) })
  expect((answer as { reason: string }).reason.length).toBeLessThanOrEqual(300)
})

test('however many peers an answer holds, only some thousands are read', () => {
  const bytes = new Uint8Array(6 * 100_000).fill(1)
  expect(response(encode({ peers: bytes })).peers.length).toBe(5000)
})

test.each(['', 'nonsense', '<html></html>', 'le', 'i1e', 'd5:peers', 'd5:peersi1ee trailing'])(
  '%j is bad_response',
  (text) => {
    expect(() => parseAnnounceAnswer(encodeUtf8(text))).toThrow(expect.objectContaining({ code: 'bad_response' }))
  },
)

test('whatever the bytes are, the only error is a TrackerError', () => {
  assert(
    property(uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => {
        parseAnnounceAnswer(bytes)
        throw new TrackerError('fine', 'It can be read')
      }).toThrow(TrackerError)
    }),
  )
})

test('an announce survives the way through its URL', () => {
  const url = announceUrl('http://tracker/announce?passkey=1', { ...REQUEST, trackerId: fromHex('00ff')! })
  expect(url).toContain('/announce?passkey=1&info_hash=%9Cq%A6%1E')
  const query = parseAnnounceQuery(url)
  expect(query).toMatchObject({
    port: 6881,
    uploaded: 1,
    downloaded: 2,
    left: 9_007_199_254_740_991,
    event: 'started',
    numWant: 50,
    isCompact: true,
    withoutPeerIds: true,
  })
  expect(toHex(query.infohash)).toBe(toHex(REQUEST.infohash))
  expect(toHex(query.peerId)).toBe(toHex(REQUEST.peerId))
  expect(toHex(query.trackerId!)).toBe('00ff')
  expect(query.key).toEqual(encodeUtf8('0000BEEF'))
})

test('a regular announce has no event, and numwant only where we have a wish', () => {
  const url = announceUrl('http://tracker/announce', { ...REQUEST, event: null, numWant: -1, ip: '::1' })
  expect(url).not.toMatch(/event|numwant|trackerid/)
  expect(url).toMatch(/&ip=%3A%3A1$/)
})

test.each(Object.entries(captures.clients))(
  'what %s asks over HTTP is understood',
  (client, { http_tracker_requests }) => {
    const target = http_tracker_requests[0].split(' ')[1]
    const query = parseAnnounceQuery(target)
    expect(toHex(query.infohash)).toBe(captures.infohash)
    expect(query).toMatchObject({ uploaded: 0, downloaded: 0, left: 100_000, event: 'started', isCompact: true })
    const known: Record<string, unknown[]> = {
      'libtorrent_2.0.8_plaintext': ['-LT2080-Z6v)kCS(Hm7*', 18_090, 200],
      'transmission_3.00': ['-TR3000-m0v65fybp2gd', 18_091, 80],
      'aria2_1.36': ['A2-1-36-0-\xfa\x98\xdd\xa8\x9f\x99\x16X-\xc0', 18_092, 50],
    }
    expect([String.fromCharCode(...query.peerId), query.port, query.numWant]).toEqual(known[client])
  },
)

test.each([
  ['', 'port'],
  ['?port=0', 'port'],
  ['?port=65536', 'port'],
  ['?port=1', 'info_hash'],
  ['?port=1&info_hash=short', 'info_hash'],
  ['?port=1&info_hash=%zz', 'info_hash'],
  [`?port=1&info_hash=${'x'.repeat(20)}&peer_id=1`, 'peer_id'],
  [`?${'x&'.repeat(1000)}port=1`, 'port'],
])('the request %j is refused for its %s', (query, name) => {
  expect(() => parseAnnounceQuery(`/announce${query}`)).toThrow(
    expect.objectContaining({ code: 'bad_request', message: expect.stringContaining(name) }),
  )
})

const REPLY = {
  interval: 1800,
  minInterval: 60,
  seeders: 1,
  leechers: 2,
  peers: [
    { address: ipAddress('1.2.3.4', 6881), peerId: REQUEST.peerId },
    { address: ipAddress('2001:db8::1', 6882), peerId: REQUEST.peerId },
  ],
  warning: 'careful',
  trackerId: fromHex('01')!,
  externalIp: '10.0.0.1',
}

test.each([
  { isCompact: true, withoutPeerIds: true },
  { isCompact: false, withoutPeerIds: true },
  { isCompact: false, withoutPeerIds: false },
])('what the tracker writes in the form %j, the client reads', (form) => {
  expect(response(encodeAnnounceReply(REPLY, form))).toEqual({
    kind: 'response',
    interval: 1800,
    minInterval: 60,
    seeders: 1,
    leechers: 2,
    downloads: null,
    peers: REPLY.peers.map(({ address }) => address),
    namedPeers: [],
    warning: 'careful',
    trackerId: fromHex('01')!,
    externalIp: '10.0.0.1',
  })
})

test('a list holds peer ids only when they are wanted', () => {
  const text = (form: { isCompact: boolean; withoutPeerIds: boolean }): string =>
    String.fromCharCode(...encodeAnnounceReply(REPLY, form))
  expect(text({ isCompact: false, withoutPeerIds: false })).toContain('7:peer id20:-SH0100-')
  expect(text({ isCompact: false, withoutPeerIds: true })).not.toContain('peer id')
})

test('a refusal survives its way, minutes rounded up', () => {
  const read = (seconds?: number) => parseAnnounceAnswer(encodeRefusal('full', seconds))
  expect(read()).toEqual({ kind: 'refusal', reason: 'full', retryInSeconds: null })
  expect(read(90)).toEqual({ kind: 'refusal', reason: 'full', retryInSeconds: 120 })
  expect(read(Infinity)).toEqual({ kind: 'refusal', reason: 'full', retryInSeconds: Infinity })
})
