import { describe, expect, test } from 'vitest'
import { FakeDisk, type FakeDiskOptions } from '../../../tests/support/fake-disk.ts'
import { settled } from '../../../tests/support/fake-clock.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { readWire } from '../../../tests/support/wire-log.ts'
import { toHex } from '../../base/bytes.ts'
import { StorageError } from '../../base/errors.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { encodeHandshake } from '../../protocol/wire/handshake.ts'
import { contentLayout } from '../storage/content-layout.ts'
import { type CachedRun, ReadCache, type ReadSource } from './read-cache.ts'

const BLOCK = 16_384
/** Pieces of 40 blocks; the last one has 3 and a bit. A run of the cache begins at block 0, 16 or 32 of a piece. */
const PIECE = 40 * BLOCK
const payload = Payload.file('read cache', 3 * PIECE + 3 * BLOCK + 100)
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })

function world(options: FakeDiskOptions = {}) {
  const disk = new FakeDisk(options)
  disk.put(layout.root, payload.read(0, payload.size))
  disk.isHeld = true
  const cache = new ReadCache(disk)
  const outcomes: string[] = []
  const source = (): ReadSource => ({ map, volume: disk.volume(), spans: layout.spans })
  return {
    disk,
    cache,
    outcomes,
    source,
    /** Reads the run with this block; by default the disk answers at once. */
    read: async (
      source: ReadSource,
      block: number,
      { units = 1, isAnswered = true } = {},
    ): Promise<CachedRun | null> => {
      const run = cache.read(source, block, units, (run, error) =>
        outcomes.push(`${run.firstBlock}+${run.blockCount} ${run.state}${error ? `: ${error.message}` : ''}`),
      )
      if (isAnswered) disk.goAll()
      await settled()
      return run
    },
  }
}

/** The block with its header, as it stands in the stream of a peer. */
function message(block: number): string {
  const piece = map.pieceOfBlock(block)
  const bytes = payload.read(piece * PIECE + map.blockBegin(block), map.blockLength(block))
  return `piece ${piece}:${map.blockBegin(block)} ${toHex(bytes)}`
}

function decode(framed: Uint8Array): string[] {
  const handshake = encodeHandshake(new Uint8Array(20), new Uint8Array(20), { extensions: true, fast: true })
  return readWire([handshake, framed]).slice(2)
}

describe('what is read', () => {
  test('is the run of 16 blocks around the one that is wanted', async () => {
    const { disk, outcomes, read, source } = world()
    await read(source(), 20)
    expect(disk.operations).toEqual([`read ${layout.root}:${16 * BLOCK} ${16 * BLOCK}`])
    expect(outcomes).toEqual(['16+16 ready'])
  })

  test('is as many runs in one go as are asked for, but never beyond a frame or a piece', async () => {
    const { outcomes, read, source } = world()
    await read(source(), 0, { units: 2 })
    await read(source(), 40, { units: 9 })
    await read(source(), 80 + 16, { units: 9 })
    expect(outcomes).toEqual(['0+32 ready', '40+32 ready', '96+24 ready'])
  })

  test('ends before a run that is here already', async () => {
    const { outcomes, read, source } = world()
    const torrent = source()
    await read(torrent, 16)
    await read(torrent, 0, { units: 3 })
    expect(outcomes).toEqual(['16+16 ready', '0+16 ready'])
  })

  test('the last piece is read to its end, its short block too', async () => {
    const { cache, read, source } = world()
    const torrent = source()
    const run = (await read(torrent, 121, { units: 9 }))!
    expect(run.blockCount).toBe(4)
    expect(decode(cache.view(torrent, run, 123, 1))).toEqual([message(123)])
  })
})

describe('what is in memory', () => {
  test('goes out as it stands, any number of blocks in a row', async () => {
    const { cache, read, source } = world()
    const torrent = source()
    const run = (await read(torrent, 40, { units: 2 }))!
    expect(decode(cache.view(torrent, run, 50, 12))).toEqual(Array.from({ length: 12 }, (_, i) => message(50 + i)))
    expect(toHex(cache.blockBytes(torrent, run, 41))).toBe(toHex(payload.read(PIECE + BLOCK, BLOCK)))
  })

  test('is found by each of its blocks, and by those of its torrent only', async () => {
    const { cache, read, source } = world()
    const [torrent, other] = [source(), source()]
    const run = await read(torrent, 0, { units: 2 })
    expect([0, 15, 16, 31].map((block) => cache.find(torrent, block) === run)).toEqual([true, true, true, true])
    expect([cache.find(torrent, 32), cache.find(other, 0)]).toEqual([undefined, undefined])
  })

  test('is known while it is being read, so that nobody reads it twice', async () => {
    const { cache, read, source } = world()
    const torrent = source()
    const run = (await read(torrent, 0, { isAnswered: false }))!
    expect(cache.find(torrent, 5)).toBe(run)
    expect([run.state, run.uses]).toEqual(['reading', 1])
  })
})

describe('when memory is short', () => {
  test('what was used least recently makes way', async () => {
    const { cache, read, source } = world({ frameCount: 2 })
    const torrent = source()
    await read(torrent, 0)
    await read(torrent, 40)
    cache.find(torrent, 0)
    await read(torrent, 80)
    expect([0, 40, 80].map((block) => cache.find(torrent, block)?.firstBlock)).toEqual([0, undefined, 80])
  })

  test('what a socket may still send from stays, and so does what is being read', async () => {
    const { cache, disk, read, source } = world({ frameCount: 2 })
    const torrent = source()
    const sending = (await read(torrent, 0))!
    sending.uses++
    await read(torrent, 40, { isAnswered: false })
    expect(await read(torrent, 80, { isAnswered: false })).toBeNull()
    expect(decode(cache.view(torrent, sending, 0, 1))).toEqual([message(0)])
    sending.uses--
    expect(await read(torrent, 80)).not.toBeNull()
    expect(disk.freeFrames).toBe(0)
  })
})

describe('what has been sent to its end', () => {
  test('makes way first, the latest first: its memory is still warm', async () => {
    const { cache, read, source } = world({ frameCount: 3 })
    const torrent = source()
    for (const block of [0, 40, 80]) await read(torrent, block)
    for (const block of [40, 80]) cache.consume(cache.find(torrent, block)!)
    await read(torrent, 16)
    expect([0, 40, 80].map((block) => cache.find(torrent, block) !== undefined)).toEqual([true, true, false])
  })

  test('is kept like any other when somebody wants it again', async () => {
    const { cache, read, source } = world({ frameCount: 2 })
    const torrent = source()
    for (const block of [0, 40]) await read(torrent, block)
    cache.consume(cache.find(torrent, 40)!)
    cache.find(torrent, 40)
    await read(torrent, 80)
    expect([0, 40].map((block) => cache.find(torrent, block) !== undefined)).toEqual([false, true])
  })

  test('any number of times, and a frame is found all the same', async () => {
    const { cache, read, source } = world({ frameCount: 2 })
    const torrent = source()
    await read(torrent, 0)
    for (let i = 0; i < 10; i++) cache.consume(cache.find(torrent, 0)!)
    for (const block of [40, 80, 16, 56]) expect(await read(torrent, block)).not.toBeNull()
  })
})

test('a read that fails is told, forgotten, and gives its frame back', async () => {
  const { cache, disk, outcomes, read, source } = world()
  const torrent = source()
  await read(torrent, 0, { isAnswered: false })
  disk.held[0].fail(new StorageError('io_error', 'Cannot read', layout.root))
  await settled()
  expect(outcomes).toEqual(['0+16 failed: Cannot read'])
  expect([cache.find(torrent, 0), disk.freeFrames]).toEqual([undefined, 4])
})

describe('when a torrent goes', () => {
  test('its frames come back: at once, or when the last use ends', async () => {
    const { cache, disk, read, source } = world()
    const [torrent, other] = [source(), source()]
    await read(torrent, 0)
    const sending = (await read(torrent, 40))!
    sending.uses++
    await read(other, 0)
    await read(torrent, 80, { isAnswered: false })
    expect(disk.freeFrames).toBe(0)

    cache.forgetAll(torrent)
    expect(disk.freeFrames).toBe(1)
    sending.uses--
    cache.settle(sending)
    expect(disk.freeFrames).toBe(2)
    expect(cache.find(other, 0)).toBeDefined()
  })

  test('a read that ends later gives its frame back when whoever waited lets go of it', async () => {
    const { cache, disk, read, source } = world()
    const torrent = source()
    const run = (await read(torrent, 0, { isAnswered: false }))!
    cache.forgetAll(torrent)
    disk.goAll()
    await settled()
    cache.settle(run)
    expect(disk.freeFrames).toBe(4)
  })
})
