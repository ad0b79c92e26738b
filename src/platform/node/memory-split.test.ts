import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRAME_BYTES, SLOT_BYTES } from './disk-memory.ts'
import { DEFAULT_MEMORY, MIN_MEMORY, splitMemory } from './memory-split.ts'

const MIB = 1 << 20

function bytesOf({ slotCount, frameCount }: ReturnType<typeof splitMemory>): number {
  return slotCount * SLOT_BYTES + frameCount * FRAME_BYTES
}

test('by default some 80 MiB gather what comes in, and 40 MiB hold what goes out', () => {
  expect(splitMemory(DEFAULT_MEMORY, 1)).toEqual({ slotCount: 331, frameCount: 41 })
})

test('the least is enough for eight pieces of 1 MiB, and for four runs of blocks', () => {
  expect(splitMemory(MIN_MEMORY, 1)).toEqual({ slotCount: 35, frameCount: 3 })
})

test('less than the least, or no number, is refused', () => {
  for (const bytes of [0, -1, MIN_MEMORY - 1, 1.5, Number.NaN, Infinity])
    expect(() => splitMemory(bytes, 1)).toThrow(
      new RangeError(`Cannot work within ${bytes} bytes of memory: ${MIN_MEMORY} are the least`),
    )
})

test('threads take of the budget, but never so much that less than half is left for content', () => {
  expect(bytesOf(splitMemory(64 * MIB, 8))).toBeLessThan(bytesOf(splitMemory(64 * MIB, 1)) - 6 * MIB)
  expect(bytesOf(splitMemory(64 * MIB, 500))).toBeGreaterThan(31 * MIB)
})

test('whatever the budget is, it is kept, and all but a little of it is of use', () => {
  fc.assert(
    fc.property(fc.integer({ min: MIN_MEMORY, max: 2 ** 40 }), fc.integer({ min: 0, max: 4 }), (bytes, workers) => {
      const split = splitMemory(bytes, workers)
      const work = (3 + Math.max(1, workers)) * MIB
      expect(bytesOf(split) + work).toBeLessThanOrEqual(bytes)
      expect(bytesOf(split) + work).toBeGreaterThan(bytes - SLOT_BYTES)
      expect((split.slotCount * SLOT_BYTES) / bytesOf(split)).toBeGreaterThan(0.66)
    }),
  )
})
