import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../base/bytes.ts'
import { MetadataFetch } from './metadata-fetch.ts'

const PART = 4
const RIGHT = Uint8Array.from('the right metadata', (letter) => letter.charCodeAt(0))
const SIZE = RIGHT.length // 18: five parts, the last one of two bytes

/** Peers by their names: `honest` sends what is right, `liar` something else, and others nothing. */
class World {
  now = 0
  metadata: Uint8Array | null = null
  readonly convicted: string[] = []
  readonly fetch: MetadataFetch<string>
  #queue: { peer: string; part: number }[] = []

  constructor(maxBytes = 1000) {
    this.fetch = new MetadataFetch({ partBytes: PART, maxBytes, verify: (bytes) => equalBytes(bytes, RIGHT) })
  }

  offer(...peers: readonly string[]): this {
    for (const peer of peers) this.fetch.offer(peer, SIZE)
    return this
  }

  /** What is asked for now: `peer:part`. */
  ask(): string[] {
    const requests = this.fetch.requests(this.now)
    this.#queue.push(...requests)
    return requests.map(({ peer, part }) => `${peer}:${part}`)
  }

  answer(peer: string, part: number, bytes = bytesOf(peer, part), totalSize: number | null = SIZE): void {
    const { metadata, liars } = this.fetch.onPart(peer, part, totalSize, bytes)
    this.metadata ??= metadata
    this.convicted.push(...liars.map((liar) => `${liar.peer} ${liar.error.code}`))
  }

  /** All that talk answer all that they are asked for, until nothing is asked for any more. */
  run(): this {
    for (let turn = 0; turn < 1000 && this.metadata === null; turn++) {
      this.ask()
      if (this.#queue.length === 0) break
      for (const { peer, part } of this.#queue.splice(0)) if (!peer.startsWith('silent')) this.answer(peer, part)
    }
    return this
  }
}

function bytesOf(peer: string, part: number): Uint8Array {
  const bytes = RIGHT.slice(part * PART, (part + 1) * PART)
  return peer.startsWith('liar') ? bytes.map((byte) => byte ^ 1) : bytes
}

describe('of honest peers', () => {
  test('one is enough', () => {
    expect(new World().offer('honest').run().metadata).toEqual(RIGHT)
  })

  test('each is asked for its share, and for what others were asked for when nothing else is left', () => {
    const world = new World().offer('honest 1', 'honest 2')
    expect(world.ask()).toEqual([
      'honest 1:0',
      'honest 2:1',
      'honest 1:2',
      'honest 2:3',
      'honest 1:4',
      'honest 2:0',
      'honest 1:1',
      'honest 2:2',
      'honest 1:3',
      'honest 2:4',
    ])
  })

  test('one who leaves is replaced at once', () => {
    const world = new World().offer('silent')
    world.ask()
    world.offer('honest').fetch.leave('silent')
    expect(world.run().metadata).toEqual(RIGHT)
  })

  test('what the only one sent before it left is not fetched again when it is back', () => {
    const world = new World().offer('honest')
    world.ask()
    for (const part of [0, 1, 2]) world.answer('honest', part)
    world.fetch.leave('honest')
    expect([world.fetch.sourceCount, world.fetch.progress()]).toEqual([0, { done: 12, total: SIZE }])
    expect(world.offer('honest again').ask()).toEqual(['honest again:3', 'honest again:4'])
    expect(world.run().metadata).toEqual(RIGHT)
  })

  test('of those that have left, but the last few sizes are remembered', () => {
    const world = new World()
    for (const [i, peer] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
      world.fetch.offer(peer, 100 + i)
      world.ask()
      world.answer(peer, 0, new Uint8Array(PART), null)
      world.fetch.leave(peer)
    }
    const firstAsked = (size: number): string => {
      world.fetch.offer('again', size)
      return world.ask()[0]
    }
    expect([100, 101, 102, 105].map(firstAsked)).toEqual(['again:0', 'again:0', 'again:1', 'again:1'])
  })

  test('one who says nothing is asked no more for a while, and others go on', () => {
    const world = new World().offer('silent')
    expect(world.ask()).toHaveLength(5)
    world.now = 5000
    expect(world.ask()).toEqual([])
    world.now = 34_999
    expect(world.ask()).toEqual([])
    world.now = 35_000
    expect(world.ask()).toHaveLength(5)
  })

  test('one who says nothing again and again is not counted on, until something comes after all', () => {
    const world = new World().offer('silent')
    for (; world.now < 70_000; world.now += 1000) world.ask()
    expect([world.fetch.sourceCount, world.fetch.mayGive('silent')]).toEqual([1, true])
    for (; world.now < 110_000; world.now += 1000) world.ask()
    expect([world.fetch.sourceCount, world.fetch.mayGive('silent')]).toEqual([0, false])
    world.answer('silent', 0)
    expect([world.fetch.sourceCount, world.fetch.mayGive('silent')]).toEqual([1, true])
  })

  test('an answer that comes late is welcome', () => {
    const world = new World().offer('slow')
    world.ask()
    world.now = 20_000
    world.ask()
    for (const part of [0, 1, 2, 3, 4]) world.answer('slow', part)
    expect(world.metadata).toEqual(RIGHT)
  })

  test('one who refuses is asked for one part alone, and then later each time', () => {
    const world = new World().offer('refusing')
    const askedAt: number[] = []
    for (; world.now < 300_000; world.now += 1000) {
      const requests = world.ask()
      if (requests.length > 0) askedAt.push(world.now)
      for (const request of requests) world.fetch.onReject('refusing', Number(request.split(':')[1]), world.now)
    }
    expect(askedAt.slice(0, 4)).toEqual([0, 1000, 6000, 16_000])
  })

  test('one who takes one request at a time gets the next when the last is answered', () => {
    const world = new World()
    world.fetch.offer('single', SIZE, 1)
    expect(world.ask()).toEqual(['single:0'])
    expect(world.ask()).toEqual([])
    world.answer('single', 0)
    expect(world.ask()).toEqual(['single:1'])
    world.answer('single', 1)
    expect(world.run().metadata).toEqual(RIGHT)
  })

  test('what nobody asked for is passed over', () => {
    const world = new World().offer('honest')
    world.answer('honest', 0)
    world.answer('stranger', 0)
    world.fetch.onReject('stranger', 0, 0)
    expect(world.fetch.progress()).toEqual({ done: 0, total: SIZE })
  })
})

describe('a lie costs its sender', () => {
  test('of metadata that is wrong from beginning to end', () => {
    const world = new World().offer('liar').run()
    expect(world).toMatchObject({ metadata: null, convicted: ['liar corrupt_metadata'] })
    expect(world.offer('honest').run().metadata).toEqual(RIGHT)
  })

  test('of one part among those of others, who are not blamed', () => {
    const world = new World().offer('honest 1', 'liar', 'honest 2').run()
    expect(world.metadata).toEqual(RIGHT)
    expect(world.convicted).toEqual(['liar corrupt_metadata'])
  })

  test('however many there are', () => {
    const liars = Array.from({ length: 20 }, (_, i) => `liar ${i}`)
    const world = new World().offer(...liars, 'honest').run()
    expect(world.metadata).toEqual(RIGHT)
    expect(world.convicted.every((text) => /^liar \d+ corrupt_metadata$/.test(text))).toBe(true)
  })

  test('of a size that is not the right one, once that is known', () => {
    const world = new World().offer('honest')
    world.fetch.offer('silent 1', 999)
    world.fetch.offer('silent 2', 3)
    world.run()
    expect(world.metadata).toEqual(RIGHT)
    expect(world.convicted).toEqual(['silent 1 metadata_size', 'silent 2 metadata_size'])
  })

  test('of a part of the wrong length, or of another whole, at once', () => {
    const world = new World().offer('a', 'b')
    world.ask()
    world.answer('a', 0, RIGHT.slice(0, 3))
    world.answer('b', 1, RIGHT.slice(4, 8), 19)
    expect(world.convicted).toEqual(['a metadata_size', 'b metadata_size'])
    expect(world.fetch.sourceCount).toBe(0)
  })

  test('of a size beyond all measure, before anything is asked for', () => {
    expect(() => new World(100).fetch.offer('liar', 101)).toThrow(
      expect.objectContaining({ code: 'metadata_too_large' }),
    )
  })
})

test('a silent peer whose turn it is to prove itself does not keep others from theirs', () => {
  const world = new World().offer('liar', 'honest')
  world.ask()
  for (const part of [0, 1, 2, 3, 4]) world.answer(part === 0 ? 'liar' : 'honest', part)
  world.fetch.leave('honest')
  world.offer('silent 1', 'silent 2', 'silent 3')
  world.fetch.leave('liar')
  world.ask()
  world.offer('honest')
  expect(world.ask()).toEqual([])
  world.now = 5000
  expect(world.run().metadata).toEqual(RIGHT)
})

test('memory is bounded, and those of whom most are of one mind are believed longest', () => {
  const MIB = 1 << 20
  const part = new Uint8Array(MIB)
  const fetch = new MetadataFetch<string>({ partBytes: MIB, maxBytes: 8 * MIB, verify: () => false })
  // 16 MiB more than the largest may be held: each of these takes up to 8.
  for (const [peer, size] of [
    ['a1', 8],
    ['a2', 8],
    ['b', 7.9],
    ['c', 7.8],
    ['d', 7.7],
  ] as const)
    fetch.offer(peer, size * MIB)
  const requests = fetch.requests(0)
  for (const { peer, part: index } of requests) if (index < 7) fetch.onPart(peer, index, null, part)
  expect(fetch.progress()).toEqual({ done: 7 * MIB, total: 8 * MIB })
  // One of the others was given up and begins anew.
  expect(fetch.requests(0).length).toBeGreaterThan(0)
})

test('a peer may correct what it claims', () => {
  const world = new World()
  world.fetch.offer('honest', 5)
  expect(world.offer('honest').run().metadata).toEqual(RIGHT)
})
