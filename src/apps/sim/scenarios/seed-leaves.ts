// The only seed goes as soon as others have one full copy between them. Everybody must still complete; and the less the
// seed had to send until then, the better.
import type { Scenario } from '../scenario.ts'
import { type SuperSeedMode, SwarmWorld } from '../world.ts'

const JOIN_WITHIN_MS = 10_000
const LIMIT_MS = 1_200_000
/** How often somebody looks whether the seed can go. */
const LOOK_EVERY_MS = 100

export const seedLeaves: Scenario = {
  name: 'seed-leaves',
  summary: 'the only seed leaves once one full copy is out',
  defaults: { peers: 30 },
  settings: { 'super-seed': ['on', 'auto', 'off'] },

  async run({ seed, peers, settings, progress }) {
    const world = new SwarmWorld({ seed, progress })
    const source = world.seed({ superSeed: settings['super-seed'] as SuperSeedMode })
    for (let i = 0; i < peers; i++) world.leecher({ joinsAtMs: world.random.fraction() * JOIN_WITHIN_MS })

    let lookAtMs = 0
    const isCopyOut = (): boolean => {
      if (world.nowMs < lookAtMs) return false
      lookAtMs = world.nowMs + LOOK_EVERY_MS
      return world.availability(world.leechers) >= 1
    }
    await world.until(isCopyOut, LIMIT_MS)
    const leftAtMs = world.nowMs
    const copies = source.uploaded / world.content.totalBytes
    void source.leave()
    await world.untilAllDone(LIMIT_MS)
    return [
      ...world.figures(Math.max(...world.leechers.map(({ joinsAtMs }) => joinsAtMs))),
      { name: 'seed left at', value: leftAtMs / 1000, unit: 's' },
      { name: 'copies sent by the seed', value: copies, unit: '' },
    ]
  },

  cases: [
    {
      label: 'super-seeding on',
      settings: { 'super-seed': 'on' },
      seeds: 5,
      bounds: [{ figure: 'copies sent by the seed', atMost: 1.05 }],
    },
    {
      label: 'super-seeding off',
      settings: { 'super-seed': 'off' },
      seeds: 5,
      bounds: [{ figure: 'copies sent by the seed', atMost: 1.35 }],
    },
  ],
  small: { peers: 5 },
}
