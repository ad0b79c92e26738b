import { describe, expect, test } from 'vitest'
import { RateLimiter } from '../transport/rate-limiter.ts'
import { AskingTurns, type AskingPeer } from './asking-turns.ts'

const BLOCK = 16_384
const KIB = 1024
const MIB = 1024 * KIB

/** A peer with a window of so many blocks; `sends` delivers. */
class Peer implements AskingPeer {
  outstanding = 0
  asked = 0
  flushes = 0
  readonly #window: number
  readonly #limiter: RateLimiter

  constructor(limiter: RateLimiter, window: number) {
    this.#limiter = limiter
    this.#window = window
  }

  get hasRoomToAsk(): boolean {
    return this.outstanding < this.#window
  }

  requestSome(blocks: number): number {
    const count = Math.min(blocks, this.#window - this.outstanding)
    this.outstanding += count
    this.asked += count
    this.#limiter.take(count * BLOCK)
    return count * BLOCK
  }

  keepOnly(blocks: number): void {
    this.outstanding = Math.min(this.outstanding, blocks)
  }

  flush(): void {
    this.flushes++
  }

  sends(blocks = this.outstanding): void {
    this.outstanding -= Math.min(blocks, this.outstanding)
  }
}

/** So many peers under a limit. */
class World {
  readonly limiter: RateLimiter
  readonly peers: Peer[]
  readonly turns: AskingTurns<Peer>
  now = 0

  constructor(rate: number, peers: number, window = 50) {
    this.limiter = new RateLimiter(rate)
    this.limiter.available(0)
    this.peers = Array.from({ length: peers }, () => new Peer(this.limiter, window))
    this.turns = new AskingTurns(this.limiter, () => this.peers)
  }

  get asked(): number[] {
    return this.peers.map((peer) => peer.asked)
  }

  get outstanding(): number {
    return this.peers.reduce((sum, peer) => sum + peer.outstanding, 0)
  }

  passes(ms: number, answering = this.peers): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += 100
      this.turns.tick()
      this.turns.shareOut(Infinity, this.now)
      for (const peer of answering) peer.sends()
    }
  }
}

describe('under a limit', () => {
  test.each([
    [256 * KIB, 1],
    [256 * KIB, 8],
    [256 * KIB, 50],
    [4 * MIB, 8],
    [5 * KIB, 8],
  ])('of %i bytes per second, %i peers are asked for the same amounts, which are the limit', (rate, count) => {
    const world = new World(rate, count)
    world.passes(20_000)
    const blocks = world.asked.reduce((sum, each) => sum + each, 0)
    expect(Math.abs(blocks - (20 * rate) / BLOCK)).toBeLessThanOrEqual(1)
    expect(Math.max(...world.asked) - Math.min(...world.asked)).toBeLessThanOrEqual(1 + 0.01 * blocks)
    expect(world.turns.isHeldByRate).toBe(true)
  })

  test('what one peer cannot be asked for is asked of others', () => {
    const world = new World(MIB, 2, 50)
    world.peers[0].outstanding = 50
    world.passes(5000, [world.peers[1]])
    expect(world.asked[0]).toBe(0)
    expect(Math.abs(world.asked[1] - (5 * MIB) / BLOCK)).toBeLessThanOrEqual(1)
  })

  test('no more is under way than comes in two seconds, and a block of each who owes none', () => {
    const world = new World(MIB, 10, 1000)
    world.passes(60_000, [])
    expect(world.outstanding).toBe((2 * MIB) / BLOCK)
    world.peers.push(new Peer(world.limiter, 1000))
    world.passes(1000, [])
    expect(world.asked.at(-1)).toBe(1)
  })

  test('who has no room any more, or is gone, holds nothing up', () => {
    const world = new World(1, 2)
    world.limiter.take(BLOCK)
    world.passes(100)
    expect(world.turns.isHeldByRate).toBe(true)
    world.peers[0].outstanding = 50
    world.turns.forget(world.peers[1])
    world.peers.pop()
    world.passes(100, [])
    expect(world.turns.isHeldByRate).toBe(false)
  })

  test('when it becomes lower, what is too much is cancelled, of each peer its part, but one block is kept', () => {
    const world = new World(MIB, 3)
    for (const [i, outstanding] of [40, 9, 1].entries()) world.peers[i].outstanding = outstanding
    world.turns.keepOnly(10 * BLOCK)
    expect(world.peers.map((peer) => peer.outstanding)).toEqual([8, 1, 1])
    world.turns.keepOnly(10 * BLOCK)
    expect(world.outstanding).toBe(10)
  })
})

test('without a limit nobody stands in the line', () => {
  const world = new World(1, 3)
  world.passes(200)
  world.limiter.setRate(0, world.now)
  world.turns.tick()
  expect(world.turns.isHeldByRate).toBe(false)
})
