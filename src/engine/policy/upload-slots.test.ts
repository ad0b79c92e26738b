import { expect, test } from 'vitest'
import { slotsAtStart, UploadSlots } from './upload-slots.ts'

const MIB = 1 << 20

/** Rounds on a link of so many bytes per second, where each peer takes so many. Returns the slots of the rounds. */
function rounds(count: number, linkRate: number, peerRate: number, waiting = 100, limit = 0): number[] {
  const slots = new UploadSlots()
  return Array.from({ length: count }, () => {
    const served = Math.min(slots.count, waiting)
    const bytesPerSecond = Math.min(linkRate, served * peerRate, limit || Infinity)
    return slots.round({ bytesPerSecond, limit, served, isWaitedFor: waiting > served })
  })
}

test('a link that four peers fill keeps four slots, and tries a fifth ever more rarely', () => {
  const counts = rounds(100, MIB, MIB)
  expect(new Set(counts)).toEqual(new Set([4, 5]))
  expect(counts.filter((count) => count === 5).length).toBeLessThan(6)
})

test('a slow link has no fewer than four', () => {
  expect(Math.min(...rounds(50, 20_000, MIB))).toBe(4)
})

test('a fast link gets some dozens', () => {
  const counts = rounds(1, 100 * MIB, 50 * MIB)
  expect(counts[0]).toBe(40)
})

test('a link that those served do not fill gets more, until it is full', () => {
  const counts = rounds(200, MIB, 100_000)
  expect(Math.max(...counts)).toBeLessThanOrEqual(12)
  expect(counts.at(-1)).toBeGreaterThanOrEqual(9)
})

test('no slots are tried that nobody waits for', () => {
  expect(new Set(rounds(50, MIB, 100_000, 4))).toEqual(new Set([4]))
})

test('none is tried while nothing is sent', () => {
  expect(new Set(rounds(50, MIB, 0))).toEqual(new Set([4]))
})

test('with a rate limit, the limit says how many', () => {
  expect(rounds(3, 100 * MIB, 50 * MIB, 100, 100_000).at(-1)).toBe(3)
  expect(rounds(3, 100 * MIB, 50 * MIB, 100, 4 * MIB).at(-1)).toBe(8)
})

test('under a limit of few blocks a minute there are fewer, so that nobody waits for long', () => {
  expect([100, 1024, 3000, 4096, 5120].map((limit) => rounds(3, MIB, MIB, 100, limit).at(-1))).toEqual([1, 1, 2, 3, 3])
  expect([0, 1024, 4096, 100_000, 100 * MIB].map(slotsAtStart)).toEqual([4, 1, 3, 3, 4])
})

test('there is an end to it', () => {
  expect(rounds(50, 10_000 * MIB, 1000 * MIB, 1000).at(-1)).toBe(50)
})
