import {
  type Arbitrary,
  array,
  assert,
  constant,
  constantFrom,
  nat,
  oneof,
  property,
  record,
  subarray,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bitfield } from '../../../base/bitfield.ts'
import { concatBytes } from '../../../base/bytes.ts'
import type { FileState } from '../../../platform/platform.ts'
import { encodeHeader, encodeRecord, type JournalRecord, parseJournal } from './journal-format.ts'
import type { JournalGeometry } from './journal-geometry.ts'
import { replayJournal, type Replayed } from './journal-replay.ts'

/** Files of 2, 1 1/2, 0 and 2 1/2 pieces: piece 3 lies in two files. */
const FILES_OF = [[0], [0], [1], [1, 3], [3], [3]]
const geometry: JournalGeometry = {
  pieceCount: 6,
  fileCount: 4,
  filesOf: (piece) => FILES_OF[piece],
  piecesOf: (file) => [{ first: 0, last: 1 }, { first: 2, last: 3 }, null, { first: 3, last: 5 }][file],
  blockCount: () => 8,
  pieceLength: () => 131_072,
}
const identity = { infohash: new Uint8Array(20), pieceCount: 6, pieceLength: 131_072, fileCount: 4, contentPath: '/d' }

const ALIVE = 1_000_000_000_000n
const MINUTE = 60_000_000_000n
const state = (mtimeNs: bigint, size = 10): FileState => ({ size, mtimeNs })
/** Every file looks as it did when it was synced. */
const AS_SYNCED = [0, 1, 2, 3].map(() => state(ALIVE))

const started = (bootId: string): JournalRecord => ({ kind: 'started', bootId })
const written = (piece: number): JournalRecord => ({ kind: 'written', piece })
const blocks = (piece: number, bits: number): JournalRecord => ({ kind: 'blocks', piece, blocks: Uint8Array.of(bits) })
const syncing = (sync: number): JournalRecord => ({ kind: 'syncing', sync })
const synced = (sync: number, ...files: number[]): JournalRecord => ({
  kind: 'synced',
  sync,
  files: files.map((file) => ({ file, ...state(ALIVE) })),
})
const doubt: JournalRecord = { kind: 'doubt' }
const closed: JournalRecord = { kind: 'closed' }

function replay(
  records: readonly JournalRecord[],
  { bootId = 'B', states = AS_SYNCED as readonly (FileState | null)[], isTorn = false, aliveNs = ALIVE } = {},
): Replayed {
  return replayJournal({ records, end: 0, isTorn }, { geometry, bootId, states, aliveNs })
}

/** What is sure, and what is to be hashed: `0 1 ?3`. */
function summary({ have, unsure }: Replayed): string {
  const pieces = [0, 1, 2, 3, 4, 5].flatMap((piece) => {
    if (have.has(piece)) return [`${piece}`]
    return unsure.includes(piece) ? [`?${piece}`] : []
  })
  return pieces.join(' ')
}

describe('a written piece', () => {
  test('is sure while the machine has not been restarted', () => {
    expect(summary(replay([started('B'), written(0), written(4)]))).toBe('0 4')
    expect(summary(replay([started('A'), written(0), started('B'), written(4)]))).toBe('?0 4')
    expect(summary(replay([started('A'), written(0)]))).toBe('?0')
    expect(summary(replay([written(0)]))).toBe('?0')
  })

  test('is not sure where nobody knows whether the machine has been restarted', () => {
    expect(summary(replay([started(''), written(0)], { bootId: '' }))).toBe('?0')
  })

  test('is sure for good once it was synced', () => {
    const records = [started('A'), written(0), syncing(1), synced(1, 0), written(1)]
    expect(summary(replay(records))).toBe('0 ?1')
  })

  test('is not covered by a sync that had begun before', () => {
    expect(summary(replay([started('A'), syncing(1), written(0), synced(1, 0)]))).toBe('?0')
  })

  test('is synced when all its files are', () => {
    const before = [started('A'), written(3), syncing(1), synced(1, 1)]
    expect(summary(replay(before))).toBe('?3')
    expect(summary(replay([...before, syncing(2), synced(2, 3)]))).toBe('3')
  })

  test('is not covered by a sync that never began', () => {
    expect(summary(replay([started('A'), written(0), synced(1, 0)]))).toBe('?0')
  })

  test('stays in doubt, whatever is synced after', () => {
    expect(summary(replay([started('B'), written(0), doubt]))).toBe('?0')
    expect(summary(replay([started('B'), written(0), doubt, syncing(1), synced(1, 0)]))).toBe('?0')
    expect(summary(replay([started('A'), written(0), started('B'), syncing(1), synced(1, 0)]))).toBe('?0')
  })

  test('is sure again when it is written again', () => {
    expect(summary(replay([started('B'), written(0), doubt, written(0)]))).toBe('0')
  })

  test('is in doubt where the end of the journal is torn, unless it was synced', () => {
    const records = [started('B'), written(0), syncing(1), synced(1, 0), written(1)]
    expect(summary(replay(records, { isTorn: true }))).toBe('0 ?1')
  })

  test('may be one of many', () => {
    const pieces = Uint8Array.of(0b1010_0100)
    expect(summary(replay([started('B'), { kind: 'writtenMany', pieces }]))).toBe('0 2 5')
  })
})

describe('a file that looks different', () => {
  const whole = [started('B'), written(0), written(1), syncing(1), synced(1, 0)]
  const half = [started('B'), written(0), syncing(1), synced(1, 0)]
  const looks = (changed: FileState | null): readonly (FileState | null)[] => [changed, ...AS_SYNCED.slice(1)]

  test.each([
    ['is gone', null],
    ['was changed later', state(ALIVE + 1n)],
    ['was changed earlier', state(ALIVE - 1n)],
    ['is longer', state(ALIVE, 11)],
    ['is shorter', state(ALIVE, 9)],
  ])('is hashed when we had finished with it and it %s', (_, changed) => {
    for (const records of [whole, [...half, closed]]) {
      const replayed = replay(records, { states: looks(changed) })
      expect(replayed.have.count).toBe(0)
      expect(replayed.unsure).toContain(0)
      expect(replayed.changedFiles).toEqual([0])
      expect(replayed.recorded.has(0)).toBe(false)
    }
  })

  test.each([
    ['changed later', state(ALIVE + MINUTE), '0'],
    ['longer', state(ALIVE, 11), '0'],
    ['changed long after the journal ends', state(ALIVE + MINUTE + 1n), '?0'],
    ['changed earlier', state(ALIVE - 1n), '?0'],
    ['shorter', state(ALIVE, 9), '?0'],
    ['gone', null, '?0'],
  ])('while we were writing it may be: %s', (_, changed, expected) => {
    expect(summary(replay(half, { states: looks(changed) }))).toBe(expected)
    expect(summary(replay([...half, closed, started('B')], { states: looks(changed) }))).toBe(expected)
  })

  test('is compared with the journal only, when it was never synced', () => {
    expect(summary(replay([started('B'), written(0)], { states: looks(state(ALIVE - 5n)) }))).toBe('0')
    expect(summary(replay([started('B'), written(0)], { states: looks(state(ALIVE + 2n * MINUTE)) }))).toBe('?0')
  })

  test('costs the pieces that lie in it, and no others', () => {
    const records = [started('B'), ...[0, 2, 3, 4].map(written)]
    const states = [state(ALIVE), state(ALIVE), null, null]
    expect(summary(replay(records, { states }))).toBe('0 2 ?3 ?4')
  })

  test('is nobody’s concern when nothing is recorded of it', () => {
    expect(replay(half, { states: [state(ALIVE), null, null, null] }).changedFiles).toEqual([])
  })
})

describe('finished blocks', () => {
  const found = (records: readonly JournalRecord[], options = {}): string[] =>
    [...replay(records, options).blocks].map(([piece, bits]) => `${piece}: ${bits.bytes[0].toString(2)}`)

  test('are known as long as they are sure, and until the piece is written', () => {
    const records = [started('B'), blocks(0, 0b1000_0000), blocks(0, 0b0100_0000), blocks(1, 1)]
    expect(found(records)).toEqual(['0: 11000000', '1: 1'])
    expect(found([...records, written(1)])).toEqual(['0: 11000000'])
    expect(found(records, { isTorn: true })).toEqual([])
    expect(found([...records, doubt])).toEqual([])
    expect(found([...records, syncing(1), synced(1, 0)], { bootId: 'C' })).toEqual(['0: 11000000', '1: 1'])
    expect(found(records, { states: [null, null, null, null] })).toEqual([])
  })

  test('of a piece that lies in a file that is not there yet are fetched again, and nobody is blamed', () => {
    const records = [started('B'), written(2), blocks(3, 0b1100_0000)]
    const states = [state(ALIVE), state(ALIVE), null, null]
    const found = replay(records, { states })
    expect(summary(found)).toBe('2')
    expect(found.changedFiles).toEqual([])
    expect([...found.blocks.keys()]).toEqual([])
    // One that held a piece, and is gone, was removed by somebody.
    expect(replay([started('B'), written(4), blocks(3, 0b1100_0000)], { states }).changedFiles).toEqual([3])
  })

  test('are each as certain as the record that tells of them', () => {
    const records = [started('A'), blocks(0, 0b1000_0000), syncing(1), synced(1, 0), blocks(0, 0b0100_0000)]
    expect(found(records)).toEqual(['0: 10000000'])
  })

  test('are of no use when the piece was wrong', () => {
    const forgotten: JournalRecord = { kind: 'blocks', piece: 0, blocks: new Uint8Array(0) }
    expect(found([started('B'), blocks(0, 1), forgotten])).toEqual([])
    expect(found([started('B'), blocks(0, 1), forgotten, blocks(0, 2)])).toEqual(['0: 10'])
  })

  test('of a wrong number say nothing', () => {
    expect(found([started('B'), { kind: 'blocks', piece: 0, blocks: new Uint8Array(2) }])).toEqual([])
  })
})

// ---------------------------------------------------------------- against a reference

const anyRecord: Arbitrary<JournalRecord> = oneof(
  { weight: 2, arbitrary: constantFrom(started('A'), started('B'), started('')) },
  { weight: 6, arbitrary: nat(5).map(written) },
  { weight: 1, arbitrary: nat(63).map((bits) => ({ kind: 'writtenMany' as const, pieces: Uint8Array.of(bits << 2) })) },
  { weight: 4, arbitrary: nat(3).map(syncing) },
  {
    weight: 4,
    arbitrary: record({ sync: nat(3), files: subarray([0, 1, 3]) }).map(({ sync, files }) => synced(sync, ...files)),
  },
  { weight: 1, arbitrary: constant(doubt) },
  { weight: 1, arbitrary: constant(closed) },
)

/** The same in the simplest words: the pieces of which nothing says that they may be lost. */
function surePieces(records: readonly JournalRecord[], isTorn: boolean): number[] {
  return FILES_OF.flatMap((files, piece) => {
    const at = records.findLastIndex(
      (each) =>
        (each.kind === 'written' && each.piece === piece) ||
        (each.kind === 'writtenMany' && Bitfield.fromBytes(6, each.pieces)!.has(piece)),
    )
    if (at < 0) return []
    const boot = bootAt(records, at)
    const doubtAt = records.findIndex(
      (each, i) =>
        i > at && (each.kind === 'doubt' || (each.kind === 'started' && (each.bootId !== boot || boot === ''))),
    )
    const isSyncedIn = (file: number): boolean =>
      records.some((each, i) => {
        if (each.kind !== 'synced' || (doubtAt >= 0 && i > doubtAt)) return false
        const begin = records.findLastIndex((mark, j) => j < i && mark.kind === 'syncing' && mark.sync === each.sync)
        return begin > at && each.files.some((synced) => synced.file === file)
      })
    const isSure = files.every(isSyncedIn) || (doubtAt < 0 && !isTorn && boot === 'B')
    return isSure ? [piece] : []
  })
}

function bootAt(records: readonly JournalRecord[], at: number): string | null {
  const start = records.slice(0, at).findLast((each) => each.kind === 'started')
  return start?.kind === 'started' ? start.bootId : null
}

const setPieces = (bits: Bitfield): number[] => [0, 1, 2, 3, 4, 5].filter((piece) => bits.has(piece))

describe('whatever the journal says', () => {
  test('exactly those pieces are sure that nothing makes doubtful', () => {
    assert(
      property(array(anyRecord, { maxLength: 30 }), (records) => {
        expect(setPieces(replay(records).have)).toEqual(surePieces(records, false))
      }),
      { numRuns: 3000 },
    )
  })

  test('and wherever it is cut or damaged, no other piece is believed to be there', () => {
    const head = encodeHeader(identity)
    assert(
      property(array(anyRecord, { minLength: 1, maxLength: 20 }), nat(), nat(8), (records, at, bit) => {
        const whole = concatBytes([head, ...records.map(encodeRecord)])
        const offset = head.length + (at % (whole.length - head.length))
        const bytes =
          bit === 8 ? whole.slice(0, offset) : whole.map((byte, i) => (i === offset ? byte ^ (1 << bit) : byte))
        const journal = parseJournal(bytes, identity, '/state/journal')
        const left = records.slice(0, journal.records.length)
        const { have } = replayJournal(journal, { geometry, bootId: 'B', states: AS_SYNCED, aliveNs: ALIVE })
        expect(setPieces(have)).toEqual(surePieces(left, journal.isTorn))
      }),
      { numRuns: 3000 },
    )
  })
})
