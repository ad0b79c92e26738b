// Fills a registry, and tells what it takes. A process of its own, started with --expose-gc.
import { randomFillSync } from 'node:crypto'
import { Registry } from '../../src/tracker-server/registry.ts'

interface MemoryTask {
  readonly torrents: number
  readonly peers: number
  /** Of the peers. */
  readonly ipv6Share: number
}

export interface MemoryReport {
  readonly peers: number
  /** Bytes per peer: what the process has grown by. */
  readonly rss: number
  /** Bytes per peer, of V8's heap and of array buffers. */
  readonly held: number
  /** Announces to the registry alone, of peers that it knows, for each CPU second. */
  readonly perSecond: number
}

const { torrents, peers, ipv6Share } = JSON.parse(process.argv[2]) as MemoryTask
const below = (limit: number): number => Math.floor(Math.random() * limit)
const address = [new Uint8Array(6), new Uint8Array(18)]
const infohash = new Uint8Array(20)
const peerId = new Uint8Array(20)

function announce(registry: Registry, torrent: number): void {
  new DataView(infohash.buffer).setUint32(0, Math.imul(torrent + 1, 0x9e3779b1))
  randomFillSync(peerId)
  const sender = address[Math.random() < ipv6Share ? 1 : 0]
  for (let i = 0; i < sender.length; i++) sender[i] = 1 + below(255)
  const isSeeder = below(10) === 0
  registry.announce({ infohash, address: sender, peerId, isSeeder, event: null, wanted: 50, bothFamilies: true }, 0)
}

function memory(): { rss: number; held: number } {
  for (let i = 0; i < 3; i++) globalThis.gc!()
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  return { rss, held: heapUsed + arrayBuffers }
}

// The code is warm before it is looked at.
const warm = new Registry({ random: { below }, limits: { maxPeers: 10_000 } })
for (let i = 0; i < 10_000; i++) announce(warm, i % 100)
const before = memory()
const registry = new Registry({ random: { below }, limits: { maxTorrents: torrents, maxPeers: peers } })
for (let i = 0; i < peers; i++) announce(registry, i % torrents)
const after = memory()

const known = { infohash, address: Uint8Array.of(9, 9, 9, 9, 1, 1), peerId, isSeeder: false, event: null } as const
const startedAt = process.cpuUsage()
const ANNOUNCES = 300_000
registry.announce({ ...known, wanted: 0, bothFamilies: true, event: 'stopped' }, 0)
for (let i = 0; i < ANNOUNCES; i++) {
  new DataView(infohash.buffer).setUint32(0, Math.imul(below(torrents) + 1, 0x9e3779b1))
  registry.announce({ ...known, wanted: 50, bothFamilies: true, event: 'stopped' }, 0)
}
const { user, system } = process.cpuUsage(startedAt)
const count = registry.peers[0] + registry.peers[1]
process.send!({
  peers: count,
  rss: (after.rss - before.rss) / count,
  held: (after.held - before.held) / count,
  perSecond: ANNOUNCES / ((user + system) / 1e6),
} satisfies MemoryReport)
