// What clients ask of a tracker over HTTP: its target is read, and answered whatever comes. UDP: `tracker-server.ts`.
import { encodeUtf8 } from '../../../base/bytes.ts'
import { TrackerError } from '../../../base/errors.ts'
import { keyFromBytes } from '../../../protocol/bencode/index.ts'
import {
  type AnnounceQuery,
  announceUrl,
  parseAnnounceAnswer,
  parseAnnounceQuery,
  parseScrapeAnswer,
  parseScrapeQuery,
  scrapeUrl,
} from '../../../protocol/tracker/index.ts'
import { HttpAnswers } from '../../../tracker-server/http-answers.ts'
import { Registry } from '../../../tracker-server/registry.ts'
import { Traffic } from '../../../tracker-server/traffic.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureTexts } from '../fixtures.ts'
import { type Target, unlessRefused } from '../target.ts'

const REFUSALS = [TrackerError]
const SENDERS = ['127.0.0.1', '::1']
const MAX_TORRENTS = 2
const MAX_PEERS = 2
const HASH = `info_hash=${'%cd'.repeat(20)}`
const ANNOUNCE = `/announce?${HASH}&peer_id=-XX0001-abcdefghijkl&port=6881`

interface Answers {
  readonly registry: Registry
  /** What the tracker answers to each sender. */
  readonly bodies: readonly (Uint8Array | null)[]
  readonly infohashes: readonly Uint8Array[] | null
  readonly query: AnnounceQuery | null
}

export const trackerQueries: Target<Answers> = {
  name: 'tracker-queries',
  seeds: [
    ...fixtureTexts('wire-captures-trackers.json', 'http_tracker_requests').map((request) => request.split(' ')[1]),
    ANNOUNCE,
    `${ANNOUNCE}&uploaded=1&downloaded=2&left=0&event=completed&numwant=200&key=%zz&trackerid=%00&compact=0&no_peer_id=1`,
    `${ANNOUNCE}&uploaded=1&downloaded=2&left=3&event=started&numwant=20&key=01ab&trackerid=%00a&compact=0`,
    `${ANNOUNCE}&event=stopped`,
    `${ANNOUNCE}&event=paused&port=1&&=&left=x`,
    `/scrape?${HASH}`,
    `/scrape?${HASH}&${HASH}&other=1`,
    '/scrape?info_hash=short',
    '/scrape',
    `/announce?${'a=b&'.repeat(101)}`,
    '/announce?port=0',
    '/stats',
  ].map((text) => encodeUtf8(text)),
  words: [
    '&', '=', '?', '%', '%00', '%ff', '%zz', '/announce?', '/scrape?', '&info_hash=', '&peer_id=', '&port=', '&left=', '&numwant=', '&event=',
    '&key=', '&trackerid=', '&compact=0', '&no_peer_id=1', 'started', 'stopped', 'completed', '#', '+', '\u0100', `&${HASH}`,
  ], // prettier-ignore
  refusals: REFUSALS,
  parse(input) {
    const target = targetOf(input)
    const limits = { maxTorrents: MAX_TORRENTS, maxPeers: MAX_PEERS }
    const registry = new Registry({ random: { below: () => 0 }, limits })
    const answers = new HttpAnswers(registry, new Traffic())
    answers.answer(ANNOUNCE, '127.0.0.2', 0)
    const bodies = SENDERS.map((ip, i) => answers.answer(target, ip, i))
    return {
      registry,
      bodies,
      infohashes: unlessRefused(REFUSALS, () => parseScrapeQuery(target)),
      query: unlessRefused(REFUSALS, () => parseAnnounceQuery(target)),
    }
  },
  check({ registry, bodies, infohashes, query }, input) {
    expectTrue(
      registry.torrents <= MAX_TORRENTS && registry.peers[0] + registry.peers[1] <= MAX_PEERS,
      'memory is bounded',
    )
    for (const body of bodies) {
      expectTrue(body === null || body.length < 20_000, 'answers are bounded')
      if (body) (targetOf(input).startsWith('/scrape') ? parseScrapeAnswer : parseAnnounceAnswer)(body)
    }
    if (infohashes && infohashes.length > 0) {
      const url = scrapeUrl('http://127.0.0.1/announce?passkey=1', infohashes)!
      expectSame(parseScrapeQuery(url), infohashes, 'a scrape survives its writing')
    }
    if (query && [query.uploaded, query.downloaded, query.left].every(isExact)) checkAnnounce(query)
  },
  sources: [
    { path: 'protocol/tracker/query-string.ts' },
    {
      path: 'protocol/tracker/http.ts',
      without: [
        'parseAnnounceAnswer', 'decodeDict', 'lengthWithoutLineEnd', 'retryIn', 'count', 'trackerIdOf', 'ipOf', 'peersOf', 'compactPeers',
        'listedPeers', 'encodeAnnounceReply', 'encodePackedReply', 'encodeReply', 'listedPeer', 'encodeRefusal',
      ], // prettier-ignore
    },
    { path: 'protocol/tracker/http-scrape.ts', without: ['parseScrapeAnswer'] },
    { path: 'tracker-server/http-answers.ts' },
  ],
}

/** As node:http hands targets over: a character per byte. */
function targetOf(input: Uint8Array): string {
  return keyFromBytes(input)
}

function isExact(value: number | null): boolean {
  return value === null || Number.isSafeInteger(value)
}

function checkAnnounce(query: AnnounceQuery): void {
  const [uploaded, downloaded, left] = [query.uploaded ?? 0, query.downloaded ?? 0, query.left ?? 0]
  const numWant = query.numWant !== null && Number.isSafeInteger(query.numWant) ? query.numWant : -1
  const url = announceUrl('http://127.0.0.1/announce?', {
    ...query,
    uploaded,
    downloaded,
    left,
    numWant,
    key: 0x1ab,
    ip: '::1',
  })
  const again = parseAnnounceQuery(url)
  // Ours are always compact, and an empty tracker id is none.
  const { isCompact, withoutPeerIds, key, numWant: _, ...same } = again
  expectTrue(isCompact && withoutPeerIds && key?.length === 8, 'we ask for the short form')
  const { infohash, peerId, port, event, trackerId } = query
  expectSame(
    same,
    { infohash, peerId, port, uploaded, downloaded, left, event, trackerId },
    'an announce survives its writing',
  )
}
