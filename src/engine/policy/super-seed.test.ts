import { describe, expect, test } from 'vitest'
import { Bitfield } from '../../base/bitfield.ts'
import { type Reveal, SuperSeed } from './super-seed.ts'

class Peer {
  readonly name: string
  readonly have: Bitfield

  /** @param picture one character a piece: `*` where it has it */
  constructor(name: string, picture: string) {
    this.name = name
    this.have = new Bitfield(picture.length)
    for (const [piece, mark] of Array.from(picture).entries()) if (mark === '*') this.have.set(piece)
  }
}

/** A super-seed of as many pieces as the picture is long. What it reveals is written `peer:piece`. */
function world(
  pieces: number,
  isServed: (peer: Peer) => boolean = () => true,
  isInterested: (peer: Peer) => boolean = () => true,
) {
  const seed = new SuperSeed<Peer>({ pieceCount: pieces, below: () => 0, isServed, isInterested })
  const told = (reveals: Reveal<Peer>[]): string[] => reveals.map(({ peer, piece }) => `${peer.name}:${piece}`)
  return {
    seed,
    joins: (name: string, picture = ' '.repeat(pieces)): [Peer, string[]] => {
      const peer = new Peer(name, picture)
      return [peer, told(seed.peerHas(peer, peer.have, 0))]
    },
    gets: (peer: Peer, piece: number): string[] => {
      peer.have.set(piece)
      return told(seed.peerHasPiece(peer, piece, 0))
    },
    served: (peer: Peer): string[] => told(seed.served(peer, 0)),
    waits: (ms: number): string[] => told(seed.tick(ms)),
  }
}

const pieceOf = (reveal: string): number => Number(reveal.split(':')[1])

describe('what is revealed', () => {
  test('two pieces to each peer, each to one', () => {
    const { joins } = world(6)
    const reveals = [...joins('a')[1], ...joins('b')[1], ...joins('c')[1]]
    expect(reveals.map((reveal) => reveal[0]).join('')).toBe('aabbcc')
    expect(new Set(reveals.map(pieceOf)).size).toBe(6)
  })

  test('what somebody has comes last', () => {
    const { joins } = world(4)
    joins('a', '** *')
    expect(pieceOf(joins('b')[1][0])).not.toBe(0)
    const fresh = world(4)
    fresh.joins('full', '** *')
    // `full` was offered piece 2, the only one that it lacks: all have one copy or one offer.
    expect(fresh.joins('c')[1]).toHaveLength(2)
  })

  test('nothing that the peer has', () => {
    const { joins } = world(3)
    expect(joins('a', '** ')[1]).toEqual(['a:2'])
    expect(joins('b', '***')[1]).toEqual([])
  })

  test('nothing else may be asked for', () => {
    const { seed, joins } = world(4)
    const [peer, reveals] = joins('a')
    const revealed = reveals.map(pieceOf)
    for (let piece = 0; piece < 4; piece++) expect(seed.isRevealed(peer, piece)).toBe(revealed.includes(piece))
    expect(seed.isRevealed(new Peer('stranger', '    '), 0)).toBe(false)
  })
})

describe('the next piece', () => {
  test('comes when an earlier one is seen at somebody else, not when it is fetched', () => {
    const { joins, gets } = world(8)
    const [a, [first]] = joins('a')
    const [b] = joins('b')
    expect(gets(a, pieceOf(first))).toEqual([])
    expect(gets(b, pieceOf(first))).toHaveLength(1)
  })

  test('comes at once when there is nobody to pass the piece on to', () => {
    const { joins, gets } = world(4)
    const [a, reveals] = joins('a')
    const more = reveals.flatMap((reveal) => gets(a, pieceOf(reveal)))
    expect(new Set([...reveals, ...more].map(pieceOf)).size).toBe(4)
  })

  test('is not earned by what another peer was offered, too', () => {
    const { joins, gets } = world(2)
    const [a, reveals] = joins('a')
    const [b] = joins('b')
    const piece = pieceOf(reveals[0])
    gets(a, piece)
    expect(gets(b, piece)).toEqual([])
  })

  test('comes after a minute all the same, two at a time', () => {
    const { joins, waits } = world(8)
    joins('a')
    joins('b')
    expect(waits(60_000)).toEqual([])
    expect(waits(60_001).map((reveal) => reveal[0])).toEqual(['a', 'a', 'b', 'b'])
    expect(waits(60_002)).toEqual([])
  })

  test('does not go to a peer that keeps what it got, while somebody else may pass it on; when it does pass on, it does', () => {
    const { seed, joins, gets, waits } = world(
      8,
      () => true,
      ({ name }) => name !== 'keeper',
    )
    const [, offers] = joins('keeper')
    const [other] = joins('other')
    const isForKeeper = (reveal: string): boolean => reveal.startsWith('keeper')
    expect(offers).toHaveLength(2)
    waits(1000)
    expect(waits(7000).filter(isForKeeper)).toEqual([])
    seed.peerGone(other)
    const again = waits(8000).filter(isForKeeper)
    expect(again).toHaveLength(2)
    const [third] = joins('third')
    expect(waits(8500).filter(isForKeeper)).toEqual([])
    expect(gets(third, pieceOf(again[0])).filter(isForKeeper)).toHaveLength(1)
  })

  test('is not waited for: what a peer has fetched and keeps for itself is offered to another after five seconds', () => {
    const { joins, waits } = world(
      4,
      () => true,
      (peer) => peer.name !== 'keeper',
    )
    const kept = joins('keeper')[1].map(pieceOf)
    joins('b')
    expect(joins('c')[1]).toEqual([])
    expect(waits(1000)).toEqual([])
    expect(waits(6000)).toEqual([])
    const offered = waits(6001)
    expect(offered.map((reveal) => reveal[0])).toEqual(['c', 'c'])
    expect(new Set(offered.map(pieceOf))).toEqual(new Set(kept))
  })
})

describe('who is served, and who waits', () => {
  /** Only those whose names are given have a slot. */
  const serving = (names: string) => world(4, (peer) => names.includes(peer.name))

  test('who waits is offered one piece, and a second when it gets a slot', () => {
    const served = new Set<string>()
    const { joins, served: gets } = world(4, (peer) => served.has(peer.name))
    const [a, reveals] = joins('a')
    expect(reveals).toHaveLength(1)
    served.add('a')
    expect([gets(a).length, gets(a).length]).toEqual([1, 0])
  })

  test('what somebody waits for is not offered to who is served', () => {
    const { joins } = serving('s')
    const waiting = ['a', 'b', 'c'].flatMap((name) => joins(name)[1])
    const served = joins('s')[1]
    expect(served).toHaveLength(1)
    expect(new Set([...waiting, ...served].map(pieceOf)).size).toBe(4)
  })

  test('what others have is offered only when nobody waits for what nobody has', () => {
    const { joins } = serving('s')
    expect(joins('a', '*** ')[1]).toEqual(['a:3'])
    expect(joins('s')[1]).toEqual([])
    const without = serving('as')
    expect(without.joins('a', '*** ')[1]).toEqual(['a:3'])
    expect(without.joins('s')[1]).toHaveLength(2)
  })

  test('a slot is well used by who was offered what nobody has, and nobody else is being sent', () => {
    const { seed, joins, gets } = serving('s')
    const [a, [offer]] = joins('a')
    expect(seed.deservesSlot(a)).toBe(true)
    const [b] = joins('b', '    ')
    gets(b, pieceOf(offer))
    expect(seed.deservesSlot(new Peer('stranger', '    '))).toBe(false)
  })
})

describe('peers that come and go', () => {
  test('what was offered to one that has gone is offered to others first', () => {
    const { seed, joins } = world(4)
    const [a, [first, second]] = joins('a')
    joins('b')
    seed.peerGone(a)
    const offered = joins('c')[1].map(pieceOf)
    expect(new Set(offered)).toEqual(new Set([pieceOf(first), pieceOf(second)]))
  })

  test('a bitfield that comes later counts as what it tells', () => {
    const { seed, joins } = world(4)
    const [a, reveals] = joins('a')
    const [b] = joins('b')
    const later = new Peer('b', '****')
    const more = seed.peerHas(b, later.have, 0)
    expect(reveals).toHaveLength(2)
    expect(more.filter(({ peer }) => peer === a)).toHaveLength(2)
    expect(seed.isDone).toBe(true)
  })
})

describe('the mode', () => {
  test('is done when every piece is had by somebody else', () => {
    const { seed, joins, gets } = world(3)
    const [a] = joins('a', '** ')
    expect(seed.isDone).toBe(false)
    const [b] = joins('b')
    gets(b, 2)
    expect(seed.isDone).toBe(true)
    seed.peerGone(a)
    expect(seed.isDone).toBe(false)
  })
})

test('who knew everything before is offered nothing, may ask for anything, and makes way for others', () => {
  const { seed, joins, gets } = world(6)
  const early = new Peer('early', '*     ')
  seed.peerKnows(early, early.have)
  const [late, reveals] = joins('late')
  expect(reveals).toHaveLength(2)
  expect([0, 1, 2, 3, 4, 5].every((piece) => seed.isRevealed(early, piece))).toBe(true)
  expect([seed.deservesSlot(early), seed.deservesSlot(late)]).toEqual([false, true])
  // What it has got may be from us: that it has it tells nothing of who passes things on.
  expect(gets(early, pieceOf(reveals[0]))).toEqual([])
})
