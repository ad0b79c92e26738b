// Answers of HTTP trackers to announces and scrapes (BEP 3, 7, 23, 24, 31, 48): what is read can be written, and read as the same.
import { toHex, fromHex, encodeUtf8 } from '../../../base/bytes.ts'
import { TrackerError } from '../../../base/errors.ts'
import { encode } from '../../../protocol/bencode/index.ts'
import {
  type AnnounceAnswer,
  type AnnounceResponse,
  encodeAnnounceReply,
  encodeRefusal,
  encodeScrapeReply,
  parseAnnounceAnswer,
  parseScrapeAnswer,
} from '../../../protocol/tracker/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureBytes } from '../fixtures.ts'
import type { Target } from '../target.ts'

/** Peers of answers that are looked at one by one. */
const MAX_COMPARED = 50

type ScrapeAnswer = ReturnType<typeof parseScrapeAnswer>

const WORDS = [
  'failure reason', 'failure_reason', 'retry in', 'never', 'peers', 'peers6', 'ip', 'port', 'peer id', 'interval', 'min interval',
  'complete', 'incomplete', 'downloaded', 'external ip', 'tracker id', 'warning message', 'files', '127.0.0.1', '::ffff:1.2.3.4',
  'name.example', '\u{1f600}', '\n', '1e400', ' 5 ', '\x07', '\r\n',
] // prettier-ignore

const PEERS = ['1.2.3.4', '2001:db8::1'].map((ip) => ({ address: { kind: 'ip', ip, port: 6881 } as const }))
const REPLY = { interval: 1800, minInterval: 60, seeders: 1, leechers: 2, peers: PEERS, warning: 'warned', trackerId: Uint8Array.of(1), externalIp: '::1' } // prettier-ignore

export const httpAnnounce: Target<AnnounceAnswer> = {
  name: 'http-announce',
  seeds: [
    ...fixtureBytes('protocol-trackers.json', 'hex').filter((bytes) => bytes[0] === 0x64),
    encodeAnnounceReply(REPLY, { isCompact: true, withoutPeerIds: true }),
    encodeAnnounceReply(REPLY, { isCompact: false, withoutPeerIds: false }),
    encodeRefusal('refused', 600),
    encodeRefusal('refused', Infinity),
    encode({ 'failure reason': 'a'.repeat(400), 'retry in': '7' }),
    encode({ 'external ip': '127.0.0.1', peers: [{ ip: 'name.example', port: 1 }, { ip: 'no name', port: 1 }, { port: 1 }, 5] }), // prettier-ignore
    encode({ peers: '12345', downloaded: 4, interval: -1 }),
    encode({ peers: new Uint8Array(6 * 5001).fill(7) }),
    encodeUtf8('d8:intervali1ee\r\n'),
    encode([]),
  ],
  isBencode: true,
  words: WORDS,
  refusals: [TrackerError],
  parse: (input) => parseAnnounceAnswer(input),
  check(answer) {
    if (answer.kind === 'refusal') {
      const { reason, retryInSeconds } = answer
      expectTrue(isLine(reason) && (retryInSeconds === null || retryInSeconds >= 0), 'a refusal is a line and a time')
      const again = parseAnnounceAnswer(encodeRefusal(reason, minutesFit(retryInSeconds)))
      expectSame(again.kind === 'refusal' && again.reason, reason, 'a refusal survives its writing')
    } else checkResponse(answer)
  },
  sources: [
    {
      path: 'protocol/tracker/http.ts',
      without: ['announceUrl', 'parseAnnounceQuery', 'badRequest', 'eventOf', 'bytes', 'twentyBytes', 'number'],
    },
    { path: 'protocol/tracker/announce.ts' },
  ],
}

function checkResponse(answer: AnnounceResponse): void {
  expectTrue(answer.peers.length <= 5000 && answer.namedPeers.length <= 5000, 'peers are bounded')
  expectTrue(answer.warning === null || isLine(answer.warning), 'a warning is a line')
  for (const { port } of answer.peers) expectTrue(port >= 1 && port <= 65_535, 'a peer has a port')
  const reply = {
    interval: answer.interval ?? 0,
    minInterval: answer.minInterval ?? undefined,
    seeders: answer.seeders ?? 0,
    leechers: answer.leechers ?? 0,
    warning: answer.warning ?? undefined,
    trackerId: answer.trackerId ?? undefined,
    externalIp: answer.externalIp ?? undefined,
  }
  if (answer.peers.length > MAX_COMPARED) return
  for (const isCompact of [true, false]) {
    // A compact list tells addresses of IPv4 first.
    const peers = isCompact
      ? answer.peers.toSorted((a, b) => Number(a.ip.includes(':')) - Number(b.ip.includes(':')))
      : answer.peers
    const listed = peers.map((address) => ({ address }))
    const again = parseAnnounceAnswer(
      encodeAnnounceReply({ ...reply, peers: listed }, { isCompact, withoutPeerIds: true }),
    )
    const { interval, seeders, leechers } = reply
    const expected = { ...answer, interval, seeders, leechers, downloads: null, peers, namedPeers: [] }
    expectSame(again, expected, 'an answer survives its writing')
  }
}

export const httpScrape: Target<ScrapeAnswer> = {
  name: 'http-scrape',
  seeds: [
    ...fixtureBytes('protocol-trackers.json', 'hex').filter((bytes) => bytes[0] === 0x64),
    encodeScrapeReply([
      [new Uint8Array(20).fill(0xcd), { seeders: 1, leechers: 2, downloads: 3 }],
      [new Uint8Array(20).fill(0x01), { seeders: 0, leechers: 0, downloads: 0 }],
    ]),
    encode({ files: { short: {}, ['x'.repeat(20)]: 5 } }),
    encode({ failure_reason: 'no' }),
    encodeRefusal('refused'),
  ],
  isBencode: true,
  words: [...WORDS, 'x'.repeat(20)],
  refusals: [TrackerError],
  parse: (input) => parseScrapeAnswer(input),
  check(answer) {
    if (answer.kind === 'refusal') return expectTrue(isLine(answer.reason), 'a refusal is a line')
    const files = [...answer.files].map(([infohash, figures]) => [fromHex(infohash)!, figures] as const)
    expectSame(parseScrapeAnswer(encodeScrapeReply(files)), answer, 'an answer survives its writing')
    for (const infohash of answer.files.keys())
      expectTrue(toHex(fromHex(infohash)!) === infohash, 'an infohash is 20 bytes')
  },
  sources: [{ path: 'protocol/tracker/http-scrape.ts', without: ['scrapeUrl', 'parseScrapeQuery'] }],
}

/** What can be printed in a line, of bounded length. */
function isLine(text: string): boolean {
  return text.length <= 300 && !/[\p{Cc}\u2028\u2029]/u.test(text)
}

function minutesFit(seconds: number | null): number | undefined {
  return seconds === null || (Number.isFinite(seconds) && !Number.isSafeInteger(Math.ceil(seconds / 60)))
    ? undefined
    : seconds
}
