import { expect, test } from 'vitest'
import { sha1, sha256 } from '../../base/digest.ts'
import { toHex } from '../../base/bytes.ts'
import { parseTorrent } from '../../protocol/metainfo/index.ts'
import { SeededRandom } from '../seeded-random.ts'
import { settle } from '../settle.ts'
import { VirtualTime } from '../virtual-time.ts'
import { SimContent, type SimContentOptions } from './content.ts'
import { SimDisk } from './sim-disk.ts'

const BLOCK = 16_384

const diskFor = (kind: 'tags' | 'bytes'): SimDisk =>
  new SimDisk(new VirtualTime(settle), new SeededRandom(''), { kind })

test('the torrent of real bytes has the hashes of the files that it puts on a disk', () => {
  const files = [
    { path: 'a', length: 20_000 },
    { path: 'sub/b', length: 1 },
    { path: 'sub/empty', length: 0 },
    { path: 'c', length: 50_000 },
  ]
  const content = new SimContent({ kind: 'bytes', name: 'top', files, pieceBytes: 2 * BLOCK })
  const disk = diskFor('bytes')
  content.fill(disk, '/data')
  const whole = new Uint8Array(70_001)
  let at = 0
  for (const { path, length } of files) {
    const file = disk.device('/').files.find(`/data/top/${path}`)!
    expect(file.length).toBe(length)
    file.read(0, whole.subarray(at, at + length))
    at += length
  }
  const { pieceHashes, totalSize, name } = parseTorrent(content.torrent)
  expect([totalSize, name]).toEqual([70_001, 'top'])
  expect(pieceHashes!.subarray(20, 40)).toEqual(sha1(whole.subarray(2 * BLOCK, 4 * BLOCK)))
  expect(content.isComplete(disk, '/data')).toBe(true)
  expect(content.isComplete(disk, '/elsewhere')).toBe(false)
})

test('the same options give the same content, on every machine; other seeds others', () => {
  const digest = (options: Partial<SimContentOptions>): string =>
    toHex(sha256(new SimContent({ files: 10 * BLOCK, ...options }).torrent))
  expect(digest({})).toBe(digest({}))
  expect(digest({ seed: 2 })).not.toBe(digest({}))
  expect(toHex(new SimContent({ files: BLOCK, seed: 7 }).block(0))).toBe('8aa0728ac5be78a8931206a7c0b974be')
})

test('no two blocks are the same', () => {
  const content = new SimContent({ files: 10_000 * BLOCK })
  const tags = Array.from({ length: 10_000 }, (_, i) => toHex(content.block(i)))
  expect(new Set(tags).size).toBe(10_000)
})

test('a file of whole blocks is kept by 16 bytes per block, and one memory serves all disks', () => {
  const content = new SimContent({ files: 4096 * BLOCK })
  const [one, two] = [diskFor('tags'), diskFor('tags')]
  for (const disk of [one, two]) content.fill(disk, '/')
  const [inOne, inTwo] = [one, two].map((disk) => disk.device('/').files.find('/content')!)
  for (let i = 0; i < 4; i++) expect(inOne.page(i)).toBe(inTwo.page(i))
  expect([inOne.page(4), inOne.blocksWritten, inOne.length]).toEqual([undefined, 4096, 4096 * BLOCK])
})

test('with tags, only the last file may end within a block', () => {
  const files = [
    { path: 'a', length: 100 },
    { path: 'b', length: 100 },
  ]
  expect(() => new SimContent({ files })).toThrow('Cannot find a tag at byte 100')
})
