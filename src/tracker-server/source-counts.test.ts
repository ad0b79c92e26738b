import { expect, test } from 'vitest'
import { SourceCounts } from './source-counts.ts'

/** Hashes as good ones are. */
const hashOf = (n: number): number => Math.imul(Math.imul(n + 1, 0x5bd1e995) ^ (n << 7), 0x2c1b3c6d)

test('a count is never too low, and hardly too high, when as many are counted as it was made for', () => {
  const counts = new SourceCounts(20_000)
  for (let n = 0; n < 10_000; n++) counts.add(hashOf(n), 1)
  for (let i = 0; i < 10_000; i++) counts.add(hashOf(-1), 1)
  expect(counts.count(hashOf(-1))).toBeGreaterThanOrEqual(10_000)
  expect(counts.count(hashOf(-1))).toBeLessThan(10_020)
  const ofOthers = Array.from({ length: 10_000 }, (_, n) => counts.count(hashOf(n)))
  expect(Math.min(...ofOthers)).toBe(1)
  expect(ofOthers.sort((a, b) => a - b)[9990]).toBeLessThan(20)
})

test('who leaves is no longer counted', () => {
  const counts = new SourceCounts(1000)
  for (let n = 0; n < 1000; n++) counts.add(hashOf(n), 1)
  for (let n = 0; n < 1000; n++) counts.add(hashOf(n), -1)
  for (let n = 0; n < 1000; n++) expect(counts.count(hashOf(n))).toBe(0)
})
