import { expect, test } from 'vitest'
import { manyAddresses } from '../../src/apps/sim/scenarios/many-addresses.ts'
import { completeRun } from '../../src/apps/sim/run-one.ts'

test('what is known is bounded, and the work of a heartbeat does not depend on it', async () => {
  const run = completeRun({ scenario: manyAddresses, seed: 1, ...manyAddresses.small })
  const figures = new Map((await manyAddresses.run(run)).map(({ name, value }) => [name, value]))
  expect(figures.get('connected')).toBe(200)
  expect(figures.get('addresses kept')).toBe(2000)
  // Each of the 200 peers is looked at: had nothing been counted, the figures below would mean nothing.
  expect(figures.get('most work in a tick')).toBeGreaterThan(200)
  expect(figures.get('work per tick, to that with 1,000 addresses')).toBeLessThan(1.1)
  expect(figures.get('most work in a tick, to that with 1,000 addresses')).toBeLessThan(1.5)
})
