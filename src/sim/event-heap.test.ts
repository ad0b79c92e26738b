import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventHeap } from './event-heap.ts'

const nobody = { onTime: () => {} }

function takeAll(heap: EventHeap): number[] {
  const taken: number[] = []
  while (heap.take()) taken.push(heap.takenArgument)
  return taken
}

test('entries come out by time, and within one time in the order of planning', () => {
  const heap = new EventHeap()
  for (const [argument, time] of [30, 10, 20, 10, 10, 0].entries()) heap.push(time, nobody, argument)
  expect(heap.firstTime).toBe(0)
  expect(takeAll(heap)).toEqual([5, 1, 3, 4, 2, 0])
})

test('an empty heap has nothing to take', () => {
  const heap = new EventHeap()
  expect(heap.firstTime).toBe(Infinity)
  expect(heap.take()).toBe(false)
  heap.push(1, nobody, 0)
  expect(heap.take()).toBe(true)
  expect(heap.take()).toBe(false)
})

test('an entry keeps its target', () => {
  const heap = new EventHeap()
  const other = { onTime: () => {} }
  heap.push(2, nobody, 0)
  heap.push(1, other, 0)
  heap.take()
  expect(heap.takenTarget).toBe(other)
  heap.take()
  expect(heap.takenTarget).toBe(nobody)
})

test('any mixture of pushing and taking gives the order of a stable sort', () => {
  const step = fc.oneof(fc.nat(20), fc.constant('take' as const))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000 }), (steps) => {
      const heap = new EventHeap()
      let model: { time: number; argument: number }[] = []
      let planned = 0
      let isRight = true
      for (const each of steps) {
        if (each === 'take') {
          const first = model.shift()
          const taken = heap.take() ? heap.takenArgument : undefined
          isRight &&= taken === first?.argument
        } else {
          heap.push(each, nobody, planned)
          model.push({ time: each, argument: planned++ })
          model = model.toSorted((a, b) => a.time - b.time || a.argument - b.argument)
        }
        isRight &&= heap.size === model.length
      }
      expect(isRight).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('thousands of entries, more than the heap began with', () => {
  const heap = new EventHeap()
  for (let i = 0; i < 5000; i++) heap.push((i * 7919) % 5000, nobody, (i * 7919) % 5000)
  expect(takeAll(heap)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
})
