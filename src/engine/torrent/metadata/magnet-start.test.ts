// Torrents that begin with a magnet link, in real sessions on simulated machines.
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { ipAddress } from '../../../base/address.ts'
import { encodeTorrent } from '../../../protocol/metainfo/create.ts'
import { encodeMagnet } from '../../../protocol/metainfo/magnet.ts'
import { parseTorrent } from '../../../protocol/metainfo/torrent-file.ts'
import { SimContent, type SimNode, Simulator } from '../../../sim/index.ts'
import { Session } from '../../session/session.ts'
import type { SessionOptions } from '../../session/settings.ts'
import type { TorrentOptions } from '../torrent-api.ts'
import type { Torrent } from '../torrent.ts'

const LINE = { up: 1_000_000, down: 5_000_000 }
const SEED = '10.0.0.1:6881'

class World {
  readonly sim = new Simulator({ seed: 1 })
  readonly tracker = this.sim.tracker('10.255.0.1')
  readonly content: SimContent
  readonly infohashV1: Uint8Array
  /** The last one that was opened. */
  session!: Session
  #nodes = 0

  constructor(content: Partial<ConstructorParameters<typeof SimContent>[0]> = {}) {
    // Of 400 pieces: the metadata has 8 kB.
    this.content = new SimContent({
      files: 6_553_600,
      pieceBytes: 16_384,
      trackers: [[this.tracker.httpUrl()]],
      ...content,
    })
    this.infohashV1 = parseTorrent(this.content.torrent).infohashV1!
  }

  node(options: Parameters<Simulator['node']>[1] = {}): SimNode {
    return this.sim.node(`10.0.0.${++this.#nodes}`, { ...LINE, ...options })
  }

  async seed(options: Partial<TorrentOptions> = {}): Promise<SimNode> {
    const node = this.node()
    this.content.fill(node.disk, '/data')
    await this.add(node, this.content.torrent, { useTrackers: false, ...options })
    return node
  }

  async add(
    node: SimNode,
    source: string | Uint8Array,
    options: Partial<TorrentOptions> = {},
    session: SessionOptions = {},
  ): Promise<Torrent> {
    const opening = Session.open({ port: 6881, ...session }, node.platform)
    await this.sim.run({ untilMs: this.sim.nowMs + 1 })
    this.session = await opening
    return this.session.add(source, { path: '/data', ...options })
  }

  link(more: Partial<Parameters<typeof encodeMagnet>[0]> = {}): string {
    return encodeMagnet({ infohashV1: this.infohashV1, ...more })
  }

  async until(isReached: () => boolean, limitMs = 60_000): Promise<void> {
    await this.sim.run({ until: isReached, limitMs })
    assert(isReached(), `Not reached within ${limitMs} ms`)
  }
}

test('a magnet link with the address of a peer is all that a download needs', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node()
  const torrent = await world.add(leecher, world.link({ peers: [SEED], name: 'shown' }))
  const events: string[] = []
  torrent.on('metadata', ({ metainfo }) => events.push(`metadata ${metainfo.totalSize}`))
  torrent.on('checked', () => events.push('checked'))
  torrent.on('peerDropped', ({ reason }) => events.push(`dropped ${reason}`))
  expect(torrent.state).toBe('fetching_metadata')
  expect([torrent.metainfo, torrent.contentPath, torrent.files()]).toEqual([null, null, []])
  await world.until(() => torrent.stats().state === 'seeding')
  expect(events).toEqual(['metadata 6553600', 'checked'])
  expect(world.content.isComplete(leecher.disk, '/data')).toBe(true)
})

test('the peer that gave the metadata is gone on with, in the same connection', async () => {
  const world = new World()
  await world.seed()
  const torrent = await world.add(world.node(), world.link({ peers: [SEED] }))
  let connections = 0
  torrent.on('metadata', () => (connections = torrent.stats().peers))
  await world.until(() => torrent.stats().downloaded > 0)
  expect([connections, torrent.stats().peers]).toEqual([1, 1])
  expect(torrent.knownAddresses()).toMatchObject({ known: 1, inUse: 1 })
})

test('peers are found by the trackers of the link, and one that has but the link itself is of help later', async () => {
  const world = new World()
  await world.seed({ useTrackers: true })
  const link = world.link({ trackers: [world.tracker.httpUrl()] })
  const torrents = [await world.add(world.node(), link), await world.add(world.node(), link)]
  await world.until(() => torrents.every(({ state }) => state === 'seeding'))
  expect(world.tracker.peers).toBe(3)
})

test('a bare infohash, with a peer that somebody names', async () => {
  const world = new World()
  await world.seed()
  const torrent = await world.add(world.node(), Buffer.from(world.infohashV1).toString('hex').toUpperCase(), {
    peers: [SEED],
  })
  await world.until(() => torrent.state === 'seeding')
  expect(torrent.stats().left).toBe(0)
})

test('of the peers that a link names, so many are dialled as one may need', async () => {
  const world = new World()
  const peers = Array.from({ length: 100 }, (_, i) => `10.0.8.${i}:1`)
  const torrent = await world.add(world.node(), world.link({ peers }))
  await world.sim.run({ untilMs: world.sim.nowMs + 1000 })
  expect(torrent.knownAddresses()).toMatchObject({ known: 20 })
})

test('the metadata is remembered: the next start needs nobody', async () => {
  const world = new World()
  const seed = await world.seed()
  const leecher = world.node({ hasState: true })
  const torrent = await world.add(leecher, world.link({ peers: [SEED] }))
  await world.until(() => torrent.state === 'seeding')
  leecher.crash()
  seed.crash()
  leecher.restart()
  const again = await world.add(leecher, world.link())
  await world.until(() => again.state === 'seeding')
  expect(again.stats().downloaded).toBe(0)
})

test('metadata that is remembered is not fetched a second time, however long the check takes and whoever offers it', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node({ hasState: true, disk: { devices: { '/': { bytesPerSecond: 1_000_000 } } } })
  const link = world.link({ peers: [SEED] })
  const torrent = await world.add(leecher, link)
  await world.until(() => torrent.state === 'seeding')
  leecher.crash()
  leecher.restart()
  const again = await world.add(leecher, link, { recheck: true })
  await world.until(() => again.state === 'checking')
  expect(again.diagnose()).toMatchObject([{ code: 'checking' }])
  const events: string[] = []
  for (const name of ['metadata', 'checked', 'failed', 'done'] as const) again.on(name, () => events.push(name))
  await world.until(() => again.state !== 'fetching_metadata' && again.state !== 'checking')
  await world.sim.run({ untilMs: world.sim.nowMs + 30_000 })
  expect(events).toEqual(['checked', 'done'])
  expect(again.state).toBe('seeding')
})

const remembered = ({ disk }: SimNode): string[] =>
  disk.device('/state').files.paths.filter((path) => path.endsWith('/metadata'))

test('whoever closes the session at once finds the metadata all the same', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node({ hasState: true, disk: { devices: { '/state': { seekMs: 100 } } } })
  const torrent = await world.add(leecher, world.link({ peers: [SEED] }))
  let found: string[] | null = null
  torrent.on('metadata', () => void world.session.close().then(() => (found = remembered(leecher))))
  await world.until(() => found !== null)
  expect(found).toHaveLength(1)
})

test('a torrent that is removed at once leaves no metadata behind', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node({ hasState: true, disk: { devices: { '/state': { seekMs: 100 } } } })
  const torrent = await world.add(leecher, world.link({ peers: [SEED] }))
  let isRemoved = false
  torrent.on('metadata', () => void torrent.remove({ data: true }).then(() => (isRemoved = true)))
  await world.until(() => isRemoved)
  expect(remembered(leecher)).toEqual([])
})

test('nor does one that was moved before', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node({ hasState: true })
  const torrent = await world.add(leecher, world.link({ peers: [SEED] }))
  await world.until(() => torrent.state === 'seeding')
  expect(remembered(leecher)).toHaveLength(1)
  let isRemoved = false
  const remove = (): void => void torrent.remove({ data: true }).then(() => (isRemoved = true))
  void torrent.move('/elsewhere').then(remove)
  await world.until(() => isRemoved)
  expect(remembered(leecher)).toEqual([])
})

test('files that the link selects are wanted, and no others', async () => {
  const world = new World({
    files: [
      { path: 'a', length: 983_040 },
      { path: 'b', length: 983_040 },
      { path: 'c', length: 983_040 },
    ],
  })
  await world.seed()
  const torrent = await world.add(world.node(), world.link({ peers: [SEED], selectOnly: [1, 7] }))
  await world.until(() => torrent.state === 'seeding')
  expect(torrent.files().map(({ priority }) => priority)).toEqual(['skip', 'normal', 'skip'])
})

test('what somebody chooses later counts more than what the link selects, in the next run too', async () => {
  const world = new World({
    files: [
      { path: 'a', length: 983_040 },
      { path: 'b', length: 983_040 },
    ],
  })
  await world.seed()
  const leecher = world.node({ hasState: true })
  const link = world.link({ peers: [SEED], selectOnly: [1] })
  const torrent = await world.add(leecher, link)
  await world.until(() => torrent.state === 'seeding')
  expect(torrent.files().map(({ priority }) => priority)).toEqual(['skip', 'normal'])
  void torrent.setFilePriorities({ 0: 'normal' })
  await world.until(() => torrent.state === 'downloading')
  await world.until(() => torrent.state === 'seeding')
  leecher.crash()
  leecher.restart()
  const again = await world.add(leecher, link)
  await world.until(() => again.state === 'seeding')
  expect(again.files().map(({ priority }) => priority)).toEqual(['normal', 'normal'])
})

test('files may be chosen at the moment when they are known', async () => {
  const world = new World({
    files: [
      { path: 'a', length: 983_040 },
      { path: 'b', length: 983_040 },
    ],
  })
  await world.seed()
  const torrent = await world.add(world.node(), world.link({ peers: [SEED] }))
  expect(() => torrent.setFilePriorities({ 0: 'skip' })).toThrow(TypeError)
  torrent.on('metadata', () => void torrent.setFilePriorities({ 0: 'skip' }))
  await world.until(() => torrent.state === 'seeding')
  expect(torrent.stats().wanted).toBeLessThan(1_100_000)
})

test('files that the torrent turns out not to have fail it with a reason, wherever the metadata comes from', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node({ hasState: true })
  const link = world.link({ peers: [SEED] })
  await expect(world.add(leecher, link, { files: { 0: 'none' as 'skip' } })).rejects.toThrow(TypeError)
  // From a peer, and then from the state.
  for (let start = 0; start < 2; start++) {
    leecher.crash()
    leecher.restart()
    const torrent = await world.add(leecher, link, { files: { 5: 'skip' } })
    const end = torrent.done.catch((error: unknown) => error)
    await world.until(() => torrent.state === 'failed')
    expect(torrent.diagnose()).toMatchObject([{ code: 'failed', error: 'no_such_file' }])
    expect(await end).toMatchObject({ code: 'no_such_file', message: expect.stringContaining('file 5') as string })
  }
})

test('one that is removed before anybody has the metadata says goodbye, and leaves nothing', async () => {
  const world = new World()
  const torrent = await world.add(world.node(), world.link({ trackers: [world.tracker.httpUrl()] }))
  await world.until(() => world.tracker.peers === 1)
  expect(torrent.diagnose()).toMatchObject([{ code: 'fetching_metadata', offering: 0 }])
  const removed = torrent.remove({ data: true })
  await world.sim.run({ untilMs: world.sim.nowMs + 5000 })
  expect(await removed).toEqual({ files: 0, bytes: 0, kept: [] })
  expect(world.tracker.peers).toBe(0)
  await expect(torrent.done).rejects.toThrow('was removed')
})

test('peers tell each other of others, and who knows one gets to know all', async () => {
  const world = new World()
  await world.seed()
  const torrents: Torrent[] = []
  for (let i = 0; i < 4; i++) torrents.push(await world.add(world.node(), world.link({ peers: [SEED] })))
  await world.until(() => torrents.every((torrent) => (torrent.knownAddresses()?.known ?? 0) >= 4), 180_000)
  // Those that came to us and those that we were told of are the same ones.
  expect(torrents.map((torrent) => torrent.knownAddresses()!.known)).toEqual([4, 4, 4, 4])
})

test('without peer exchange nobody is told of anybody', async () => {
  const world = new World()
  await world.seed()
  const torrents: Torrent[] = []
  for (let i = 0; i < 3; i++)
    torrents.push(await world.add(world.node(), world.link({ peers: [SEED] }), {}, { usePex: false }))
  await world.sim.run({ untilMs: world.sim.nowMs + 180_000 })
  expect(torrents.map((torrent) => torrent.knownAddresses()?.known)).toEqual([1, 1, 1])
})

test('a torrent that turns out to be private forgets whom it found in ways that are open to all, and asks there no more', async () => {
  const world = new World()
  const { name, totalSize, pieceLength, pieceHashes } = parseTorrent(world.content.torrent)
  const bytes = encodeTorrent({ name, content: totalSize, pieceLength, pieceHashes: pieceHashes!, isPrivate: true })
  const seed = world.node()
  world.content.fill(seed.disk, '/data')
  await world.add(seed, bytes)
  const link = encodeMagnet({ infohashV1: parseTorrent(bytes).infohashV1, peers: [SEED] })
  const torrent = await world.add(world.node(), link)
  await world.sim.run({ untilMs: world.sim.nowMs + 1 })
  const sources = ['lsd', 'dht', 'pex'] as const
  const strangers = sources.map((source, i) => [source, ipAddress(`10.0.9.${i}`, 1)] as const)
  const find = (): void => {
    for (const [source, address] of strangers) torrent.addFound([address], source)
  }
  find()
  expect([torrent.isPublic, torrent.knownAddresses()?.known]).toEqual([true, 4])
  await world.until(() => torrent.state === 'seeding')
  find()
  expect([torrent.isPublic, torrent.knownAddresses()?.known]).toEqual([false, 1])
})

test('neighbours are told of a link, but not before it is known that none is remembered which is private', async () => {
  const world = new World()
  await world.seed()
  const leecher = world.node({ hasState: true })
  const told = (): number => world.session.localTorrents().length
  let torrent = await world.add(leecher, world.link({ peers: [SEED] }))
  expect(told()).toBe(0)
  await world.sim.run({ untilMs: world.sim.nowMs + 1 })
  expect([torrent.state, told()]).toEqual(['fetching_metadata', 1])
  await world.until(() => torrent.state === 'seeding')
  expect(told()).toBe(1)
  leecher.crash()
  leecher.restart()
  torrent = await world.add(leecher, world.link({ peers: [SEED] }))
  expect([torrent.state, told()]).toEqual(['fetching_metadata', 0])
})

test('a peer that the tracker has named, too, is met in a private torrent, whoever named it first', async () => {
  const world = new World()
  const { name, totalSize, pieceLength, pieceHashes } = parseTorrent(world.content.torrent)
  const bytes = encodeTorrent({ name, content: totalSize, pieceLength, pieceHashes: pieceHashes!, isPrivate: true })
  const seed = world.node()
  world.content.fill(seed.disk, '/data')
  await world.add(seed, bytes)
  const torrent = await world.add(world.node(), encodeMagnet({ infohashV1: parseTorrent(bytes).infohashV1 }))
  for (const source of ['tracker', 'lsd'] as const) torrent.addFound([ipAddress('10.0.0.1', 6881)], source)
  await world.until(() => torrent.stats().downloaded > 0)
  // The connection that we made is gone on with.
  expect(torrent.peers()).toMatchObject([{ isIncoming: false }])
})
