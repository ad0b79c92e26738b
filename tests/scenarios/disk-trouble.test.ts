import { expect, test } from 'vitest'
import { diskTrouble } from '../../src/apps/sim/scenarios/disk-trouble.ts'
import { runSmall } from '../support/small-scenario.ts'

test.each(['slow', 'full'])('a %s drive costs no data, no memory, and other torrents no time', async (trouble) => {
  const figures = await runSmall(diskTrouble, { trouble })
  expect(figures['other slowed by']).toBeLessThan(5)
  expect(figures['pieces lost']).toBe(0)
  expect(figures['slots kept']).toBe(0)
})
