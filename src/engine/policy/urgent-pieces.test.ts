import { describe, expect, test } from 'vitest'
import { Peer, picker } from '../../../tests/support/picker-world.ts'

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
