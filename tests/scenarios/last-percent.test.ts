import { expect, test } from 'vitest'
import { lastPercent } from '../../src/apps/sim/scenarios/last-percent.ts'
import { runSmall } from '../support/small-scenario.ts'

test('holders that are slow, silent or choking do not hold up the last percent', async () => {
  const figures = await runSmall(lastPercent)
  expect(figures['last percent / total']).toBeLessThan(3)
  expect(figures.twice).toBeLessThan(1)
})
