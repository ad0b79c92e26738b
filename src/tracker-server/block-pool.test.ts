import { assert, array, constantFrom, nat, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { BlockPool, type Page } from './block-pool.ts'

const MIB = 2 ** 20

test('no byte belongs to two blocks at a time', () => {
  const steps = array(tuple(constantFrom(60, 90, 30_000, 100_000), nat()), { maxLength: 300, size: 'max' })
  assert(
    property(steps, (steps) => {
      const pool = new BlockPool()
      const taken: { page: Page; start: number; mark: number }[] = []
      for (const [step, [length, chance]] of steps.entries()) {
        if (chance % 3 === 0 && taken.length > 0) {
          const [{ page, start }] = taken.splice(chance % taken.length, 1)
          pool.giveBack(page, start)
          continue
        }
        const page = pool.page(length)
        const start = pool.takeBlock(page)
        expect(start + length).toBeLessThanOrEqual(page.bytes.length)
        const mark = 1 + (step % 255)
        page.bytes.fill(mark, start, start + length)
        taken.push({ page, start, mark })
      }
      for (const { page, start, mark } of taken) {
        if (!page.bytes.subarray(start, start + page.blockLength).every((byte) => byte === mark)) {
          throw new Error(`The block ${mark} was written by somebody else`)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('what was given back is used again before more is taken', () => {
  const pool = new BlockPool()
  const pages = new Set<Page>()
  for (let round = 0; round < 50; round++) {
    const blocks = Array.from({ length: 10_000 }, () => {
      const page = pool.page(60)
      pages.add(page)
      return { page, start: pool.takeBlock(page) }
    })
    for (const { page, start } of blocks.slice(round)) pool.giveBack(page, start)
    for (const { page, start } of blocks.slice(0, round)) pool.giveBack(page, start)
  }
  // 600 kB at a time; pages that became empty were let go, all but one.
  expect([...pages].reduce((sum, { used }) => sum + used, 0)).toBe(0)
  const inUse = new Set(Array.from({ length: 10_000 }, () => {
    const page = pool.page(60)
    pool.takeBlock(page)
    return page
  })) // prettier-ignore
  expect([...inUse].reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(MIB)
})
