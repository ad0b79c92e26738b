// Does giving pay? Lines of three classes: who sends more shall have the content sooner. And with members that take and give
// nothing: they shall have little of it when the others are done, and hardly slow them down.
import type { Member } from '../member.ts'
import type { Figure, Scenario, ScenarioRun } from '../scenario.ts'
import { median } from '../statistics.ts'
import { SwarmWorld } from '../world.ts'

const JOIN_WITHIN_MS = 10_000
const LIMIT_MS = 1_800_000
/** Uplinks in Mbit/s. */
const CLASSES = [8, 4, 2] as const
const BYTES_PER_MBIT = 125_000
/** One member in so many is a free-rider. */
const ONE_FREE_RIDER_IN = 5

export const contribution: Scenario = {
  name: 'contribution',
  summary: 'links of 8, 4 and 2 Mbit/s up; or one member in five gives nothing',
  defaults: { peers: 60 },
  settings: { among: ['classes', 'free-riders'] },

  run: (run) => (run.settings.among === 'classes' ? amongClasses(run) : amongFreeRiders(run)),

  cases: [
    {
      label: 'three classes',
      settings: { among: 'classes' },
      seeds: 5,
      bounds: [
        { figure: '4 Mbit/s / 8 Mbit/s', atLeast: 1 },
        { figure: '2 Mbit/s / 4 Mbit/s', atLeast: 1 },
      ],
      wallSeconds: 15,
    },
    {
      label: '20 % free-riders',
      settings: { among: 'free-riders' },
      seeds: 5,
      bounds: [
        { figure: 'free-riders have', atMost: 55 },
        { figure: 'contributors slowed by', atMost: 10 },
      ],
      wallSeconds: 30,
    },
  ],
  small: { peers: 9 },
}

async function amongClasses({ seed, peers, progress }: ScenarioRun): Promise<Figure[]> {
  const world = new SwarmWorld({ seed, progress })
  world.seed({ superSeed: 'on' })
  for (let i = 0; i < peers; i++) {
    const up = CLASSES[i % CLASSES.length]
    const joinsAtMs = world.random.fraction() * JOIN_WITHIN_MS
    world.leecher({ group: `${up} Mbit/s`, line: { up: up * BYTES_PER_MBIT }, joinsAtMs })
  }
  await world.untilAllDone(LIMIT_MS)
  const startMs = lastJoin(world.leechers)
  const [fast, middle, slow] = CLASSES.map((up) =>
    medianDone(world.leechers.filter(({ group }) => group === `${up} Mbit/s`)),
  ).map((doneMs) => doneMs - startMs)
  return [
    ...world.figures(startMs),
    { name: '4 Mbit/s / 8 Mbit/s', value: middle / fast, unit: '' },
    { name: '2 Mbit/s / 4 Mbit/s', value: slow / middle, unit: '' },
  ]
}

async function amongFreeRiders(run: ScenarioRun): Promise<Figure[]> {
  const alone = await contributorsDone(run, false)
  const together = await contributorsDone(run, true)
  return [
    ...together.world.figures(0, together.contributors),
    { name: 'free-riders have', value: 100 * median(together.riders.map(({ progress }) => progress)), unit: '%' },
    { name: 'contributors slowed by', value: 100 * (together.medianMs / alone.medianMs - 1), unit: '%' },
  ]
}

/** A swarm with or without its free-riders, at the moment when the median contributor is done. */
async function contributorsDone(
  { seed, peers, progress }: ScenarioRun,
  hasRiders: boolean,
): Promise<{ world: SwarmWorld; contributors: readonly Member[]; riders: readonly Member[]; medianMs: number }> {
  const world = new SwarmWorld({ seed, progress })
  world.seed({ superSeed: 'on' })
  const contributors: Member[] = []
  const riders: Member[] = []
  for (let i = 0; i < peers; i++) {
    const isRider = i % ONE_FREE_RIDER_IN === ONE_FREE_RIDER_IN - 1
    const joinsAtMs = world.random.fraction() * JOIN_WITHIN_MS
    const torrent = { servesNobody: true }
    if (!isRider) contributors.push(world.leecher({ group: 'contributors', joinsAtMs }))
    else if (hasRiders) riders.push(world.leecher({ group: 'free-riders', joinsAtMs, torrent, mustComplete: false }))
  }
  const isMedianDone = (): boolean =>
    contributors.filter(({ completedAtMs }) => completedAtMs !== null).length * 2 >= contributors.length
  await world.until(isMedianDone, LIMIT_MS)
  return { world, contributors, riders, medianMs: medianDone(contributors) - lastJoin(contributors) }
}

/** When half of them had everything. */
function medianDone(members: readonly Member[]): number {
  return median(members.map(({ completedAtMs }) => completedAtMs ?? Infinity))
}

function lastJoin(members: readonly Member[]): number {
  return Math.max(...members.map(({ joinsAtMs }) => joinsAtMs))
}
