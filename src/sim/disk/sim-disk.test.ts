import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../base/bytes.ts'
import { parseTorrent } from '../../protocol/metainfo/index.ts'
import type { CommitResult, FileSpan, Slot, Volume } from '../../platform/platform.ts'
import { SeededRandom } from '../seeded-random.ts'
import { settle } from '../settle.ts'
import { VirtualTime } from '../virtual-time.ts'
import { SimContent } from './content.ts'
import { SimDisk, type SimDiskOptions } from './sim-disk.ts'

const BLOCK = 16_384
const FRAMED = 13 + BLOCK
const PIECE = 4 * BLOCK

/** A disk with round figures: an operation takes 10 ms, and a block 1 ms. */
const ROUND = { seekMs: 10, bytesPerSecond: BLOCK * 1000 }

async function stage(options: SimDiskOptions = { devices: { '/': ROUND } }, seed = 'disk') {
  const time = new VirtualTime(settle)
  const disk = new SimDisk(time, new SeededRandom(seed), options)
  /** Lets virtual time pass until the promise is settled. */
  const outcome = async <Result>(promise: Promise<Result>): Promise<Result> => {
    let isSettled = false
    const noted = promise.finally(() => (isSettled = true))
    noted.catch(() => {})
    if (!(await time.run(Number.POSITIVE_INFINITY, () => isSettled))) throw new Error('It is never answered')
    return noted
  }
  const volume = await outcome(disk.openVolume('/data'))
  return { time, disk, volume, outcome }
}

const span = (length: number, offset = 0, path = '/data/content'): FileSpan[] => [{ path, offset, length }]

/** Bytes of a block as they come from the network: its tag and zeros. */
function asSent(content: SimContent, block: number, length = BLOCK): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(content.block(block))
  return bytes
}

function fill(disk: SimDisk, content: SimContent, piece: number, wrongBlock = -1): Slot {
  const slot = disk.takeSlot()
  for (let i = 0, begin = piece * PIECE; i < 4 && begin < content.totalBytes; i++, begin += BLOCK) {
    const bytes = asSent(content, piece * 4 + i, Math.min(BLOCK, content.totalBytes - begin))
    if (i === wrongBlock) bytes[3] ^= 1
    disk.fillSlot(slot, i * BLOCK, bytes.subarray(0, 1448))
    disk.fillSlot(slot, i * BLOCK + 1448, bytes.subarray(1448))
  }
  return slot
}

function commit(volume: Volume, content: SimContent, piece: number, slot: Slot): Promise<CommitResult> {
  const length = Math.min(PIECE, content.totalBytes - piece * PIECE)
  const expected = parseTorrent(content.torrent).pieceHashes!.subarray(piece * 20, piece * 20 + 20)
  const spans = span(length, piece * PIECE)
  return volume.commit({ slots: [slot], length, expected, spans, wantBlockDigests: false })
}

describe('with tags', () => {
  const content = new SimContent({ files: 3 * PIECE - 2 * BLOCK + 5, pieceBytes: PIECE })

  test('right pieces are stored, and all of them are the content', async () => {
    const { disk, volume, outcome } = await stage()
    for (const piece of [2, 0, 1]) {
      expect(content.isComplete(disk, '/data')).toBe(false)
      expect(await outcome(commit(volume, content, piece, fill(disk, content, piece)))).toEqual({
        result: 'stored',
        blockDigests: null,
      })
    }
    expect(content.isComplete(disk, '/data')).toBe(true)
    expect(await outcome(volume.sizes(['/data/content', '/data/none']))).toEqual([content.totalBytes, -1])
    const { pieceHashes } = parseTorrent(content.torrent)
    expect(await outcome(volume.hash(span(2 * BLOCK + 5, 2 * PIECE)))).toEqual(pieceHashes!.subarray(40))
  })

  test('a wrong block makes its piece corrupt, and its digest alone differs', async () => {
    const { disk, volume, outcome } = await stage()
    const wrong = await outcome(commit(volume, content, 1, fill(disk, content, 1, 2)))
    expect(wrong.result).toBe('corrupt')
    expect(disk.device('/data').files.paths).toEqual([])
    const differs = [0, 1, 2, 3].map((i) => {
      const digest = wrong.blockDigests!.subarray(20 * i, 20 * i + 20)
      return digest.some((byte, at) => byte !== (content.block(4 + i)[at] ?? 0))
    })
    expect(differs).toEqual([false, false, true, false])
  })

  test('what is read is what was sent', async () => {
    const { disk, volume, outcome } = await stage()
    content.fill(disk, '/data')
    const frame = disk.takeFrame()
    await outcome(volume.read(span(2 * BLOCK + 5, 2 * PIECE), frame))
    for (const [i, length] of [BLOCK, BLOCK, 5].entries()) {
      const begin = i * FRAMED + 13
      expect(disk.frameMemory(frame).subarray(begin, begin + length)).toEqual(asSent(content, 8 + i, length))
    }
  })

  test('a spilled extent is read back', async () => {
    const { disk, volume, outcome } = await stage()
    const slot = fill(disk, content, 0)
    await outcome(volume.write(slot, BLOCK, BLOCK, span(BLOCK, BLOCK)))
    await outcome(volume.write(slot, 0, BLOCK, span(BLOCK)))
    await outcome(volume.write(slot, 2 * BLOCK, 2 * BLOCK, span(2 * BLOCK, 2 * BLOCK)))
    expect((await outcome(commit(volume, content, 0, -1))).result).toBe('stored')
  })

  test('spans that begin within a block are refused', async () => {
    const { disk, volume, outcome } = await stage()
    content.fill(disk, '/data')
    await expect(outcome(volume.hash(span(BLOCK, 1)))).rejects.toThrow(RangeError)
  })
})

describe('time', () => {
  const content = new SimContent({ files: 4 * PIECE, pieceBytes: PIECE })

  test('passes for the seek and the bytes of each operation, one after the other', async () => {
    const { time, disk, volume, outcome } = await stage()
    const done: string[] = []
    const note = (what: string) => (): number => done.push(`${what} at ${time.nowUs / 1000} ms`)
    const all = [
      commit(volume, content, 0, fill(disk, content, 0)).then(note('commit')),
      volume.hash(span(PIECE)).then(note('hash')),
      volume.read(span(BLOCK), disk.takeFrame()).then(note('read')),
      volume.sizes(['/data/content']).then(note('sizes')),
    ]
    await outcome(Promise.all(all))
    expect(done).toEqual(['commit at 14 ms', 'hash at 28 ms', 'read at 39 ms', 'sizes at 49 ms'])
    disk.device('/data').slowDown(BLOCK * 100)
    await outcome(volume.hash(span(BLOCK)))
    expect(time.nowUs).toBe(69_000)
  })

  test('stands still for a device that hangs, and for no other', async () => {
    const { disk, volume, outcome, time } = await stage({ devices: { '/data': ROUND, '/': ROUND } })
    const other = await outcome(disk.openVolume('/database'))
    expect(other.device).not.toBe(volume.device)
    expect((await outcome(disk.openVolume('/data/below'))).device).toBe(volume.device)
    disk.device('/data').hang()
    let answers = 0
    for (let i = 0; i < 3; i++) void volume.sizes([]).then(() => answers++)
    await outcome(other.sizes([]))
    expect(time.nowUs).toBe(10_000)
    await time.run(1e6, () => false)
    expect(answers).toBe(0)
    disk.device('/data').resume()
    await time.run(2e6, () => answers === 3)
    expect(time.nowUs).toBe(1_020_000)
  })

  test('of closing is five seconds at most, and then the rest is refused', async () => {
    const { disk, volume, outcome, time } = await stage()
    disk.device('/').hang()
    const reading = volume.hash(span(1))
    reading.catch(() => {})
    await outcome(disk.close())
    expect(time.nowUs).toBe(5e6)
    await expect(reading).rejects.toMatchObject({ code: 'disk_closed' })
    await expect(outcome(volume.sizes([]))).rejects.toMatchObject({ code: 'disk_closed' })
  })

  test('runs on for nobody after a crash, and the next session finds what was written', async () => {
    const { disk, volume, outcome, time } = await stage()
    await outcome(commit(volume, content, 0, fill(disk, content, 0)))
    let answers = 0
    void commit(volume, content, 1, fill(disk, content, 1)).then(() => answers++)
    void volume.sizes([]).then(() => answers++)
    disk.crash()
    void volume.sizes([]).then(() => answers++)
    void volume.release('/').then(() => answers++)
    void disk.openVolume('/').then(() => answers++)
    await time.run(1e6, () => false)
    expect([answers, disk.device('/').pendingCount]).toEqual([0, 0])
    const next = disk.restarted()
    expect(next.freeSlots).toBe(next.slotCount)
    const found = await outcome(next.openVolume('/data'))
    expect(await outcome(found.sizes(['/data/content']))).toEqual([PIECE])
  })
})

describe('faults', () => {
  const content = new SimContent({ files: 4 * PIECE, pieceBytes: PIECE })

  test('a full device refuses, and takes again when there is room', async () => {
    const { disk, volume, outcome } = await stage()
    await outcome(commit(volume, content, 0, fill(disk, content, 0)))
    disk.device('/').setFull()
    const slot = fill(disk, content, 1)
    await expect(outcome(commit(volume, content, 1, slot))).rejects.toMatchObject({ code: 'disk_full' })
    expect(disk.device('/').files.usedBytes).toBe(PIECE)
    disk.device('/').setCapacity(Number.POSITIVE_INFINITY)
    expect((await outcome(commit(volume, content, 1, slot))).result).toBe('stored')
  })

  test('writes, reads, or all writes of a read-only device fail', async () => {
    const { disk, volume, outcome } = await stage({ devices: { '/': ROUND, '/dvd': { ...ROUND, isReadOnly: true } } })
    const device = disk.device('/')
    const slot = fill(disk, content, 0)
    device.failWrites('permission_denied')
    await expect(outcome(commit(volume, content, 0, slot))).rejects.toMatchObject({ code: 'permission_denied' })
    device.failWrites(null)
    await outcome(commit(volume, content, 0, slot))
    device.failReads('io_error')
    await expect(outcome(volume.read(span(BLOCK), disk.takeFrame()))).rejects.toMatchObject({ code: 'io_error' })
    device.failReads(null)
    await outcome(volume.hash(span(BLOCK)))
    const readOnly = await outcome(disk.openVolume('/dvd'))
    const making = readOnly.ensureFiles([{ path: '/dvd/new', length: 1 }])
    await expect(outcome(making)).rejects.toMatchObject({ code: 'read_only' })
  })

  test('damage of one byte is seen in its piece alone, and on no other disk', async () => {
    const { disk, volume, outcome } = await stage()
    const { disk: other } = await stage()
    for (const each of [disk, other]) content.fill(each, '/data')
    disk.device('/').corrupt('/data/content', PIECE + BLOCK + 12_345)
    const right = parseTorrent(content.torrent).pieceHashes!
    const isRight: boolean[] = []
    for (let piece = 0; piece < 4; piece++) {
      const hash = await outcome(volume.hash(span(PIECE, piece * PIECE)))
      isRight.push(equalBytes(hash!, right.subarray(piece * 20, piece * 20 + 20)))
    }
    expect(isRight).toEqual([true, false, true, true])
    expect(content.isComplete(disk, '/data')).toBe(false)
    expect(content.isComplete(other, '/data')).toBe(true)
  })

  test('a device that was pulled out has no files, and has its synced ones again when it is back', async () => {
    const { disk, volume, outcome } = await stage()
    content.fill(disk, '/data')
    const device = disk.device('/')
    device.unplug()
    const frame = disk.takeFrame()
    expect(await outcome(volume.sizes(['/data/content']))).toEqual([-1])
    expect(await outcome(volume.hash(span(1)))).toBeNull()
    await expect(outcome(volume.read(span(BLOCK), frame))).rejects.toMatchObject({ code: 'not_found' })
    const writing = commit(volume, content, 0, fill(disk, content, 0))
    await expect(outcome(writing)).rejects.toMatchObject({ code: 'io_error' })
    device.plugIn()
    await outcome(volume.read(span(BLOCK), frame))
    expect(content.isComplete(disk, '/data')).toBe(true)
  })

  test('a power cut may lose pieces that were stored a moment ago', async () => {
    const kept = new Set<number>()
    for (let round = 0; round < 20; round++) {
      const { disk, volume, outcome } = await stage({}, `${round}`)
      for (const piece of [0, 1, 2, 3]) await outcome(commit(volume, content, piece, fill(disk, content, piece)))
      disk.powerCut()
      kept.add(disk.device('/').files.usedBytes / PIECE)
    }
    expect(kept.size).toBeGreaterThan(3)
    expect(Math.max(...kept)).toBeLessThanOrEqual(4)
  })

  test('about one block in so many is altered as it is read, and the file stays right', async () => {
    const large = new SimContent({ files: 4096 * BLOCK })
    const { disk, volume, outcome } = await stage()
    large.fill(disk, '/data')
    disk.device('/').corruptReads(50)
    const frame = disk.takeFrame()
    let altered = 0
    for (let first = 0; first < 4096; first += 16) {
      await outcome(volume.read(span(16 * BLOCK, first * BLOCK), frame))
      const memory = disk.frameMemory(frame)
      for (let i = 0; i < 16; i++) if (memory[i * FRAMED + 13] !== large.block(first + i)[0]) altered++
    }
    expect(altered).toBeGreaterThan(50)
    expect(altered).toBeLessThan(120)
    expect(large.isComplete(disk, '/data')).toBe(true)
  })
})
