// Content that is moved and renamed while a torrent runs, and processes that end in the middle of it, in the simulator with all
// bytes real: what was verified is verified at the next start, wherever it is, and is there once in the end.
import { describe, expect, test } from 'vitest'
import { encodeUtf8, equalBytes, toHex } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { SeededRandom } from '../../sim/seeded-random.ts'
import { SimContent, type SimNode, Simulator } from '../../sim/index.ts'
import { Session } from '../session/session.ts'
import { contentLayout, locationOf } from '../storage/content-layout.ts'
import type { TorrentOptions } from './torrent-api.ts'
import type { Torrent } from './torrent.ts'

const PIECE = 32_768
const FILES = [
  { path: 'a', length: 50_000 },
  { path: 'sub/b', length: 300_000 },
  { path: 'empty', length: 0 },
  { path: 'c', length: 150_000 },
]
const DEVICES = { '/': { bytesPerSecond: 5_000_000 }, '/other': { bytesPerSecond: 5_000_000 }, '/state': {} }

class World {
  readonly sim: Simulator
  readonly content: SimContent
  readonly node: SimNode
  session!: Session
  torrent!: Torrent
  readonly events: string[] = []

  constructor({
    seed = 1,
    files = FILES as ConstructorParameters<typeof SimContent>[0]['files'],
    room = Infinity,
  } = {}) {
    this.sim = new Simulator({ seed, content: 'bytes' })
    this.content = new SimContent({ kind: 'bytes', files, pieceBytes: PIECE })
    const seedNode = this.sim.node('10.0.0.1')
    const devices = { ...DEVICES, '/other': { ...DEVICES['/other'], capacityBytes: room } }
    this.node = this.sim.node('10.0.0.2', { hasState: true, disk: { devices } })
    this.content.fill(seedNode.disk, '/data')
    void Session.open({ port: 6881 }, seedNode.platform).then((session) =>
      session.add(this.content.torrent, { path: '/data' }),
    )
  }

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

  /** Runs until so many pieces are there, and safe; no more come then. */
  async pieces(count: number): Promise<number> {
    await this.sim.run({ until: () => this.torrent.stats().piecesHave >= count, limitMs: 600_000 })
    this.torrent.setRates({ down: 1 })
    await this.pass(8000)
    const had = this.torrent.stats().piecesHave
    await this.pass(8000)
    return had
  }

  async add(options: Partial<TorrentOptions> = {}): Promise<Torrent> {
    this.session = await this.wait(Session.open({ port: 6881 }, this.node.platform))
    this.torrent = this.session.add(this.content.torrent, { path: '/data', peers: ['10.0.0.1:6881'], ...options })
    this.torrent.on('checked', ({ good }) => this.events.push(`checked ${good}`))
    this.torrent.on('checking', ({ total }) => this.events.push(`checking ${total}`))
    this.torrent.on('failed', ({ error }) => this.events.push(error.message))
    return this.torrent
  }

  async close(): Promise<void> {
    await this.wait(this.session.close())
    this.node.kill()
    this.node.restart()
  }

  /** Of the content and what belongs to it, without state. */
  get paths(): string[] {
    return this.node.disk.devices
      .flatMap((device) => device.files.paths)
      .filter((path) => !path.includes('/state/'))
      .toSorted()
  }

  /** Whether something is remembered of content there. */
  knows(path: string): boolean {
    const key = toHex(sha1(encodeUtf8(path)).subarray(0, 8))
    return this.node.disk.devices.some((device) => device.files.paths.some((each) => each.includes(`-${key}/`)))
  }

  /** Pieces that the torrent believes it has, and that are not there. */
  wrong(): number[] {
    const metainfo = parseTorrent(this.content.torrent)
    const map = new PieceMap(metainfo)
    const { spans } = contentLayout(metainfo, map, locationOf(this.torrent.contentPath!))
    const isThere = (piece: number): boolean => {
      const bytes = new Uint8Array(map.pieceLength(piece))
      let at = 0
      for (const { path, offset, length } of spans(piece, 0, bytes.length)) {
        const { files } = this.node.disk.device(path)
        const file = files.find(path) ?? files.find(`${path}.part`)
        if (file && file.length >= offset + length) file.read(offset, bytes.subarray(at, at + length))
        at += length
      }
      return equalBytes(sha1(bytes), metainfo.pieceHashes!.subarray(20 * piece, 20 * piece + 20))
    }
    return [...this.torrent.pieceStates().entries()].flatMap(([piece, state]) =>
      state === 2 && !isThere(piece) ? [piece] : [],
    )
  }
}

const MOVES = [
  [
    'into another folder',
    '/data/deep/er',
    (torrent: Torrent) => torrent.move('/data/deep/er'),
    '/data/deep/er/content',
  ],
  ['to another file system', '/other', (torrent: Torrent) => torrent.move('/other'), '/other/content'],
  ['to another name', '/data', (torrent: Torrent) => torrent.rename('new name?'), '/data/new name_'],
] as const

describe.each(MOVES)('content that is moved %s', (_, folder, move, path) => {
  test.each([false, true])(
    'during a download is there, and nothing is looked at again (NAME.part: %s)',
    async (partNames) => {
      const world = new World()
      const torrent = await world.add({ partNames, downRate: 200_000 })
      const had = await world.pieces(6)
      await world.wait(move(torrent))
      expect(torrent.contentPath).toBe(path)
      expect(world.events).toEqual(['checked 0', `checked ${had}`])
      expect(world.paths.every((each) => each.startsWith(`${path}/`))).toBe(true)
      expect(world.wrong()).toEqual([])
      torrent.setRates({ down: 0 })
      await world.wait(torrent.done)
      expect(world.paths).toEqual(FILES.map((file) => `${path}/${file.path}`).toSorted())
      await world.close()
      world.events.length = 0
      const again = await world.add(path.endsWith('_') ? {} : { path: folder })
      await world.wait(again.done)
      expect(world.events).toEqual([`checked ${again.stats().pieces}`])
      expect(again.contentPath).toBe(path)
      expect(again.stats().downloaded).toBe(0)
      expect(world.content.isComplete(world.node.disk, folder)).toBe(!path.endsWith('_'))
    },
  )

  test('as a torrent of one file', async () => {
    const world = new World({ files: 400_000 })
    const torrent = await world.add({ partNames: true, downRate: 200_000 })
    const had = await world.pieces(6)
    await world.wait(move(torrent))
    expect(world.paths).toEqual([`${path}.part`])
    expect(world.events).toEqual(['checked 0', `checked ${had}`])
    torrent.setRates({ down: 0 })
    await world.wait(torrent.done)
    expect(world.paths).toEqual([path])
  })

  test('and serves others from there', async () => {
    const world = new World()
    await world.wait((await world.add()).done)
    await world.wait(move(world.torrent))
    const other = world.sim.node('10.0.0.3')
    const session = await world.wait(Session.open({ port: 6881 }, other.platform))
    const taken = session.add(world.content.torrent, { path: '/data', peers: ['10.0.0.2:6881'] })
    await world.wait(taken.done)
    expect(world.content.isComplete(other.disk, '/data')).toBe(true)
  })

  test.each(['kill', 'cutPower'] as const)('loses nothing by a %s at any moment', async (end) => {
    const places = new Set<string>()
    for (let seed = 0; seed < 16; seed++) {
      const world = new World({ seed })
      const random = new SeededRandom(`move ${seed} ${end}`)
      const torrent = await world.add({ partNames: seed % 2 === 0, downRate: 400_000 })
      const had = await world.pieces(8)
      void move(torrent).catch(() => {})
      await world.pass(random.below(folder === '/other' ? 400 : 12))
      world.node[end]()
      world.node.restart()
      world.events.length = 0
      // When all is done, nobody knows of the old place any more.
      const again = await world.add({ downRate: 1, path: world.knows('/data/content') ? '/data' : folder })
      await world.sim.run({ until: () => world.events.length > 0, limitMs: 60_000 })
      await world.pass(1000)
      expect(world.events.filter((event) => event.startsWith('checked'))).toEqual([`checked ${had}`])
      expect(world.wrong()).toEqual([])
      places.add(again.contentPath!)
      // Once more, to its end.
      if (again.contentPath !== path) await world.wait(move(again))
      again.setRates({ down: 0 })
      await world.wait(again.done)
      expect(world.paths).toEqual(FILES.map((file) => `${path}/${file.path}`).toSorted())
    }
    expect(places.size).toBe(2)
  })
})

test('two names one after the other, and back to the first', async () => {
  const world = new World()
  const torrent = await world.add()
  await world.wait(torrent.done)
  for (const name of ['one', 'two', 'three']) await world.wait(torrent.rename(name))
  await world.close()
  const again = await world.add()
  await world.wait(again.done)
  expect([again.contentPath, again.stats().downloaded]).toEqual(['/data/three', 0])
  await world.wait(again.rename('content'))
  await world.close()
  const third = await world.add()
  await world.wait(third.done)
  expect([third.contentPath, third.stats().downloaded]).toEqual(['/data/content', 0])
  expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
})

test('files that somebody has renamed, skipped ones and their parts file come along', async () => {
  const world = new World()
  const torrent = await world.add({ files: { 0: 'skip', 3: 'skip' } })
  await world.wait(torrent.done)
  await world.wait(torrent.renameFile(1, 'elsewhere/b'))
  const had = torrent.stats().piecesHave
  await world.wait(torrent.move('/other'))
  expect(world.paths).toEqual([
    `/other/content/.${torrent.infohash}.parts`,
    '/other/content/elsewhere/b',
    '/other/content/empty',
  ])
  await world.close()
  const again = await world.add({ path: '/other' })
  await world.wait(again.done)
  expect(again.stats()).toMatchObject({ piecesHave: had, downloaded: 0 })
  expect(again.files().map(({ priority }) => priority)).toEqual(['skip', 'normal', 'normal', 'skip'])
})

test('progress is told: copying, then verifying', async () => {
  const world = new World()
  const torrent = await world.add()
  await world.wait(torrent.done)
  const told: string[] = []
  torrent.on('moving', ({ phase, done, total }) => told.push(`${phase} ${done === total ? 'all' : 'some'}`))
  torrent.on('moved', ({ path }) => told.push(path))
  await world.wait(torrent.move('/other'))
  expect([...new Set(told)]).toEqual([
    'copying some',
    'copying all',
    'verifying some',
    'verifying all',
    '/other/content',
  ])
})

describe('content stays where it is, and the torrent goes on', () => {
  async function refused(act: (torrent: Torrent) => Promise<void>, world = new World()): Promise<unknown> {
    const torrent = await world.add()
    await world.wait(torrent.done)
    const before = world.paths
    const error = await world.wait(act(torrent)).then(
      () => null,
      (reason: unknown) => reason,
    )
    await world.pass(1000)
    expect(torrent.state).toBe('seeding')
    expect(torrent.contentPath).toBe('/data/content')
    expect(world.paths).toEqual(before)
    await world.close()
    const again = await world.add()
    await world.wait(again.done)
    expect(again.stats().downloaded).toBe(0)
    return error
  }

  test('when something has its name there', async () => {
    const world = new World()
    world.node.disk.device('/other').files.make('/other/content/x', 'bytes')
    expect(await refused((torrent) => torrent.move('/other'), world)).toMatchObject({ code: 'exists' })
  })

  test('when the place is within itself', async () => {
    expect(await refused((torrent) => torrent.move('/data/content/sub'))).toMatchObject({ code: 'inside_itself' })
  })

  test('when it is a symbolic link', async () => {
    const world = new World()
    const { files } = world.node.disk.device('/')
    const error = await refused(async (torrent) => {
      files.renameFolder('/data/content', '/data/real')
      files.makeLink('/data/content', 'real')
      await torrent.move('/other').finally(() => {
        files.remove('/data/content')
        files.renameFolder('/data/real', '/data/content')
      })
    }, world)
    expect(error).toMatchObject({ code: 'is_link' })
  })

  test('when the copy is not what it was made of', async () => {
    const world = new World()
    const other = world.node.disk.device('/other')
    const error = await refused(async (torrent) => {
      torrent.on('moving', ({ phase, done, total }) => {
        if (phase === 'copying' && done === total) other.corrupt(`/other/.${torrent.infohash}.moving/a`, 40_000)
      })
      await torrent.move('/other')
    }, world)
    expect(error).toMatchObject({ code: 'copy_damaged' })
  })

  test('when there is no room', async () => {
    const world = new World({ room: 200_000 })
    expect(await refused((torrent) => torrent.move('/other'), world)).toMatchObject({
      code: 'disk_full',
      message: expect.stringContaining('more are needed'),
    })
  })

  test('when the other disk fails', async () => {
    const world = new World()
    const { node } = world
    const error = await refused(async (torrent) => {
      torrent.on('moving', () => node.disk.device('/other').failWrites('io_error'))
      await torrent.move('/other').finally(() => node.disk.device('/other').failWrites(null))
    }, world).catch((failure: unknown) => failure)
    expect(error).not.toBeNull()
  })

  test.each(['', '..', 'a/b', '\u200b'])('when it is to be called %j', async (name) => {
    expect(await refused((torrent) => torrent.rename(name))).toMatchObject({ code: 'bad_name' })
  })

  test('when it is to stay', async () => {
    expect(await refused((torrent) => torrent.move('/data/'))).toBeNull()
    expect(await refused((torrent) => torrent.rename('content'))).toBeNull()
  })
})

test('what is left of the content is not removed when it is not what has arrived', async () => {
  const world = new World()
  const torrent = await world.add()
  await world.wait(torrent.done)
  torrent.on('moving', ({ phase }) => {
    if (phase === 'verifying') world.node.disk.device('/').failWrites('io_error')
  })
  await world.wait(torrent.move('/other')).catch(() => {})
  world.node.disk.device('/').failWrites(null)
  const { files } = world.node.disk.device('/')
  files.lengthen(files.find('/data/content/a')!, 60_000)
  await world.close()
  const again = await world.add({ path: world.knows('/data/content') ? '/data' : '/other' })
  await world.wait(again.done)
  expect(again.contentPath).toBe('/other/content')
  expect(world.wrong()).toEqual([])
  expect(world.paths).toContain('/data/content/a')
})

test('a torrent that is removed while its content is on its way leaves it where it was, whole', async () => {
  const world = new World()
  const torrent = await world.add()
  await world.wait(torrent.done)
  const moving = torrent.move('/other').catch((error: { code: string }) => error.code)
  await world.pass(60)
  await world.wait(torrent.remove())
  expect(await world.wait(moving)).toBe('interrupted')
  expect(world.paths).toEqual(FILES.map((file) => `/data/content/${file.path}`).toSorted())
})
