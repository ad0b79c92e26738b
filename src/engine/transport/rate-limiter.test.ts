import { describe, expect, test } from 'vitest'
import { RateLimiter } from './rate-limiter.ts'

const BLOCK = 16_384
const KIB = 1024
const MIB = 1024 * KIB

/** How a user of a limiter takes: given what is available, the bytes it takes at once. */
type Taker = (available: number) => number

/** Requests: whole blocks, as many as fit. */
const requesting: Taker = (available) => Math.floor(available / BLOCK) * BLOCK
/** Uploading: at least one block once anything is available, on credit. */
const uploading: Taker = (available) => (available <= 0 ? 0 : Math.max(BLOCK, requesting(Math.min(available, MIB))))

/** Bytes per second over ten seconds of a heartbeat each 100 ms, after the first second. */
function rateOf(limiter: RateLimiter, taker: Taker): number {
  let taken = 0
  for (let now = 0; now < 11_000; now += 100) {
    for (;;) {
      const bytes = taker(limiter.available(now))
      if (bytes === 0) break
      limiter.take(bytes)
      if (now >= 1000) taken += bytes
    }
  }
  return taken / 10
}

describe.each([256 * KIB, MIB, 10 * MIB, 100 * MIB])('at a limit of %i bytes per second', (limit) => {
  test.each([
    ['requesting', requesting],
    ['uploading', uploading],
  ])('%s keeps to it within 5 %%', (_, taker) => {
    const rate = rateOf(new RateLimiter(limit), taker)
    expect(rate).toBeGreaterThan(0.95 * limit)
    expect(rate).toBeLessThan(1.05 * limit)
  })
})

test('a rate below a block per second still lets a block through now and then', () => {
  const limiter = new RateLimiter(4 * KIB)
  limiter.take(limiter.available(0))
  let blocks = 0
  for (let now = 100; now <= 60_000; now += 100) {
    if (limiter.available(now) < BLOCK) continue
    limiter.take(BLOCK)
    blocks++
  }
  expect(blocks).toBe(15)
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

test('what was taken on credit is paid first', () => {
  const limiter = new RateLimiter(MIB)
  limiter.take(limiter.available(0) + MIB)
  expect(limiter.available(500)).toBeLessThan(0)
  expect(limiter.available(1500)).toBeGreaterThan(0)
})

test('what is given back can be taken again, and is never more than a burst', () => {
  const limiter = new RateLimiter(MIB)
  const burst = limiter.available(0)
  limiter.take(BLOCK)
  limiter.refund(BLOCK)
  expect(limiter.available(0)).toBe(burst)
  limiter.refund(100 * MIB)
  expect(limiter.available(0)).toBe(burst)
})

test('a clock that stands, or runs back, gives nothing', () => {
  const limiter = new RateLimiter(MIB)
  limiter.take(limiter.available(5000))
  expect([limiter.available(5000), limiter.available(4000)]).toEqual([0, 0])
})
