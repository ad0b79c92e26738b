import { expect, test } from 'vitest'
import { ipAddress, type Address } from '../../base/address.ts'
import { encodeUtf8 } from '../../base/bytes.ts'
import {
  decodeSavedNodes,
  isSecureId,
  itemTarget,
  mutableTarget,
  signItem,
  type Item,
} from '../../protocol/dht/index.ts'
import { Simulator } from '../../sim/index.ts'
import type { DhtOptions } from './dht/dht-api.ts'
import { DhtNode } from './dht-node.ts'
import { DhtExchange } from './dht/dht-exchange.ts'
import { isUsableAddress } from './dht/usable-address.ts'

const PORT = 6881
const INFOHASH = encodeUtf8('mnopqrstuvwxyz123456')
const SEED = new Uint8Array(32).fill(9)

class World {
  readonly sim = new Simulator({ seed: 1 })
  readonly nodes: DhtNode[] = []

  async open(ip: string, options: DhtOptions = {}, secondIp?: string): Promise<DhtNode> {
    const { platform } = this.sim.node(ip, secondIp === undefined ? {} : { secondIp })
    let node: DhtNode | null = null
    void DhtNode.open(platform, { port: PORT, ...options }).then((opened) => (node = opened))
    await this.sim.run({ until: () => node !== null })
    platform.clock.every(500, () => node!.tick(platform.clock.now()))
    this.nodes.push(node!)
    return node!
  }

  /** A few nodes that know each other. */
  async network(count: number, options: DhtOptions = {}): Promise<DhtNode[]> {
    for (let i = 0; i < count; i++) {
      const node = await this.open(`20.0.${i}.1`, options)
      if (i > 0) node.addNode(ipAddress('20.0.0.1', PORT))
    }
    await this.pass(90)
    return this.nodes
  }

  async pass(seconds: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + seconds * 1000 })
  }

  async ended<Result>(promise: Promise<Result>): Promise<Result> {
    let isOver = false
    void promise.then(
      () => (isOver = true),
      () => (isOver = true),
    )
    await this.sim.run({ until: () => isOver, limitMs: 120_000 })
    return promise
  }
}

test('nodes find each other through one that was named, and take ids that belong to their addresses', async () => {
  const world = new World()
  const nodes = await world.network(14)
  for (const [i, node] of nodes.entries()) {
    const [status] = node.status
    expect(status.nodes).toBeGreaterThanOrEqual(8)
    expect(status.externalIp).toBe(`20.0.${i}.1`)
    expect(isSecureId(status.id, `20.0.${i}.1`)).toBe(true)
    expect(status.networkSize).toBeGreaterThan(3)
  }
})

test('who announces is found by others, with the port that its datagrams come from', async () => {
  const world = new World()
  const nodes = await world.network(14)
  const [announced] = await world.ended(
    nodes[3].findPeers(INFOHASH, { announce: { port: 'implied' }, isSeed: true }).done,
  )
  expect(announced.announcedTo).toBe(8)
  const found: Address[] = []
  const task = nodes[9].findPeers(INFOHASH, { isScrape: true, onPeers: (peers) => found.push(...peers) })
  const [result] = await world.ended(task.done)
  expect(found).toEqual([ipAddress('20.0.3.1', PORT)])
  expect(result).toMatchObject({ peers: 1, announcedTo: 0 })
  expect(Math.round(result.swarm!.seeds)).toBe(1)
  const samples: number[] = []
  await world.ended(nodes[2].sampleInfohashes(INFOHASH, (_, { infohashes }) => samples.push(infohashes.length)).done)
  expect(samples).toContain(1)
})

test('items that one puts are got by another, and only the newest', async () => {
  const world = new World()
  const nodes = await world.network(12)
  const text: Item = { kind: 'immutable', value: encodeUtf8('12:Hello World!') }
  const [put] = await world.ended(nodes[1].putItem(text).done)
  expect(put.storedBy).toBe(8)
  const [got] = await world.ended(nodes[7].getItem(itemTarget(text)).done)
  expect(got.item).toEqual(text)
  const salt = encodeUtf8('news')
  const version = (seq: bigint): Item => signItem({ value: encodeUtf8(`i${seq}e`), salt, seq }, SEED)
  for (const seq of [1n, 2n]) await world.ended(nodes[2].putItem(version(seq)).done)
  const [old] = await world.ended(nodes[3].putItem(version(1n)).done)
  expect([old.storedBy, old.refusal?.code]).toEqual([0, 302])
  const newest = version(2n) as Item & { kind: 'mutable' }
  const [found] = await world.ended(nodes[8].getItem(mutableTarget(newest.key, salt), salt).done)
  expect(found).toMatchObject({ item: newest, copies: 8 })
})

test('a node begins again with those that it remembers, and leaves damaged memories aside', async () => {
  const world = new World()
  const nodes = await world.network(10)
  const saved = nodes[4].save()
  expect(decodeSavedNodes(saved).get(4)!.contacts.length).toBeGreaterThan(5)
  const again = await world.open('20.0.200.1', { saved })
  const told: string[] = []
  const lonely = await world.open('20.0.201.1', { saved: saved.subarray(1), log: ({ message }) => told.push(message) })
  await world.pass(30)
  expect(again.nodes).toBeGreaterThanOrEqual(8)
  expect(lonely.nodes).toBe(0)
  expect(told).toHaveLength(1)
})

test('routers lead into the network, by name, and are no part of any table', async () => {
  const world = new World()
  await world.network(10)
  world.sim.addName('router.example', '20.0.0.1')
  const routers = [
    { host: 'router.example', port: PORT },
    { host: 'nobody.example', port: PORT },
  ]
  const node = await world.open('20.0.100.1', { routers })
  await world.pass(60)
  expect(node.nodes).toBeGreaterThanOrEqual(8)
  expect(
    decodeSavedNodes(node.save())
      .get(4)!
      .contacts.map(({ address }) => address.ip),
  ).not.toContain('20.0.0.1')
})

test('a local network is a DHT of its own, in which all know each other, and goes on without its router', async () => {
  const world = new World()
  const router = await world.open('192.168.1.2')
  const options = { routers: [{ host: '192.168.1.2', port: PORT }], areRoutersMembers: true }
  for (let i = 3; i < 8; i++) await world.open(`192.168.1.${i}`, options)
  await world.pass(120)
  expect(world.nodes.map(({ nodes }) => nodes)).toEqual([5, 5, 5, 5, 5, 5])
  router.close()
  const [, announcer, , , asker] = world.nodes
  const [announced] = await world.ended(announcer.findPeers(INFOHASH, { announce: { port: 7 } }).done)
  expect(announced.announcedTo).toBeGreaterThanOrEqual(4)
  const [found] = await world.ended(asker.findPeers(INFOHASH).done)
  expect(found.peers).toBe(1)
})

test('torrents do not make us ask in the local network, unless the DHT is our own', async () => {
  const world = new World()
  const victim = world.sim.node('192.168.1.1')
  let asked = 0
  const socket = victim.platform.network.openUdp({ ip: '0.0.0.0', port: 53 }, () => asked++)
  await world.ended(socket)
  world.sim.addName('printer.example', '192.168.1.1')
  const node = await world.open('20.0.0.1')
  const own = await world.open('20.0.1.1', { areRoutersMembers: true })
  for (const host of ['192.168.1.1', 'printer.example']) await world.ended(node.addNamedNode({ host, port: 53 }))
  await world.pass(60)
  expect(asked).toBe(0)
  await world.ended(own.addNamedNode({ host: '192.168.1.1', port: 53 }))
  await world.pass(60)
  expect(asked).toBeGreaterThan(0)
})

test('routers are not even looked up while enough others are known', async () => {
  const world = new World()
  const nodes = await world.network(10)
  const told: string[] = []
  const routers = [{ host: 'nobody.example', port: PORT }]
  const options = { routers, log: ({ message }: { message: string }) => void told.push(message) }
  const again = await world.open('20.0.200.1', { ...options, saved: nodes[4].save() })
  await world.pass(120)
  expect(again.nodes).toBeGreaterThanOrEqual(8)
  expect(told).toEqual([])
})

test('who finds none of those remembered asks the routers, and forgets nobody for that', async () => {
  const gone = new World()
  const [, former] = await gone.network(10)
  const saved = former.save()
  const alone = new World()
  const node = await alone.open('20.0.200.1', { saved })
  await alone.pass(120)
  expect(decodeSavedNodes(node.save())).toEqual(decodeSavedNodes(saved))
  const world = new World()
  for (let i = 0; i < 9; i++) {
    const other = await world.open(`20.1.${i}.1`)
    if (i > 0) other.addNode(ipAddress('20.1.0.1', PORT))
  }
  await world.pass(60)
  const back = await world.open('20.0.200.1', { saved, routers: [{ host: '20.1.0.1', port: PORT }] })
  await world.pass(30)
  expect(back.nodes).toBeGreaterThanOrEqual(8)
})

test('a read-only node finds, answers nobody, and is known to nobody', async () => {
  const world = new World()
  const nodes = await world.network(9)
  await world.ended(nodes[3].findPeers(INFOHASH, { announce: { port: 5 } }).done)
  const quiet = await world.open('20.0.90.1', { isReadOnly: true })
  quiet.addNode(ipAddress('20.0.0.1', PORT))
  await world.pass(60)
  const [result] = await world.ended(quiet.findPeers(INFOHASH).done)
  expect(result.peers).toBe(1)
  await expect(world.ended(nodes[0].ask(ipAddress('20.0.90.1', PORT), { method: 'ping' }))).rejects.toMatchObject({
    code: 'timed_out',
  })
  for (const node of nodes)
    expect(
      decodeSavedNodes(node.save())
        .get(4)!
        .contacts.map(({ address }) => address.ip),
    ).not.toContain('20.0.90.1')
})

test('IPv4 and IPv6 are two networks, and a node may be in both', async () => {
  const world = new World()
  for (let i = 0; i < 5; i++) {
    const node = await world.open(`20.0.${i}.1`, {}, `2600:${i === 0 ? 9 : i}::1`)
    if (i === 0) continue
    node.addNode(ipAddress('20.0.0.1', PORT))
    node.addNode(ipAddress('2600:9::1', PORT))
  }
  await world.pass(60)
  expect(world.nodes[4].status.map(({ family, nodes }) => [family, nodes])).toEqual([
    [4, 4],
    [6, 4],
  ])
  await world.ended(world.nodes[1].findPeers(INFOHASH, { announce: { port: 'implied' } }).done)
  const found: string[] = []
  await world.ended(
    world.nodes[3].findPeers(INFOHASH, { onPeers: (peers) => found.push(...peers.map(({ ip }) => ip)) }).done,
  )
  expect(found.sort()).toEqual(['20.0.1.1', '2600:1::1'])
})

test('a search with nobody to ask ends, and so does one whose node is closed', async () => {
  const world = new World()
  const alone = await world.open('20.0.0.1')
  const [nothing] = await world.ended(alone.findPeers(INFOHASH, { announce: { port: 1 } }).done)
  expect(nothing).toMatchObject({ peers: 0, asked: 0, announcedTo: 0 })
  const other = new World()
  const nodes = await other.network(5)
  const task = nodes[1].findPeers(INFOHASH, { announce: { port: 1 } })
  nodes[1].close()
  const [result] = await other.ended(task.done)
  expect(result.announcedTo).toBe(0)
})

test('a search that is stopped ends with what it has', async () => {
  const world = new World()
  const nodes = await world.network(10)
  const task = nodes[1].findPeers(INFOHASH, { announce: { port: 1 } })
  task.stop()
  const [result] = await world.ended(task.done)
  expect([result.announcedTo, result.asked <= 4]).toEqual([0, true])
})

test('no more questions leave than so many a second, and each of them ends', () => {
  let now = 0
  const sent: Address[] = []
  const socket = { ip: '0.0.0.0', port: 1, send: (_: Uint8Array, to: Address) => void sent.push(to), close: () => {} }
  let made = 0
  const exchange = new DhtExchange(socket, {
    clock: { now: () => now },
    random: { bytes: (length) => new Uint8Array(length).fill(++made) },
    ownId: () => INFOHASH,
    isReadOnly: false,
    maxPerSecond: 10,
  })
  const ends: string[] = []
  for (let i = 0; i < 80; i++)
    exchange.ask(
      ipAddress('20.0.0.1', i + 1),
      { method: 'ping' },
      { onReply: () => {}, onFailure: (reason) => ends.push(reason) },
    )
  expect(sent).toHaveLength(10)
  for (let second = 1; second <= 4; second++) {
    now = second * 1000
    exchange.tick(now)
    expect(sent).toHaveLength(10 + second * 10)
  }
  for (now = 5000; now <= 11_000; now += 1000) exchange.tick(now)
  expect([ends.length, exchange.pending]).toEqual([80, 0])
  expect(ends.filter((reason) => reason === 'timed_out')).toHaveLength(50)
})

test('nobody on the internet makes us ask in the local network', () => {
  const usable = (ip: string, teller: string): boolean => isUsableAddress(ipAddress(ip, 1), teller)
  expect(usable('8.8.8.8', '20.0.0.1')).toBe(true)
  for (const ip of ['127.0.0.1', '10.0.0.1', '192.168.1.1', '169.254.1.1', '0.0.0.0', '224.0.0.1', '255.255.255.255'])
    expect([ip, usable(ip, '20.0.0.1')]).toEqual([ip, false])
  expect([
    usable('192.168.1.1', '192.168.1.2'),
    usable('127.0.0.1', '127.0.0.1'),
    usable('127.0.0.1', '192.168.1.2'),
  ]).toEqual([true, true, false])
})
