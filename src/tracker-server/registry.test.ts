import { expect, test } from 'vitest'
import { addressKey } from '../base/address.ts'
import type { AnnounceEvent } from '../protocol/tracker/announce.ts'
import { infohashKey, Registry, type RegistryOptions, type Told } from './registry.ts'
import { packAddress } from './sender.ts'

const MINUTE = 60_000
const PEER_ID = new Uint8Array(20)

interface Said {
  readonly torrent?: number
  readonly event?: AnnounceEvent
  readonly wanted?: number | null
  readonly at?: number
  readonly bothFamilies?: boolean
  readonly peerId?: Uint8Array
}

/** A registry, asked by texts: `S` or `L` for seeder or leecher, then `ip` and `port`. */
class World {
  readonly registry: Registry

  constructor(options: Partial<RegistryOptions> = {}) {
    this.registry = new Registry({ random: { below: () => 0 }, ...options })
  }

  told(peer: string, said: Said = {}): Told {
    const { torrent = 1, event = null, wanted = null, at = 0, bothFamilies = true, peerId = PEER_ID } = said
    const [, kind, ip, port] = /^([LS])(.*)#(\d+)$/.exec(peer)!
    return this.registry.announce(
      {
        infohash: infohashOf(torrent),
        address: packAddress(ip, Number(port))!,
        peerId,
        isSeeder: kind === 'S',
        event,
        wanted,
        bothFamilies,
      },
      at,
    )
  }

  peers(peer: string, said: Said = {}): string[] {
    const [v4, v6] = this.told(peer, said).peers
    return [...v4.list(), ...v6.list()].map(({ address }) => addressKey(address))
  }

  /** Calls `sweep` often enough for two rounds. */
  sweepAll(at: number): void {
    for (let i = 0; i < 150; i++) this.registry.sweep(at)
  }

  get counts(): number[] {
    const { torrents, peers, seeders } = this.registry
    return [torrents, ...peers, seeders]
  }
}

const infohashOf = (torrent: number): Uint8Array => new Uint8Array(20).fill(torrent)

test('a peer is told of the others, not of itself, and a seeder not of seeders', () => {
  const world = new World()
  expect(world.peers('S1.1.1.1#1')).toEqual([])
  expect(world.peers('L2.2.2.2#2')).toEqual(['1.1.1.1:1'])
  expect(world.peers('S3.3.3.3#3')).toEqual(['2.2.2.2:2'])
  expect(world.peers('L2.2.2.2#2').sort()).toEqual(['1.1.1.1:1', '3.3.3.3:3'])
  expect(world.counts).toEqual([1, 3, 0, 2])
})

test("peers of the asker's own family come first, of the other one only where there is room for them", () => {
  const world = new World()
  for (const peer of ['L1.1.1.1#1', 'L2.2.2.2#2', 'L2001:db8::1#1', 'L2001:db8::2#2']) world.told(peer)
  expect(world.peers('L3.3.3.3#3', { wanted: 3 })).toEqual(['1.1.1.1:1', '2.2.2.2:2', '[2001:db8::1]:1'])
  expect(world.peers('L2001:db8:1::1#1', { wanted: 2 }).sort()).toEqual(['[2001:db8::1]:1', '[2001:db8::2]:2'])
  expect(world.peers('L3.3.3.3#3', { bothFamilies: false })).toEqual(['1.1.1.1:1', '2.2.2.2:2'])
})

test('who stops is gone at once, and is told of nobody; a stop of somebody unknown leaves nothing behind', () => {
  const world = new World()
  world.told('S1.1.1.1#1')
  world.told('L2.2.2.2#2')
  expect(world.peers('S1.1.1.1#1', { event: 'stopped' })).toEqual([])
  expect(world.counts).toEqual([1, 1, 0, 0])
  world.told('L2.2.2.2#2', { event: 'stopped' })
  world.told('L9.9.9.9#9', { event: 'stopped', torrent: 7 })
  expect(world.counts).toEqual([0, 0, 0, 0])
})

test('a download is counted once, when its peer was no seeder before', () => {
  const world = new World()
  world.told('L1.1.1.1#1')
  expect(world.told('S1.1.1.1#1', { event: 'completed' }).downloads).toBe(1)
  expect(world.told('S1.1.1.1#1', { event: 'completed' }).downloads).toBe(1)
  expect(world.registry.scrape(infohashOf(1))).toMatchObject({ seeders: 1, leechers: 0, downloads: 1 })
  expect(world.registry.scrape(infohashOf(2))).toBe(null)
})

test('a client that is started anew on its port has its new peer id from then on', () => {
  const world = new World()
  const idsTold = (): number[] =>
    world
      .told('L3.3.3.3#3')
      .peers[0].list()
      .map(({ peerId }) => peerId[0])
  const [first, second] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(2)]
  world.told('L2.2.2.2#2', { event: 'started', peerId: first })
  world.told('L2.2.2.2#2', { peerId: first })
  expect(idsTold()).toEqual([1])
  world.told('L2.2.2.2#2', { event: 'started', peerId: second })
  expect(idsTold()).toEqual([2])
})

test('who falls silent is forgotten after two of its announces would have come, torrents with their last peer', () => {
  const world = new World()
  world.told('L1.1.1.1#1')
  world.told('L2001:db8::1#1')
  world.told('S2.2.2.2#2', { at: 3 * MINUTE })
  world.told('L3.3.3.3#3', { torrent: 2 })
  world.sweepAll(20 * MINUTE)
  expect(world.counts).toEqual([2, 3, 1, 1])
  world.sweepAll(21 * MINUTE)
  expect(world.counts).toEqual([1, 1, 0, 1])
  world.sweepAll(24 * MINUTE)
  expect(world.counts).toEqual([0, 0, 0, 0])
})

test('who announces every ten minutes, as rTorrent does whatever the interval, is never forgotten', () => {
  for (const intervalSeconds of [1, 120]) {
    const world = new World({ intervalSeconds })
    for (let at = 0; at <= 60 * MINUTE; at += 10 * MINUTE) {
      world.sweepAll(at)
      world.told('S1.1.1.1#1', at === 0 ? { event: 'completed' } : { at })
    }
    world.sweepAll(69 * MINUTE)
    expect(world.registry.scrape(infohashOf(1))).toMatchObject({ seeders: 1, downloads: 1 })
  }
})

test('with a long interval, who falls silent is kept for two of them', () => {
  const world = new World({ intervalSeconds: 1800 })
  world.told('L1.1.1.1#1')
  world.sweepAll(60 * MINUTE)
  expect(world.counts).toEqual([1, 1, 0, 0])
  world.sweepAll(61 * MINUTE)
  expect(world.counts).toEqual([0, 0, 0, 0])
})

test('a sweep looks at a part of the peers, and a round at all of them, also within one large torrent', () => {
  const world = new World()
  for (let i = 0; i < 6000; i++) world.told(`L10.0.${i >> 8}.${i & 255}#1`)
  world.registry.sweep(30 * MINUTE)
  const [, left] = world.counts
  expect(left).toBeGreaterThan(5800)
  expect(left).toBeLessThan(6000)
  world.sweepAll(30 * MINUTE)
  expect(world.counts).toEqual([0, 0, 0, 0])
})

test('memory follows the peers that there are, whatever size torrents have had and whichever are left', () => {
  const world = new World()
  const say = (torrent: number, port: number, event: AnnounceEvent): void => {
    const address = packAddress('127.0.0.1', port)!
    const rest = { peerId: PEER_ID, isSeeder: false, wanted: 0, bothFamilies: false }
    world.registry.announce({ infohash: infohashOf(torrent), address, event, ...rest }, 0)
  }
  const [torrents, peers] = [200, 200]
  for (let torrent = 0; torrent < torrents; torrent++)
    for (let port = 1; port <= peers; port++) say(torrent, port, null)
  // In each page, two torrents stay.
  const staying = (torrent: number): number => (torrent % 20 === 0 ? peers : 0)
  for (let torrent = 0; torrent < torrents; torrent++) {
    for (let port = staying(torrent) + 1; port <= peers; port++) say(torrent, port, 'stopped')
  }
  const before = world.registry.byteLength
  world.sweepAll(0)
  expect(before - world.registry.byteLength).toBeGreaterThan(3.9 * 2 ** 18)
  for (let torrent = 0; torrent < torrents; torrent++) {
    expect(world.registry.scrape(infohashOf(torrent))?.leechers ?? 0).toBe(staying(torrent))
  }
})

test('peers may leave and join while a round is under way', () => {
  const world = new World()
  for (let i = 0; i < 600; i++) world.told(`L10.0.${i >> 8}.${i & 255}#1`, { torrent: 1 + (i % 3) })
  world.registry.sweep(30 * MINUTE)
  for (let i = 0; i < 600; i++) world.told(`L10.0.${i >> 8}.${i & 255}#1`, { torrent: 1 + (i % 3), event: 'stopped' })
  for (let i = 0; i < 30; i++) world.told(`S10.1.0.${i}#1`, { torrent: 1 + (i % 3), at: 30 * MINUTE })
  world.sweepAll(31 * MINUTE)
  expect(world.counts).toEqual([3, 30, 0, 30])
  world.sweepAll(60 * MINUTE)
  expect(world.counts).toEqual([0, 0, 0, 0])
})

test.each([
  ['torrents', { maxTorrents: 1 }, 'L1.1.1.1#1', { torrent: 2 }, 'full'],
  ['peers', { maxPeers: 1 }, 'L2.2.2.2#1', {}, 'full'],
  ['peers of a torrent', { maxPeersPerTorrent: 1 }, 'L2.2.2.2#1', {}, 'torrent_full'],
  ['peers of an address', { maxPeersPerAddress: 1 }, 'L1.1.1.1#2', { torrent: 2 }, 'too_many_of_address'],
  ['peers of an address in a torrent', { maxPeersPerAddressAndTorrent: 1 }, 'L1.1.1.1#2', {}, 'too_many_of_address'],
])(
  'a limit of %s refuses who is new, serves who is known, and ends when somebody leaves',
  (_, limits, peer, said, code) => {
    const world = new World({ limits })
    world.told('L1.1.1.1#1')
    expect(() => world.told(peer, said)).toThrow(expect.objectContaining({ name: 'TrackerError', code }))
    expect(world.counts).toEqual([1, 1, 0, 0])
    expect(world.told('S1.1.1.1#1').seeders).toBe(1)
    world.told('S1.1.1.1#1', { event: 'stopped' })
    world.told(peer, said)
    expect(world.counts).toEqual([1, 1, 0, 0])
  },
)

test('a household has one /64; loopback is not counted', () => {
  const world = new World({ limits: { maxPeersPerAddressAndTorrent: 2 } })
  world.told('L2001:db8::1#1')
  world.told('L2001:db8::2#1')
  expect(() => world.told('L2001:db8::3#1')).toThrow('Too many')
  world.told('L2001:db8:0:1::1#1')
  for (let port = 1; port < 10; port++) world.told(`L127.0.0.1#${port}`)
  for (let port = 1; port < 10; port++) world.told(`L::1#${port}`)
  expect(world.counts).toEqual([1, 9, 12, 0])
})

test('a refusal of the first peer of a family leaves nothing behind', () => {
  const world = new World({ limits: { maxPeers: 1 } })
  world.told('L1.1.1.1#1')
  expect(() => world.told('L2001:db8::1#1')).toThrow('full')
  world.told('L1.1.1.1#1', { event: 'stopped' })
  expect(world.counts).toEqual([0, 0, 0, 0])
})

test('torrents that are not allowed are refused, and forgotten when they no longer are', () => {
  const allowed = new Set([1, 2].map((torrent) => infohashKey(infohashOf(torrent))))
  const world = new World({ isAllowed: (key) => allowed.has(key) })
  world.told('L1.1.1.1#1')
  world.told('S1.1.1.1#1', { torrent: 2 })
  expect(() => world.told('L1.1.1.1#1', { torrent: 3 })).toThrow(expect.objectContaining({ code: 'not_allowed' }))
  allowed.delete(infohashKey(infohashOf(2)))
  expect(world.registry.scrape(infohashOf(2))).toBe(null)
  world.sweepAll(0)
  expect(world.counts).toEqual([1, 1, 0, 0])
})

test('the interval differs from client to client, and grows with the number of peers', () => {
  const highest = { below: (limit: number) => limit - 1 }
  const world = new World({ random: highest, intervalSeconds: 2 })
  expect(world.told('L1.1.1.1#1').interval).toBe(2)
  for (let i = 0; i < 3200; i++) world.told(`L10.0.${i >> 8}.${i & 255}#1`)
  expect(world.told('L1.1.1.1#1').interval).toBe(16 + 2)
})

test.each([0, 1.5, Number.NaN, 1e9])('a limit of %s, or such an interval, is refused', (maxPeers) => {
  expect(() => new World({ limits: { maxPeers } })).toThrow(RangeError)
  expect(() => new World({ intervalSeconds: maxPeers })).toThrow(RangeError)
})
