import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RankedHeap } from './ranked-heap.ts'

interface Item {
  readonly rank: number
}

test('whatever comes and goes, the first is the one that ranks first, at two comparisons a level', () => {
  const action = fc.record({ isAdding: fc.boolean(), which: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 41, maxLength: 41 }), fc.array(action), (ranks, actions) => {
      let comparisons = 0
      const items: Item[] = ranks.map((rank) => ({ rank }))
      const heap = new RankedHeap<Item>((a, b) => {
        comparisons++
        return a.rank < b.rank
      })
      const inside = new Set<Item>()
      for (const { isAdding, which } of actions) {
        comparisons = 0
        if (isAdding) {
          heap.add(items[which])
          inside.add(items[which])
        } else {
          heap.remove(items[which])
          inside.delete(items[which])
        }
        expect(comparisons).toBeLessThanOrEqual(2 * (Math.log2(inside.size + 2) + 1))
        expect(heap.size).toBe(inside.size)
        expect(heap.has(items[which])).toBe(isAdding)
        expect(heap.first?.rank ?? Infinity).toBe(Math.min(...[...inside].map((item) => item.rank)))
      }
    }),
  )
})
