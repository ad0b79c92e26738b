import { expect, test } from 'vitest'
import { RateLimiter } from '../transport/rate-limiter.ts'
import type { RateSharer } from '../torrent/torrent.ts'
import { RateSharing } from './rate-sharing.ts'

const BLOCK = 16_384
const MIB = 1 << 20

/** A torrent that uses whole blocks, within its own limit, as long as it wants any. */
class Sharer implements RateSharer {
  used = 0
  wanted: number
  readonly #limiter: RateLimiter

  constructor(sharing: RateSharing, wanted = Infinity, ownRate = 0) {
    this.#limiter = new RateLimiter(ownRate, sharing.limiter)
    this.wanted = wanted
  }

  get isHeldByRate(): boolean {
    return this.wanted > 0
  }

  shareOut(bytes: number, now: number): number {
    const allowed = Math.min(bytes, this.#limiter.ownAvailable(now))
    let used = 0
    for (; used < allowed && this.wanted > 0; used += BLOCK, this.wanted -= BLOCK) this.#limiter.take(BLOCK)
    this.used += used
    return used
  }
}

function beats(sharing: RateSharing, sharers: readonly (Sharer | null)[], seconds: number): number[] {
  for (let now = 0; now <= seconds * 1000; now += 100) {
    for (const sharer of sharers) sharing.ask(sharer)
    sharing.tick(now)
  }
  return sharers.map((sharer) => (sharer?.used ?? 0) / BLOCK)
}

test.each([100_000, MIB, 20 * MIB])('%i bytes per second are shared evenly by three torrents', (rate) => {
  const sharing = new RateSharing(rate)
  const used = beats(sharing, [new Sharer(sharing), new Sharer(sharing), new Sharer(sharing)], 10)
  expect(Math.max(...used) - Math.min(...used)).toBeLessThanOrEqual(2)
  // Each may have a block on credit at the end.
  expect(Math.abs(used[0] + used[1] + used[2] - (10 * rate) / BLOCK)).toBeLessThanOrEqual(3)
  expect(sharing.limiter.isScarce).toBe(true)
})

test('what a torrent does not use, or its own limit does not allow, the others get', () => {
  const sharing = new RateSharing(MIB)
  const sharers = [new Sharer(sharing, 5 * BLOCK), null, new Sharer(sharing, Infinity, BLOCK), new Sharer(sharing)]
  const used = beats(sharing, sharers, 10)
  expect(used.slice(0, 3)).toEqual([5, 0, 10])
  expect(Math.abs(used[3] - (640 - 15))).toBeLessThanOrEqual(1)
})

test('without a limit of all, each torrent keeps to its own', () => {
  const sharing = new RateSharing(0)
  const used = beats(sharing, [new Sharer(sharing, Infinity, BLOCK), new Sharer(sharing, Infinity, 10 * BLOCK)], 10)
  expect(used).toEqual([10, 100])
  expect(sharing.limiter.isScarce).toBe(false)
})

test('nothing is scarce once nobody waits', () => {
  const sharing = new RateSharing(BLOCK)
  const sharer = new Sharer(sharing)
  beats(sharing, [sharer], 2)
  expect(sharing.limiter.isScarce).toBe(true)
  sharer.wanted = 0
  beats(sharing, [sharer], 1)
  sharing.tick(10_000)
  expect(sharing.limiter.isScarce).toBe(false)
})
