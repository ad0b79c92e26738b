import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomSource } from '../../../tests/support/random.ts'
import { Bitfield } from '../../base/bitfield.ts'
import { PiecePicker } from './piece-picker.ts'

/** Every piece has as many blocks. A block is written `piece.index`. */
const BLOCKS = 2

class Peer {
  readonly have: Bitfield
  readonly asked = new Set<number>()
  /** Milliseconds that it takes for a block. */
  readonly blockMs: number

  /** @param picture one character a piece: `*` where it has it */
  constructor(picture: string, blockMs = Infinity) {
    this.have = bits(picture)
    this.blockMs = blockMs
  }

  etaMs(blocks: number): number {
    return this.blockMs === Infinity ? Infinity : (this.asked.size + blocks) * this.blockMs
  }
}

interface Asking {
  readonly room?: number
  readonly endgame?: number
  readonly only?: ReadonlySet<number>
  /** For so many blocks there is memory. */
  readonly memory?: number
  /** For these there is none. */
  readonly without?: readonly string[]
  readonly suggested?: ReadonlySet<number>
  readonly now?: number
}

/**
 * A swarm seen by us.
 * @param availability one character a piece: how many peers have it, or `*` for a piece that we have ourselves
 */
function picker({ availability, seed = 1 }: { availability: string; seed?: number }) {
  const random = randomSource(seed)
  const geometry = {
    pieceCount: availability.length,
    blockCount: () => BLOCKS,
    firstBlock: (piece: number) => piece * BLOCKS,
    pieceOfBlock: (block: number) => Math.floor(block / BLOCKS),
  }
  const picker = new PiecePicker<Peer>(
    geometry,
    (limit) => random.below(limit),
    (peer, blocks) => peer.etaMs(blocks),
  )
  for (let level = 0; level < 9; level++) {
    const has = Array.from(availability, (count) => (count !== '*' && Number(count) > level ? '*' : ' ')).join('')
    if (has.trim() !== '') picker.peerHas(bits(has))
  }
  for (const [piece, count] of Array.from(availability).entries()) if (count === '*') picker.setDone(piece)
  const number = (block: string): number => {
    const [piece, index] = block.split('.').map(Number)
    return piece * BLOCKS + index
  }
  return {
    picker,
    /** What the peer is asked for: `3.0 3.1`. */
    pick(peer: Peer, { room = 1, endgame = 0, only, memory = Infinity, without = [], ...rest }: Asking = {}): string {
      let left = memory
      const blocks = picker.pick({
        peer,
        have: peer.have,
        room,
        endgameRoom: endgame,
        only: only ?? null,
        ...rest,
        hasAsked: (block) => peer.asked.has(block),
        reserve: (block) => !without.map(number).includes(block) && left-- > 0,
        blocksPerReserve: 1,
      })
      for (const block of blocks) peer.asked.add(block)
      return blocks.map((block) => `${Math.floor(block / BLOCKS)}.${block % BLOCKS}`).join(' ')
    },
    /** The peer sends a block. Returns how many others need not. */
    send(peer: Peer, block: string): number {
      return picker.blockArrived(number(block), peer.asked.delete(number(block)))
    },
    /** The peer will not send a block. */
    lose(peer: Peer, block: string): void {
      peer.asked.delete(number(block))
      picker.requestLost(number(block), peer)
    },
    /** The peer leaves or chokes us. */
    leave(peer: Peer): void {
      for (const block of peer.asked) picker.requestLost(block, peer)
      peer.asked.clear()
      picker.disown(peer)
    },
  }
}

function bits(picture: string): Bitfield {
  const have = new Bitfield(picture.length)
  for (const [piece, mark] of Array.from(picture).entries()) if (mark === '*') have.set(piece)
  return have
}

describe('which piece to begin', () => {
  test('the rarest that the peer has', () => {
    const world = picker({ availability: '****43215' })
    const peer = new Peer('****** **')
    expect(world.pick(peer, { room: 6 })).toBe('7.0 7.1 5.0 5.1 4.0 4.1')
  })

  test('the first four are drawn at random, whatever their rarity: soon we have something to give', () => {
    const first = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const world = picker({ availability: '12345', seed })
      first.add(world.pick(new Peer('*****')))
    }
    expect([...first].sort()).toEqual(['0.0', '1.0', '2.0', '3.0', '4.0'])
  })

  test('after four, rarity counts', () => {
    for (let seed = 0; seed < 20; seed++) {
      const world = picker({ availability: '****923', seed })
      expect(world.pick(new Peer('*******'))).toBe('5.0')
    }
  })

  test('among equally rare ones chance decides, so that peers do not all begin the same', () => {
    const first = new Set<string>()
    for (let seed = 0; seed < 60; seed++) first.add(picker({ availability: '****111', seed }).pick(new Peer('*******')))
    expect([...first].sort()).toEqual(['4.0', '5.0', '6.0'])
  })

  test('never one that we have, or that the peer lacks', () => {
    const world = picker({ availability: '****1**' })
    expect(world.pick(new Peer('**** **'), { room: 9, endgame: 9 })).toBe('')
  })

  test('rarity follows what peers tell, to and fro', () => {
    const world = picker({ availability: '****23' })
    const newcomer = new Peer('****   '.slice(0, 6))
    world.picker.peerHas(newcomer.have)
    for (const piece of [4, 4]) world.picker.peerHasPiece(piece, newcomer.have)
    expect(world.pick(new Peer('******'))).toBe('5.0')

    const again = picker({ availability: '****23' })
    const leaver = new Peer('     *')
    again.picker.peerHas(leaver.have)
    again.picker.peerGone(leaver.have)
    again.picker.peerGone(leaver.have)
    again.picker.peerGone(leaver.have)
    expect(again.pick(new Peer('******'))).toBe('5.0')
  })
})

describe('availability', () => {
  test('counts peers that have part, peers that have all, and those that come to have all', () => {
    const { picker: swarm } = picker({ availability: '000' })
    const growing = new Peer(' * ')
    swarm.peerHas(growing.have)
    swarm.peerHas(new Peer('***').have)
    const availability = (): number[] => [0, 1, 2].map((piece) => swarm.availability(piece))
    expect(availability()).toEqual([1, 2, 1])
    for (const piece of [0, 2]) {
      growing.have.set(piece)
      swarm.peerHasPiece(piece, growing.have)
    }
    expect(availability()).toEqual([2, 2, 2])
    swarm.peerGone(growing.have)
    expect(availability()).toEqual([1, 1, 1])
  })

  test('of a torrent of one piece is right, too', () => {
    const { picker: swarm } = picker({ availability: '0' })
    const peer = new Peer(' ')
    swarm.peerHas(peer.have)
    peer.have.set(0)
    swarm.peerHasPiece(0, peer.have)
    expect(swarm.availability(0)).toBe(1)
    swarm.peerGone(peer.have)
    expect(swarm.availability(0)).toBe(0)
  })
})

describe('whose piece', () => {
  test('a peer goes on with what it began', () => {
    const world = picker({ availability: '****132' })
    const peer = new Peer('*******')
    expect([world.pick(peer), world.pick(peer), world.pick(peer)]).toEqual(['4.0', '4.1', '6.0'])
  })

  test('another peer begins another one', () => {
    const world = picker({ availability: '****132' })
    expect([world.pick(new Peer('*******')), world.pick(new Peer('*******'))]).toEqual(['4.0', '6.0'])
  })

  test('when there is nothing to begin, it helps', () => {
    const world = picker({ availability: '****1' })
    expect([world.pick(new Peer('*****')), world.pick(new Peer('*****'))]).toEqual(['4.0', '4.1'])
  })

  test('a piece whose peer has gone comes before a new one', () => {
    const world = picker({ availability: '****91' })
    const leaver = new Peer('****  '.slice(0, 4) + '* ')
    expect(world.pick(leaver)).toBe('4.0')
    world.leave(leaver)
    expect(world.picker.hasOwner(4)).toBe(false)
    const heir = new Peer('******')
    expect(world.pick(heir, { room: 3 })).toBe('4.0 4.1 5.0')
    expect(world.picker.hasOwner(4)).toBe(true)
  })

  test('what a choked peer may ask for is asked for, and nothing else', () => {
    const world = picker({ availability: '****123' })
    const peer = new Peer('*******')
    expect(world.pick(peer, { room: 9, endgame: 9, only: new Set([6]) })).toBe('6.0 6.1')
  })
})

describe('requests', () => {
  test('one that is lost is made again, to whoever asks next', () => {
    const world = picker({ availability: '****1' })
    const [first, second] = [new Peer('*****'), new Peer('*****')]
    expect(world.pick(first, { room: 2 })).toBe('4.0 4.1')
    expect(world.pick(second)).toBe('')
    world.lose(first, '4.0')
    expect(world.pick(second)).toBe('4.0')
  })

  test('without memory none is made, and none is forgotten', () => {
    const world = picker({ availability: '****12' })
    const peer = new Peer('******')
    expect(world.pick(peer, { room: 4, memory: 0 })).toBe('')
    expect(world.picker.isUnderWay(4)).toBe(false)
    // The first question is for the piece, the second for its first block.
    expect(world.pick(peer, { room: 4, memory: 2 })).toBe('4.0')
    expect(world.pick(peer, { room: 4 })).toBe('4.1 5.0 5.1')
  })

  test('a block without memory does not hide the later ones of its piece, and is made up for', () => {
    const world = picker({ availability: '****12' })
    const peer = new Peer('******')
    world.pick(peer)
    world.lose(peer, '4.0')
    expect(world.pick(peer, { room: 1, without: ['4.0'] })).toBe('4.1')
    expect(world.pick(peer, { room: 2 })).toBe('4.0 5.0')
  })

  test('that memory is short is no reason to ask for things twice', () => {
    const world = picker({ availability: '****12' })
    world.pick(new Peer('******'), { room: 2 })
    expect(world.pick(new Peer('******'), { room: 2, endgame: 2, memory: 0 })).toBe('')
  })

  test('a block that comes unasked is not asked for any more', () => {
    const world = picker({ availability: '****1' })
    const [snubbed, other] = [new Peer('*****'), new Peer('*****')]
    world.pick(snubbed)
    world.lose(snubbed, '4.0')
    world.send(snubbed, '4.0')
    expect(world.pick(other, { room: 2 })).toBe('4.1')
    expect(world.picker.blocksLeft(4)).toBe(1)
  })

  test('a block that comes twice changes nothing', () => {
    const world = picker({ availability: '****1' })
    const peer = new Peer('*****')
    world.pick(peer)
    world.send(peer, '4.0')
    expect(world.send(peer, '4.0')).toBe(0)
    world.lose(peer, '4.0')
    expect(world.picker.blocksLeft(4)).toBe(1)
    expect(world.pick(peer, { room: 9 })).toBe('4.1')
  })
})

describe('a piece that failed its hash', () => {
  function failed() {
    const world = picker({ availability: '****1' })
    const guilty = new Peer('*****')
    world.pick(guilty, { room: 2 })
    world.send(guilty, '4.0')
    world.send(guilty, '4.1')
    world.picker.pieceFailed(4)
    return world
  }

  test('is fetched from one peer alone: a second failure names the guilty', () => {
    const world = failed()
    const [first, second] = [new Peer('*****'), new Peer('*****')]
    expect(world.pick(first)).toBe('4.0')
    expect(world.pick(second, { room: 9 })).toBe('')
    expect(world.pick(first)).toBe('4.1')
  })

  test('is helped with in the endgame, so that no slow peer holds the last piece', () => {
    const world = failed()
    const [slow, idle] = [new Peer('*****'), new Peer('*****')]
    expect(world.pick(slow)).toBe('4.0')
    expect([world.pick(idle, { room: 9, endgame: 9 }), world.pick(idle, { room: 9, endgame: 9 })]).toEqual([
      '4.1',
      '4.0',
    ])
  })

  test('goes to another peer when the one has gone', () => {
    const world = failed()
    const [first, second] = [new Peer('*****'), new Peer('*****')]
    world.pick(first, { room: 2 })
    world.leave(first)
    expect(world.pick(second, { room: 2 })).toBe('4.0 4.1')
  })

  test('is an ordinary one once it is right', () => {
    const world = failed()
    world.picker.setDone(4)
    expect(world.picker.isUnderWay(4)).toBe(false)
    expect(world.pick(new Peer('*****'), { room: 9, endgame: 9 })).toBe('')
  })
})

describe('endgame', () => {
  const everything = (): Peer => new Peer('******')

  test('a peer with nothing else to do is asked for what others owe us', () => {
    const world = picker({ availability: '****11' })
    const [slow, idle] = [everything(), everything()]
    expect(world.pick(slow, { room: 4 })).toMatch(/^4.0 4.1 5.0 5.1|5.0 5.1 4.0 4.1$/)
    expect(world.pick(idle, { room: 3, endgame: 8 })).toHaveLength('4.0 4.1 5.0'.length)
  })

  test('not while something else can be asked for', () => {
    const world = picker({ availability: '****12' })
    world.pick(everything(), { room: 3 })
    expect(world.pick(everything(), { room: 3, endgame: 8 })).toBe('5.1')
  })

  test('no more blocks at once than it is allowed, and none twice', () => {
    const world = picker({ availability: '****12' })
    world.pick(everything(), { room: 4 })
    const idle = everything()
    expect(world.pick(idle, { room: 4, endgame: 1 })).toBe('4.1')
    expect(world.pick(idle, { room: 4, endgame: 8 })).toBe('4.0 5.1 5.0')
    expect(world.pick(idle, { room: 4, endgame: 8 })).toBe('')
  })

  test('no more than three peers are asked for one block, when none of them delivers', () => {
    const world = picker({ availability: '****1*' })
    const asked = Array.from({ length: 5 }, () => world.pick(everything(), { room: 2, endgame: 8 }))
    expect(asked).toEqual(['4.0 4.1', '4.1 4.0', '4.1 4.0', '', ''])
  })

  test('blocks that fewest are asked for come first', () => {
    const world = picker({ availability: '****12' })
    world.pick(everything(), { room: 4 })
    world.pick(everything(), { room: 2, endgame: 8 })
    expect(world.pick(everything(), { room: 2, endgame: 8 })).toBe('5.1 5.0')
  })

  test('when the block comes, it is told how many others need not send it', () => {
    const world = picker({ availability: '****1*' })
    const [first, second, third] = [everything(), everything(), everything()]
    for (const peer of [first, second, third]) world.pick(peer, { room: 1, endgame: 1 })
    // The second joined for 4.1, so that the third is asked for one of what these were asked for.
    expect(world.send(second, '4.1')).toBe(1)
    expect(world.send(third, '4.1')).toBe(0)
  })

  test('a block stays asked for while one of those asked is left', () => {
    const world = picker({ availability: '****1*' })
    const [first, second] = [everything(), everything()]
    world.pick(first, { room: 2 })
    world.pick(second, { room: 2, endgame: 2 })
    world.leave(first)
    const third = everything()
    expect(world.pick(third, { room: 2 })).toBe('')
    world.leave(second)
    expect(world.pick(third, { room: 2 })).toBe('4.0 4.1')
  })
})

describe('slow peers', () => {
  const all = (blockMs: number): Peer => new Peer('******', blockMs)

  test('share a piece: together they complete it while it is still of use', () => {
    const world = picker({ availability: '****12' })
    expect(world.pick(all(20_000))).toBe('4.0')
    expect(world.pick(all(20_000))).toBe('4.1')
  })

  test('do not join a fast one, which has whole pieces to itself', () => {
    const world = picker({ availability: '****12' })
    expect(world.pick(all(100))).toBe('4.0')
    expect(world.pick(all(20_000))).toBe('5.0')
  })

  test('are joined by a fast one in the endgame only', () => {
    const world = picker({ availability: '****12' })
    expect(world.pick(all(20_000))).toBe('4.0')
    expect(world.pick(all(100))).toBe('5.0')
  })
})

describe('asking twice', () => {
  const all = (blockMs: number): Peer => new Peer('*****', blockMs)

  function owedBy(owner: Peer) {
    const world = picker({ availability: '****1' })
    expect(world.pick(owner, { room: 2 })).toBe('4.0 4.1')
    return world
  }

  test('begins with what a slow peer would send last, and leaves it what it sends as soon', () => {
    // It needs 2 s for both, and but 1 s for one of them.
    expect(owedBy(all(1000)).pick(all(1100), { room: 2, endgame: 8 })).toBe('')
    expect(owedBy(all(1000)).pick(all(500), { room: 2, endgame: 8 })).toBe('4.1')
    expect(owedBy(all(1000)).pick(all(100), { room: 2, endgame: 8 })).toBe('4.1 4.0')
  })

  test('is not done for a moment: by then a cancel would not have arrived', () => {
    expect(owedBy(all(100)).pick(all(10), { room: 2, endgame: 8 })).toBe('')
  })

  test('leaves a peer alone that is the slower one', () => {
    expect(owedBy(all(100)).pick(all(1000), { room: 2, endgame: 8 })).toBe('')
  })

  test('before the endgame is done only for what would else take long', () => {
    // Piece 5 has not been begun, though this peer cannot give it.
    const soon = picker({ availability: '****11' })
    expect(soon.pick(all(1000), { room: 2 })).toBe('4.0 4.1')
    expect(soon.pick(all(10), { room: 2, endgame: 8 })).toBe('')
    const late = picker({ availability: '****11' })
    expect(late.pick(all(6000), { room: 2 })).toBe('4.0 4.1')
    expect(late.pick(all(10), { room: 2, endgame: 8 })).toBe('4.1')
  })

  test('is tried again when time has passed: who was fast enough may be so no more', () => {
    const world = owedBy(all(100))
    const before = world.picker.changes
    world.picker.tick()
    expect(world.picker.changes).toBe(before)
    world.pick(all(1000), { room: 2, endgame: 8 })
    world.picker.tick()
    expect(world.picker.changes).toBeGreaterThan(before)
  })

  test('is done for two at most while one of them delivers', () => {
    const world = owedBy(all(10_000))
    expect(world.pick(all(1000), { room: 1, endgame: 1 })).toBe('4.1')
    expect(world.pick(all(10), { room: 2, endgame: 8 })).toBe('4.0')
    expect(world.pick(all(10), { room: 2, endgame: 8 })).toBe('')
  })

  test('is done by a third where only one of the two that owe a block delivers', () => {
    const world = owedBy(all(Infinity))
    expect(world.pick(all(1000), { room: 2, endgame: 8 })).toBe('4.1 4.0')
    expect(world.pick(all(10), { room: 1, endgame: 1 })).toBe('4.1')
    expect(world.pick(all(1), { room: 1, endgame: 1 })).toBe('4.0')
    expect(world.pick(all(1), { room: 2, endgame: 8 })).toBe('')
  })

  test('knows who still owes a block when another gives up', () => {
    const world = owedBy(all(10_000))
    const [second, third] = [all(1000), all(400)]
    expect(world.pick(second, { room: 2, endgame: 2 })).toBe('4.1 4.0')
    expect(world.pick(third, { room: 2, endgame: 8 })).toBe('')
    world.leave(second)
    expect(world.pick(third, { room: 2, endgame: 8 })).toBe('4.1 4.0')
  })
})

describe('what the user wants', () => {
  const everything = (): Peer => new Peer('*******')

  test('high priorities come first, the rarest of each before the others', () => {
    const world = picker({ availability: '****132' })
    world.picker.setPriority(5, 7)
    world.picker.setPriority(6, 7)
    expect(world.pick(everything(), { room: 6 })).toBe('6.0 6.1 5.0 5.1 4.0 4.1')
  })

  test('what has priority 0 is not fetched, until it is wanted again', () => {
    const world = picker({ availability: '****123' })
    world.picker.setPriority(4, 0)
    expect(world.pick(everything(), { room: 9, endgame: 9 })).toBe('5.0 5.1 6.0 6.1')
    world.picker.setPriority(4, 1)
    expect(world.pick(everything(), { room: 9 })).toBe('4.0 4.1')
  })

  test('a piece under way waits while it is not wanted', () => {
    const world = picker({ availability: '****1**' })
    const peer = everything()
    expect(world.pick(peer)).toBe('4.0')
    world.picker.setPriority(4, 0)
    world.lose(peer, '4.0')
    expect(world.pick(everything(), { room: 9, endgame: 9 })).toBe('')
    world.picker.setPriority(4, 5)
    expect(world.pick(peer, { room: 9 })).toBe('4.0 4.1')
  })

  test('copies are counted whatever the priority', () => {
    const world = picker({ availability: '****123' })
    world.picker.setPriority(4, 0)
    for (const growing of [new Peer('       '), new Peer('       ')]) {
      growing.have.set(4)
      world.picker.peerHasPiece(4, growing.have)
    }
    world.picker.setPriority(4, 4)
    expect(world.picker.availability(4)).toBe(3)
    expect(world.pick(everything())).toBe('5.0')
  })

  test('in sequence: the first that the peer has', () => {
    const world = picker({ availability: '3333333' })
    world.picker.order = 'sequential'
    expect(world.pick(new Peer('  *** *'), { room: 8 })).toBe('2.0 2.1 3.0 3.1 4.0 4.1 6.0 6.1')
    expect(world.pick(new Peer('*******'), { room: 3 })).toBe('0.0 0.1 1.0')
  })

  test('what the peer suggests comes before what is rarer', () => {
    const world = picker({ availability: '****123' })
    expect(world.pick(everything(), { room: 4, suggested: new Set([6, 2]) })).toBe('6.0 6.1 4.0 4.1')
  })
})

describe('deadlines', () => {
  const peer = (blockMs: number): Peer => new Peer('*******', blockMs)

  test('the soonest comes first, before what is rarer and what was begun', () => {
    const world = picker({ availability: '****123' })
    const quick = peer(100)
    expect(world.pick(quick)).toBe('4.0')
    world.picker.setDeadline(6, 8000)
    world.picker.setDeadline(5, 9000)
    expect(world.pick(quick, { room: 5, now: 0 })).toBe('6.0 6.1 5.0 5.1 4.1')
  })

  test('who cannot deliver by then does something else', () => {
    const world = picker({ availability: '****123' })
    world.picker.setDeadline(6, 8000)
    expect(world.pick(peer(9000), { room: 1, now: 0 })).toBe('4.0')
    expect(world.pick(peer(1000), { room: 1, now: 0 })).toBe('6.0')
  })

  test('what a slow peer owes by then is asked of a fast one, too', () => {
    const world = picker({ availability: '****123' })
    const slow = peer(5000)
    world.picker.setPriority(6, 7)
    expect(world.pick(slow, { room: 2 })).toBe('6.0 6.1')
    expect(world.pick(peer(100), { room: 2, now: 0 })).toBe('4.0 4.1')
    world.picker.setDeadline(6, 2000)
    expect(world.pick(peer(100), { room: 2, now: 0 })).toBe('6.1 6.0')
  })

  test('one that is taken back, or done, has no effect', () => {
    const world = picker({ availability: '****123' })
    world.picker.setDeadline(6, 8000)
    world.picker.setDeadline(6, null)
    world.picker.setDeadline(5, 8000)
    world.picker.setDone(5)
    expect(world.pick(peer(100), { room: 9, now: 0 })).toBe('4.0 4.1 6.0 6.1')
  })
})

describe('a peer that has little', () => {
  const WIDE = 1000

  test('is served though everything rare is elsewhere', () => {
    const world = picker({ availability: '1'.repeat(WIDE / 2) + '2'.repeat(WIDE / 2) })
    const peer = new Peer(' '.repeat(WIDE / 2) + '*'.repeat(WIDE / 2))
    const pieces = new Set<string>()
    for (let i = 0; i < WIDE; i++) pieces.add(world.pick(peer))
    expect(pieces.size).toBe(WIDE)
    expect(world.pick(peer)).toBe('')
  })

  test('and again, when it has one piece more, or one comes back', () => {
    const world = picker({ availability: '1'.repeat(WIDE) })
    const peer = new Peer(' '.repeat(WIDE))
    // The pieces that stand first in their order are not this peer's.
    expect(world.pick(peer)).toBe('')
    const asked: string[] = []
    for (const piece of [900, 17, 600]) {
      peer.have.set(piece)
      world.picker.peerHasPiece(piece, peer.have)
      asked.push(world.pick(peer, { room: 2 }))
    }
    expect(asked).toEqual(['900.0 900.1', '17.0 17.1', '600.0 600.1'])
    for (const block of ['17.0', '17.1']) world.send(peer, block)
    world.picker.pieceFailed(17)
    expect(world.pick(peer, { room: 2 })).toBe('17.0 17.1')
  })
})

describe('whatever happens', () => {
  const PIECES = 7
  const action = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom('pick', 'pick', 'send', 'send', 'lose', 'leave'),
    which: fc.nat(1000),
    room: fc.integer({ min: 1, max: 5 }),
    endgame: fc.integer({ min: 0, max: 3 }),
    memory: fc.constantFrom(0, 1, 3, Infinity),
  })

  test('no peer is asked twice for a block it owes, none for what is done; and peers that go on complete everything', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 150 }),
        fc.nat(),
        fc.array(fc.nat(PIECES - 1), { maxLength: 3 }),
        (actions, seed, failures) => {
          const world = picker({ availability: '1'.repeat(PIECES), seed })
          const peers = Array.from({ length: 4 }, () => new Peer('*'.repeat(PIECES)))
          const done = new Set<string>()
          const failing = [...failures]
          const take = (peer: Peer, asking: Asking): void => {
            const before = new Set(Array.from(peer.asked, (block) => `${Math.floor(block / BLOCKS)}.${block % BLOCKS}`))
            for (const block of world.pick(peer, asking).split(' ').filter(Boolean)) {
              expect(before.has(block) || done.has(block)).toBe(false)
              before.add(block)
            }
          }
          const send = (peer: Peer, block: number): void => {
            const piece = Math.floor(block / BLOCKS)
            world.send(peer, `${piece}.${block % BLOCKS}`)
            done.add(`${piece}.${block % BLOCKS}`)
            for (const other of peers) other.asked.delete(block)
            if (world.picker.blocksLeft(piece) > 0) return
            if (failing.includes(piece)) {
              failing.splice(failing.indexOf(piece), 1)
              for (let index = 0; index < BLOCKS; index++) done.delete(`${piece}.${index}`)
              world.picker.pieceFailed(piece)
            } else world.picker.setDone(piece)
          }
          for (const { who, what, which, room, endgame, memory } of actions) {
            const peer = peers[who]
            const owed = [...peer.asked]
            if (what === 'pick') take(peer, { room, endgame, memory })
            else if (what === 'leave') world.leave(peer)
            else if (owed.length > 0) {
              const block = owed[which % owed.length]
              if (what === 'send') send(peer, block)
              else world.lose(peer, `${Math.floor(block / BLOCKS)}.${block % BLOCKS}`)
            }
          }
          for (let turn = 0; turn < 100; turn++) {
            for (const peer of peers) {
              take(peer, { room: 5, endgame: peer.asked.size === 0 ? 2 : 0 })
              for (const block of peer.asked) if (peer.asked.has(block)) send(peer, block)
            }
          }
          expect(done.size).toBe(PIECES * BLOCKS)
        },
      ),
      { numRuns: 200 },
    )
  })
})
