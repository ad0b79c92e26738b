import { describe, expect, test } from 'vitest'
import { encodeUtf8, equalBytes, toHex } from '../../base/bytes.ts'
import { SeededRandom } from '../../sim/index.ts'
import { caseInput } from './case-input.ts'
import { changeTree, readTree, writeTree } from './mutate/bencode-tree.ts'
import { MAX_CASE_BYTES } from './mutate/bytes.ts'
import { TARGETS } from './targets/index.ts'

describe.each(TARGETS)('$name', (target) => {
  test('the first cases are the seeds themselves', () => {
    expect(target.seeds.length).toBeGreaterThan(2)
    for (const [number, bytes] of target.seeds.entries()) expect(caseInput(target, { seed: 1, number })).toBe(bytes)
  })

  test('a case follows from seed and number, and cases differ', () => {
    const inputs = new Set<string>()
    for (let number = target.seeds.length; number < target.seeds.length + 200; number++) {
      const input = caseInput(target, { seed: 1, number })
      expect(equalBytes(input, caseInput(target, { seed: 1, number }))).toBe(true)
      expect(input.length).toBeLessThanOrEqual(MAX_CASE_BYTES)
      inputs.add(toHex(input.subarray(0, 2000)))
    }
    expect(inputs.size).toBeGreaterThan(100)
    const number = target.seeds.length + 5
    const other = Array.from({ length: 10 }, (_, seed) => toHex(caseInput(target, { seed, number })))
    expect(new Set(other).size).toBeGreaterThan(3)
  })

  test('no seed is changed by making cases of it', () => {
    const before = target.seeds.map((bytes) => toHex(bytes))
    for (let number = 0; number < 500; number++) caseInput(target, { seed: 2, number })
    expect(target.seeds.map((bytes) => toHex(bytes))).toEqual(before)
  })
})

test('a bencoded document survives as a tree', () => {
  const document = 'd1:ai-5e1:bl4:spami7ed1:cleee1:xdee'
  expect(writeTree(readTree(encodeUtf8(document))!)).toEqual(encodeUtf8(document))
  expect(readTree(encodeUtf8('no document'))).toBeNull()
})

test('trees change into what an encoder would not write: keys twice and out of order, numbers beyond bounds, deep levels', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 3000; i++) {
    const tree = readTree(encodeUtf8('d1:ai1e1:bl4:spame1:c1:xe'))!
    const changed = changeTree(tree, new SeededRandom(`${i}`), readTree(encodeUtf8('d1:zi9ee'))!, ['word'])
    const text = String.fromCharCode(...writeTree(changed).subarray(0, 2000))
    if (text.includes('1:ai1e1:ai1e')) seen.add('twice')
    if (text.includes('i9223372036854775808e')) seen.add('beyond int64')
    if (text.includes('l'.repeat(8))) seen.add('deep')
    if (text.includes('4:word')) seen.add('words')
    if (text.includes('1:zi9e')) seen.add('from another')
    if (/1:b.*1:a/.test(text)) seen.add('unsorted')
  }
  expect([...seen].sort()).toEqual(['beyond int64', 'deep', 'from another', 'twice', 'unsorted', 'words'])
})
