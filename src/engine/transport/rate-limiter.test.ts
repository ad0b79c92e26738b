import { describe, expect, test } from 'vitest'
import { checkedRate, RateLimiter } from './rate-limiter.ts'

const BLOCK = 16_384
const KIB = 1024
const MIB = 1024 * KIB
const HEARTBEAT_MS = 100

/** Bytes taken in each heartbeat of so many seconds by somebody who takes a block whenever anything is there. */
function takenBy(limiter: RateLimiter, seconds: number, from = 0): number[] {
  // The bucket begins to fill when it is first looked at.
  limiter.available(from - HEARTBEAT_MS)
  return Array.from({ length: (seconds * 1000) / HEARTBEAT_MS }, (_, beat) => {
    let taken = 0
    for (; limiter.available(from + beat * HEARTBEAT_MS) > 0; taken += BLOCK) limiter.take(BLOCK)
    return taken
  })
}

/** Sums of all windows of ten seconds. */
function windowsOf(beats: readonly number[]): number[] {
  const width = 10_000 / HEARTBEAT_MS
  return beats.slice(width).map((_, i) => beats.slice(i, i + width).reduce((sum, bytes) => sum + bytes, 0))
}

describe('with demand all the time', () => {
  test.each([256 * KIB, 300_001, MIB, 10 * MIB, 100 * MIB])(
    '%i bytes per second: any 10 s are within 5 %%',
    (limit) => {
      for (const bytes of windowsOf(takenBy(new RateLimiter(limit), 30))) {
        expect(bytes).toBeGreaterThan(0.95 * 10 * limit)
        expect(bytes).toBeLessThan(1.05 * 10 * limit)
      }
    },
  )

  test.each([KIB, 5 * KIB, 64 * KIB, 100_000, 255 * KIB])(
    '%i bytes per second: any 10 s are within a block',
    (limit) => {
      for (const bytes of windowsOf(takenBy(new RateLimiter(limit), 60)))
        expect(Math.abs(bytes - 10 * limit)).toBeLessThanOrEqual(BLOCK)
    },
  )
})

test('without a limit everything may be taken', () => {
  const limiter = new RateLimiter(0)
  limiter.take(1e12)
  expect([limiter.isLimited, limiter.available(0)]).toEqual([false, Infinity])
})

test('after a pause no more than a quarter of a second comes at once', () => {
  const limiter = new RateLimiter(10 * MIB)
  limiter.take(limiter.available(0))
  expect(limiter.available(3_600_000)).toBe(2.5 * MIB)
})

test('what was taken on credit is paid first, but never more than a second of the rate', () => {
  const limiter = new RateLimiter(MIB)
  limiter.take(limiter.available(0) + MIB)
  expect(limiter.available(500)).toBeLessThan(0)
  limiter.take(100 * MIB)
  expect(limiter.available(500)).toBe(-MIB)
  expect(limiter.available(1501)).toBeGreaterThan(0)
})

test('what is given back can be taken again, and is never more than a burst', () => {
  const limiter = new RateLimiter(MIB)
  limiter.available(0)
  const burst = limiter.available(1000)
  limiter.take(BLOCK)
  limiter.refund(BLOCK)
  expect(limiter.available(1000)).toBe(burst)
  limiter.refund(100 * MIB)
  expect(limiter.available(1000)).toBe(burst)
})

test('a clock that stands, or runs back, gives nothing', () => {
  const limiter = new RateLimiter(MIB)
  limiter.take(limiter.available(5000))
  expect([limiter.available(5000), limiter.available(4000)]).toEqual([0, 0])
})

describe('a change', () => {
  test.each([
    [0, MIB],
    [10 * MIB, 256 * KIB],
    [256 * KIB, 10 * MIB],
    [100 * MIB, 5 * KIB],
  ])('from %i to %i bytes per second holds within 3 s', (before, after) => {
    const limiter = new RateLimiter(before)
    if (before > 0) takenBy(limiter, 5, HEARTBEAT_MS)
    limiter.setRate(after, 5000)
    takenBy(limiter, 3, 5000)
    for (const bytes of windowsOf(takenBy(limiter, 30, 8000)))
      expect(Math.abs(bytes - 10 * after)).toBeLessThanOrEqual(Math.max(BLOCK, 0.05 * 10 * after))
  })

  test('to no limit lets everything through', () => {
    const limiter = new RateLimiter(KIB)
    limiter.take(10 * BLOCK)
    limiter.setRate(0, 0)
    expect([limiter.isLimited, limiter.available(0)]).toEqual([false, Infinity])
  })

  test('to the rate that holds already takes nothing away', () => {
    const limiter = new RateLimiter(MIB)
    limiter.available(0)
    limiter.setRate(MIB, 60_000)
    expect(limiter.available(60_000)).toBe(MIB / 4)
  })

  test('begins with what flows in from then on', () => {
    const limiter = new RateLimiter(10 * MIB)
    limiter.available(0)
    limiter.setRate(MIB, 60_000)
    expect(limiter.available(60_000)).toBe(0)
    expect(limiter.available(60_100)).toBeCloseTo(MIB / 10)
  })
})

describe('one limiter within another', () => {
  test.each([
    [0, 0, 0],
    [0, MIB, MIB],
    [MIB, 0, MIB],
    [MIB, 2 * MIB, MIB],
    [2 * MIB, MIB, MIB],
  ])('of %i and %i bytes per second, %i hold', (own, around, both) => {
    const limiter = new RateLimiter(own, new RateLimiter(around))
    expect([limiter.bytesPerSecond, limiter.ownBytesPerSecond, limiter.isLimited]).toEqual([both, own, both > 0])
    if (both === 0) return
    for (const bytes of windowsOf(takenBy(limiter, 20)))
      expect(Math.abs(bytes - 10 * both)).toBeLessThanOrEqual(0.05 * 10 * both)
  })

  test('what passes one counts for all', () => {
    const around = new RateLimiter(MIB)
    const [one, other] = [new RateLimiter(0, around), new RateLimiter(0, around)]
    one.take(BLOCK)
    expect([one.available(0), other.available(0), around.available(0)]).toEqual([-BLOCK, -BLOCK, -BLOCK])
    other.refund(BLOCK)
    expect(one.available(0)).toBe(0)
    around.isScarce = true
    expect([one.isScarce, other.isScarce]).toEqual([true, true])
  })
})

test.each([NaN, Infinity, -1, '5' as unknown as number])('%s is no rate', (rate) => {
  const message = `Cannot limit the upload to ${rate}: expected bytes per second, 0 (no limit) or more`
  expect(() => checkedRate(rate, 'the upload')).toThrow(new TypeError(message))
  expect(() => new RateLimiter(rate)).toThrow(TypeError)
  const limiter = new RateLimiter(MIB)
  expect(() => limiter.setRate(rate, 0)).toThrow(TypeError)
  expect(limiter.bytesPerSecond).toBe(MIB)
})

test('a rate that is not given is none', () => {
  expect(checkedRate(undefined, 'the upload')).toBe(0)
})
