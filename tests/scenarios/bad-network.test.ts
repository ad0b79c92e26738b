import { expect, test } from 'vitest'
import { badNetwork } from '../../src/apps/sim/scenarios/bad-network.ts'
import { runSmall } from '../support/small-scenario.ts'

test.each(['loss', 'router-of-seed', 'partition'])(
  'in spite of %s a torrent does what its line can',
  async (trouble) => {
    const figures = await runSmall(badNetwork, { trouble })
    expect(figures['of a raw stream']).toBeGreaterThan(0.8)
  },
)
