// What a download takes over from an earlier run, and what it leaves for the next one.
import { describe, expect, test } from 'vitest'
import { settled } from '../../../tests/support/fake-clock.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { FakeStateFolder } from '../../../tests/support/fake-state.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { Bitfield } from '../../base/bitfield.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from '../storage/content-layout.ts'
import { journalGeometry } from '../storage/journal/journal-geometry.ts'
import type { JournalKeeper } from '../storage/journal/journal-keeper.ts'
import { openJournal, type OpenedJournal } from '../storage/journal/open-journal.ts'
import { SlotLedger } from '../storage/slot-ledger.ts'
import { type BlockSource, Download } from './download.ts'

const BLOCK = 16_384
const LARGE = 4 << 20

/** Content of two pieces on a made-up disk, which outlives the downloads. */
function world(pieceLength: number) {
  const payload = Payload.file('resume', 2 * pieceLength)
  const metainfo = parseTorrent(makeTorrent(payload, pieceLength).file())
  const map = new PieceMap(metainfo)
  const disk = new FakeDisk({ slotCount: 600 })
  const layout = contentLayout(metainfo, map, { path: '/d' })
  const geometry = journalGeometry(metainfo, map, layout.places)

  const open = (): Promise<OpenedJournal> =>
    openJournal({
      folder: new FakeStateFolder(disk),
      volume: disk.volume(),
      identity: {
        infohash: metainfo.infohashV1!,
        pieceCount: map.pieceCount,
        pieceLength,
        fileCount: geometry.fileCount,
      },
      geometry,
      pathOf: (file) => layout.paths[file],
      bootId: 'B',
      now: () => 0,
      onFailed: () => {},
      log: () => {},
    })

  const start = (journal: JournalKeeper | null = null) => {
    const stored: number[] = []
    const guilty: BlockSource[] = []
    const ledger = new SlotLedger(disk)
    const { pieceHashes } = metainfo
    const download = new Download<BlockSource>(
      {
        map,
        layout,
        volume: disk.volume(),
        disk,
        ledger,
        pieceHashes: pieceHashes!,
        below: () => 0,
        priorities: null,
        journal,
      },
      {
        onPieceStored: (piece) => stored.push(piece),
        onGuilty: (source) => guilty.push(source),
        onBlockDuplicated: () => {},
        onStorageFailed: () => {},
        onSlotsFree: () => {},
      },
    )
    ledger.enter(download)
    const peer: BlockSource = {
      have: Bitfield.full(map.pieceCount),
      allowedFast: new Set(),
      isChokingUs: false,
      suggested: new Set(),
      hasAsked: () => false,
      etaMs: () => Infinity,
    }
    download.picker.peerHas(peer.have)
    /** The peer delivers so many blocks; returns their numbers. */
    const fetch = (count: number): number[] => {
      const blocks = download.pick(peer, count, 0)
      for (const block of blocks) {
        const lease = download.startBlock(peer, block)!
        const begin = map.pieceOfBlock(block) * pieceLength + map.blockBegin(block)
        download.writeBlock(lease, payload.read(begin, map.blockLength(block)))
        download.finishBlock(lease, true)
      }
      return blocks
    }
    return { download, stored, guilty, fetch }
  }
  const isRight = (): boolean => Buffer.compare(disk.files.get(layout.root)!, payload.read(0, payload.size)) === 0
  const put = (content: Uint8Array): void => disk.put(layout.root, content)
  return { payload, disk, open, start, isRight, put }
}

const bits = (size: number, ...set: number[]): Bitfield => {
  const field = new Bitfield(size)
  for (const bit of set) field.set(bit)
  return field
}

describe('blocks of an earlier run', () => {
  test('are not asked for again, and complete their piece', async () => {
    const { payload, start, isRight, put } = world(4 * BLOCK)
    put(payload.read(0, 2 * BLOCK))
    const { download, stored, fetch } = start()
    download.restoreBlocks(0, bits(4, 0, 1))
    expect(download.isUnderWay(0)).toBe(true)
    expect(fetch(99)).toEqual([2, 3, 4, 5, 6, 7])
    await settled()
    expect(stored.toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(isRight()).toBe(true)
  })

  test('that are all of a piece are looked at without a peer', async () => {
    const { payload, start, put } = world(4 * BLOCK)
    put(payload.read(0, 4 * BLOCK))
    const { download, stored } = start()
    download.restoreBlocks(0, bits(4, 0, 1, 2, 3))
    await settled()
    expect(stored).toEqual([0])
    expect(download.bytesLeft).toBe(4 * BLOCK)
  })

  test('that are wrong are nobody’s fault, and fetched again', async () => {
    const { start, isRight, put } = world(4 * BLOCK)
    put(new Uint8Array(8 * BLOCK).fill(1))
    const { download, stored, guilty, fetch } = start()
    download.restoreBlocks(0, bits(4, 0))
    download.restoreBlocks(1, bits(4, 0, 1, 2, 3))
    await settled()
    fetch(3)
    await settled()
    expect(stored).toEqual([])
    fetch(99)
    fetch(99)
    await settled()
    expect(stored.toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(guilty).toEqual([])
    expect(isRight()).toBe(true)
  })

  test('of a piece that is there are of no use', async () => {
    const { start } = world(4 * BLOCK)
    const { download } = start()
    download.setHave(0)
    download.restoreBlocks(0, bits(4, 1))
    expect(download.isUnderWay(0)).toBe(false)
  })
})

describe('finished extents', () => {
  /** How many blocks of pieces under way the next run would know of. */
  async function knownBlocks(opened: Promise<OpenedJournal>): Promise<number> {
    const { blocks } = (await opened).known!
    return [...blocks.values()].reduce((sum, each) => sum + each.count, 0)
  }

  test('of a large piece are written at the next tick, and known to the next run', async () => {
    const { open, start, disk } = world(LARGE)
    const { keeper } = await open()
    await keeper.begin(new Bitfield(2), true)
    const { download, fetch } = start(keeper)
    fetch(7)
    await settled()
    expect(disk.operations).toEqual([])
    download.tick()
    await settled()
    // Slots of two blocks: the seventh is in one that is not finished.
    expect(disk.operations).toHaveLength(3)
    expect(await knownBlocks(open())).toBe(6)
    download.tick()
    await settled()
    expect(disk.operations).toHaveLength(3)
    fetch(1)
    download.tick()
    await settled()
    expect(await knownBlocks(open())).toBe(8)
  })

  test('complete their piece in the next run', async () => {
    const { open, start, isRight } = world(LARGE)
    const { keeper } = await open()
    await keeper.begin(new Bitfield(2), true)
    const first = start(keeper)
    first.fetch(100)
    first.download.tick()
    await settled()
    const again = await open()
    await again.keeper.begin(again.known!.have, true)
    const { download, stored, fetch } = start(again.keeper)
    for (const [piece, blocks] of again.known!.blocks) download.restoreBlocks(piece, blocks)
    expect(fetch(999)).toHaveLength(512 - 100)
    await settled()
    expect(stored.toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(isRight()).toBe(true)
    const { have, blocks } = (await open()).known!
    expect([have.isFull, blocks.size]).toEqual([true, 0])
  })

  test('of smaller pieces, and where nothing is remembered, stay in memory', async () => {
    const small = world(LARGE / 2)
    const { keeper } = await small.open()
    await keeper.begin(new Bitfield(2), true)
    const forgetful = world(LARGE)
    for (const [{ disk }, { download, fetch }] of [
      [small, small.start(keeper)],
      [forgetful, forgetful.start()],
    ] as const) {
      fetch(7)
      download.tick()
      await settled()
      expect(disk.operations).toEqual([])
    }
  })
})
