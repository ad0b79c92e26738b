import { describe, expect, test } from 'vitest'
import { Peer, picker } from '../../../tests/support/picker-world.ts'

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
