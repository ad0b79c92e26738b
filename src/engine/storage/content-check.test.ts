import { expect, test } from 'vitest'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { settled } from '../../../tests/support/fake-clock.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { StorageError } from '../../base/errors.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { checkContent } from './content-check.ts'
import { contentLayout } from './content-layout.ts'

const PIECE = 16_384

/** Two files, seven pieces; piece 3 lies in both. */
const payload = new Payload('content', 'content check', [
  { path: ['a'], length: 3 * PIECE + 5000 },
  { path: ['b'], length: 3 * PIECE },
])
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })
const [A, B] = layout.files.map((file) => file.path)

function world() {
  const disk = new FakeDisk()
  disk.put(A, payload.read(0, 3 * PIECE + 5000))
  disk.put(B, payload.read(3 * PIECE + 5000, 3 * PIECE))
  const good: number[] = []
  const progress: string[] = []
  let isStopped = false
  return {
    disk,
    good,
    progress,
    stop: () => (isStopped = true),
    check: async (wanted: ReadonlySet<number> | null = null): Promise<number[]> => {
      await checkContent({
        map,
        layout,
        volume: disk.volume(),
        pieceHashes: metainfo.pieceHashes!,
        wanted,
        onGood: (piece) => good.push(piece),
        onProgress: (done, total) => progress.push(`${done}/${total}`),
        isStopped: () => isStopped,
      })
      return good.toSorted((a, b) => a - b)
    },
  }
}

test('content that is whole is found whole, and progress is told after each piece', async () => {
  const { check, progress } = world()
  expect(await check()).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(progress).toEqual(['1/7', '2/7', '3/7', '4/7', '5/7', '6/7', '7/7'])
})

test('one wrong byte costs its piece, and no other', async () => {
  const { check, disk } = world()
  disk.files.get(A)![2 * PIECE]++
  expect(await check()).toEqual([0, 1, 3, 4, 5, 6])
})

test('of a file that is too short, the pieces before its end are looked at', async () => {
  const { check, disk, progress } = world()
  disk.put(A, payload.read(0, 2 * PIECE + 1))
  expect(await check()).toEqual([0, 1, 4, 5, 6])
  expect(progress.at(-1)).toBe('5/5')
})

test('of a missing file nothing is read', async () => {
  const { check, disk } = world()
  disk.files.delete(B)
  expect(await check()).toEqual([0, 1, 2])
  expect(disk.operations.some((operation) => operation.includes(B))).toBe(false)
})

test('where there is nothing, nothing is read', async () => {
  const { check, disk } = world()
  disk.files.clear()
  expect(await check()).toEqual([])
  expect(disk.operations).toEqual([])
})

test('a file that is longer than it should be is good all the same', async () => {
  const { check, disk } = world()
  disk.put(B, payload.read(3 * PIECE + 5000, 3 * PIECE).subarray(0))
  disk.put(B, Buffer.concat([disk.files.get(B)!, Buffer.alloc(99)]))
  expect(await check()).toHaveLength(7)
})

test('only what is wanted is looked at', async () => {
  const { check, disk } = world()
  expect(await check(new Set([1, 5]))).toEqual([1, 5])
  expect(disk.operations).toHaveLength(2)
})

test('a few pieces are read at a time, and after a stop no more', async () => {
  const { check, disk, good, stop } = world()
  disk.isHeld = true
  const checking = check()
  await settled()
  expect(disk.held).toHaveLength(4)
  disk.go()
  await settled()
  expect([disk.held.length, good]).toEqual([4, [0]])
  stop()
  disk.goAll()
  await checking
  expect([disk.operations.length, good]).toEqual([5, [0]])
})

test('a disk that does not answer properly ends the check with its error', async () => {
  const { check, disk } = world()
  disk.isHeld = true
  const checking = check()
  await settled()
  disk.held[0].fail(new StorageError('io_error', 'Cannot read', A))
  await expect(checking).rejects.toMatchObject({ code: 'io_error' })
})
