import { expect, test } from 'vitest'
import { busySwarm } from '../../src/apps/sim/busy-swarm.ts'
import { completeRun } from '../../src/apps/sim/run-one.ts'
import { determinism } from '../../src/apps/sim/scenarios/determinism.ts'

test('a swarm takes the same course in other processes, time zones and languages', async () => {
  const run = completeRun({ scenario: determinism, seed: 1, ...determinism.small })
  const figures = await determinism.run(run)
  expect(figures).toContainEqual({ name: 'processes with the same trace', value: 3, unit: '' })
})

test('another seed is another course', async () => {
  const [first, second] = [await busySwarm(1, 4), await busySwarm(2, 4)]
  expect(first.trace).not.toBe(second.trace)
})
