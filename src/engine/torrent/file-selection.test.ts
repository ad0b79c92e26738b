// Sessions that want some of a torrent's files, in the simulator, with all bytes real.
import { describe, expect, test } from 'vitest'
import { SimContent, type SimNode, Simulator, type SimTracker } from '../../sim/index.ts'
import { equalBytes, toHex } from '../../base/bytes.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { Platform } from '../../platform/platform.ts'
import { Session } from '../session/session.ts'
import { FileSelection } from './file-selection.ts'
import type { FilePriorities, TorrentOptions } from './torrent-api.ts'
import type { Torrent } from './torrent.ts'

const PIECE = 32_768
/** Pieces 0 to 3: a alone, a and b, all of b with a piece of its own, b and c; `empty` has none; then c. */
const FILES = [
  { path: 'a', length: 50_000 },
  { path: 'sub/b', length: 60_000 },
  { path: 'empty', length: 0 },
  { path: 'c', length: 40_000 },
]

class World {
  readonly sim = new Simulator({ seed: 1, content: 'bytes' })
  readonly tracker: SimTracker = this.sim.tracker('10.255.0.1')
  readonly content: SimContent
  readonly seedNode: SimNode
  readonly node: SimNode
  session: Session | null = null
  seedTorrent!: Torrent
  readonly events: string[] = []
  completedAnnounces = 0

  constructor(hasState = false, files = FILES) {
    const trackers = [[this.tracker.httpUrl()]]
    this.content = new SimContent({ kind: 'bytes', files, pieceBytes: PIECE, trackers })
    this.seedNode = this.sim.node('10.0.0.1')
    this.node = this.sim.node('10.0.0.2', { hasState })
    this.content.fill(this.seedNode.disk, '/data')
  }

  static async open(hasState: boolean, files?: typeof FILES): Promise<World> {
    const world = new World(hasState, files)
    const session = await world.wait(Session.open({ port: 6881 }, world.seedNode.platform))
    world.seedTorrent = session.add(world.content.torrent, { path: '/data' })
    await world.wait(world.seedTorrent.done)
    return world
  }

  /** What the promise brings, while time passes. */
  async wait<Result>(promise: Promise<Result>): Promise<Result> {
    let isSettled = false
    const settle = (): void => void (isSettled = true)
    promise.then(settle, settle)
    await this.sim.run({ until: () => isSettled, limitMs: 600_000 })
    if (!isSettled) throw new Error('Nothing came of it within ten minutes')
    return promise
  }

  async pass(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + ms })
  }

  /** A leecher on the one node, anew after `close`. */
  async leech(files?: FilePriorities, options: Partial<TorrentOptions> = {}): Promise<Torrent> {
    this.session = await this.wait(Session.open({ port: 6881 }, this.#listenedTo(this.node.platform)))
    const torrent = this.session.add(this.content.torrent, { path: '/data', files, ...options })
    torrent.on('done', () => this.events.push('done'))
    torrent.on('checked', ({ good }) => this.events.push(`checked ${good}`))
    return torrent
  }

  async close(): Promise<void> {
    await this.wait(this.session!.close())
    this.node.kill()
    this.node.restart()
  }

  /** Counts what trackers are told. */
  #listenedTo(platform: Platform): Platform {
    const { network } = platform
    return {
      ...platform,
      network: {
        listen: (...args) => network.listen(...args),
        connect: (...args) => network.connect(...args),
        openUdp: (...args) => network.openUdp(...args),
        lookup: (...args) => network.lookup(...args),
        ownAddresses: () => network.ownAddresses(),
        httpGet: (request) => {
          if (request.url.includes('event=completed')) this.completedAnnounces++
          return network.httpGet(request)
        },
      },
    }
  }

  get parts(): string {
    return `.${toHex(parseTorrent(this.content.torrent).infohashV1!)}.parts`
  }

  /** Those of the leecher, below the torrent's folder. */
  get paths(): string[] {
    return this.#filesOf(this.node)
      .paths.filter((path) => path.startsWith('/data/content/'))
      .map((path) => path.slice('/data/content/'.length).replace(this.parts, 'PARTS'))
      .toSorted()
  }

  /** Whether the file is what it is at the seed. */
  isRight(path: string): boolean {
    const [ours, theirs] = [this.node, this.seedNode].map((node) => {
      const file = this.#filesOf(node).find(`/data/content/${path}`)
      const bytes = new Uint8Array(file?.length ?? 0)
      file?.read(0, bytes)
      return bytes
    })
    return equalBytes(ours, theirs)
  }

  #filesOf(node: SimNode) {
    return node.disk.device('/').files
  }
}

const ONLY_B = ['skip', 'normal', 'skip', 'skip'] as const
const ONLY_A = ['normal', 'skip', 'skip', 'skip'] as const
const ALL = ['normal', 'normal', 'normal', 'normal'] as const

describe.each([
  ['that remembers nothing', false],
  ['that remembers', true],
])('one file of several, by a client %s,', (_, hasState) => {
  test('is fetched, and the others are not made: what came with it lies in the parts file', async () => {
    const world = await World.open(hasState)
    const torrent = await world.leech(ONLY_B)
    await world.wait(torrent.done)
    expect(torrent.state).toBe('seeding')
    expect(world.paths).toEqual(['PARTS', 'sub/b'])
    expect(world.isRight('sub/b')).toBe(true)
    expect(torrent.stats()).toMatchObject({ left: 0, wanted: 3 * PIECE, total: 150_000, piecesHave: 3, pieces: 5 })
    expect(torrent.stats().downloaded).toBe(3 * PIECE)
    expect(torrent.files()).toEqual([
      { index: 0, path: ['content', 'a'], length: 50_000, done: 50_000 - PIECE, priority: 'skip' },
      { index: 1, path: ['content', 'sub', 'b'], length: 60_000, done: 60_000, priority: 'normal' },
      { index: 2, path: ['content', 'empty'], length: 0, done: 0, priority: 'skip' },
      { index: 3, path: ['content', 'c'], length: 40_000, done: 4 * PIECE - 110_000, priority: 'skip' },
    ])
  })

  test('that has pieces of its own only needs no parts file', async () => {
    const world = await World.open(hasState, [
      { path: 'a', length: 2 * PIECE },
      { path: 'b', length: PIECE },
    ])
    const torrent = await world.leech({ 0: 'skip' })
    await world.wait(torrent.done)
    expect(world.paths).toEqual(['b'])
  })

  test('is there after a restart, its neighbours too', async () => {
    const world = await World.open(hasState)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    const again = await world.leech(ONLY_B)
    await world.wait(again.done)
    expect(world.events).toEqual(['checked 0', 'done', 'checked 3', 'done'])
    expect(again.stats().downloaded).toBe(0)
  })

  test('another one next time: what the parts file has of it moves to its place, and is not fetched again', async () => {
    const world = await World.open(hasState)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    const again = await world.leech(ONLY_A)
    await world.wait(again.done)
    expect(again.stats().downloaded).toBe(PIECE)
    expect(world.paths).toEqual(['PARTS', 'a', 'sub/b'])
    expect([world.isRight('a'), world.isRight('sub/b')]).toEqual([true, true])
  })

  test('then all of it: nothing comes twice, empty files are made, and the parts file is gone', async () => {
    const world = await World.open(hasState)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    const again = await world.leech(ALL)
    await world.wait(again.done)
    expect(again.stats().downloaded).toBe(150_000 - 3 * PIECE)
    expect(world.paths).toEqual(['a', 'c', 'empty', 'sub/b'])
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
    await world.close()
    const third = await world.leech()
    await world.wait(third.done)
    expect(third.stats()).toMatchObject({ downloaded: 0, piecesHave: 5 })
  })

  test('is served to others from the parts file as well', async () => {
    const world = await World.open(hasState)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.wait(world.seedTorrent.remove())
    const other = world.sim.node('10.0.0.3')
    const session = await world.wait(Session.open({ port: 6881 }, other.platform))
    const torrent = session.add(world.content.torrent, { path: '/data', files: ONLY_B, peers: ['10.0.0.2:6881'] })
    await world.wait(torrent.done)
    expect(torrent.stats().piecesHave).toBe(3)
  })
})

describe.each([
  ['that remembers nothing', false],
  ['that remembers', true],
])('while a client %s runs', (_, hasState) => {
  test('a torrent that was complete goes on when files are added, and tells trackers of its completion once', async () => {
    const world = await World.open(hasState)
    const torrent = await world.leech(ONLY_B)
    await world.wait(torrent.done)
    await world.pass(5000)
    await world.wait(torrent.setFilePriorities(ALL))
    expect(torrent.state).toBe('downloading')
    expect(torrent.stats()).toMatchObject({ left: 150_000 - 3 * PIECE, wanted: 150_000 })
    await world.wait(new Promise<void>((resolve) => torrent.on('done', () => resolve())))
    expect(torrent.stats()).toMatchObject({ state: 'seeding', downloaded: 150_000 })
    expect(world.paths).toEqual(['a', 'c', 'empty', 'sub/b'])
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
    await world.close()
    expect(world.completedAnnounces).toBe(1)
    await world.wait((await world.leech()).done)
    expect(world.events).toEqual(['checked 0', 'done', 'done', 'checked 5', 'done'])
  })

  test('one whose other files are skipped is complete', async () => {
    const world = await World.open(hasState)
    await world.wait(world.seedTorrent.remove())
    const torrent = await world.leech()
    await world.pass(3000)
    expect(torrent.stats()).toMatchObject({ state: 'downloading', left: 150_000 })
    await world.wait(torrent.setFilePriorities(['skip', 'skip', 'normal', 'skip']))
    expect(torrent.stats()).toMatchObject({ state: 'seeding', left: 0, wanted: 0 })
    expect(world.paths).toEqual(['empty'])
  })

  test('a torrent that is removed in the middle of a change has ended it before it lets go of its files', async () => {
    const world = await World.open(hasState)
    const torrent = await world.leech(ONLY_B)
    await world.wait(torrent.done)
    let hasChanged = false
    void torrent.setFilePriorities(ALL).then(() => (hasChanged = true))
    await world.wait(torrent.remove())
    expect([hasChanged, torrent.state]).toEqual([true, 'stopped'])
    await world.close()
    const again = await world.leech(ALL)
    await world.wait(again.done)
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
    expect(again.stats().downloaded).toBe(150_000 - 3 * PIECE)
  })

  test('a change before the data has been looked at counts', async () => {
    const world = await World.open(hasState)
    const torrent = await world.leech()
    await world.wait(Promise.all([torrent.setFilePriorities(ONLY_A), torrent.setFilePriorities(ONLY_B), torrent.done]))
    expect(world.paths).toEqual(['PARTS', 'sub/b'])
  })

  test('changes one after the other end where the last one says, and nothing is damaged', async () => {
    const world = await World.open(hasState)
    const torrent = await world.leech(ONLY_A, { downRate: 20_000 })
    for (const files of [ONLY_B, ALL, ONLY_A, ONLY_B, ONLY_A, ALL]) {
      await world.pass(700)
      void torrent.setFilePriorities(files)
    }
    await world.wait(torrent.setFilePriorities({}))
    torrent.setRates({ down: 0 })
    await world.wait(new Promise<void>((resolve) => torrent.on('seeding', () => resolve())))
    expect(world.paths).toEqual(['a', 'c', 'empty', 'sub/b'])
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
  })
})

describe('what was chosen is remembered', () => {
  test('at the start, and while it runs', async () => {
    const world = await World.open(true)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    const second = await world.leech()
    await world.wait(second.done)
    expect(second.files().map(({ priority }) => priority)).toEqual([...ONLY_B])
    expect(world.paths).toEqual(['PARTS', 'sub/b'])
    await world.wait(second.setFilePriorities({ 0: 'high', 1: 'low' }))
    await world.close()
    const third = await world.leech()
    await world.wait(third.done)
    expect(third.files().map(({ priority }) => priority)).toEqual(['high', 'low', 'skip', 'skip'])
  })

  test('and given again it is that and nothing else', async () => {
    const world = await World.open(true)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    await world.wait((await world.leech({ 0: 'skip' })).done)
    expect(world.paths).toEqual(['PARTS', 'c', 'empty', 'sub/b'])
    await world.close()
    const third = await world.leech()
    await world.wait(third.done)
    expect(third.files().map(({ priority }) => priority)).toEqual(['skip', 'normal', 'normal', 'normal'])
  })

  test('a change before the state was read counts, beside what is remembered of the others', async () => {
    const world = await World.open(true)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    const again = await world.leech()
    void again.setFilePriorities({ 0: 'low' })
    await world.wait(again.done)
    expect(again.files().map(({ priority }) => priority)).toEqual(['low', 'normal', 'skip', 'skip'])
  })

  test('when it cannot be read, everything is wanted, and somebody is told', async () => {
    const world = await World.open(true)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    const { files } = world.node.disk.device('/')
    const settings = files.paths.find((path) => path.endsWith('/settings'))!
    world.node.disk.device('/').corrupt(settings, 20)
    const again = await world.leech()
    const warnings: string[] = []
    again.on('warning', ({ code, message }) => warnings.push(`${code}: ${message}`))
    await world.wait(again.done)
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
    expect(warnings).toEqual([expect.stringMatching(/^state_not_trusted: Cannot use .*settings: .*unusable/)])
    expect(again.stats().downloaded).toBe(150_000 - 3 * PIECE)
  })

  test('where nothing is remembered, it is not', async () => {
    const world = await World.open(false)
    await world.wait((await world.leech(ONLY_B)).done)
    await world.close()
    await world.wait((await world.leech()).done)
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
  })
})

describe('what there is not', () => {
  const metainfo = parseTorrent(new World().content.torrent)
  const selection = (): FileSelection => new FileSelection(metainfo, new PieceMap(metainfo))

  test.each([
    [{ 4: 'high' }, 'Cannot set the priority of file 4: content has the files 0 to 3'],
    [{ '-1': 'high' }, /file -1: content has/],
    [{ 1.5: 'high' }, /file 1.5: content has/],
    [{ 0: 'urgent' }, 'Cannot set the priority of file 0 to "urgent": expected skip, low, normal or high'],
  ])('%j is refused, and nothing changes', (priorities, message) => {
    const files = selection()
    expect(() => files.set({ 1: 'skip', ...priorities } as FilePriorities)).toThrow(message)
    expect(files.list(null).map(({ priority }) => priority)).toEqual(['normal', 'normal', 'normal', 'normal'])
  })
})
