// The tracker over UDP, and the registry of both protocols: a stream of datagrams from few senders, while time goes by. Chance says
// who sends what, and half of the datagrams get a valid connection id, for without one nothing is reached.
import { viewOf } from '../../../base/bytes.ts'
import { decodeUdpResponse, encodeUdpRequest, type UdpAnnounceRequest } from '../../../protocol/tracker/index.ts'
import { ConnectionIds } from '../../../tracker-server/connection-ids.ts'
import { Registry } from '../../../tracker-server/registry.ts'
import { packAddress } from '../../../tracker-server/sender.ts'
import { Traffic } from '../../../tracker-server/traffic.ts'
import { UdpAnswers } from '../../../tracker-server/udp-answers.ts'
import { expectTrue } from '../expect.ts'
import { fixtureBytes } from '../fixtures.ts'
import type { Target } from '../target.ts'

const SENDERS = ['127.0.0.1', '10.0.0.1', '10.0.0.2', '::ffff:10.0.0.1', '::1', '2001:db8::1', '2001:db8:0:1::1']
const LIMITS = {
  maxTorrents: 3,
  maxPeers: 5,
  maxPeersPerTorrent: 3,
  maxPeersPerAddress: 3,
  maxPeersPerAddressAndTorrent: 2,
}
/** One input is cut into datagrams of this length, or ends before. */
const DATAGRAM = 120
const MAX_DATAGRAMS = 40
const ID = new Uint8Array(8)

interface Outcome {
  readonly registry: Registry
  readonly exchanges: readonly Exchange[]
}

interface Exchange {
  readonly sent: number
  readonly senderIp: string
  readonly isTrusted: boolean
  readonly answer: Uint8Array | null
}

function announce(said: Partial<UdpAnnounceRequest>): Uint8Array {
  const hash = new Uint8Array(20).fill(0xcd)
  const figures = { uploaded: 1, downloaded: 2, left: 3, key: 4, numWant: -1 }
  const bytes = encodeUdpRequest({
    kind: 'announce', transactionId: 1, connectionId: ID, infohash: hash, peerId: hash, port: 6881, event: null, urlData: '/announce?a=1',
    ...figures, ...said,
  }) // prettier-ignore
  const padded = new Uint8Array(DATAGRAM)
  padded.set(bytes.subarray(0, DATAGRAM))
  return padded
}

function joined(...datagrams: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(datagrams.length * DATAGRAM)
  for (const [i, datagram] of datagrams.entries()) bytes.set(datagram, i * DATAGRAM)
  return bytes
}

const infohash = (n: number): Uint8Array => new Uint8Array(20).fill(n)
const crowd = Array.from({ length: 20 }, (_, i) => announce({ port: 1 + i, left: i % 3, infohash: infohash(i % 2) }))

export const trackerServer: Target<Outcome> = {
  name: 'tracker-server',
  seeds: [
    ...fixtureBytes('wire-captures-trackers.json', 'udp_tracker_packets_hex'),
    encodeUdpRequest({ kind: 'connect', transactionId: 1 }),
    announce({}),
    joined(announce({ event: 'started' }), announce({ event: 'completed', left: 0 }), announce({ event: 'stopped' })),
    joined(...crowd),
    joined(...crowd, ...[1, 2, 3, 4, 5].map((n) => announce({ infohash: infohash(n), event: 'stopped' })), ...crowd),
    joined(announce({ port: 0 }), announce({ numWant: 1000 }), announce({ ip: '6.6.6.6', urlData: '' })),
    encodeUdpRequest({
      kind: 'scrape',
      transactionId: 1,
      connectionId: ID,
      infohashes: Array<Uint8Array>(5).fill(infohash(1)),
    }),
  ],
  words: [
    '\0\0\0\0',
    '\0\0\0\x01',
    '\0\0\0\x02',
    '\0\0\0\x03',
    '\xff\xff\xff\xff',
    '\x02\x09/announce',
    '\xcd\xcd\xcd\xcd',
  ],
  refusals: [],
  parse(input, random) {
    const registry = new Registry({ random, limits: LIMITS })
    const ids = new ConnectionIds(new Uint8Array(32))
    const answers = new UdpAnswers(registry, ids, new Traffic())
    const exchanges: Exchange[] = []
    let now = 0
    for (let at = 0; at < input.length && exchanges.length < MAX_DATAGRAMS; at += DATAGRAM) {
      const senderIp = SENDERS[random.below(SENDERS.length)]
      const datagram = input.slice(at, at + DATAGRAM)
      const isTrusted = isAsked(datagram) && random.below(2) === 0
      if (isTrusted) datagram.set(ids.issue(packAddress(senderIp, 0)!, now))
      const answer = answers.answer(datagram, senderIp, now)
      exchanges.push({ sent: datagram.length, senderIp, isTrusted, answer: answer && answer.slice() })
      now += random.below(100_000)
      registry.sweep(now)
    }
    return { registry, exchanges }
  },
  check({ registry, exchanges }) {
    const [v4, v6] = registry.peers
    expectTrue(v4 >= 0 && v6 >= 0 && v4 + v6 <= LIMITS.maxPeers, 'peers are bounded')
    expectTrue(registry.torrents <= Math.min(LIMITS.maxTorrents, v4 + v6), 'torrents are bounded, and have peers')
    expectTrue(registry.seeders >= 0 && registry.seeders <= v4 + v6, 'seeders are peers')
    for (const { sent, senderIp, isTrusted, answer } of exchanges) checkAnswer(sent, senderIp, isTrusted, answer)
    // With time, everything is forgotten.
    for (let i = 0; i < 200; i++) registry.sweep(1e9)
    expectTrue(registry.peers.every((peers) => peers === 0) && registry.torrents === 0, 'nothing is kept for ever')
    expectTrue(registry.seeders === 0, 'seeders that are gone are not counted')
  },
  sources: [
    { path: 'tracker-server/udp-answers.ts', without: ['renewBuffers'] },
    { path: 'tracker-server/connection-ids.ts' },
    { path: 'tracker-server/registry.ts', without: ['scrape'] },
    { path: 'tracker-server/swarm.ts' },
    { path: 'tracker-server/draw.ts', without: ['packed', 'list'] },
  ],
}

/** An announce or a scrape, by its action. */
function isAsked(datagram: Uint8Array): boolean {
  return datagram.length >= 16 && viewOf(datagram).getUint32(8) !== 0
}

function checkAnswer(sent: number, senderIp: string, isTrusted: boolean, answer: Uint8Array | null): void {
  if (answer === null) return
  expectTrue(isTrusted || answer.length <= sent, 'nobody gets more than it sent before it has shown that it gets it')
  const length = packAddress(senderIp, 0)!.length === 6 ? 4 : 16
  const response = decodeUdpResponse(answer, length)
  expectTrue(response !== null, 'answers can be read')
  if (response?.kind !== 'announce') return
  expectTrue(response.peers.length * (length + 2) === answer.length - 20, 'the peers are of the family of the asker')
  expectTrue(response.peers.length < LIMITS.maxPeersPerTorrent, 'nobody is told of itself')
}
