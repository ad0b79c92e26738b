import { expect, test } from 'vitest'
import { dht } from '../../src/apps/sim/scenarios/dht.ts'
import { runSmall } from '../support/small-scenario.ts'

test('what was announced is found again while nodes come and go', async () => {
  const figures = await runSmall(dht)
  expect(figures.lookups).toBeGreaterThan(200)
  expect(figures.found).toBeGreaterThanOrEqual(99)
})

test('somebody with a tenth of the nodes, all of them as near as they may be, does not hide it', async () => {
  const figures = await runSmall(dht, { attack: 'sybil' })
  expect(figures.lookups).toBeGreaterThan(200)
  expect(figures.hidden).toBeLessThan(5)
})
