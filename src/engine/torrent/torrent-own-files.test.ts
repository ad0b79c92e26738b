// What a torrent does with its files beside filling them, in the simulator: taking their space before the download, applying
// their attributes at its end, and deleting them.
import { describe, expect, test } from 'vitest'
import { StorageError } from '../../base/errors.ts'
import { SimContent, type SimNode, Simulator } from '../../sim/index.ts'
import type { SimFiles } from '../../sim/disk/sim-files.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { Session } from '../session/session.ts'
import type { TorrentOptions } from './torrent-api.ts'
import type { Torrent } from './torrent.ts'

const PIECE = 32_768
const FILES = [
  { path: 'a', length: 50_000 },
  { path: 'sub/b', length: 600_000 },
  { path: 'empty', length: 0 },
  { path: 'c', length: 40_000 },
]
const SKIP_B = { 1: 'skip' } as const

class World {
  readonly sim = new Simulator({ seed: 1, content: 'bytes' })
  readonly content: SimContent
  readonly seedNode: SimNode
  readonly node: SimNode
  readonly metainfo: Metainfo
  session!: Session

  constructor() {
    const trackers = [[this.sim.tracker('10.255.0.1').httpUrl()]]
    this.content = new SimContent({ kind: 'bytes', files: FILES, pieceBytes: PIECE, trackers })
    this.metainfo = parseTorrent(this.content.torrent)
    this.seedNode = this.sim.node('10.0.0.1')
    this.node = this.sim.node('10.0.0.2', { hasState: true })
    this.content.fill(this.seedNode.disk, '/data')
  }

  static async open(): Promise<World> {
    const world = new World()
    const session = await world.wait(Session.open({ port: 6881 }, world.seedNode.platform))
    await world.wait(session.add(world.content.torrent, { path: '/data' }).done)
    world.session = await world.wait(Session.open({ port: 6881 }, world.node.platform))
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

  leech(options: Partial<TorrentOptions> = {}, metainfo = this.metainfo): Torrent {
    return this.session.add(metainfo, { path: '/data', ...options })
  }

  get files(): SimFiles {
    return this.node.disk.device('/').files
  }

  /** All that is on the leecher's disk, what is remembered too. */
  get paths(): string[] {
    return this.files.paths.toSorted()
  }
}

describe('removing', () => {
  test('keeps the data unless it is told otherwise', async () => {
    const world = await World.open()
    const torrent = world.leech()
    await world.wait(torrent.done)
    expect(await world.wait(torrent.remove())).toBeNull()
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
  })

  test('with the data deletes all files, their folders, and what is remembered', async () => {
    const world = await World.open()
    const torrent = world.leech()
    await world.wait(torrent.done)
    const removed = await world.wait(torrent.remove({ data: true }))
    expect(removed).toMatchObject({ files: 4, kept: [] })
    expect(removed!.bytes).toBeGreaterThanOrEqual(690_000)
    expect(world.paths).toEqual([])
    expect(['/data', '/data/content'].map((path) => world.files.has(path))).toEqual([true, false])
    expect([torrent.state, world.session.torrents]).toEqual(['stopped', []])
  })

  test('in the middle of a download, parts of skipped files go, too', async () => {
    const world = await World.open()
    const torrent = world.leech({ files: SKIP_B, downRate: 20_000 })
    const hasParts = (): boolean => world.paths.some((path) => path.endsWith('.parts'))
    await world.sim.run({ until: hasParts, limitMs: 60_000 })
    expect([hasParts(), torrent.state]).toEqual([true, 'downloading'])
    await world.wait(torrent.remove({ data: true }))
    expect(world.paths).toEqual([])
    expect(world.files.has('/data/content')).toBe(false)
  })

  test('files that are not complete go under the name that they have', async () => {
    const world = await World.open()
    const torrent = world.leech({ partNames: true, downRate: 20_000 })
    const hasPart = (): boolean => world.paths.some((path) => path.endsWith('.part'))
    await world.sim.run({ until: hasPart, limitMs: 60_000 })
    expect([hasPart(), torrent.state]).toEqual([true, 'downloading'])
    await world.wait(torrent.remove({ data: true }))
    expect(world.paths).toEqual([])
  })

  test('may be asked for after the torrent has left, and while it leaves', async () => {
    const world = await World.open()
    const torrent = world.leech()
    await world.wait(torrent.done)
    const [first, second] = await world.wait(Promise.all([torrent.remove(), torrent.remove({ data: true })]))
    expect([first, second]).toEqual([null, expect.objectContaining({ files: 4 })])
    expect(await world.wait(torrent.remove({ data: true }))).toEqual(second)
    expect(world.paths).toEqual([])
  })

  test("leaves what is not the torrent's, and says so", async () => {
    const world = await World.open()
    const torrent = world.leech()
    await world.wait(torrent.done)
    world.files.make('/data/content/sub/mine', 'bytes')
    const removed = await world.wait(torrent.remove({ data: true }))
    expect(removed!.kept).toEqual(['/data/content/sub', '/data/content'])
    expect(world.paths).toEqual(['/data/content/sub/mine'])
  })

  test('that the disk refuses is told, and changes nothing of what is remembered', async () => {
    const world = await World.open()
    const torrent = world.leech()
    await world.wait(torrent.done)
    await world.wait(torrent.remove())
    const before = world.paths
    world.node.disk.device('/').failWrites('read_only')
    await expect(world.wait(torrent.remove({ data: true }))).rejects.toMatchObject({ code: 'read_only' })
    expect(world.paths).toEqual(before)
    await world.wait(world.session.close())
  })
})

describe('taking space before the download', () => {
  /** Bytes that the content takes, at the first moment when the torrent downloads. */
  async function takenAtStart(world: World, torrent: Torrent): Promise<number> {
    await world.sim.run({ until: () => torrent.state !== 'checking', limitMs: 60_000 })
    const own = world.paths.filter((path) => path.startsWith('/data/content/'))
    return own.reduce((sum, path) => sum + 16_384 * world.files.find(path)!.blocksWritten, 0)
  }

  test('is done for all of them, with progress', async () => {
    const world = await World.open()
    const torrent = world.leech({ preallocate: true })
    const progress: string[] = []
    torrent.on('allocating', ({ done, total }) => progress.push(`${done} of ${total}`))
    expect(await takenAtStart(world, torrent)).toBeGreaterThanOrEqual(690_000)
    expect(progress).toEqual(['50000 of 690000', '650000 of 690000', '690000 of 690000'])
    await world.wait(torrent.done)
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
  })

  test('is not done by itself, and not for skipped files', async () => {
    const world = await World.open()
    expect(await takenAtStart(world, world.leech())).toBe(0)
    const other = await World.open()
    const torrent = other.leech({ preallocate: true, files: SKIP_B })
    expect(await takenAtStart(other, torrent)).toBeLessThan(200_000)
    expect(other.files.has('/data/content/sub/b')).toBe(false)
    await other.wait(torrent.done)
  })

  test('on a disk that is too small is disk_full before anything is written', async () => {
    const world = await World.open()
    world.node.disk.device('/').setCapacity(400_000)
    const torrent = world.leech({ preallocate: true })
    expect(await takenAtStart(world, torrent)).toBe(0)
    expect(torrent.diagnose()[0]).toMatchObject({ code: 'parked', error: 'disk_full' })
  })

  test('goes on where it was, and what is there already is neither lost nor looked at again', async () => {
    const world = await World.open()
    const first = world.leech({ downRate: 50_000 })
    await world.sim.run({ until: () => first.stats().piecesHave >= 5, limitMs: 60_000 })
    await world.wait(world.session.close())
    const { piecesHave } = first.stats()
    world.node.kill()
    world.node.restart()
    world.session = await world.wait(Session.open({ port: 6881 }, world.node.platform))
    const second = world.leech({ preallocate: true })
    const checked = new Promise((resolve) => second.on('checked', resolve))
    let looks = 0
    second.on('checking', () => looks++)
    expect(await world.wait(checked)).toEqual({ good: piecesHave })
    await world.wait(second.done)
    expect(looks).toBe(0)
    expect(world.content.isComplete(world.node.disk, '/data')).toBe(true)
  })

  test('is cut short by a kill, and after the restart nothing has to be looked at for it', async () => {
    const world = await World.open()
    const first = world.leech({ downRate: 50_000 })
    await world.sim.run({ until: () => first.stats().piecesHave >= 5, limitMs: 60_000 })
    await world.wait(world.session.close())
    const { piecesHave } = first.stats()
    world.node.kill()
    world.node.restart()
    world.session = await world.wait(Session.open({ port: 6881 }, world.node.platform))
    const second = world.leech({ preallocate: true })
    let isTaking = false
    second.on('allocating', () => (isTaking = true))
    await world.sim.run({ until: () => isTaking, limitMs: 60_000 })
    world.node.kill()
    world.node.restart()
    world.session = await world.wait(Session.open({ port: 6881 }, world.node.platform))
    const third = world.leech()
    const checked = new Promise((resolve) => third.on('checked', resolve))
    let looks = 0
    third.on('checking', () => looks++)
    expect(await world.wait(checked)).toEqual({ good: piecesHave })
    expect(looks).toBe(0)
  })
})

describe('attributes', () => {
  /** `a` may be executed; `sub/link` leads to `c`. */
  function withAttributes({ files, ...metainfo }: Metainfo): Metainfo {
    const [a, ...others] = files
    const link = { ...others[1], path: ['sub', 'link'], savedAs: ['content', 'sub', 'link'], symlinkTarget: ['c'] }
    return { ...metainfo, files: [{ ...a, isExecutable: true }, ...others, { ...link, offset: 690_000 }] }
  }

  test('are applied when the content is complete', async () => {
    const world = await World.open()
    const torrent = world.leech({}, withAttributes(world.metainfo))
    await world.sim.run({ until: () => torrent.stats().piecesHave >= 3, limitMs: 60_000 })
    expect(world.files.has('/data/content/sub/link')).toBe(false)
    await world.wait(torrent.done)
    expect(world.files.linkTarget('/data/content/sub/link')).toBe('../c')
    expect(['a', 'c'].map((path) => world.files.find(`/data/content/${path}`)!.isExecutable)).toEqual([true, false])
    await world.wait(torrent.remove({ data: true }))
    expect(world.files.has('/data/content')).toBe(false)
  })

  test('make nothing give way that is there', async () => {
    const world = await World.open()
    const torrent = world.leech({}, withAttributes(world.metainfo))
    world.files.makeLink('/data/content/sub/link', 'mine')
    await world.wait(torrent.done)
    expect(world.files.linkTarget('/data/content/sub/link')).toBe('mine')
  })

  test('that the system refuses are a warning, and the torrent is complete without them', async () => {
    const world = await World.open()
    const { disk } = world.node
    const refusal = new StorageError(
      'permission_denied',
      'Cannot make executable /data/content/a: no',
      '/data/content/a',
    )
    const openVolume = disk.openVolume.bind(disk)
    disk.openVolume = async (path) =>
      Object.assign(await openVolume(path), { applyAttributes: () => disk.refuse(refusal) })
    const torrent = world.leech({}, withAttributes(world.metainfo))
    const warnings: string[] = []
    torrent.on('warning', ({ code, message }) => warnings.push(`${code}: ${message}`))
    await world.wait(torrent.done)
    expect([torrent.state, warnings]).toEqual(['seeding', [`attributes_failed: ${refusal.message}`]])
  })

  test('are left alone where everything was there from the start', async () => {
    const world = await World.open()
    world.content.fill(world.node.disk, '/data')
    const torrent = world.leech({}, withAttributes(world.metainfo))
    await world.wait(torrent.done)
    expect(world.files.find('/data/content/a')!.isExecutable).toBe(false)
    expect(world.files.has('/data/content/sub/link')).toBe(false)
  })
})
