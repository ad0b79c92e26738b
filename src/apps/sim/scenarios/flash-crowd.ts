// A file is published: one seed, and everybody comes within ten seconds. How near is the last one's time to the least that
// the lines allow?
import type { Scenario } from '../scenario.ts'
import { type SuperSeedMode, SwarmWorld, USUAL_LINE } from '../world.ts'

const JOIN_WITHIN_MS = 10_000
const LIMIT_MS = 1_200_000

export const flashCrowd: Scenario = {
  name: 'flash-crowd',
  summary: 'one seed, and all leechers join within 10 s',
  defaults: { peers: 100 },
  settings: { 'super-seed': ['on', 'auto', 'off'] },

  async run({ seed, peers, settings, progress }) {
    const world = new SwarmWorld({ seed, progress })
    world.seed({ superSeed: settings['super-seed'] as SuperSeedMode })
    for (let i = 0; i < peers; i++) world.leecher({ joinsAtMs: world.random.fraction() * JOIN_WITHIN_MS })
    await world.untilAllDone(LIMIT_MS)

    const lastJoinMs = Math.max(...world.leechers.map(({ joinsAtMs }) => joinsAtMs))
    const lastMs = Math.max(...world.leechers.map(({ completedAtMs }) => completedAtMs!)) - lastJoinMs
    const bytes = world.content.totalBytes
    const { up, down } = USUAL_LINE
    const boundMs = 1000 * Math.max(bytes / up, bytes / down, (peers * bytes) / (up + peers * up))
    return [
      ...world.figures(lastJoinMs),
      { name: 'least possible', value: boundMs / 1000, unit: 's' },
      { name: 'last / least possible', value: lastMs / boundMs, unit: '' },
    ]
  },

  cases: [...cases('on', { 100: 1.2, 1000: 1.27 }), ...cases('off', { 100: 1.3, 1000: 1.42 })],
  differences: ['on', 'off'].map((superSeed) => ({
    figure: 'last / least possible',
    of: label(1000, superSeed),
    minus: label(10, superSeed),
    atMost: 0.25,
  })),
  small: { peers: 5 },
}

function cases(superSeed: string, bounds: Readonly<Record<number, number>>): Scenario['cases'] {
  return [10, 30, 100, 300, 1000].map((peers) => ({
    label: label(peers, superSeed),
    peers,
    settings: { 'super-seed': superSeed },
    seeds: peers >= 300 ? 1 : 5,
    bounds: [{ figure: 'last / least possible', atMost: bounds[peers] }],
  }))
}

function label(peers: number, superSeed: string): string {
  return `N = ${peers}, super-seeding ${superSeed}`
}
