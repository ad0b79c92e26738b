import { describe, expect, test } from 'vitest'
import { randomSource } from '../../../tests/support/random.ts'
import { type ChokeCandidate, Choker } from './choker.ts'

class Peer implements ChokeCandidate {
  readonly name: string
  isInterested = true
  isUnchoked = false
  isWanted = true
  owesUs = false
  have = { count: 0 }
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
    const pick = choker(2, [0, 0, 2, 2])
    const rounds = Array.from({ length: 4 }, () => round(pick, peers, false))
    expect(rounds).toEqual(['a b', 'a b', 'a b', 'a d'])
  })

  test('when the one drawn by chance has gone, another is drawn at once', () => {
    const peers = ['a', 'b', 'c'].map((name, i) => new Peer(name, { bytesFromPeer: 100 - i }))
    const pick = choker(2, [1, 1])
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

describe('who rides free', () => {
  const givers = (count: number): Peer[] =>
    Array.from({ length: count }, (_, i) => new Peer(`giver${i}`, { bytesFromPeer: 100 - i }))
  const idlers = (count: number): Peer[] => Array.from({ length: count }, (_, i) => new Peer(`idler${i}`))

  test('gets the optimistic slot and one more, while others give; the rest stays free', () => {
    expect(names(choker(5).round([...givers(2), ...idlers(9)], false))).toBe('giver0 giver1 idler0 idler1 idler2')
    expect(names(choker(4).round([...givers(1), ...idlers(9)], false))).toBe('giver0 idler0 idler1')
  })

  test('is served while nobody gives: somebody must begin', () => {
    expect(choker(4).round(idlers(9), false).size).toBe(4)
  })

  test('comes after who has given once, when a slot comes free', () => {
    const peers = [...idlers(3), new Peer('giver')]
    const pick = choker(4)
    peers[3].bytesFromPeer = 1
    pick.round(peers, false)
    peers[3].bytesFromPeer = 0
    expect(pick.next(peers, false)?.name).toBe('giver')
  })

  test('gets no third slot between rounds', () => {
    const peers = [...givers(1), ...idlers(4)]
    const pick = choker(4)
    const served: string[] = []
    for (let peer = pick.next(peers, false); peer; peer = pick.next(peers, false)) {
      peer.isUnchoked = true
      served.push(peer.name)
    }
    expect(served).toEqual(['giver0', 'idler0', 'idler1'])
  })
})

describe('who has used up its credit', () => {
  const MEBIBYTE = 1 << 20

  /** Two of them are served, and have had a lot. */
  function spent(): { pick: Choker<Peer>; served: Peer[]; waiting: Peer[] } {
    const served = ['a', 'b'].map((name) => new Peer(name, { isUnchoked: true, bytesToPeer: MEBIBYTE }))
    return { pick: choker(2), served, waiting: [new Peer('c')] }
  }

  test('is choked at once when somebody else waits', () => {
    const { pick, served, waiting } = spent()
    expect(pick.overdrawn(served, () => [...served, ...waiting])?.name).toBe('a')
    served[0].isUnchoked = false
    expect(pick.next([...served, ...waiting], false)?.name).toBe('c')
    waiting[0].isUnchoked = true
    expect(pick.overdrawn([served[1], waiting[0]], () => [...served, ...waiting])).toBeNull()
  })

  test('is served on while nobody else wants anything: a free slot helps nobody', () => {
    const { pick, served, waiting } = spent()
    expect(pick.overdrawn(served, () => served)).toBeNull()
    waiting[0].isInterested = false
    expect(pick.overdrawn(served, () => [...served, ...waiting])).toBeNull()
    expect(round(pick, [...served, ...waiting], false)).toBe('a b')
  })

  test('loses its slot with the round, and gets it back when it gives', () => {
    const { pick, served, waiting } = spent()
    pick.overdrawn(served, () => served)
    expect(round(pick, [...served, ...waiting], false)).toBe('c')
    served[1].bytesFromPeer = 1
    expect(round(pick, [...served, ...waiting], false)).toBe('b c')
  })
})

describe('what was given counts', () => {
  test('over two rounds: one bad round does not cost the slot', () => {
    const peers = [
      new Peer('steady', { bytesFromPeer: 50 }),
      new Peer('bursty', { bytesFromPeer: 90 }),
      new Peer('poor', { bytesFromPeer: 10 }),
      new Peer('poorer', { bytesFromPeer: 9 }),
    ]
    const pick = choker(3, [1])
    expect(round(pick, peers, false)).toBe('bursty poorer steady')
    peers[1].bytesFromPeer = 0
    expect(round(pick, peers, false)).toBe('bursty poorer steady')
    expect(round(pick, peers, false)).toBe('poor poorer steady')
  })
})

describe('who snubs us', () => {
  test('loses its slot after a minute, and one more is drawn by chance', () => {
    const snub = new Peer('snub', { owesUs: true, bytesFromPeer: 1000 })
    const peers = [snub, ...['a', 'b', 'c', 'd', 'e'].map((name, i) => new Peer(name, { bytesFromPeer: 9 - i }))]
    const pick = choker(3)
    expect(round(pick, peers, false)).toBe('a b snub')
    snub.bytesFromPeer = 0
    for (const peer of peers.slice(1)) peer.bytesFromPeer = 0
    peers[1].bytesFromPeer = 9
    for (let i = 0; i < 5; i++) round(pick, peers, false)
    // One regular slot and two draws, the first of those that wait.
    const served = round(pick, peers, false).split(' ')
    expect(served).toHaveLength(3)
    expect(served).not.toContain('snub')
    // Before nobody at all is served, it is.
    expect(pick.next([snub], false)).toBe(snub)
    expect(pick.next([snub, new Peer('f')], false)?.name).toBe('f')
  })

  test('is forgiven as soon as it sends', () => {
    const snub = new Peer('snub', { owesUs: true })
    const peers = [snub, ...['a', 'b', 'c'].map((name) => new Peer(name, { bytesFromPeer: 1 }))]
    const pick = choker(2)
    for (let i = 0; i < 8; i++) round(pick, peers, false)
    snub.bytesFromPeer = 50
    expect(round(pick, peers, false)).toContain('snub')
  })
})

test('who has little is drawn before who has much', () => {
  const random = randomSource(4)
  const pick = new Choker<Peer>({ slots: 1, below: (limit) => random.below(limit) })
  const peers = [1, 2, 3].map((count) => new Peer(String(count), { have: { count } }))
  const drawn = new Map<string, number>()
  for (let i = 0; i < 900; i++) {
    const { name } = pick.next(peers, false)!
    drawn.set(name, (drawn.get(name) ?? 0) + 1)
  }
  // Of nine pairs, five have the first of them, three the second but not the first.
  expect(drawn.get('1')).toBeGreaterThan(drawn.get('2')! + 100)
  expect(drawn.get('2')).toBeGreaterThan(drawn.get('3')! + 100)
})

describe('newcomers', () => {
  test('are drawn three times as often as others', () => {
    const random = randomSource(3)
    const pick = new Choker<Peer>({ slots: 1, below: (limit) => random.below(limit) })
    const old = ['a', 'b'].map((name) => new Peer(name))
    for (let i = 0; i < 6; i++) pick.round(old, false)
    let timesNew = 0
    for (let i = 0; i < 600; i++) {
      const newcomer = new Peer('new')
      const chosen = pick.next([...old, newcomer], false)
      if (chosen === newcomer) timesNew++
    }
    // 3 tickets of 5.
    expect(timesNew / 600).toBeGreaterThan(0.53)
    expect(timesNew / 600).toBeLessThan(0.67)
  })
})

describe('while seeding', () => {
  test('a free slot goes to who has waited longest', () => {
    const peers = ['a', 'b', 'c'].map((name) => new Peer(name))
    const pick = choker(2, [0])
    expect(round(pick, peers, true)).toBe('a b')
    peers[0].isInterested = false
    expect(pick.next(peers, true)?.name).toBe('c')
  })

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
