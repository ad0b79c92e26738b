import { array, assert, integer, nat, oneof, property } from 'fast-check'
import { expect, test } from 'vitest'
import { BlockMemory } from './block-memory.ts'

const BLOCK = 16_384
const FRAMED = 13 + BLOCK

const memory = (kind: 'tags' | 'bytes'): BlockMemory =>
  new BlockMemory({ kind, slotCount: 2, slotBytes: 4 * BLOCK, frameBlocks: 4 })

test('a slot keeps the first 16 bytes of each block, wherever chunks begin and end', () => {
  const bytes = Uint8Array.from({ length: 4 * BLOCK }, (_, i) => 1 + (((i / BLOCK) | 0) * 50 + (i % 50)))
  const tags = [0, 1, 2, 3].flatMap((block) => [...bytes.subarray(block * BLOCK, block * BLOCK + 16)])
  const cut = oneof(
    nat(4 * BLOCK),
    integer({ min: -20, max: 20 }).map((near) => 2 * BLOCK + near),
  )
  assert(
    property(array(cut, { maxLength: 10 }), (cuts) => {
      const blocks = memory('tags')
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), 4 * BLOCK]
      for (const [i, begin] of bounds.slice(0, -1).entries()) {
        blocks.fillSlot(1, begin, bytes.subarray(begin, bounds[i + 1]))
      }
      expect([...blocks.inSlot(1, 0, 4 * BLOCK)]).toEqual(tags)
      expect([...blocks.inSlot(1, BLOCK, BLOCK)]).toEqual(tags.slice(16, 32))
      expect(blocks.inSlot(0, 0, 4 * BLOCK).every((byte) => byte === 0)).toBe(true)
    }),
  )
})

test('a tag of a block that is shorter than it is cut', () => {
  expect(memory('tags').inSlot(0, 0, BLOCK + 5).length).toBe(21)
})

test('tags go to the beginning of their blocks in a frame', () => {
  const blocks = memory('tags')
  blocks.putIntoFrame(3, BLOCK, new Uint8Array(16 + 5).fill(7))
  const touched = [...blocks.frame(3).entries()].filter(([, byte]) => byte !== 0).map(([at]) => at)
  const first = FRAMED + 13
  const second = 2 * FRAMED + 13
  expect(touched).toEqual([
    ...Array.from({ length: 16 }, (_, i) => first + i),
    ...[0, 1, 2, 3, 4].map((i) => second + i),
  ])
})

test('what begins within a block has no tag', () => {
  expect(() => memory('tags').inSlot(0, 1, BLOCK)).toThrow(
    'Cannot find a tag at byte 1: no block of 16384 begins there',
  )
})

test('slots are whole blocks', () => {
  expect(() => new BlockMemory({ kind: 'tags', slotCount: 1, slotBytes: 100, frameBlocks: 1 })).toThrow(
    'Cannot make slots of 100 bytes',
  )
})
