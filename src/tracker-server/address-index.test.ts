import { assert, array, boolean, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { AddressIndex, hashBytes } from './address-index.ts'

const ANYBODY = { isAt: () => true }

test('positions are found by hash, through additions and removals, however hashes collide', () => {
  // Few hashes, many positions: chains are long and run over the table's end.
  const steps = array(tuple(integer({ min: 0, max: 400 }), boolean()), { maxLength: 500, size: 'max' })
  assert(
    property(steps, integer({ min: 1, max: 300 }), (steps, hashes) => {
      const index = new AddressIndex()
      const present = new Set<number>()
      const hashOf = (position: number): number => Math.imul(position % hashes, 61) - 20
      for (const [position, isAdded] of steps) {
        if (present.has(position) === isAdded) continue
        if (isAdded) {
          index.add(hashOf(position), position)
          present.add(position)
        } else {
          index.remove(hashOf(position), position)
          present.delete(position)
        }
      }
      for (let position = 0; position <= 400; position++) {
        const found = index.find(hashOf(position), new Uint8Array(), { isAt: (at) => at === position })
        if (found !== (present.has(position) ? position : -1)) throw new Error(`${position} was found at ${found}`)
      }
    }),
    { numRuns: 50 },
  )
})

test('of what was large once, little stays: memory follows the peers that there are', () => {
  const index = new AddressIndex()
  const smallest = index.byteLength
  const hashOf = (position: number): number => Math.imul(position, 0x9e3779b1)
  for (let position = 0; position < 100_000; position++) index.add(hashOf(position), position)
  expect(index.byteLength).toBeGreaterThan(1e6)
  for (let position = 99_999; position >= 16; position--) index.remove(hashOf(position), position)
  expect(index.byteLength).toBeLessThanOrEqual(2 * smallest)
  for (let position = 0; position < 16; position++) {
    expect(index.find(hashOf(position), new Uint8Array(), { isAt: (at) => at === position })).toBe(position)
  }
})

test('who comes and goes at a border does not have the table rebuilt each time', () => {
  const index = new AddressIndex()
  for (let position = 0; position < 1000; position++) index.add(position, position)
  const sizes = new Set<number>()
  for (let times = 0; times < 100; times++) {
    for (let position = 1000; position < 1600; position++) index.add(position, position)
    sizes.add(index.byteLength)
    for (let position = 1599; position >= 1000; position--) index.remove(position, position)
    sizes.add(index.byteLength)
  }
  expect(sizes.size).toBe(1)
})

test('a moved peer is found where it stands now', () => {
  const index = new AddressIndex()
  index.add(7, 0)
  index.move(7, 0, 5)
  expect(index.find(7, new Uint8Array(), ANYBODY)).toBe(5)
})

test('a hash depends on each byte, and on the seed', () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, i) => i)
  const hashes = new Set([hashBytes(bytes, 0, 18, 1), hashBytes(bytes, 0, 18, 2)])
  for (let i = 0; i < 18; i++) {
    const changed = bytes.slice()
    changed[i] ^= 1
    hashes.add(hashBytes(changed, 0, 18, 1))
  }
  expect(hashes.size).toBe(20)
})
