import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLOCK_BYTES, PieceMap } from './piece-map.ts'

test('the last piece, and its last block, are as short as the content leaves them', () => {
  const map = pieceMap(3 * BLOCK_BYTES, [7 * BLOCK_BYTES + 5])
  expect(map.pieceCount).toBe(3)
  expect([0, 1, 2].map((piece) => map.pieceLength(piece))).toEqual([3 * BLOCK_BYTES, 3 * BLOCK_BYTES, BLOCK_BYTES + 5])
  expect([0, 1, 2].map((piece) => map.blockCount(piece))).toEqual([3, 3, 2])
  expect([0, 1, 2].map((piece) => map.firstBlock(piece))).toEqual([0, 3, 6])
  expect([map.blockLength(6), map.blockLength(7)]).toEqual([BLOCK_BYTES, 5])
})

test('content that fills its pieces has a full last one', () => {
  const map = pieceMap(2 * BLOCK_BYTES, [4 * BLOCK_BYTES])
  expect([map.pieceCount, map.pieceLength(1), map.blockCount(1)]).toEqual([2, 2 * BLOCK_BYTES, 2])
})

test('a piece smaller than a block is one block', () => {
  const map = pieceMap(100, [250])
  expect([map.pieceCount, map.blocksPerPiece, map.blockLength(0), map.blockLength(2)]).toEqual([3, 1, 100, 50])
  expect(map.blockAt(2, 0, 50)).toBe(2)
})

test('a piece that is not a number of blocks ends with a short one', () => {
  const map = pieceMap(BLOCK_BYTES + 10, [2 * BLOCK_BYTES + 20])
  expect([map.blocksPerPiece, map.blockLength(1), map.blockBegin(3), map.pieceOfBlock(3)]).toEqual([
    2,
    10,
    BLOCK_BYTES,
    1,
  ])
})

test('only what names a block exactly is one', () => {
  const map = pieceMap(2 * BLOCK_BYTES, [3 * BLOCK_BYTES + 5])
  expect(map.blockAt(1, BLOCK_BYTES, 5)).toBe(3)
  expect(map.blockAt(0, BLOCK_BYTES, BLOCK_BYTES)).toBe(1)
  for (const [piece, begin, length] of [
    [2, 0, BLOCK_BYTES],
    [0, 1, BLOCK_BYTES],
    [0, 2 * BLOCK_BYTES, BLOCK_BYTES],
    [1, BLOCK_BYTES, BLOCK_BYTES],
    [1, BLOCK_BYTES, 4],
    [0, 0, 2 * BLOCK_BYTES],
  ]) {
    expect(map.blockAt(piece, begin, length)).toBe(-1)
  }
})

test('a part of a piece lies in the files it touches, and empty ones are skipped', () => {
  const map = pieceMap(BLOCK_BYTES, [0, 10, 0, BLOCK_BYTES, 0, 0, 7, 0])
  expect(map.filesOf(0, 0, BLOCK_BYTES)).toEqual([
    { file: 1, offset: 0, length: 10 },
    { file: 3, offset: 0, length: BLOCK_BYTES - 10 },
  ])
  expect(map.filesOf(1, 0, 17)).toEqual([
    { file: 3, offset: BLOCK_BYTES - 10, length: 10 },
    { file: 6, offset: 0, length: 7 },
  ])
  expect(map.filesOf(1, 10, 1)).toEqual([{ file: 6, offset: 0, length: 1 }])
})

test('a file lies in its pieces, an empty one in none', () => {
  const map = pieceMap(BLOCK_BYTES, [BLOCK_BYTES, 0, 1, 2 * BLOCK_BYTES])
  expect([0, 1, 2, 3].map((file) => map.piecesOfFile(file))).toEqual([
    { first: 0, last: 0 },
    null,
    { first: 1, last: 1 },
    { first: 1, last: 3 },
  ])
})

test('blocks and files cover every piece, once and in order', () => {
  const sizes = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200_000 })), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), sizes, (pieceLength, lengths) => {
      fc.pre(lengths.some((length) => length > 0) && lengths.reduce((a, b) => a + b) / pieceLength < 5000)
      const map = pieceMap(pieceLength, lengths)
      const covered = lengths.map(() => 0)
      for (let piece = 0; piece < map.pieceCount; piece++) {
        let begin = 0
        for (let i = 0; i < map.blockCount(piece); i++) {
          const block = map.firstBlock(piece) + i
          expect([map.pieceOfBlock(block), map.blockBegin(block)]).toEqual([piece, begin])
          expect(map.blockAt(piece, begin, map.blockLength(block))).toBe(block)
          for (const { file, offset, length } of map.filesOf(piece, begin, map.blockLength(block))) {
            expect(offset).toBe(covered[file])
            covered[file] += length
          }
          begin += map.blockLength(block)
        }
        expect(begin).toBe(map.pieceLength(piece))
      }
      expect(covered).toEqual(lengths)
      for (let piece = 0; piece < Math.min(3, map.pieceCount); piece++) {
        const found = lengths.flatMap((_, file) => map.runOf(piece, file) ?? [])
        expect(found.map(({ run }) => run)).toEqual(map.filesOf(piece, 0, map.pieceLength(piece)))
        for (const { run, begin } of found) expect(map.filesOf(piece, begin, run.length)).toEqual([run])
      }
    }),
    { numRuns: 30 },
  )
})

function pieceMap(pieceLength: number, lengths: readonly number[]): PieceMap {
  let totalSize = 0
  const files = lengths.map((length) => {
    const file = { ...FILE, length, offset: totalSize }
    totalSize += length
    return file
  })
  return new PieceMap({ pieceLength, totalSize, files })
}

const FILE = {
  path: [],
  savedAs: [],
  isPad: false,
  isExecutable: false,
  isHidden: false,
  symlinkTarget: null,
  piecesRoot: null,
}
