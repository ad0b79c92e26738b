// One session, two torrents, and the disk of one of them hangs or is full. The other must not notice.
// In-process, on the real platform with a fault wrapper around its disk.
import { beforeAll, expect, test } from 'vitest'
import { Session } from '../../src/engine/session/session.ts'
import type { Torrent } from '../../src/engine/torrent/torrent.ts'
import { createNodePlatform } from '../../src/platform/node/node-platform.ts'
import { FaultDisk } from '../support/fault-disk.ts'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { pause, until } from '../support/wait.ts'
import { honest, startPeer } from '../support/wire-peer.ts'

const MIB = 1 << 20
/** So slow that any machine brings it, whatever else it does: the seeder decides the rate, not the processor. */
const STEADY_RATE = 3 * MIB
const MEASURED_MS = 4000

let steady: TestTorrent
let greedy: TestTorrent
beforeAll(() => {
  steady = makeTorrent(Payload.file('steady', 48 * MIB, 'steady.bin'), 256 * 1024)
  // More than all slots together hold.
  greedy = makeTorrent(Payload.file('greedy', 160 * MIB, 'greedy.bin'), 1 * MIB)
})

async function openSession(stage: Stage): Promise<{ session: Session; disk: FaultDisk }> {
  const platform = createNodePlatform()
  const disk = new FaultDisk(platform.disk)
  const session = await Session.open({ port: 0, bind: '127.0.0.1' }, { ...platform, disk })
  stage.onEnd(() => session.close())
  return { session, disk }
}

/** Payload bytes that arrive within the measured time. */
async function measure(torrent: Torrent): Promise<number> {
  const before = torrent.stats().downloaded
  const start = performance.now()
  await pause(MEASURED_MS)
  return ((torrent.stats().downloaded - before) / (performance.now() - start)) * 1000
}

test('while the disk of one torrent hangs, another keeps its rate', async (context) => {
  const stage = openStage(context)
  const { session, disk } = await openSession(stage)
  const [steadyFolder, greedyFolder] = [stage.folder('steady'), stage.folder('greedy')]
  const steadySeeder = await startPeer(stage, steady, honest(STEADY_RATE))
  const greedySeeder = await startPeer(stage, greedy)

  const keeping = session.add(steady.file(), { path: steadyFolder, peers: [steadySeeder.address] })
  await until('the steady torrent runs', () => keeping.stats().downloaded > STEADY_RATE / 2)
  const rateAlone = await measure(keeping)

  disk.break(greedyFolder, 'hang')
  const hanging = session.add(greedy.file(), { path: greedyFolder, peers: [greedySeeder.address] })
  // It takes all the memory that it is allowed, and then stands still.
  let held = -1
  await until('the greedy torrent is held up by its disk', async () => {
    const before = held
    held = greedySeeder.sent
    if (disk.hanging === 0 || held === 0 || held !== before) {
      await pause(500)
      return false
    }
    return true
  })
  expect(hanging.stats().left).toBe(greedy.payload.size)
  const rateBeside = await measure(keeping)
  expect(disk.hanging).toBeGreaterThan(0)
  expect(keeping.stats().left, 'both measurements are of a running download').toBeGreaterThan(0)
  expect(rateBeside / rateAlone).toBeGreaterThan(0.9)

  // A drive that wakes up goes on where it was.
  disk.repair(greedyFolder)
  await Promise.all([keeping.done, hanging.done])
  expect(steady.payload.differences(steadyFolder)).toEqual([])
  expect(greedy.payload.differences(greedyFolder)).toEqual([])
})

test('a full disk holds up its own torrent, says why, and no other; once there is room it goes on', async (context) => {
  const stage = openStage(context)
  const { session, disk } = await openSession(stage)
  const [steadyFolder, greedyFolder] = [stage.folder('steady'), stage.folder('greedy')]
  const steadySeeder = await startPeer(stage, steady)
  const greedySeeder = await startPeer(stage, greedy)
  disk.break(greedyFolder, 'disk_full')

  const failing = session.add(greedy.file(), { path: greedyFolder, peers: [greedySeeder.address] })
  const parked = new Promise((resolve) => failing.on('parked', ({ error }) => resolve(error)))
  const keeping = session.add(steady.file(), { path: steadyFolder, peers: [steadySeeder.address] })
  expect(await parked).toMatchObject({ name: 'StorageError', code: 'disk_full' })
  expect(failing.state).toBe('parked')
  await keeping.done
  expect(steady.payload.differences(steadyFolder)).toEqual([])
  disk.repair(greedyFolder)
  await failing.done
  expect(greedy.payload.differences(greedyFolder)).toEqual([])
})

test('a session closes within a few seconds though a disk hangs', { timeout: 30_000 }, async (context) => {
  const stage = openStage(context)
  const { session, disk } = await openSession(stage)
  const folder = stage.folder('greedy')
  const seeder = await startPeer(stage, greedy)
  disk.break(folder, 'hang')
  const torrent = session.add(greedy.file(), { path: folder, peers: [seeder.address] })
  await until('the disk hangs', () => disk.hanging > 0)
  const start = performance.now()
  await session.close()
  expect(performance.now() - start).toBeLessThan(10_000)
  expect(torrent.state).toBe('stopped')
})
