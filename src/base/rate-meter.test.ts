import { expect, test } from 'vitest'
import { RateMeter } from './rate-meter.ts'

/** Adds `bytesPerSecond` in steps of 10 ms, and returns the rate at the end. */
function run(meter: RateMeter, from: number, ms: number, bytesPerSecond: number): number {
  for (let now = from; now < from + ms; now += 10) meter.add(bytesPerSecond / 100, now)
  return meter.rate(from + ms)
}

test.each([0, 123, 999, 1_000_007])('a steady stream is measured right, from %i ms on', (start) => {
  expect(run(new RateMeter(), start, 20_000, 50_000)).toBeCloseTo(50_000, -3)
})

test('a stream that has just begun is not underrated', () => {
  const meter = new RateMeter()
  expect(run(meter, 500, 2000, 50_000)).toBeCloseTo(50_000, -3)
})

test('a burst counts as one second’s at first, not as an infinite rate', () => {
  const meter = new RateMeter()
  meter.add(1000, 5000)
  expect(meter.rate(5000)).toBe(1000)
  expect(meter.rate(5001)).toBe(1000)
})

test('after a change the new rate is there within six seconds', () => {
  const meter = new RateMeter()
  run(meter, 0, 10_000, 10_000)
  expect(run(meter, 10_000, 6000, 90_000)).toBeCloseTo(90_000, -3)
})

test('silence is silence within six seconds, and after a day', () => {
  const meter = new RateMeter()
  run(meter, 0, 10_000, 10_000)
  expect(meter.rate(16_000)).toBe(0)
  expect(meter.rate(86_400_000)).toBe(0)
})

test('nothing has no rate', () => {
  expect(new RateMeter().rate(1234)).toBe(0)
})
