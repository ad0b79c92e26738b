import { readFileSync } from 'node:fs'
import { assert, property, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { addressKey, ipAddress } from '../../base/address.ts'
import { concatBytes, encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { decodeUdpRequest, decodeUdpResponse, encodeUdpRequest, encodeUdpResponse, type UdpRequest } from './udp.ts'

interface Fixture {
  readonly sections: { readonly bep15_udp_tracker: Record<string, { readonly hex: string }> }
}

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url), 'utf8'))
}

const vectors = (fixture('protocol-trackers.json') as Fixture).sections.bep15_udp_tracker
const captures = fixture('wire-captures-trackers.json') as {
  infohash: string
  clients: Record<string, { udp_tracker_packets_hex: string[] }>
}

const transactionId = 0x12345678
const connectionId = fromHex('1122334455667788')!
const infohash = new Uint8Array(20).fill(0xcd)

const REQUESTS: Record<string, UdpRequest> = {
  connect_request: { kind: 'connect', transactionId },
  announce_request: {
    kind: 'announce',
    transactionId,
    connectionId,
    infohash,
    peerId: encodeUtf8('-XX0001-abcdefghijkl'),
    downloaded: 100,
    left: 200,
    uploaded: 300,
    event: 'started',
    key: 0xdeadbeef,
    numWant: -1,
    port: 6881,
    urlData: '',
  },
  scrape_request: { kind: 'scrape', transactionId, connectionId, infohashes: [infohash] },
}
const ANNOUNCE = REQUESTS.announce_request as UdpRequest & { kind: 'announce' }

test.each(Object.entries(REQUESTS))('%s is written and read as in BEP 15', (name, request) => {
  expect(toHex(encodeUdpRequest(request))).toBe(vectors[name].hex)
  expect(decodeUdpRequest(fromHex(vectors[name].hex)!)).toEqual(request)
})

test.each([
  ['connect_response', { kind: 'connect', transactionId, connectionId }],
  [
    'announce_response_v4',
    {
      kind: 'announce',
      transactionId,
      interval: 1800,
      leechers: 3,
      seeders: 5,
      peers: [ipAddress('1.2.3.4', 6881), ipAddress('9.8.7.6', 8208)],
    },
  ],
  ['scrape_response', { kind: 'scrape', transactionId, files: [{ seeders: 5, downloads: 10, leechers: 3 }] }],
  ['error', { kind: 'error', transactionId, message: 'Connection ID missmatch.' }],
] as const)('%s is written and read as in BEP 15', (name, response) => {
  expect(decodeUdpResponse(fromHex(vectors[name].hex)!, 4)).toEqual(response)
  expect(toHex(encodeUdpResponse(response, 4))).toBe(vectors[name].hex)
})

test('over IPv6 a peer has 18 bytes, and peers of the other family are left out', () => {
  const peers = [ipAddress('2001:db8::1', 6881), ipAddress('1.2.3.4', 80)]
  const bytes = encodeUdpResponse({ kind: 'announce', transactionId, interval: 1, leechers: 0, seeders: 0, peers }, 16)
  expect(bytes.length).toBe(20 + 18)
  expect(decodeUdpResponse(bytes, 16)).toMatchObject({ peers: [peers[0]] })
})

test('packets may be longer than their layout: the tail is ignored', () => {
  const tail = Uint8Array.of(1, 2, 3)
  const longer = (name: string): Uint8Array => concatBytes([fromHex(vectors[name].hex)!, tail])
  expect(decodeUdpResponse(longer('connect_response'), 4)).toMatchObject({ connectionId })
  const answer = decodeUdpResponse(longer('announce_response_v4'), 4)
  expect(answer?.kind === 'announce' && answer.peers.map(addressKey)).toEqual(['1.2.3.4:6881', '9.8.7.6:8208'])
  expect(decodeUdpResponse(longer('scrape_response'), 4)).toMatchObject({ files: [{ seeders: 5 }] })
  expect(decodeUdpRequest(longer('connect_request'))).toEqual({ kind: 'connect', transactionId })
})

test('packets shorter than their layout are ignored', () => {
  const isRead = (name: string, length: number): boolean =>
    decodeUdpResponse(fromHex(vectors[name].hex)!.subarray(0, length), 4) !== null
  expect([isRead('connect_response', 15), isRead('connect_response', 16)]).toEqual([false, true])
  expect([isRead('announce_response_v4', 19), isRead('announce_response_v4', 20)]).toEqual([false, true])
  expect([isRead('scrape_response', 7), isRead('scrape_response', 8)]).toEqual([false, true])
  expect([isRead('error', 7), isRead('error', 8)]).toEqual([false, true])
  expect(decodeUdpRequest(fromHex(vectors.announce_request.hex)!.subarray(0, 97))).toBe(null)
  expect(decodeUdpRequest(fromHex(vectors.connect_request.hex)!.subarray(0, 15))).toBe(null)
})

test('unknown actions, and a connect without its magic number, are ignored', () => {
  expect(decodeUdpResponse(fromHex('0000000912345678')!, 4)).toBe(null)
  expect(decodeUdpRequest(fromHex('00000417271019800000000912345678')!)).toBe(null)
  expect(decodeUdpRequest(fromHex('11111111111111110000000012345678')!)).toBe(null)
})

test("libtorrent's packets are read, with its URL data (BEP 41)", () => {
  const [connect, announce] = captures.clients['libtorrent_2.0.8_plaintext'].udp_tracker_packets_hex.map((hex) =>
    decodeUdpRequest(fromHex(hex)!),
  )
  expect(connect).toEqual({ kind: 'connect', transactionId: 0x3e69a294 })
  expect(announce).toMatchObject({
    kind: 'announce',
    left: 100_000,
    event: 'started',
    numWant: 200,
    port: 0x46aa,
    key: 0xa3a318b0,
    urlData: '/announce',
  })
  expect(announce?.kind === 'announce' && toHex(announce.infohash)).toBe(captures.infohash)
})

test('URL data of any length survives, in options of 255 bytes', () => {
  const urlData = `/announce?key=${'x'.repeat(600)}`
  const bytes = encodeUdpRequest({ ...ANNOUNCE, urlData })
  expect(bytes.length).toBe(98 + urlData.length + 3 * 2)
  expect(decodeUdpRequest(bytes)).toEqual({ ...ANNOUNCE, urlData })
})

test.each([
  ['01 02 02 2f61', '/a'],
  ['02 01 2f 00 02 01 61', '/'],
  ['7f 02 ffff 02 01 2f', '/'],
  ['02 01 2f 02 09 61', '/'],
  ['02 01 2f 02', '/'],
])('of the options %s the URL data is %s', (options, urlData) => {
  const bytes = concatBytes([fromHex(vectors.announce_request.hex)!, fromHex(options.replaceAll(' ', ''))!])
  expect(decodeUdpRequest(bytes)).toMatchObject({ urlData })
})

test('an IPv4 address of our own may be stated, IPv6 has no room', () => {
  expect(decodeUdpRequest(encodeUdpRequest({ ...ANNOUNCE, ip: '10.0.0.1' }))).toMatchObject({ ip: '10.0.0.1' })
  expect(decodeUdpRequest(encodeUdpRequest({ ...ANNOUNCE, ip: '::1' }))).not.toHaveProperty('ip')
})

test('whatever the bytes are, nothing throws', () => {
  assert(
    property(uint8Array({ maxLength: 200 }), (bytes) => {
      if (bytes.length > 12) bytes.set([0, 0, 0, bytes[3] % 5], bytes[0] % 2 === 0 ? 0 : 8)
      decodeUdpRequest(bytes)
      decodeUdpResponse(bytes, 4)
      decodeUdpResponse(bytes, 16)
    }),
  )
})
