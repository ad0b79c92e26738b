import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomSource } from '../../../tests/support/random.ts'
import { RarityOrder } from './rarity-order.ts'

const PIECES = 12

/** The same, done the simple way. */
class SimpleOrder {
  readonly availability = Array<number>(PIECES).fill(0)
  readonly pieces = new Set(Array.from({ length: PIECES }, (_, piece) => piece))
}

/** The pieces in their order. */
const all = (order: RarityOrder): number[] => Array.from({ length: order.length }, (_, place) => order.at(place))

test('pieces come out rarest first, whatever went up, down, out and in', () => {
  const step = fc.tuple(fc.constantFrom('increase', 'decrease', 'remove', 'insert', 'many'), fc.nat(PIECES - 1))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(), (steps, seed) => {
      const random = randomSource(seed)
      const availability = new Uint16Array(PIECES)
      const order = new RarityOrder(availability, (limit) => random.below(limit), true)
      const simple = new SimpleOrder()
      for (const [what, piece] of steps) {
        if (what === 'many') {
          for (let each = 0; each < PIECES; each += 1 + (piece % 3)) availability[each] = ++simple.availability[each]
        } else if (what === 'increase') simple.availability[piece]++
        else if (what === 'decrease') {
          if (simple.availability[piece] === 0) continue
          simple.availability[piece]--
        } else if (what === 'remove') {
          if (!simple.pieces.delete(piece)) continue
        } else {
          if (simple.pieces.has(piece)) continue
          simple.pieces.add(piece)
        }
        if (what === 'many') order.rearrange()
        else order[what as 'increase'](piece)
        const rarities = all(order).map((each) => simple.availability[each])
        expect(rarities).toEqual(rarities.toSorted((a, b) => a - b))
      }
      expect(all(order).toSorted((a, b) => a - b)).toEqual([...simple.pieces].toSorted((a, b) => a - b))
      for (let piece = 0; piece < PIECES; piece++) {
        expect(order.has(piece)).toBe(simple.pieces.has(piece))
        expect(order.availability(piece)).toBe(simple.availability[piece])
      }
    }),
  )
})

test('equally rare pieces stand in random order', () => {
  const first = new Set<number>()
  for (let seed = 0; seed < 200; seed++) {
    const random = randomSource(seed)
    const order = new RarityOrder(new Uint16Array(PIECES), (limit) => random.below(limit), true)
    for (let piece = 0; piece < 4; piece++) order.increase(piece)
    for (let piece = 4; piece < PIECES; piece++) order.remove(piece)
    first.add(order.at(0))
  }
  expect([...first].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
})

test('they do so after many have changed at once, too', () => {
  const first = new Set<number>()
  for (let seed = 0; seed < 200; seed++) {
    const random = randomSource(seed)
    const availability = new Uint16Array(PIECES)
    const order = new RarityOrder(availability, (limit) => random.below(limit), true)
    availability.fill(3, 4)
    order.rearrange()
    first.add(order.at(0))
  }
  expect([...first].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
})
