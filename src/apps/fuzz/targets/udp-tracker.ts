// Packets of UDP trackers (BEP 15, 41), as the client and as the tracker reads them.
import { isIpv6 } from '../../../base/address.ts'
import {
  type AskWith,
  decodeUdpRequest,
  decodeUdpResponse,
  encodeUdpRequest,
  encodeUdpResponse,
  type UdpAnnounceRequest,
  UdpExchange,
  type UdpRequest,
  type UdpResponse,
} from '../../../protocol/tracker/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureBytes } from '../fixtures.ts'
import type { Target } from '../target.ts'

/** What the packets of the fixtures carry. */
const TRANSACTION_ID = 0x12345678
const NO_ID = new Uint8Array(20).fill(0xcd)
const ANNOUNCE: UdpAnnounceRequest = {
  kind: 'announce',
  transactionId: 1,
  connectionId: NO_ID.slice(0, 8),
  infohash: NO_ID,
  peerId: NO_ID,
  port: 6881,
  uploaded: 1,
  downloaded: 2,
  left: 3,
  event: 'started',
  key: 4,
  numWant: -1,
  ip: '127.0.0.1',
  urlData: `/${'a'.repeat(300)}`,
}
const WORDS = [
  '\x12\x34\x56\x78',
  '\0\0\0\0',
  '\0\0\0\x01',
  '\0\0\0\x02',
  '\0\0\0\x03',
  '\x02\x05/path',
  '\x01',
  '\x02\xff',
]

const PACKETS = [
  ...fixtureBytes('protocol-trackers.json', 'hex').filter((bytes) => bytes[0] !== 0x64),
  ...fixtureBytes('wire-captures-trackers.json', 'udp_tracker_packets_hex'),
]

interface Answers {
  readonly ofIpv4: UdpResponse | null
  readonly ofIpv6: UdpResponse | null
}

export const udpAnswers: Target<Answers> = {
  name: 'udp-answers',
  seeds: [
    ...PACKETS,
    encodeUdpResponse({ kind: 'error', transactionId: TRANSACTION_ID, message: 'a'.repeat(400) }, 4),
    encodeUdpResponse(
      {
        kind: 'announce',
        transactionId: TRANSACTION_ID,
        interval: 1800,
        leechers: 1,
        seeders: 2,
        peers: [{ kind: 'ip', ip: '2001:db8::1', port: 6881 }],
      },
      16,
    ),
  ],
  words: WORDS,
  refusals: [],
  parse: (input) => ({ ofIpv4: decodeUdpResponse(input, 4), ofIpv6: decodeUdpResponse(input, 16) }),
  check({ ofIpv4, ofIpv6 }, input) {
    if (ofIpv4) {
      checkResponse(ofIpv4, 4)
      exchange(input, ofIpv4)
    }
    if (ofIpv6) checkResponse(ofIpv6, 16)
  },
  sources: [
    { path: 'protocol/tracker/udp.ts', without: ['decodeUdpRequest', 'decodeAnnounce', 'urlDataOf'] },
    { path: 'protocol/tracker/udp-exchange.ts' },
  ],
}

function checkResponse(response: UdpResponse, ipLength: 4 | 16): void {
  let writable = response
  if (response.kind === 'announce') {
    expectTrue(response.peers.length <= 5000, 'peers are bounded')
    // An IPv4 address in an IPv6 record is read as what it is, and cannot be written there again.
    writable = { ...response, peers: response.peers.filter(({ ip }) => isIpv6(ip) === (ipLength === 16)) }
  }
  const again = decodeUdpResponse(encodeUdpResponse(writable, ipLength), ipLength)
  expectSame(again, writable, 'an answer survives its writing')
}

const announce: AskWith = (connectionId, transactionId) => ({ ...ANNOUNCE, transactionId, connectionId })
const scrape: AskWith = (connectionId, transactionId) => ({ kind: 'scrape', transactionId, connectionId, infohashes: [NO_ID] }) // prettier-ignore

/** The packet arrives before, while and after a connection id is asked for, and again. */
function exchange(packet: Uint8Array, { transactionId }: UdpResponse): void {
  const old = { id: NO_ID.slice(0, 8), expiresAt: 70_000 }
  for (const [ask, connection] of [
    [announce, null],
    [scrape, old],
  ] as const) {
    // prettier-ignore
    const exchange = new UdpExchange(ask, { ipLength: 4, connection, newTransactionId: () => transactionId, maxWaits: 2 })
    expectTrue(
      exchange.transactionId === null && exchange.receive(packet, 0) === null,
      'who has not asked gets no answer',
    )
    for (let now = 0; now < 100_000; now += 20_000) {
      const sent = exchange.poll(now)
      expectTrue(exchange.transactionId === transactionId, 'a question has an id')
      expectTrue(sent === null || decodeUdpRequest(sent)?.transactionId === transactionId, 'requests carry the id')
      exchange.receive(packet, now)
      exchange.poll(now)
    }
  }
}

export const udpRequests: Target<UdpRequest | null> = {
  name: 'udp-requests',
  seeds: [
    ...PACKETS,
    encodeUdpRequest(ANNOUNCE),
    encodeUdpRequest({ kind: 'scrape', transactionId: 1, connectionId: NO_ID.slice(0, 8), infohashes: Array(80).fill(NO_ID) }), // prettier-ignore
  ],
  words: WORDS,
  refusals: [],
  parse: (input) => decodeUdpRequest(input),
  check(request) {
    if (request === null) return
    if (request.kind === 'announce') {
      const { uploaded, downloaded, left, urlData } = request
      // Beyond 2^53 counters are rounded; URL data is ASCII in a request of ours.
      if (![uploaded, downloaded, left].every(Number.isSafeInteger) || /[^\0-\x7f]/.test(urlData)) return
    }
    expectSame(decodeUdpRequest(encodeUdpRequest(request)), request, 'a request survives its writing')
  },
  sources: [{ path: 'protocol/tracker/udp.ts', without: ['decodeUdpResponse', 'encodeUdpResponse', 'words'] }],
}
