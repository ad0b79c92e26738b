// The DHT in real sessions, on simulated machines that nobody else is connected with.
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import type { Platform, UdpSocket } from '../../platform/platform.ts'
import { encodeTorrent } from '../../protocol/metainfo/create.ts'
import { encodeMagnet } from '../../protocol/metainfo/magnet.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { SimContent, type SimNode, Simulator } from '../../sim/index.ts'
import type { Torrent } from '../torrent/torrent.ts'
import { readEntrance, SessionDht, type SoughtTorrent } from './session-dht.ts'
import { Session } from './session.ts'
import type { SessionOptions } from './settings.ts'

const LINE = { up: 1_000_000, down: 5_000_000 }
const HUB = '20.0.1.1:6881'
const PATH = { path: '/data' }

interface Sent {
  readonly atMs: number
  /** One character per byte. */
  readonly text: string
}

class World {
  readonly sim = new Simulator({ seed: 1 })
  readonly content = new SimContent({ files: 655_360, pieceBytes: 16_384, trackers: [] })
  readonly sessions: Session[] = []
  #nodes = 0

  node(): SimNode {
    return this.sim.node(`20.0.${++this.#nodes}.1`, LINE)
  }

  async session(platform: Platform = this.node().platform, options: SessionOptions = {}): Promise<Session> {
    const session = await this.ended(
      Session.open({ port: 6881, useDht: true, dhtRouters: [HUB], ...options }, platform),
    )
    this.sessions.push(session)
    return session
  }

  /** A few sessions that have found each other. */
  async network(): Promise<void> {
    for (let i = 0; i < 5; i++) await this.session()
    await this.pass(60)
  }

  /** Another one, with all of the content. */
  async seed(torrent = this.content.torrent, node = this.node(), platform: Platform = node.platform): Promise<Torrent> {
    this.content.fill(node.disk, '/data')
    return (await this.session(platform)).add(torrent, PATH)
  }

  /** Infohashes that anybody keeps peers of. */
  get announced(): number {
    return Math.max(...this.sessions.flatMap(({ dht }) => dht.map(({ stored }) => stored.infohashes)))
  }

  /** `platform`, and all that it sends by UDP. */
  watched({ platform }: SimNode): { readonly platform: Platform; readonly sent: Sent[] } {
    const sent: Sent[] = []
    const openUdp: Platform['network']['openUdp'] = async (options, onMessage) => {
      const socket = await platform.network.openUdp(options, onMessage)
      const send: UdpSocket['send'] = (datagram, to) => {
        sent.push({ atMs: this.sim.nowMs, text: Buffer.from(datagram).toString('latin1') })
        socket.send(datagram, to)
      }
      return { ip: socket.ip, port: socket.port, send, close: () => socket.close() }
    }
    const { clock, random, disk, state, network } = platform
    const watched: Platform['network'] = {
      listen: (options, onConnection) => network.listen(options, onConnection),
      connect: (remote, options, handler) => network.connect(remote, options, handler),
      openUdp,
      httpGet: (request) => network.httpGet(request),
      lookup: (host, family) => network.lookup(host, family),
      ownAddresses: () => network.ownAddresses(),
    }
    return { platform: { clock, random, disk, state, network: watched }, sent }
  }

  async pass(seconds: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + seconds * 1000 })
  }

  async until(isReached: () => boolean): Promise<void> {
    await this.sim.run({ until: isReached, limitMs: 120_000 })
    assert(isReached())
  }

  async ended<Result>(promise: Promise<Result>): Promise<Result> {
    let isOver = false
    void promise.then(() => (isOver = true))
    await this.until(() => isOver)
    return promise
  }

  privateTorrent(): Uint8Array {
    const { name, totalSize, pieceLength, pieceHashes } = parseTorrent(this.content.torrent)
    return encodeTorrent({ name, content: totalSize, pieceLength, pieceHashes: pieceHashes!, isPrivate: true })
  }
}

function linkOf(torrent: Uint8Array, peers: string[] = []): string {
  return encodeMagnet({ infohashV1: parseTorrent(torrent).infohashV1, peers })
}

function infohashText(torrent: Uint8Array): string {
  return Buffer.from(parseTorrent(torrent).infohashV1!).toString('latin1')
}

test('a magnet link is found by the DHT alone', async () => {
  const world = new World()
  await world.network()
  await world.seed()
  await world.pass(60)
  expect(world.announced).toBe(1)
  const node = world.node()
  const torrent = (await world.session(node.platform)).add(linkOf(world.content.torrent), PATH)
  await world.until(() => torrent.state === 'seeding')
  expect(world.content.isComplete(node.disk, '/data')).toBe(true)
})

test('the port that peers dial is announced, not the one that datagrams come from: there is no uTP', async () => {
  const world = new World()
  await world.network()
  const node = world.node()
  const { platform, sent } = world.watched(node)
  await world.seed(undefined, node, platform)
  await world.pass(60)
  const announces = sent.filter(({ text }) => text.includes('13:announce_peer'))
  expect(announces.length).toBeGreaterThan(0)
  for (const { text } of announces) expect(text).toContain('4:porti6881e')
  expect(announces.filter(({ text }) => text.includes('implied_port'))).toEqual([])
})

test('with private torrents alone nobody is told of us', async () => {
  const world = new World()
  await world.network()
  const bytes = world.privateTorrent()
  const node = world.node()
  const { platform, sent } = world.watched(node)
  await world.seed(bytes, node, platform)
  const leecher = await world.session(undefined, { dhtRouters: [] })
  const torrent = leecher.add(bytes, { ...PATH, peers: ['20.0.6.1:6881'] })
  await world.until(() => torrent.state === 'seeding')
  await world.pass(120)
  expect(sent).toEqual([])
  expect([world.announced, leecher.dht[0].nodes]).toEqual([0, 0])
})

test('nor when others still know of us, for there was a public torrent before', async () => {
  const world = new World()
  await world.network()
  const node = world.node()
  const { platform, sent } = world.watched(node)
  const open = await world.seed(undefined, node, platform)
  await world.pass(60)
  expect(sent.length).toBeGreaterThan(0)
  const session = world.sessions.at(-1)!
  session.add(world.privateTorrent(), PATH)
  await world.ended(open.remove())
  await world.pass(10)
  sent.length = 0
  await world.pass(1800)
  expect(sent).toEqual([])
  const back = session.add(linkOf(world.content.torrent), PATH)
  await world.pass(60)
  expect([sent.length > 0, back.state]).toEqual([true, 'fetching_metadata'])
})

test('a magnet link is looked for, not announced; when it turns out private, it is not looked for any more', async () => {
  const world = new World()
  await world.network()
  const bytes = world.privateTorrent()
  const node = world.node()
  const { platform, sent } = world.watched(node)
  const torrent = (await world.session(platform)).add(linkOf(bytes), PATH)
  const about = (): Sent[] => sent.filter(({ text }) => text.includes(infohashText(bytes)))
  await world.until(() => about().length > 4)
  await world.seed(bytes)
  torrent.addPeer('20.0.7.1:6881')
  await world.until(() => torrent.state === 'seeding')
  const until = world.sim.nowMs
  await world.pass(1800)
  expect(about().filter(({ text }) => text.includes('announce_peer'))).toEqual([])
  expect(about().filter(({ atMs }) => atMs > until)).toEqual([])
  expect(world.announced).toBe(0)
})

test('peers tell each other of their nodes', async () => {
  const world = new World()
  await world.network()
  await world.seed()
  const late = await world.session(undefined, { dhtRouters: [] })
  await world.pass(60)
  expect(late.dht[0].nodes).toBe(0)
  late.add(world.content.torrent, { ...PATH, peers: ['20.0.6.1:6881'] })
  await world.until(() => late.dht[0].nodes > 4)
})

test('so do torrents, of nodes', async () => {
  const world = new World()
  await world.network()
  const { name, totalSize, pieceLength, pieceHashes } = parseTorrent(world.content.torrent)
  const torrent = { name, content: totalSize, pieceLength, pieceHashes: pieceHashes! }
  const late = await world.session(undefined, { dhtRouters: [] })
  const metainfo = { ...parseTorrent(encodeTorrent(torrent)), nodes: [HUB, 'no node'] }
  late.add(metainfo, PATH)
  await world.until(() => late.dht[0].nodes > 4)
  expect(late.dht).toHaveLength(1)
})

test('a session finds the network again by what the last one has left', async () => {
  const world = new World()
  await world.network()
  const node = world.node()
  const first = await world.session(node.platform)
  await world.until(() => first.dht[0].nodes > 4)
  await world.ended(first.close())
  node.crash()
  const second = await world.session(node.restart(), { dhtRouters: [] })
  await world.until(() => second.dht[0].nodes > 4)
  expect(second.dht[0].address.port).toBe(6881)
})

test('where another program has the port, another one will do', async () => {
  const world = new World()
  await world.network()
  const node = world.node()
  await world.ended(node.platform.network.openUdp({ ip: '0.0.0.0', port: 6881 }, () => {}))
  const seed = await world.seed(undefined, node)
  await world.pass(60)
  expect(world.sessions.at(-1)!.dht[0].address.port).not.toBe(6881)
  const torrent = (await world.session()).add(linkOf(world.content.torrent), PATH)
  await world.until(() => torrent.state === 'seeding')
  expect(seed.state).toBe('seeding')
})

test('ten thousand torrents are looked for one after the other, without a burst', async () => {
  const world = new World()
  await world.network()
  const node = world.node()
  const { platform, sent } = world.watched(node)
  const session = new SessionDht(platform, readEntrance({ dhtRouters: [HUB] }), {}, 6881)
  await world.ended(session.open())
  platform.clock.every(100, () => session.tick(platform.clock.now()))
  const torrent = (i: number): SoughtTorrent => ({
    infohash: i.toString(16).padStart(40, '0'),
    metainfo: null,
    state: 'seeding',
    isPublic: true,
    isPrivate: false,
    addFound: () => {},
  })
  for (let i = 0; i < 10_000; i++) session.seek(torrent(i))
  await world.pass(10)
  const asked = sent.filter(({ text }) => text.includes('9:get_peers'))
  expect(
    new Set(asked.map(({ text }) => text.slice(text.indexOf('9:info_hash20:') + 14).slice(0, 20))).size,
  ).toBeGreaterThan(5)
  for (let second = 1; second < 10; second++) {
    const from = world.sim.nowMs - second * 1000
    expect(asked.filter(({ atMs }) => atMs >= from && atMs < from + 1000).length).toBeLessThan(40)
  }
  // Those that leave are not looked for.
  for (let i = 20; i < 10_000; i++) session.forget(torrent(i))
  await world.ended(session.close())
})

test('with another address a torrent is looked for and announced at once, not when it is due', async () => {
  const world = new World()
  await world.network()
  const node = world.node()
  const { platform, sent } = world.watched(node)
  let tell = (): void => {}
  const onChange = (listener: () => void): (() => void) => {
    tell = listener
    return () => {}
  }
  const network = { ...platform.network, binding: { name: 'wg0', ips: ['20.0.6.1'], onChange } }
  await world.seed(undefined, node, { ...platform, network })
  await world.pass(120)
  const announces = (): number => sent.filter(({ text }) => text.includes('13:announce_peer')).length
  const before = announces()
  await world.pass(120)
  expect([before > 0, announces()]).toEqual([true, before])
  tell()
  await world.pass(10)
  expect(announces()).toBeGreaterThan(before)
})

test('what is no router is an error of whoever says so', async () => {
  const { platform } = new World().node()
  await expect(Session.open({ useDht: true, dhtRouters: ['router'] }, platform)).rejects.toThrow(
    'Cannot use the DHT router router: expected host:port',
  )
})
