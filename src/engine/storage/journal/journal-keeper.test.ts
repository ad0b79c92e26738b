import { describe, expect, test } from 'vitest'
import { settled } from '../../../../tests/support/fake-clock.ts'
import { FakeDisk } from '../../../../tests/support/fake-disk.ts'
import { FakeStateFolder } from '../../../../tests/support/fake-state.ts'
import { makeTorrent, Payload } from '../../../../tests/support/payload.ts'
import { Bitfield } from '../../../base/bitfield.ts'
import { StorageError } from '../../../base/errors.ts'
import { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from '../content-layout.ts'
import { parseJournal } from './journal-format.ts'
import { journalGeometry } from './journal-geometry.ts'
import { openJournal, type OpenedJournal } from './open-journal.ts'

const PIECE = 16_384
const JOURNAL = '/state/journal'

/** Two files, six pieces; piece 2 lies in both. */
const payload = new Payload('content', 'journal', [
  { path: ['a'], length: 2 * PIECE + 5000 },
  { path: ['b'], length: 4 * PIECE - 5000 },
])
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/d' })
const paths = layout.files.map((file) => file.path)
const identity = { infohash: metainfo.infohashV1!, pieceCount: 6, pieceLength: PIECE, fileCount: 2 }

function world(disk = new FakeDisk()) {
  const folder = new FakeStateFolder(disk)
  const failures: string[] = []
  const log: string[] = []
  const clock = { now: 0 }
  const open = (bootId = 'B'): Promise<OpenedJournal> =>
    openJournal({
      folder,
      volume: disk.volume(),
      identity,
      geometry: journalGeometry(metainfo, map),
      pathOf: (file) => paths[file] ?? '',
      bootId,
      now: () => clock.now,
      onFailed: (error) => failures.push(error.code),
      log: (message) => log.push(message),
    })
  /** What a download does with a piece that is complete. */
  const store = async ({ keeper }: OpenedJournal, piece: number, now: number): Promise<void> => {
    const slot = disk.takeSlot()
    disk.fillSlot(slot, 0, payload.read(piece * PIECE, PIECE))
    const result = await disk.volume().commit({
      slots: [slot],
      length: PIECE,
      expected: metainfo.pieceHashes!.subarray(20 * piece, 20 * piece + 20),
      spans: layout.spans(piece, 0, PIECE),
      wantBlockDigests: false,
      journal: keeper.pieceEntry(piece),
    })
    expect(result.result).toBe('stored')
    clock.now = now
    keeper.wrote(piece)
    disk.returnSlot(slot)
  }
  const records = (): string[] => {
    const whole = { ...identity, contentPath: '/d' }
    return parseJournal(disk.files.get(JOURNAL)!, whole, JOURNAL).records.map((record) =>
      'piece' in record ? `${record.kind} ${record.piece}` : record.kind,
    )
  }
  /** It is this late, and the keeper's turn. */
  const tick = async ({ keeper }: OpenedJournal, now: number): Promise<void> => {
    clock.now = now
    keeper.tick()
    await settled()
  }
  return { disk, folder, failures, log, open, store, records, tick }
}

/** Opened for the first time, with nothing on disk. */
async function fresh() {
  const made = world()
  const opened = await made.open()
  await opened.keeper.begin(new Bitfield(6), true)
  return { ...made, opened, keeper: opened.keeper }
}

const setPieces = (bits: Bitfield): number[] => [0, 1, 2, 3, 4, 5].filter((piece) => bits.has(piece))

describe('a journal', () => {
  test('begins with the first look at the content', async () => {
    const { opened, records, folder } = await fresh()
    expect(opened.known).toBeNull()
    expect(records()).toEqual(['syncing', 'started'])
    expect(folder.log).toEqual(['replace journal'])
  })

  test('tells at the next start what was written, without a look at the data', async () => {
    const { opened, disk, store, open } = await fresh()
    await store(opened, 0, 0)
    await store(opened, 4, 0)
    disk.operations.length = 0
    const again = await open()
    expect(setPieces(again.known!.have)).toEqual([0, 4])
    expect(again.known!.unsure).toEqual([])
    expect(disk.operations).toEqual([])
  })

  test('leaves in doubt what was not synced before the machine was restarted', async () => {
    const { opened, disk, store, open, tick } = await fresh()
    await store(opened, 0, 0)
    await tick(opened, 4000)
    await store(opened, 4, 4000)
    const again = await open('C')
    expect(setPieces(again.known!.have)).toEqual([0])
    expect(again.known!.unsure).toEqual([4])
    // It was hashed, and found good.
    await again.keeper.begin(Bitfield.fromBytes(6, Uint8Array.of(0b1000_1000))!, true)
    expect(setPieces((await open('C')).known!.have)).toEqual([0, 4])
    disk.files.delete(paths[0])
    expect((await open('C')).known!.unsure).toEqual([0])
  })

  test('that is of no use is set aside, with a word about it', async () => {
    const { disk, open, log } = await fresh()
    const damaged = disk.files.get(JOURNAL)!
    damaged[3]++
    const again = await open()
    expect(again.known).toBeNull()
    expect(disk.files.get(`${JOURNAL}.unusable`)).toEqual(damaged)
    expect(log).toEqual([
      `Cannot use ${JOURNAL}: it is no journal; it is kept as ${JOURNAL}.unusable, and the data is checked instead`,
    ])
    await again.keeper.begin(new Bitfield(6), true)
    expect((await open()).known).not.toBeNull()
  })

  test('with a torn end is replaced before anything is added', async () => {
    const { opened, disk, store, open, records } = await fresh()
    await store(opened, 0, 0)
    await store(opened, 1, 0)
    disk.files.set(JOURNAL, disk.files.get(JOURNAL)!.slice(0, -3))
    const again = await open()
    expect(again.known!.unsure).toEqual([0])
    await again.keeper.begin(Bitfield.fromBytes(6, Uint8Array.of(0x80))!, true)
    await store(again, 5, 0)
    expect(records()).toEqual(['syncing', 'started', 'writtenMany', 'written 5'])
    expect(setPieces((await open()).known!.have)).toEqual([0, 5])
  })

  test('tells of a check that was interrupted what it had found, and what it had not come to', async () => {
    const made = world()
    for (const { path, length } of layout.files) made.disk.files.set(path, new Uint8Array(length))
    const opened = await made.open()
    const bits = (byte: number): Bitfield => Bitfield.fromBytes(6, Uint8Array.of(byte))!
    await opened.keeper.noteCheck(bits(0b1010_0000), bits(0b0001_0100))
    const again = await made.open()
    expect(setPieces(again.known!.have)).toEqual([0, 2])
    expect(again.known!.unsure).toEqual([3, 5])
    // A restart of the machine makes all of it unsure: nothing of it was synced by us.
    const rebooted = await made.open('C')
    expect(setPieces(rebooted.known!.have)).toEqual([])
    expect(rebooted.known!.unsure).toEqual([0, 2, 3, 5])
    // The end of the check replaces it.
    await again.keeper.begin(bits(0b1011_0000), true)
    const last = await made.open()
    expect(setPieces(last.known!.have)).toEqual([0, 2, 3])
    expect(last.known!.unsure).toEqual([])
  })

  test('of a torrent that writes nothing more stays as it is', async () => {
    const { opened, folder, keeper, store, open, tick } = await fresh()
    for (let piece = 0; piece < 6; piece++) await store(opened, piece, 0)
    await keeper.close()
    folder.log.length = 0
    const again = await open('C')
    expect(again.known!.have.isFull).toBe(true)
    await again.keeper.begin(again.known!.have, false)
    await tick(again, 1e9)
    await again.keeper.close()
    expect(folder.log).toEqual([])
  })

  test('says which file somebody else has changed', async () => {
    const { opened, disk, keeper, store, open, log } = await fresh()
    for (let piece = 0; piece < 6; piece++) await store(opened, piece, 0)
    await keeper.close()
    disk.changeTimes.set(paths[1], 99n)
    const { known } = await open()
    expect(setPieces(known!.have)).toEqual([0, 1])
    expect(known!.unsure).toEqual([2, 3, 4, 5])
    expect(log).toEqual([`${paths[1]} has been changed or removed by somebody else: it is checked again`])
    disk.files.delete(paths[0])
    await open()
    expect(log[1]).toBe(
      `${paths[0]} and 1 more file have been changed or removed by somebody else: they are checked again`,
    )
  })

  test('is replaced when it has grown too long', async () => {
    const { opened, disk, keeper, store } = await fresh()
    for (let i = 0; i < 6000; i++) await store(opened, i % 2, 0)
    expect(disk.files.get(JOURNAL)!.length).toBeGreaterThan(65_536)
    await keeper.close()
    expect(disk.files.get(JOURNAL)!.length).toBeLessThan(400)
  })
})

describe('a sync', () => {
  test('begins four seconds after the oldest piece that is not safe, and covers its files', async () => {
    const { opened, disk, keeper, store, records, tick } = await fresh()
    await store(opened, 0, 1000)
    await store(opened, 4, 4999)
    await tick(opened, 4999)
    expect(records()).not.toContain('synced')
    await tick(opened, 5000)
    expect(records().slice(-2)).toEqual(['syncing', 'synced'])
    expect(disk.operations.filter((each) => each.startsWith('sync'))).toHaveLength(1)
    expect(keeper.hasUnsynced).toBe(false)
    await tick(opened, 1e9)
    expect(records().filter((each) => each === 'synced')).toHaveLength(1)
  })

  test('begins at once when much has come', async () => {
    const big = new PieceMap({ ...metainfo, pieceLength: 2 ** 26, totalSize: 6 * 2 ** 26 })
    const disk = new FakeDisk()
    const folder = new FakeStateFolder(disk)
    const { keeper } = await openJournal({
      folder,
      volume: disk.volume(),
      identity,
      geometry: { ...journalGeometry(metainfo, map), pieceLength: (piece) => big.pieceLength(piece) },
      pathOf: (file) => paths[file] ?? '',
      bootId: 'B',
      now: () => 0,
      onFailed: () => {},
      log: () => {},
    })
    await keeper.begin(new Bitfield(6), true)
    for (const path of paths) disk.put(path, new Uint8Array(1))
    keeper.wrote(0)
    keeper.wrote(1)
    keeper.tick()
    await settled()
    expect(disk.operations).toEqual([])
    keeper.wrote(2)
    keeper.tick()
    await settled()
    expect(disk.operations).toEqual([`sync ${paths[0]}:0 2`])
  })

  test('does not cover what comes while it is under way', async () => {
    const { opened, disk, keeper, store, open, tick } = await fresh()
    await store(opened, 0, 0)
    disk.isHeld = true
    await tick(opened, 4000)
    expect(disk.held.map(({ kind }) => kind)).toEqual(['sync'])
    disk.isHeld = false
    await store(opened, 1, 4000)
    await tick(opened, 1e9)
    expect(disk.held).toHaveLength(1)
    disk.goAll()
    await settled()
    expect(keeper.hasUnsynced).toBe(true)
    expect((await open('C')).known!.unsure).toEqual([1])
    await tick(opened, 1e9)
    expect((await open('C')).known!.unsure).toEqual([])
  })

  test('that fails is not repeated: what it was to cover stays in doubt', async () => {
    const { opened, disk, failures, folder, keeper, store, open, records, tick } = await fresh()
    await store(opened, 0, 0)
    await tick(opened, 4000)
    await store(opened, 1, 5000)
    disk.isHeld = true
    await tick(opened, 9000)
    disk.held.splice(0)[0].fail(new StorageError('io_error', 'Cannot sync', paths[0]))
    disk.isHeld = false
    await settled()
    expect(failures).toEqual(['io_error'])
    await store(opened, 3, 9000)
    await tick(opened, 1e9)
    await keeper.close()
    expect(records().slice(-3)).toEqual(['doubt', 'written 3', 'doubt'])
    expect(folder.isClosed).toBe(true)
    const { known } = await open()
    expect(setPieces(known!.have)).toEqual([0])
    expect(known!.unsure).toEqual([1, 3])
  })

  test('is waited for when the journal is closed, with all that was not safe yet', async () => {
    const { opened, folder, keeper, store, open, records } = await fresh()
    await store(opened, 0, 0)
    await keeper.close()
    expect(records().slice(-3)).toEqual(['syncing', 'synced', 'closed'])
    expect(folder.log.slice(-3)).toEqual(['append journal', 'append journal sync', 'append journal sync'])
    expect(folder.isClosed).toBe(true)
    expect(setPieces((await open('C')).known!.have)).toEqual([0])
  })

  test('covers files that were written without a record, so that their change is not taken for somebody else’s', async () => {
    const { opened, disk, keeper, store, open, tick } = await fresh()
    await store(opened, 0, 0)
    await tick(opened, 4000)
    disk.changeTimes.set(paths[0], 50n)
    keeper.touched(1)
    await keeper.close()
    expect((await open('C')).known!.changedFiles).toEqual([])
  })
})

describe('finished blocks', () => {
  test('are known at the next start, until their piece is written or fails', async () => {
    const { opened, disk, keeper, store, open } = await fresh()
    const slot = disk.takeSlot()
    const bits = Bitfield.fromBytes(1, Uint8Array.of(0x80))!
    for (const piece of [0, 1]) {
      await disk.volume().write(slot, 0, PIECE, layout.spans(piece, 0, PIECE), keeper.blocksEntry(piece, bits))
      keeper.wroteBlocks(piece, bits)
    }
    expect([...(await open()).known!.blocks.keys()]).toEqual([0, 1])
    await store(opened, 0, 0)
    await keeper.close()
    expect([...(await open('C')).known!.blocks.keys()]).toEqual([1])
  })
})

test('a state folder that refuses fails the torrent as a disk does', async () => {
  const { opened, failures, folder, keeper, store, tick } = await fresh()
  await store(opened, 0, 0)
  folder.failure = 'disk_full'
  await tick(opened, 4000)
  expect(failures).toEqual(['disk_full'])
  await keeper.close()
  expect(folder.isClosed).toBe(true)
})

test('a sync leaves out what is not there yet of a piece under way; a file that had a piece and is gone is an error', async () => {
  const { disk, failures, open, store, tick } = world()
  const opened = await open()
  await opened.keeper.begin(new Bitfield(6), true)
  await store(opened, 0, 0)
  // Piece 2 lies in both files, and nothing of it is in the second so far.
  opened.keeper.touched(2)
  await tick(opened, 5000)
  expect(failures).toEqual([])
  disk.files.delete(paths[0])
  opened.keeper.touched(0)
  await tick(opened, 10_000)
  expect(failures).toHaveLength(1)
})
