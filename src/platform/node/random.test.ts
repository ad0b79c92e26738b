import { expect, test } from 'vitest'
import { nodeRandom } from './random.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('no bytes are given twice, nor none', () => {
  const taken = Array.from({ length: 2000 }, () => nodeRandom.bytes(20))
  for (const bytes of taken) expect(bytes).toHaveLength(20)
  expect(new Set(taken.map(hex)).size).toBe(2000)
  expect(taken.map(hex)).not.toContain('00'.repeat(20))
})

test('many bytes at once are all of chance', () => {
  const bytes = nodeRandom.bytes(10_000)
  const runs = Array.from({ length: 500 }, (_, i) => hex(bytes.subarray(20 * i, 20 * i + 20)))
  expect(new Set(runs).size).toBe(500)
  expect(nodeRandom.bytes(0)).toEqual(new Uint8Array())
})
