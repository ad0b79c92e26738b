import { expect, test } from 'vitest'
import { completeRun } from '../../src/apps/sim/run-one.ts'
import { seedLeaves } from '../../src/apps/sim/scenarios/seed-leaves.ts'

test.each(['on', 'off'])('everybody completes though the only seed leaves, super-seeding %s', async (superSeed) => {
  const settings = { 'super-seed': superSeed }
  const run = completeRun({ scenario: seedLeaves, seed: 1, ...seedLeaves.small, settings })
  const figures = new Map((await seedLeaves.run(run)).map(({ name, value }) => [name, value]))
  expect(figures.get('completed')).toBe(run.peers)
  expect(figures.get('copies sent by the seed')).toBeGreaterThanOrEqual(1)
  // Until then every byte came from the seed at least once, at no more than its line carries.
  expect(figures.get('seed left at')).toBeGreaterThan(67)
})
