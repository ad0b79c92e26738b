// Coming and going: each minute half of the members leave, some without a word, and others come instead. Nobody may stall,
// and when it is over the sessions that stayed hold nothing that belongs to the past.
import type { Member } from '../member.ts'
import { ScenarioFailure, type Scenario } from '../scenario.ts'
import { sum } from '../statistics.ts'
import { StallWatch } from '../stall-watch.ts'
import { SwarmWorld } from '../world.ts'

const ROUNDS = 5
const ROUND_MS = 60_000
const SAMPLE_MS = 1000
/** Newcomers of a round come within this time. */
const JOIN_WITHIN_MS = 10_000
const LIMIT_MS = 600_000
/** Connections with those who left without a word are given up after four minutes of silence. */
const QUIET_MS = 300_000
/** Longer than a dial takes. */
const DIAL_SAMPLES = 20
const DIAL_SAMPLE_MS = 7000

export const churn: Scenario = {
  name: 'churn',
  summary: 'half the members leave and are replaced each minute',
  defaults: { peers: 24 },
  settings: { rounds: [String(ROUNDS), '2'] },

  async run({ seed, peers, settings, progress }) {
    const world = new SwarmWorld({ seed, progress })
    world.seed()
    const join = (): Member =>
      world.leecher({ joinsAtMs: world.nowMs + world.random.fraction() * JOIN_WITHIN_MS, mustComplete: false })
    for (let i = 0; i < peers; i++) join()
    const stalls = new StallWatch(world)
    for (let round = 0; round < Number(settings.rounds); round++) {
      await stalls.pass(ROUND_MS)
      const here = world.leechers.filter(({ isHere }) => isHere)
      for (let i = 0; i < peers / 2; i++) {
        const [member] = here.splice(world.random.below(here.length), 1)
        if (i % 2 === 0) void member.leave()
        else vanish(member, world.nowMs)
        join()
      }
    }
    const isAllDone = (): boolean =>
      world.leechers.every((member) => member.completedAtMs !== null || member.leftAtMs !== null)
    for (let ms = 0; !isAllDone() && ms < LIMIT_MS; ms += SAMPLE_MS) await stalls.pass(SAMPLE_MS)
    if (!isAllDone()) throw new ScenarioFailure('Somebody has not completed')
    const figures = world.figures(0)
    await world.pass(QUIET_MS)
    const stayed = world.members.filter(({ isHere }) => isHere)
    const peersLeft = sum(stayed.map(({ torrent }) => torrent.stats().peers))
    const addressesKept = await leastInUse(world, stayed)
    await removeTorrents(world, stayed)
    return [
      ...figures,
      { name: 'longest without a block', value: stalls.longestMs / 1000, unit: 's' },
      { name: 'peers afterwards', value: peersLeft, unit: '' },
      { name: 'addresses kept', value: addressesKept, unit: '' },
      { name: 'connections kept', value: sum(stayed.map(({ node }) => node.connections)), unit: '' },
      { name: 'timers kept', value: sum(stayed.map(({ node }) => node.timers)) - stayed.length, unit: '' },
      { name: 'slots kept', value: sum(stayed.map(({ node: { disk } }) => disk.slotCount - disk.freeSlots)), unit: '' },
      {
        name: 'frames kept',
        value: sum(stayed.map(({ node: { disk } }) => disk.frameCount - disk.freeFrames)),
        unit: '',
      },
    ]
  },

  cases: [
    {
      label: 'half of them each minute',
      seeds: 5,
      bounds: [
        { figure: 'longest without a block', atMost: 30 },
        ...['peers afterwards', 'addresses kept', 'connections kept', 'timers kept', 'slots kept', 'frames kept'].map(
          (figure) => ({ figure, atMost: 0 }),
        ),
      ],
      wallSeconds: 25,
    },
  ],
  small: { peers: 6, settings: { rounds: '2' } },
}

/** Off without a word: nobody is told. */
function vanish(member: Member, nowMs: number): void {
  member.node.crash()
  member.leftAtMs = nowMs
}

/** Those who left without a word are dialled again now and then; an address that is in use all the time is a leak. */
async function leastInUse(world: SwarmWorld, members: readonly Member[]): Promise<number> {
  const least = members.map(() => Infinity)
  for (let i = 0; i < DIAL_SAMPLES; i++) {
    await world.pass(DIAL_SAMPLE_MS)
    members.forEach(({ torrent }, i) => (least[i] = Math.min(least[i], torrent.knownAddresses()!.inUse)))
  }
  return sum(least)
}

/** Each session goes on without its torrent: with a heartbeat, and nothing else. */
async function removeTorrents(world: SwarmWorld, members: readonly Member[]): Promise<void> {
  let removed = 0
  for (const { torrent } of members) void torrent.remove().then(() => removed++)
  await world.until(() => removed === members.length, LIMIT_MS)
}
