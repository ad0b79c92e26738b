import { describe, expect, test } from 'vitest'
import { randomSource } from '../../../tests/support/random.ts'
import { type ChokeCandidate, Choker } from './choker.ts'

class Peer implements ChokeCandidate {
  readonly name: string
  isInterested = true
  isUnchoked = false
  bytesFromPeer = 0
  bytesToPeer = 0
  roundsUnchoked = 0

  constructor(name: string, state: Partial<ChokeCandidate> = {}) {
    this.name = name
    Object.assign(this, state)
  }
}

/** @param luck what the draws answer, in turn; 0 from then on */
const choker = (slots: number, luck: number[] = []): Choker<Peer> =>
  new Choker({ slots, below: (limit) => (luck.shift() ?? 0) % limit })

const names = (chosen: Set<Peer>): string =>
  [...chosen]
    .map((peer) => peer.name)
    .sort()
    .join(' ')

/** Carries out a round, as the swarm does. */
function round(choker: Choker<Peer>, peers: readonly Peer[], isSeeding: boolean): string {
  const chosen = choker.round(peers, isSeeding)
  for (const peer of peers) {
    if (chosen.has(peer)) peer.roundsUnchoked = peer.isUnchoked ? peer.roundsUnchoked + 1 : 1
    else peer.roundsUnchoked = 0
    peer.isUnchoked = chosen.has(peer)
  }
  return names(chosen)
}

describe('while downloading', () => {
  test('those who give most are served, and one more by chance', () => {
    const peers = [
      new Peer('idle'),
      new Peer('generous', { bytesFromPeer: 900 }),
      new Peer('good', { bytesFromPeer: 500 }),
      new Peer('poor', { bytesFromPeer: 1 }),
    ]
    // The draw is among those that would not be served otherwise: `poor` comes before `idle`.
    expect(names(choker(3, [1]).round(peers, false))).toBe('generous good idle')
    expect(names(choker(3, [0]).round(peers, false))).toBe('generous good poor')
  })

  test('a peer that wants nothing gets no slot, however much it gave', () => {
    const peers = [new Peer('saint', { bytesFromPeer: 999, isInterested: false }), new Peer('eager')]
    expect(names(choker(1).round(peers, false))).toBe('eager')
  })

  test('with slots for all, all are served', () => {
    expect(names(choker(4).round([new Peer('a'), new Peer('b')], false))).toBe('a b')
  })

  test('the one drawn by chance has three rounds to prove itself', () => {
    const peers = ['a', 'b', 'c', 'd'].map((name, i) => new Peer(name, { bytesFromPeer: 100 - i }))
    const pick = choker(2, [0, 2])
    const rounds = Array.from({ length: 4 }, () => round(pick, peers, false))
    expect(rounds).toEqual(['a b', 'a b', 'a b', 'a d'])
  })

  test('when the one drawn by chance has gone, another is drawn at once', () => {
    const peers = ['a', 'b', 'c'].map((name, i) => new Peer(name, { bytesFromPeer: 100 - i }))
    const pick = choker(2, [1, 0])
    expect(round(pick, peers, false)).toBe('a c')
    expect(round(pick, peers.slice(0, 2), false)).toBe('a b')
    expect(round(pick, [...peers.slice(0, 2), new Peer('d')], false)).toBe('a b')
  })

  test('among equals, who has a slot keeps it: choking to and fro helps nobody', () => {
    const peers = ['a', 'b', 'c', 'd', 'e'].map((name) => new Peer(name))
    peers[3].isUnchoked = peers[4].isUnchoked = true
    expect(names(choker(3, [0]).round(peers, false))).toBe('a d e')
  })

  test('with one slot, chance gives it away', () => {
    const peers = [new Peer('a', { bytesFromPeer: 1 }), new Peer('b')]
    expect(names(choker(1, [1]).round(peers, false))).toBe('b')
  })
})

describe('while seeding', () => {
  test('those who take fastest are served', () => {
    const peers = [
      new Peer('slow', { bytesToPeer: 1 }),
      new Peer('fast', { bytesToPeer: 9 }),
      new Peer('quick', { bytesToPeer: 8 }),
    ]
    expect(names(choker(2, [1]).round(peers, true))).toBe('fast slow')
  })

  test('everybody is served in turn, the slowest too', () => {
    const random = randomSource(5)
    const pick = new Choker<Peer>({ slots: 3, below: (limit) => random.below(limit) })
    const peers = Array.from({ length: 9 }, (_, i) => new Peer(String(i)))
    const served = new Map<string, number>()
    for (let i = 0; i < 180; i++) {
      for (const name of round(pick, peers, true).split(' ')) served.set(name, (served.get(name) ?? 0) + 1)
      for (const [speed, peer] of peers.entries()) peer.bytesToPeer = peer.isUnchoked ? 10 ** speed : 0
    }
    // 180 rounds of 3 slots for 9 peers: 60 rounds each, if all were equal.
    for (const peer of peers) expect(served.get(peer.name)).toBeGreaterThan(30)
  })
})

describe('between rounds', () => {
  test('a slot is free while fewer are served than there are slots', () => {
    const served = new Peer('a', { isUnchoked: true })
    expect(choker(2).hasFreeSlot([served, new Peer('b')])).toBe(true)
    expect(choker(1).hasFreeSlot([served, new Peer('b')])).toBe(false)
  })

  test('who is not interested any more uses no slot', () => {
    expect(choker(1).hasFreeSlot([new Peer('a', { isUnchoked: true, isInterested: false })])).toBe(true)
  })
})
