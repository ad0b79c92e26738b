import { expect, test } from 'vitest'
import { poison } from '../../src/apps/sim/scenarios/poison.ts'
import { runSmall } from '../support/small-scenario.ts'

test('who sends wrong blocks is found and shunned by all, and costs little', async () => {
  const figures = await runSmall(poison)
  expect(figures.completed).toBe(4)
  expect(figures.bans).toBeGreaterThan(0)
  expect(figures['in vain']).toBeLessThan(5)
})
