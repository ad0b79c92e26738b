import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_QUEUED_REQUESTS, UploadQueue } from './upload-queue.ts'

const all = (queue: UploadQueue): string[] =>
  Array.from({ length: queue.length }, (_, i) => `${queue.piece(i)}:${queue.begin(i)} ${queue.bytes(i)}`)

test('requests stand in the order in which they came', () => {
  const queue = new UploadQueue()
  queue.push(1, 2, 3)
  queue.push(0xffff_ffff, 0xffff_ffff, 131_072)
  expect(all(queue)).toEqual(['1:2 3', '4294967295:4294967295 131072'])
})

test('no more than its bound are kept', () => {
  const queue = new UploadQueue()
  for (let i = 0; i < MAX_QUEUED_REQUESTS; i++) expect(queue.push(i, 0, 1)).toBe(true)
  expect(queue.push(0, 0, 1)).toBe(false)
  queue.shift(1)
  expect(queue.push(0, 0, 1)).toBe(true)
  expect([queue.length, queue.piece(0)]).toEqual([MAX_QUEUED_REQUESTS, 1])
})

test('who has asked for tens of thousands once does not hold the memory for it', () => {
  const queue = new UploadQueue()
  const atStart = queue.memory
  for (let i = 0; i < MAX_QUEUED_REQUESTS; i++) queue.push(i, 0, 1)
  const atMost = queue.memory
  queue.shift(MAX_QUEUED_REQUESTS - 10)
  expect([atMost, queue.piece(0)]).toEqual([12 * MAX_QUEUED_REQUESTS, MAX_QUEUED_REQUESTS - 10])
  expect(queue.memory).toBeLessThanOrEqual(atMost / 4)
  while (queue.length > 0) queue.shift(1)
  expect(queue.memory).toBe(atStart)
})

test('what is cleared is gone', () => {
  const queue = new UploadQueue()
  for (let i = 0; i < 1000; i++) queue.push(i, 0, 1)
  queue.clear()
  expect([queue.length, queue.remove(5, 0, 1)]).toEqual([0, false])
  queue.push(7, 8, 9)
  expect(all(queue)).toEqual(['7:8 9'])
})

describe('a request that is taken back', () => {
  test('leaves the others in their order', () => {
    const queue = new UploadQueue()
    for (const piece of [1, 2, 3, 4]) queue.push(piece, 0, 1)
    expect(queue.remove(3, 0, 1)).toBe(true)
    expect(all(queue)).toEqual(['1:0 1', '2:0 1', '4:0 1'])
  })

  test('must be named exactly; of two equal ones, one goes', () => {
    const queue = new UploadQueue()
    queue.push(1, 2, 3)
    queue.push(1, 2, 3)
    expect([queue.remove(1, 2, 4), queue.remove(1, 2, 3), queue.length]).toEqual([false, true, 1])
  })

  test('is looked for near the head alone: a flood of cancels costs little', () => {
    const queue = new UploadQueue()
    for (let piece = 0; piece < 60_000; piece++) queue.push(piece, 0, 1)
    expect([queue.remove(100, 0, 1), queue.remove(59_999, 0, 1)]).toEqual([true, false])
    expect(queue.length).toBe(59_999)
  })
})

test('whatever comes and goes, it is a queue', () => {
  const step = fc.tuple(fc.constantFrom('push', 'push', 'push', 'shift', 'remove'), fc.nat(30))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new UploadQueue()
      let simple: string[] = []
      /** Whether a request was found, and whether it was there. */
      const answers: [boolean, boolean][] = []
      for (const [what, value] of steps) {
        if (what === 'push') {
          queue.push(value, 1, 2)
          simple.push(`${value}:1 2`)
        } else if (what === 'shift') {
          const count = Math.min(value, simple.length)
          queue.shift(count)
          simple = simple.slice(count)
        } else {
          const at = simple.indexOf(`${value}:1 2`)
          answers.push([queue.remove(value, 1, 2), at >= 0])
          if (at >= 0) simple.splice(at, 1)
        }
        expect(all(queue)).toEqual(simple)
      }
      expect(answers.every(([isFound, wasThere]) => isFound === wasThere)).toBe(true)
    }),
  )
})
