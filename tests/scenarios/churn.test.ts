import { expect, test } from 'vitest'
import { churn } from '../../src/apps/sim/scenarios/churn.ts'
import { runSmall } from '../support/small-scenario.ts'

test('while members come and go nobody stalls, and nothing is left of those who went', async () => {
  const figures = await runSmall(churn)
  expect(figures['longest without a block']).toBeLessThanOrEqual(30)
  const left = ['peers afterwards', 'addresses kept', 'connections kept', 'timers kept', 'slots kept', 'frames kept']
  for (const name of left) expect([name, figures[name]]).toEqual([name, 0])
})
