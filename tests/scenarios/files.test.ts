// Swarms in which not everybody wants everything, among real sessions on simulated machines. Three files whose borders lie
// within pieces.
import { expect, test } from 'vitest'
import type { Member } from '../../src/apps/sim/member.ts'
import { ProgressRecorder } from '../../src/apps/sim/progress-recorder.ts'
import { SwarmWorld } from '../../src/apps/sim/world.ts'
import type { FilePriorities } from '../../src/engine/torrent/torrent-api.ts'

const MIB = 1 << 20
const PIECE = 256 * 1024
const FILES = [
  { path: 'a', length: 5 * MIB + PIECE / 2 },
  { path: 'b', length: 5 * MIB + PIECE / 4 },
  { path: 'c', length: 5 * MIB },
]
const TOTAL = 15 * MIB + (3 * PIECE) / 4
/** Pieces of the one in the middle, the first and the last shared. */
const PIECES_OF_B = 21
const LIMIT_MS = 600_000
const ONLY_B: FilePriorities = { 0: 'skip', 2: 'skip' }

const newWorld = (): SwarmWorld =>
  new SwarmWorld({ seed: 1, progress: new ProgressRecorder(), content: { files: FILES } })

/** Files of the torrent on its disk, by name. */
function filesOf(member: Member): string[] {
  const { paths } = member.node.disk.device('/data').files
  return paths.map((path) => path.slice(path.lastIndexOf('/') + 1).replace(/^\..*\.parts$/, 'PARTS')).toSorted()
}

test('a leecher that wants one file of three completes among those who want all, and takes no more than it needs', async () => {
  const world = newWorld()
  world.seed()
  const all = Array.from({ length: 4 }, () => world.leecher())
  const one = world.leecher({ torrent: { files: ONLY_B } })
  await world.untilAllDone(LIMIT_MS)
  expect(one.torrent.stats()).toMatchObject({ state: 'seeding', left: 0, wanted: PIECES_OF_B * PIECE, total: TOTAL })
  expect(one.torrent.stats().piecesHave).toBe(PIECES_OF_B)
  expect(filesOf(one)).toEqual(['PARTS', 'b'])
  for (const member of all) expect(world.content.isComplete(member.node.disk, '/data')).toBe(true)
  expect(world.members.flatMap(({ dropped }) => dropped)).toEqual([])
})

test('those who want different files complete from each other when the seed has gone', async () => {
  const world = newWorld()
  const seed = world.seed()
  const [b, others] = [
    world.leecher({ torrent: { files: ONLY_B } }),
    world.leecher({ torrent: { files: { 1: 'skip' } } }),
  ]
  await world.untilAllDone(LIMIT_MS)
  void seed.leave()
  await world.pass(10_000)
  const late = world.leecher()
  await world.untilAllDone(LIMIT_MS)
  expect(world.content.isComplete(late.node.disk, '/data')).toBe(true)
  expect(b.uploaded).toBeGreaterThan(0)
  expect(others.uploaded).toBeGreaterThan(0)
})

test('priorities are followed: a high file is done before one is begun that is normal, and that before a low one', async () => {
  const world = newWorld()
  world.seed()
  const member = world.leecher({ torrent: { files: { 0: 'low', 1: 'normal', 2: 'high' } } })
  const doneAtMs = [Infinity, Infinity, Infinity]
  /** Bytes of a file that were there while a better one was not complete. */
  let early = 0
  const look = (): boolean => {
    if (!member.isHere) return false
    const files = member.torrent.files()
    for (const { index, done, length } of files)
      if (done === length) doneAtMs[index] = Math.min(doneAtMs[index], world.nowMs)
    for (const better of [2, 1]) {
      if (files[better].done < files[better].length) early = Math.max(early, files[better - 1].done)
    }
    return files.every(({ done, length }) => done === length)
  }
  await world.until(look, LIMIT_MS)
  // What was begun when the last pieces of the better one were under way.
  expect(early).toBeLessThanOrEqual(12 * PIECE)
  expect(doneAtMs[2]).toBeLessThan(doneAtMs[1])
  expect(doneAtMs[1]).toBeLessThan(doneAtMs[0])
})

test('a change while it runs: what is skipped comes no more, what is added comes, and nothing comes twice', async () => {
  const world = newWorld()
  world.seed()
  const member = world.leecher()
  await world.until(() => member.isHere && member.torrent.stats().downloaded > 3 * MIB, LIMIT_MS)
  const changed = member.torrent.setFilePriorities(ONLY_B)
  await world.until(() => member.torrent.state === 'seeding', LIMIT_MS)
  await changed
  const { downloaded } = member.torrent.stats()
  await world.pass(60_000)
  expect(member.torrent.stats().downloaded).toBe(downloaded)
  expect(member.torrent.files()[1]).toMatchObject({ done: FILES[1].length })

  void member.torrent.setFilePriorities({ 0: 'normal', 2: 'high' })
  await world.until(() => member.torrent.state === 'downloading', LIMIT_MS)
  await world.until(() => member.torrent.state === 'seeding', LIMIT_MS)
  expect(world.content.isComplete(member.node.disk, '/data')).toBe(true)
  // Pieces that were under way when they were skipped are all that may come twice.
  expect(member.torrent.stats().downloaded).toBeLessThan(TOTAL + 12 * PIECE)
  expect(filesOf(member)).toEqual(['a', 'b', 'c'])
})
