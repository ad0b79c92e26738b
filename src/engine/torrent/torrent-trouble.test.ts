// A torrent whose disk gives trouble: what passes by itself is waited for, the rest ends with a reason; nothing is lost.
import { describe, expect, test, vi } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import { SimContent, type SimDevice, type SimNode, Simulator } from '../../sim/index.ts'
import { Session } from '../session/session.ts'
import type { Torrent } from './torrent.ts'

const MIB = 1 << 20
const SIZE = 8 * MIB
const SEED_ADDRESS = '10.0.0.1:6881'
const LIMIT_MS = 600_000

/** A seed of 1 MB/s, and a leecher with its content on a drive of its own. */
class World {
  readonly sim = new Simulator({ seed: 1 })
  readonly content: SimContent
  readonly node: SimNode
  readonly drive: SimDevice
  readonly events: string[] = []
  torrent!: Torrent
  #session!: Session

  constructor(hasState: boolean, files: ConstructorParameters<typeof SimContent>[0]['files'] = SIZE) {
    this.content = new SimContent({ files, pieceBytes: 65_536 })
    const seed = this.sim.node('10.0.0.1', { up: 1_000_000, down: 1_000_000 })
    this.node = this.sim.node('10.0.0.2', { hasState, disk: { devices: { '/drive': { writeBackMs: 0 } } } })
    this.drive = this.node.disk.device('/drive')
    this.content.fill(seed.disk, '/data')
    void Session.open({ port: 6881 }, seed.platform).then((session) =>
      session.add(this.content.torrent, { path: '/data' }),
    )
  }

  async start(platform = this.node.platform, options: { recheck?: boolean } = {}): Promise<void> {
    this.#session = await this.settled(Session.open({ port: 6881 }, platform))
    const place = { path: '/drive/downloads', peers: [SEED_ADDRESS] }
    this.torrent = this.#session.add(this.content.torrent, { ...place, ...options })
    for (const name of ['checking', 'checked', 'parked', 'resumed', 'failed', 'done'] as const) {
      this.torrent.on(name, (payload) => {
        const { error } = payload as { error?: { code: string } }
        if (name !== 'checking' || this.events.at(-1) !== 'checking')
          this.events.push(error ? `${name}: ${error.code}` : name)
      })
    }
  }

  /** Ends the program in good order. */
  async end(): Promise<void> {
    await this.settled(this.#session.close())
    this.node.crash()
    this.events.length = 0
  }

  async settled<Result>(promise: Promise<Result>): Promise<Result> {
    let isSettled = false
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    )
    await this.sim.run({ until: () => isSettled, limitMs: LIMIT_MS })
    return promise
  }

  async untilPieces(count: number): Promise<void> {
    await this.sim.run({ until: () => this.torrent.stats().piecesHave >= count, limitMs: LIMIT_MS })
  }

  async untilState(state: string): Promise<void> {
    await this.sim.run({ until: () => this.torrent.state === state, limitMs: LIMIT_MS })
  }

  async pass(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + ms })
  }

  get isComplete(): boolean {
    return this.content.isComplete(this.node.disk, '/drive/downloads')
  }
}

async function downloading(pieces: number, hasState = true): Promise<World> {
  const world = new World(hasState)
  await world.start()
  await world.untilPieces(pieces)
  return world
}

describe.each([
  ['with a memory', true],
  ['without a memory', false],
])('a full disk, %s', (_, hasState) => {
  test('parks the torrent with the bytes missing, and it goes on by itself once there is room', async () => {
    const world = await downloading(20, hasState)
    world.drive.setFull()
    await world.untilState('parked')
    const { piecesHave, left } = world.torrent.stats()
    expect(piecesHave).toBeGreaterThanOrEqual(20)
    const [cause] = world.torrent.diagnose()
    expect(cause).toMatchObject({ code: 'parked', error: 'disk_full' })
    expect(cause.message).toMatch(/^The disk of \/drive\/downloads\/\S+ is full: [\d.]+ MiB more are needed/)
    expect(world.torrent.stats().peers).toBe(0)
    await world.pass(120_000)
    expect(world.torrent.stats()).toMatchObject({ state: 'parked', piecesHave, left })
    world.drive.setCapacity(Infinity)
    await world.untilState('seeding')
    expect(world.isComplete).toBe(true)
    // Only what was on its way is fetched again.
    expect(world.torrent.stats().downloaded).toBeLessThan(SIZE + 2 * MIB)
    const looks = hasState ? [] : ['checking']
    expect(world.events).toEqual(['checked', 'parked: disk_full', 'resumed', ...looks, 'checked', 'done'])
  })
})

test('a disk without room for what is to come is told before anything is written', async () => {
  const world = new World(true)
  world.drive.setCapacity(5 * MIB)
  await world.start()
  await world.untilState('parked')
  expect(world.torrent.diagnose()[0].message).toBe(
    'The disk of /drive/downloads/content is full: 3.00 MiB more are needed (8.00 MiB to come, 5.00 MiB free); ' +
      'it goes on by itself once there is room',
  )
  expect(world.drive.files.paths).toEqual([])
  expect(world.torrent.stats().downloaded).toBe(0)
  world.drive.setCapacity(SIZE)
  await world.untilState('seeding')
  expect(world.isComplete).toBe(true)
})

test('whoever skips files because the disk is full need not wait for more room', async () => {
  const files = ['a', 'b', 'c', 'd'].map((path) => ({ path, length: 2 * MIB }))
  const world = new World(true, files)
  world.drive.setCapacity(5 * MIB)
  await world.start()
  await world.untilState('parked')
  await world.settled(world.torrent.setFilePriorities({ 2: 'skip' }))
  expect(world.torrent.stats()).toMatchObject({ wanted: 6 * MIB, left: 6 * MIB })
  await world.pass(10_000)
  expect(world.torrent.diagnose()[0].message).toContain('1.00 MiB more are needed')
  await world.settled(world.torrent.setFilePriorities({ 3: 'skip' }))
  await world.untilState('seeding')
  expect(world.torrent.files().map(({ done }) => done)).toEqual([2 * MIB, 2 * MIB, 0, 0])
})

test('whoever was known before it was parked is known when it goes on', async () => {
  const world = await downloading(20)
  const addresses = Array.from({ length: 300 }, (_, i) => ipAddress(`10.1.${i >> 8}.${i & 255}`, 1))
  world.torrent.addFound(addresses, 'dht')
  world.drive.setFull()
  await world.untilState('parked')
  world.drive.setCapacity(Infinity)
  await world.untilState('downloading')
  expect(world.torrent.knownAddresses()!.known).toBeGreaterThan(200)
})

test('room that the files were given before counts as room', async () => {
  const world = await downloading(40)
  await world.end()
  world.drive.setCapacity(SIZE)
  await world.start(world.node.restart())
  await world.untilState('seeding')
  expect(world.events).toEqual(['checked', 'done'])
})

describe.each([
  ['with a memory', true],
  ['without a memory', false],
])('a drive that is pulled out, %s', (_, hasState) => {
  test('parks the torrent, and when it is back nothing that was safe is fetched again', async () => {
    const world = await downloading(40, hasState)
    const before = world.torrent.stats().piecesHave
    world.drive.unplug()
    await world.untilState('parked')
    expect(world.torrent.diagnose()[0]).toMatchObject({ code: 'parked', error: 'drive_gone' })
    await world.pass(60_000)
    expect(world.torrent.state).toBe('parked')
    world.drive.plugIn()
    await world.untilState('downloading')
    expect(world.torrent.stats().piecesHave).toBeGreaterThanOrEqual(before)
    await world.untilState('seeding')
    expect(world.isComplete).toBe(true)
    expect(world.torrent.stats().downloaded).toBeLessThan(SIZE + 2 * MIB)
  })

  test('parks a seed, too, as soon as somebody wants something', async () => {
    const world = await downloading(128, hasState)
    world.drive.unplug()
    const third = world.sim.node('10.0.0.3', { up: 1_000_000, down: 1_000_000 })
    const session = await world.settled(Session.open({ port: 6881 }, third.platform))
    const leecher = session.add(world.content.torrent, { path: '/data', peers: ['10.0.0.2:6881'] })
    await world.untilState('parked')
    world.drive.plugIn()
    await world.untilState('seeding')
    await world.sim.run({ until: () => leecher.state === 'seeding', limitMs: LIMIT_MS })
    expect(world.content.isComplete(third.disk, '/data')).toBe(true)
  })
})

test('a drive that is not there when the program starts is waited for, and no second copy is begun', async () => {
  const world = await downloading(40)
  const before = world.torrent.stats().piecesHave
  await world.end()
  world.drive.unplug()
  await world.start(world.node.restart())
  await world.untilState('parked')
  expect(world.torrent.diagnose()[0].message).toBe(
    'The drive of /drive/downloads/content is not connected: none of its files is there; it goes on by itself once they are back',
  )
  await world.pass(60_000)
  world.drive.plugIn()
  await world.untilState('downloading')
  expect(world.torrent.stats().piecesHave).toBe(before)
  expect(world.events).toEqual(['parked: drive_gone', 'resumed', 'checked'])
})

test.each(['read_only', 'permission_denied', 'io_error'] as const)(
  '%s ends the torrent with its reason',
  async (code) => {
    const world = await downloading(20)
    world.drive.failWrites(code)
    await world.untilState('failed')
    expect(world.torrent.diagnose()[0]).toMatchObject({ code: 'failed', error: code })
    await expect(world.torrent.done).rejects.toMatchObject({ code })
    world.drive.failWrites(null)
    const had = world.torrent.stats().piecesHave
    await world.end()
    await world.start(world.node.restart())
    await world.untilState('downloading')
    expect(world.torrent.stats().piecesHave).toBeGreaterThanOrEqual(had)
  },
)

test('a disk that is full again each time is asked less and less often', async () => {
  const world = await downloading(20)
  world.drive.failWrites('disk_full')
  await world.pass(3_600_000)
  const parked = world.events.filter((event) => event === 'parked: disk_full').length
  expect(parked).toBeGreaterThan(5)
  expect(parked).toBeLessThan(25)
  world.drive.failWrites(null)
  await world.untilState('seeding')
  expect(world.isComplete).toBe(true)
})

test('a drive that will not come back is given up by a recheck, which begins anew', async () => {
  const world = await downloading(40)
  await world.end()
  // What was there is deleted, and the system counts its drives in another way.
  world.drive.files.remove('/drive/downloads')
  vi.spyOn(world.drive, 'fileSystem', 'get').mockReturnValue('another')
  await world.start(world.node.restart())
  await world.untilState('parked')
  expect(world.torrent.diagnose()[0]).toMatchObject({ error: 'drive_gone' })
  await world.end()
  await world.start(world.node.restart(), { recheck: true })
  await world.untilState('seeding')
  expect(world.isComplete).toBe(true)
})
