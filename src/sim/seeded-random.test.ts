import { expect, test } from 'vitest'
import { SeededRandom } from './seeded-random.ts'

const draw = (seed: string, count: number): number[] => {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, () => random.uint32())
}

test('one seed gives one stream, on every machine', () => {
  expect(draw('7/10.0.0.1', 3)).toEqual(draw('7/10.0.0.1', 3))
  expect(draw('7/10.0.0.1', 3)).toEqual([2281019209, 3976581263, 2616761151])
})

test('seeds that hardly differ give streams that have nothing in common', () => {
  const streams = ['', 'a', 'b', '1/10.0.0.1', '1/10.0.0.2', '2/10.0.0.1'].map((seed) => draw(seed, 100))
  expect(new Set(streams.flat()).size).toBe(600)
})

test('numbers below a limit are spread evenly and stay below it', () => {
  const random = new SeededRandom('even')
  const counts = Array.from({ length: 10 }, () => 0)
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]++
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
})

test('an event of probability 0.01 happens about once in a hundred', () => {
  const random = new SeededRandom('rare')
  let count = 0
  for (let i = 0; i < 100_000; i++) if (random.happens(0.01)) count++
  expect(Math.abs(count - 1000)).toBeLessThan(150)
  expect(random.happens(0)).toBe(false)
  expect(random.happens(1)).toBe(true)
})

test('bytes are as many as asked for, and all values occur', () => {
  const bytes = new SeededRandom('bytes').bytes(10_000)
  expect(bytes.length).toBe(10_000)
  expect(new Set(bytes).size).toBe(256)
})
