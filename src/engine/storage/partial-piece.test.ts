import { describe, expect, test } from 'vitest'
import { BlockState, type Lease, PartialPiece } from './partial-piece.ts'

const BLOCK = 16_384
/** Two blocks a slot. */
const SLOT = 2 * BLOCK

/** A piece of `blocks` blocks, the last of which has `lastBytes`. */
const piece = (blocks: number, lastBytes = BLOCK): PartialPiece<string> =>
  new PartialPiece<string>(7, (blocks - 1) * BLOCK + lastBytes, SLOT)

function lease(partial: PartialPiece<string>, index: number): Lease<string> {
  return { partial, source: 'A', index, filled: 0, scratch: null, isRevoked: false }
}

describe('geometry', () => {
  test.each([
    [1, 1, 1, 1],
    [1, BLOCK, 1, 1],
    [2, 1, 2, 1],
    [3, 100, 3, 2],
    [5, BLOCK, 5, 3],
  ])('%i blocks, the last of %i bytes: %i blocks in %i extents', (blocks, lastBytes, blockCount, extents) => {
    const partial = piece(blocks, lastBytes)
    expect([partial.blockCount, partial.slots.length, partial.missing]).toEqual([blockCount, extents, blockCount])
    expect(partial.blockLength(blocks - 1)).toBe(lastBytes)
  })

  test('each block has its place in the slot of its extent', () => {
    const partial = piece(5)
    expect([0, 1, 2, 3, 4].map((index) => [partial.extentOf(index), partial.offsetInSlot(index)])).toEqual([
      [0, 0],
      [0, BLOCK],
      [1, 0],
      [1, BLOCK],
      [2, 0],
    ])
    expect([0, 1, 2].map((extent) => partial.extentBlocks(extent))).toEqual([
      { first: 0, end: 2 },
      { first: 2, end: 4 },
      { first: 4, end: 5 },
    ])
  })
})

test('a block that is accepted is here, and its sender remembered', () => {
  const partial = piece(3)
  partial.accept(1, 'B')
  expect([...partial.blocks]).toEqual([BlockState.missing, BlockState.inSlot, BlockState.missing])
  expect(partial.from).toEqual([null, 'B', null])
  expect(partial.missing).toBe(2)
})

test('an extent is complete when all its blocks are here, wherever they are', () => {
  const partial = piece(3)
  partial.accept(0, 'A')
  expect([partial.isExtentComplete(0), partial.isExtentComplete(1)]).toEqual([false, false])
  partial.accept(1, 'A')
  partial.blocks[0] = BlockState.onDisk
  partial.accept(2, 'A')
  expect([partial.isExtentComplete(0), partial.isExtentComplete(1)]).toEqual([true, true])
  expect([partial.isOnDisk(0), partial.isOnDisk(1)]).toEqual([true, false])
})

describe('spilling', () => {
  test('what is in a slot is written in runs; what is on disk already is not written again', () => {
    const partial = new PartialPiece<string>(0, 8 * BLOCK, 8 * BLOCK)
    for (const index of [0, 1, 3, 5, 6]) partial.accept(index, 'A')
    partial.blocks[3] = BlockState.onDisk
    expect(partial.runsInSlot(0)).toEqual([
      { first: 0, end: 2 },
      { first: 5, end: 7 },
    ])
  })

  test('an extent without a slot, being filled, or being written out, stays', () => {
    const partial = piece(6)
    partial.slots[1] = 4
    partial.slots[2] = 5
    expect([0, 1, 2].map((extent) => partial.canSpill(extent))).toEqual([false, true, true])
    partial.writers.set(3, lease(partial, 3))
    partial.spilling.set(2, Promise.resolve())
    expect([0, 1, 2].map((extent) => partial.canSpill(extent))).toEqual([false, false, false])
  })
})
