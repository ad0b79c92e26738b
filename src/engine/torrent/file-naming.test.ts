// What files are called while a torrent runs, and at its next start, in the simulator with all bytes real.
import { describe, expect, test } from 'vitest'
import { SimContent, type SimNode, Simulator } from '../../sim/index.ts'
import { Session } from '../session/session.ts'
import type { TorrentOptions } from './torrent-api.ts'
import type { Torrent } from './torrent.ts'

const PIECE = 32_768
const FILES = [
  { path: 'a', length: 10 * PIECE },
  { path: 'sub/b', length: 60_000 },
  { path: 'empty', length: 0 },
  { path: 'c', length: 400_000 },
]

type ContentFiles = ConstructorParameters<typeof SimContent>[0]['files']

class World {
  readonly sim = new Simulator({ seed: 1, content: 'bytes' })
  readonly content: SimContent
  readonly seedNode: SimNode
  readonly node: SimNode
  session!: Session
  torrent!: Torrent
  readonly warnings: string[] = []

  constructor(files: ContentFiles = FILES) {
    this.content = new SimContent({ kind: 'bytes', files, pieceBytes: PIECE })
    this.seedNode = this.sim.node('10.0.0.1')
    this.node = this.sim.node('10.0.0.2', { hasState: true })
    this.content.fill(this.seedNode.disk, '/data')
    void Session.open({ port: 6881 }, this.seedNode.platform).then((session) =>
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

  /** Runs until so many pieces are there. */
  async pieces(count: number): Promise<void> {
    await this.sim.run({ until: () => this.torrent.stats().piecesHave >= count, limitMs: 600_000 })
  }

  async leech(options: Partial<TorrentOptions> = {}): Promise<Torrent> {
    this.session = await this.wait(Session.open({ port: 6881 }, this.node.platform))
    this.torrent = this.session.add(this.content.torrent, { path: '/data', peers: ['10.0.0.1:6881'], ...options })
    this.torrent.on('warning', ({ code }) => this.warnings.push(code))
    return this.torrent
  }

  async close(): Promise<void> {
    await this.wait(this.session.close())
    this.node.kill()
    this.node.restart()
  }

  get paths(): string[] {
    return this.#files.paths
      .filter((path) => path.startsWith('/data/'))
      .map((path) => path.slice('/data/'.length))
      .toSorted()
  }

  get #files() {
    return this.node.disk.device('/').files
  }

  /** As if somebody had made it. */
  put(path: string): void {
    this.#files.write(path, this.#files.make(path, 'bytes'), 0, 5, Uint8Array.of(1, 2, 3, 4, 5))
  }

  isComplete(): boolean {
    return this.content.isComplete(this.node.disk, '/data')
  }
}

const NAMES = ['content/a', 'content/c', 'content/empty', 'content/sub/b']

describe('a file that is not complete', () => {
  test('is called NAME.part, if that is wanted, until its last piece is there', async () => {
    const world = new World()
    const torrent = await world.leech({ partNames: true, downRate: 200_000 })
    const seen = new Set<string>()
    for (let i = 0; i < 200 && torrent.state !== 'seeding'; i++) {
      await world.sim.run({ untilMs: world.sim.nowMs + 50 })
      for (const { path, done, length } of torrent.files()) {
        if (done === 0 || length === 0) continue
        const name = path.join('/')
        const there = world.paths.filter((each) => each === name || each === `${name}.part`)
        seen.add(
          `${done === length ? 'complete' : 'incomplete'}: ${there[0]?.endsWith('.part') ? 'NAME.part' : 'NAME'}`,
        )
        expect(there).toHaveLength(1)
      }
    }
    await world.wait(torrent.done)
    expect(seen).toContain('incomplete: NAME.part')
    expect(seen).toContain('complete: NAME')
    expect(seen).not.toContain('incomplete: NAME')
    expect(world.paths).toEqual(NAMES)
    expect(world.isComplete()).toBe(true)
    expect(world.warnings).toEqual([])
  })

  test('of a torrent of one file as well', async () => {
    const world = new World(20 * PIECE)
    const torrent = await world.leech({ partNames: true, downRate: 100_000 })
    await world.pieces(5)
    expect(world.paths).toEqual(['content.part'])
    await world.close()
    const again = await world.leech({ partNames: true })
    await world.wait(again.done)
    expect(world.paths).toEqual(['content'])
    expect(torrent.stats().downloaded + again.stats().downloaded).toBeLessThan(22 * PIECE)
  })

  test('goes on as it was begun, whatever is wanted now, and nothing is looked at or fetched again', async () => {
    for (const partNames of [true, false]) {
      const world = new World()
      await world.leech({ partNames, downRate: 200_000 })
      await world.pieces(13)
      await world.close()
      const before = world.paths
      expect(before.some((path) => path.endsWith('.part'))).toBe(partNames)
      const checked: number[] = []
      const looks: number[] = []
      const again = await world.leech({ partNames: !partNames, downRate: 1 })
      again.on('checked', ({ good }) => checked.push(good))
      again.on('checking', ({ done }) => looks.push(done))
      await world.sim.run({ until: () => checked.length > 0, limitMs: 60_000 })
      expect(checked[0]).toBeGreaterThanOrEqual(13)
      expect(looks).toEqual([])
      again.setRates({ down: 0 })
      await world.wait(again.done)
      expect(world.paths).toEqual(NAMES)
      expect(world.isComplete()).toBe(true)
      expect(world.warnings).toEqual([])
    }
  })

  test('gets its name at the next start, when the program ended before', async () => {
    const world = new World()
    await world.wait((await world.leech({ partNames: true })).done)
    await world.close()
    world.node.disk.device('/').files.rename('/data/content/a', '/data/content/a.part')
    const again = await world.leech()
    await world.wait(again.done)
    expect(world.paths).toEqual(NAMES)
    expect(again.stats().downloaded).toBe(0)
  })

  test('does not replace a file of that name: that one counts at the next start, and NAME.part is left alone', async () => {
    const world = new World()
    const torrent = await world.leech({ partNames: true, downRate: 200_000 })
    await world.pieces(2)
    world.put('/data/content/a')
    torrent.setRates({ down: 0 })
    await world.wait(torrent.done)
    expect(world.warnings).toEqual(['name_not_given'])
    expect(world.paths).toEqual(['content/a', 'content/a.part', ...NAMES.slice(1)])
    await world.close()
    const again = await world.leech()
    await world.wait(again.done)
    expect(world.isComplete()).toBe(true)
    expect(world.paths).toContain('content/a.part')
    expect(again.stats().downloaded).toBe(10 * PIECE)
  })

  test('has its own name where another file of the torrent is called NAME.part, or it would be too long', async () => {
    const long = 'x'.repeat(252)
    const world = new World([
      { path: 'a', length: 10 * PIECE },
      { path: 'A.Part', length: 10 * PIECE },
      { path: long, length: 10 * PIECE },
    ])
    const torrent = await world.leech({ partNames: true, downRate: 200_000 })
    await world.pieces(25)
    for (const path of world.paths)
      expect(['content/a', 'content/A.Part.part', `content/${long}`, 'content/A.Part']).toContain(path)
    torrent.setRates({ down: 0 })
    await world.wait(torrent.done)
    expect(world.isComplete()).toBe(true)
  })
})

describe('a file that is renamed', () => {
  test.each([false, true])(
    'while it is downloaded goes on where it is now, also at the next start (NAME.part: %s)',
    async (partNames) => {
      const world = new World()
      const torrent = await world.leech({ partNames, downRate: 300_000 })
      await world.pieces(15)
      const peers = torrent.peers().length
      await world.wait(torrent.renameFile(3, 'new folder/c?.bin'))
      await world.wait(torrent.renameFile(1, 'b'))
      expect(torrent.peers()).toHaveLength(peers)
      expect(torrent.files().map(({ path }) => path.join('/'))).toEqual([
        'content/a',
        'content/b',
        'content/empty',
        'content/new folder/c_.bin',
      ])
      await world.pieces(20)
      await world.close()
      expect(world.node.disk.device('/').files.has('/data/content/sub')).toBe(false)
      const again = await world.leech()
      await world.wait(again.done)
      expect(world.paths).toEqual(['content/a', 'content/b', 'content/empty', 'content/new folder/c_.bin'])
      expect(again.stats().downloaded).toBeLessThanOrEqual(13 * PIECE)
      expect(again.files()[3].path).toEqual(['content', 'new folder', 'c_.bin'])
      await world.close()
      const third = await world.leech()
      await world.wait(third.done)
      expect(third.stats().downloaded).toBe(0)
      expect(world.warnings).toEqual([])
    },
  )

  test('goes on being served', async () => {
    const world = new World()
    await world.wait((await world.leech()).done)
    const other = world.sim.node('10.0.0.3')
    const session = await world.wait(Session.open({ port: 6881 }, other.platform))
    const taken = session.add(world.content.torrent, { path: '/data', peers: ['10.0.0.2:6881'] })
    await world.sim.run({ until: () => taken.stats().piecesHave > 2, limitMs: 60_000 })
    const renamed = [0, 1, 3, 0, 3, 1, 0].map((file, i) => world.torrent.renameFile(file, `name ${file} ${i}`))
    await world.wait(Promise.all([...renamed, taken.done]))
    expect(world.torrent.state).toBe('seeding')
    expect(world.content.isComplete(other.disk, '/data')).toBe(true)
    expect(world.paths).toEqual(['content/empty', 'content/name 0 6', 'content/name 1 5', 'content/name 3 4'])
  })

  test('before anything of it is there begins under its new name', async () => {
    const world = new World()
    const torrent = await world.leech({ files: { 3: 'skip' } })
    await world.wait(torrent.done)
    await world.wait(torrent.renameFile(3, 'later'))
    await world.wait(torrent.setFilePriorities({ 3: 'normal' }))
    await world.wait(new Promise<void>((resolve) => torrent.on('done', () => resolve())))
    expect(world.paths).toEqual(['content/a', 'content/empty', 'content/later', 'content/sub/b'])
  })

  test.each([
    ['a', 3, 'exists'],
    ['A/x', 3, 'exists'],
    ['mine', 3, 'exists'],
    ['../up', 3, 'bad_name'],
    ['/etc/passwd', 3, 'bad_name'],
    ['', 3, 'bad_name'],
  ])('cannot be called %j, and keeps its name', async (name, file, code) => {
    const world = new World()
    await world.wait((await world.leech()).done)
    world.put('/data/content/mine')
    await expect(world.wait(world.torrent.renameFile(file, name))).rejects.toMatchObject({ code })
    expect(world.torrent.files()[file].path).toEqual(['content', 'c'])
    await world.close()
    const again = await world.leech()
    await world.wait(again.done)
    expect(again.stats().downloaded).toBe(0)
    expect(world.isComplete()).toBe(true)
  })

  test('cannot get the name of the parts file, and one that there is not cannot be renamed', async () => {
    const world = new World()
    const torrent = await world.leech()
    await world.wait(torrent.done)
    await expect(world.wait(torrent.renameFile(0, `.${torrent.infohash}.parts`))).rejects.toMatchObject({
      code: 'bad_name',
    })
    await expect(torrent.renameFile(4, 'x')).rejects.toThrow(TypeError)
    await expect(torrent.renameFile(-1, 'x')).rejects.toThrow(TypeError)
  })
})

describe.each(['kill', 'cutPower'] as const)('%s while files are renamed', (end) => {
  test('loses nothing that was there before', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const world = new World()
      const torrent = await world.leech({ partNames: seed % 2 === 0, downRate: 500_000 })
      await world.pieces(16)
      torrent.setRates({ down: 1 })
      await world.sim.run({ untilMs: world.sim.nowMs + 10_000 })
      const had = torrent.stats().piecesHave
      // What was verified more than 5 s ago is safe.
      await world.sim.run({ untilMs: world.sim.nowMs + 10_000 })
      for (const file of [0, 1, 3]) void torrent.renameFile(file, `new/${file}`)
      await world.sim.run({ untilMs: world.sim.nowMs + seed / 4 })
      world.node[end]()
      world.node.restart()
      const again = await world.leech({ downRate: 1 })
      let good = -1
      again.on('checked', (checked) => (good = checked.good))
      await world.sim.run({ until: () => good >= 0, limitMs: 60_000 })
      expect(good).toBeGreaterThanOrEqual(had)
      again.setRates({ down: 0 })
      await world.wait(again.done)
      for (const { path } of again.files()) expect(world.paths).toContain(path.join('/'))
      expect(world.paths).toHaveLength(4)
    }
  })
})
