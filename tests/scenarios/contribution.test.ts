import { expect, test } from 'vitest'
import { contribution } from '../../src/apps/sim/scenarios/contribution.ts'
import { runSmall } from '../support/small-scenario.ts'

test('whoever sends more has the content sooner', async () => {
  const figures = await runSmall(contribution, { among: 'classes' })
  expect(figures['4 Mbit/s / 8 Mbit/s']).toBeGreaterThan(1)
  expect(figures['2 Mbit/s / 4 Mbit/s']).toBeGreaterThan(1)
})
