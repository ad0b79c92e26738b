import { describe, expect, test } from 'vitest'
import { Bitfield } from '../../base/bitfield.ts'
import { START_SLOTS } from '../policy/upload-slots.ts'
import { type ServedPeer, Serving } from './serving.ts'

const ROUND_MS = 10_000

class Peer implements ServedPeer {
  isInterested = false
  isUnchoked = false
  isWanted = false
  readonly owesUs = false
  readonly bytesFromPeer = 0
  bytesToPeer = 0
  readonly roundsUnchoked = 0
  readonly have = new Bitfield(9)
  readonly isSeed = false
  /** What was suggested to it, in each round. */
  readonly suggested: number[][] = []
  rounds = 0

  unchoke(): void {
    this.isUnchoked = true
  }
  choke(): void {
    this.isUnchoked = false
  }
  suggestOneOf(pieces: readonly number[]): void {
    this.suggested.push([...pieces])
  }
  endRound(): void {
    this.rounds++
  }
  reveal(): void {}
  flush(): void {}
}

/** So many peers are connected, and nobody has a slot. */
class World {
  now = 0
  readonly peers: Peer[]
  readonly serving: Serving<Peer>

  constructor(peers: number, { isSeed = true, servesNobody = false } = {}) {
    this.peers = Array.from({ length: peers }, () => new Peer())
    this.serving = new Serving<Peer>({
      download: { isComplete: isSeed },
      upload: { rateLimit: 0, piecesInMemory: () => [5, 6, 7] },
      peers: () => this.peers,
      superSeeding: () => null,
      isCommon: (piece) => piece !== 6,
      servesNobody,
      now: () => this.now,
      below: () => 0,
    })
  }

  wants(index: number, isInterested = true): void {
    this.peers[index].isInterested = isInterested
    this.serving.onInterestChange(this.peers[index])
  }

  beat(): void {
    this.now += ROUND_MS / 2
    this.serving.tick(this.now)
  }

  get served(): number[] {
    return [...this.peers.keys()].filter((index) => this.peers[index].isUnchoked)
  }
}

describe('a slot', () => {
  test('that is free goes to whoever becomes interested, at once', () => {
    const world = new World(START_SLOTS + 1)
    for (const index of world.peers.keys()) world.wants(index)
    expect(world.served).toEqual([0, 1, 2, 3])
  })

  test('of one who wants nothing any more goes to one who waits', () => {
    const world = new World(START_SLOTS + 1)
    for (const index of world.peers.keys()) world.wants(index)
    world.wants(1, false)
    world.wants(1, false)
    expect(world.served).toEqual([0, 2, 3, 4])
  })

  test('stays with one who wants nothing any more while nobody waits', () => {
    const world = new World(2)
    world.wants(0)
    world.wants(0, false)
    expect(world.served).toEqual([0])
  })

  test('of one who has left goes to one who waits', () => {
    const world = new World(START_SLOTS + 1)
    for (const index of world.peers.keys()) world.wants(index)
    const [leaver] = world.peers.splice(0, 1)
    world.serving.forget(leaver)
    world.serving.fillSlots()
    expect(world.served).toEqual([0, 1, 2, 3])
  })

  test('of one who has had all that it gets in advance goes to one who waits, before the round is over', () => {
    const world = new World(START_SLOTS + 1, { isSeed: false })
    for (const index of world.peers.keys()) world.wants(index)
    const [first, ...others] = world.served
    expect(others).toHaveLength(START_SLOTS - 1)
    Object.assign(world.peers[first], { isWanted: true, bytesToPeer: 1e9 })
    world.beat()
    expect(world.served).toHaveLength(START_SLOTS)
    expect(world.served).not.toContain(first)
  })

  test("is nobody's where nobody is served", () => {
    const world = new World(2, { servesNobody: true })
    for (const index of world.peers.keys()) world.wants(index)
    world.beat()
    world.beat()
    expect(world.served).toEqual([])
  })
})

describe('a round', () => {
  test('is held every ten seconds, for all who are connected', () => {
    const world = new World(3)
    for (let beat = 0; beat < 5; beat++) world.beat()
    expect(world.peers.map(({ rounds }) => rounds)).toEqual([2, 2, 2])
  })

  test('of a seed suggests what is in memory and common, to those who are served', () => {
    const world = new World(2)
    world.wants(1)
    world.beat()
    world.beat()
    expect(world.peers.map(({ suggested }) => suggested)).toEqual([[], [[5, 7]]])
  })

  test('of a download suggests nothing', () => {
    const world = new World(1, { isSeed: false })
    world.wants(0)
    world.beat()
    world.beat()
    expect(world.peers[0].suggested).toEqual([[]])
  })
})
