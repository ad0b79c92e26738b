import { expect, test } from 'vitest'
import { parseTorrent } from '../../protocol/metainfo/index.ts'
import { SeededRandom } from '../seeded-random.ts'
import { settle } from '../settle.ts'
import { VirtualTime } from '../virtual-time.ts'
import { SimContent } from './content.ts'
import { SimDisk } from './sim-disk.ts'

const BLOCK = 16_384
const PIECE = 16 * BLOCK
const PIECES = 256
const NODES = 60

test('a node that has downloaded 64 MiB, and uploads from all its frames, takes less than 1.5 MB', async () => {
  const content = new SimContent({ files: PIECES * PIECE, pieceBytes: PIECE })
  const hashes = parseTorrent(content.torrent).pieceHashes!
  const time = new VirtualTime(settle)

  async function downloaded(): Promise<SimDisk> {
    const disk = new SimDisk(time, new SeededRandom('memory'))
    const volume = await disk.openVolume('/data')
    const slots = Array.from({ length: 64 }, () => disk.takeSlot())
    const work: Promise<unknown>[] = []
    for (let piece = 0; piece < PIECES; piece++) {
      const slot = slots[piece % slots.length]
      for (let i = 0; i < 16; i++) disk.fillSlot(slot, i * BLOCK, content.block(piece * 16 + i))
      const expected = hashes.subarray(piece * 20, piece * 20 + 20)
      const spans = [{ path: '/data/content', offset: piece * PIECE, length: PIECE }]
      work.push(volume.commit({ slots: [slot], length: PIECE, expected, spans, wantBlockDigests: false }))
      if ((piece + 1) % slots.length > 0) continue
      // The slots are filled anew only when their pieces have been written.
      await time.run(time.nowUs + 1e6, () => false)
      await Promise.all(work)
    }
    for (let frame = disk.takeFrame(), i = 0; frame >= 0; frame = disk.takeFrame(), i++) {
      work.push(volume.read([{ path: '/data/content', offset: i * PIECE, length: PIECE }], frame))
    }
    await time.run(time.nowUs + 1e6, () => false)
    await Promise.all(work)
    expect(content.isComplete(disk, '/data')).toBe(true)
    return disk
  }

  const disks = [await downloaded(), await downloaded(), await downloaded()]
  const before = process.memoryUsage().rss
  for (let i = 0; i < NODES; i++) disks.push(await downloaded())
  const bytesPerNode = (process.memoryUsage().rss - before) / NODES
  console.log(`A simulated disk takes ${Math.round(bytesPerNode / 1000)} kB`)
  expect(bytesPerNode).toBeLessThan(1_500_000)
})
