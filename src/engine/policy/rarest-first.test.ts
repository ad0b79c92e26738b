// With half a million pieces no choice may walk over all of them: steps are counted, not time.
import { describe, expect, test } from 'vitest'
import { randomSource } from '../../../tests/support/random.ts'
import { Bitfield } from '../../base/bitfield.ts'
import { RarestFirst } from './rarest-first.ts'
import { StartablePieces } from './startable-pieces.ts'

const PIECES = 500_000
/** Bytes of a bitfield: drawing below it is the beginning of a walk over one. */
const BYTES = PIECES / 8

function count() {
  const random = randomSource(1)
  const steps = { looks: 0, walks: 0, draws: 0 }
  const below = (limit: number): number => {
    steps.draws++
    if (limit === BYTES) steps.walks++
    return random.below(limit)
  }
  /** Counts how often it is asked. */
  const watched = (have: Bitfield): Bitfield => {
    const has = have.has.bind(have)
    have.has = (piece) => {
      steps.looks++
      return has(piece)
    }
    return have
  }
  return { steps, below, watched }
}

/** Every piece from `from` to `to`. */
function range(from: number, to: number): Bitfield {
  const have = new Bitfield(PIECES)
  for (let piece = from; piece < to; piece++) have.set(piece)
  return have
}

describe('a choice', () => {
  test('for a peer without any of the rare pieces is a walk over its bitfield now and then', () => {
    const { steps, below, watched } = count()
    const level = new RarestFirst(new Uint16Array(PIECES), below, true)
    const have = watched(range(400_000, PIECES))
    for (let piece = 400_000; piece < PIECES; piece++) level.increase(piece)
    Object.assign(steps, { looks: 0, walks: 0 })
    const chosen = new Set<number>()
    for (let i = 0; i < 1000; i++) {
      const piece = level.rarest(have)
      chosen.add(piece)
      level.remove(piece)
    }
    expect(chosen.size).toBe(1000)
    expect(steps.looks / 1000).toBeLessThan(200)
    expect(steps.walks).toBeLessThan(1000 / 30)
  })

  test('for a peer that has nothing of use is no walk at all, until there is something new', () => {
    const { steps, below, watched } = count()
    const level = new RarestFirst(new Uint16Array(PIECES), below, true)
    const have = watched(range(0, 1000))
    for (let piece = 0; piece < 1000; piece++) level.remove(piece)
    expect(level.rarest(have)).toBe(-1)
    Object.assign(steps, { looks: 0, walks: 0 })
    for (let i = 0; i < 1000; i++) expect(level.rarest(have)).toBe(-1)
    expect(steps).toMatchObject({ looks: 0, walks: 0 })
    level.insert(7)
    expect(level.rarest(have)).toBe(7)
    level.remove(7)
    have.set(2000)
    level.told(2000, have)
    expect(level.rarest(have)).toBe(2000)
  })
})

test('a peer that comes or goes with many pieces is one pass over them, and the order is as if they had come one by one', () => {
  const { steps, below } = count()
  const pieces = new StartablePieces(PIECES, below)
  steps.draws = 0
  const [many, others] = [range(0, 300_000), range(100_000, PIECES)]
  pieces.peerHas(many)
  pieces.peerHas(others)
  pieces.peerHas(range(0, 1))
  pieces.peerGone(many)
  expect(steps.draws).toBeLessThan(20)
  expect([0, 1, 100_000, PIECES - 1].map((piece) => pieces.availability(piece))).toEqual([1, 0, 1, 1])
  const rarest = pieces.choose({ have: Bitfield.full(PIECES), only: null })
  expect(pieces.availability(rarest)).toBe(0)
})
