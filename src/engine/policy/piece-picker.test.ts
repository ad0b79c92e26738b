import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Asking, BLOCKS, Peer, picker } from '../../../tests/support/picker-world.ts'

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

  describe('in runs, for whoever sends neighbouring pieces at once', () => {
    test('each piece is followed by the next, as long as it can be begun', () => {
      const world = picker({ availability: '****231*9455' })
      expect(world.pick(new Peer('************'), { room: 14, nextInRun: -1 })).toBe(
        '6.0 6.1 4.0 4.1 5.0 5.1 9.0 9.1 10.0 10.1 11.0 11.1 8.0 8.1',
      )
    })

    test('a run goes on where the last one ended, unless something is rarer', () => {
      expect(picker({ availability: '****2222222' }).pick(new Peer('***********'), { nextInRun: 9 })).toBe('9.0')
      expect(picker({ availability: '****2212232' }).pick(new Peer('***********'), { nextInRun: 9 })).toBe('6.0')
      expect(picker({ availability: '****333*133' }).pick(new Peer('***********'), { nextInRun: 7 })).toBe('8.0')
      expect(picker({ availability: '****1' }).pick(new Peer('*****'), { nextInRun: 5 })).toBe('4.0')
    })

    test('what is wanted less does not follow, nor what it does not have', () => {
      const world = picker({ availability: '****1222222' })
      world.picker.setPriority(5, 2)
      world.picker.setPriority(6, 0)
      const picked = world.pick(new Peer('******** **'), { room: 8, nextInRun: -1 })
      expect(picked.startsWith('4.0 4.1')).toBe(true)
      expect(picked.slice(8, 15)).not.toBe('5.0 5.1')
      expect(picked).not.toMatch(/6\.|8\./)
    })
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
