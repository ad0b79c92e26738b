// Lines as they are: far away, losing packets, behind a router that lets nobody in, cut in the middle. A torrent between two
// members must be nearly as fast as a bare stream of bytes over the same line.
import type { NodeOptions } from '../../../sim/index.ts'
import { expectCause } from '../expect-cause.ts'
import { CONTENT_FOLDER, type Member } from '../member.ts'
import { RawStream } from '../peers/raw-stream.ts'
import { type Figure, type Scenario, ScenarioFailure, type ScenarioRun } from '../scenario.ts'
import { SwarmWorld } from '../world.ts'

interface Trouble {
  readonly roundTripMs: number
  readonly mebibytes: number
  /** Part of the packets, each way. Default 0. */
  readonly loss?: number
  /** Whose router lets nobody in. */
  readonly behindRouter?: 'leecher' | 'seed'
}

const TROUBLES: Readonly<Record<string, Trouble>> = {
  loss: { roundTripMs: 40, mebibytes: 16, loss: 0.05 },
  distance: { roundTripMs: 300, mebibytes: 64 },
  'loss-and-distance': { roundTripMs: 300, mebibytes: 8, loss: 0.05 },
  'router-of-leecher': { roundTripMs: 40, mebibytes: 64, behindRouter: 'leecher' },
  'router-of-seed': { roundTripMs: 40, mebibytes: 64, behindRouter: 'seed' },
}
const WHOLE: Trouble = { roundTripMs: 40, mebibytes: 64 }
const ROUTER = { nat: 'port_restricted' } as const
const CUT_AFTER_MS = 20_000
/** A pair is cut for a time that chance decides: how long after it they meet again must not depend on that. */
const CUT_FOR_MS = { least: 60_000, most: 120_000 }
/** By then each half has given up the other: connections on which nothing comes are kept for four minutes. */
const SWARM_CUT_FOR_MS = 300_000
/** A dial takes 10 s to fail. */
const DIAGNOSIS_MS = 60_000
const LIMIT_MS = 3_600_000

export const badNetwork: Scenario = {
  name: 'bad-network',
  summary: 'loss, distance, routers that let nobody in, a network that falls apart for a while',
  defaults: { peers: 10 },
  settings: { trouble: [...Object.keys(TROUBLES), 'partition'] },

  async run(run) {
    const { trouble } = run.settings
    if (trouble === 'partition') return [...(await pairThroughPartition(run)), ...(await swarmThroughPartition(run))]
    return pairOnBadLine(run, TROUBLES[trouble])
  },

  cases: [...Object.keys(TROUBLES), 'partition'].map((trouble) => ({
    label: trouble.replaceAll('-', ' '),
    settings: { trouble },
    seeds: 5,
    bounds: [{ figure: 'of a raw stream', atLeast: 0.8 }],
    wallSeconds: trouble === 'partition' ? 12 : 8,
  })),
  small: { peers: 4, settings: { trouble: 'partition' } },
}

async function pairOnBadLine(run: ScenarioRun, trouble: Trouble): Promise<Figure[]> {
  if (trouble.behindRouter) await expectNoWayThrough(run, trouble)
  const world = makeWorld(run, trouble)
  const { leecher } = makePair(world, trouble)
  const transferMs = await timeTransfer(world, leecher)
  return comparison(trouble, transferMs, await timeRawStream(run, trouble))
}

/** Two routers that let nobody in: nothing can be done, but it can be told. */
async function expectNoWayThrough(run: ScenarioRun, trouble: Trouble): Promise<void> {
  const world = makeWorld(run, trouble)
  world.seed({ line: ROUTER })
  const leecher = world.leecher({ line: ROUTER, mustComplete: false })
  await world.pass(DIAGNOSIS_MS)
  expectCause(leecher.torrent, 'peers_unreachable', 'behind two routers')
}

async function pairThroughPartition(run: ScenarioRun): Promise<Figure[]> {
  const world = makeWorld(run, WHOLE)
  const { seed, leecher } = makePair(world, WHOLE)
  const cutForMs = CUT_FOR_MS.least + world.random.fraction() * (CUT_FOR_MS.most - CUT_FOR_MS.least)
  await world.pass(CUT_AFTER_MS)
  world.sim.partition([seed.node], [leecher.node])
  await world.pass(cutForMs)
  expectCause(leecher.torrent, 'peers_unreachable', 'while the network is cut')
  world.sim.heal()
  const { downloaded } = leecher
  await world.until(() => leecher.downloaded > downloaded, LIMIT_MS)
  const resumedMs = world.nowMs - CUT_AFTER_MS - cutForMs
  await world.untilAllDone(LIMIT_MS)
  const transferMs = leecher.completedAtMs! - leecher.joinsAtMs - cutForMs
  return [
    ...comparison(WHOLE, transferMs, await timeRawStream(run, WHOLE)),
    { name: 'resumed after', value: resumedMs / 1000, unit: 's' },
  ]
}

/** Half of a swarm is cut off from its seed and from the other half for a while. */
async function swarmThroughPartition({ seed, peers, progress }: ScenarioRun): Promise<Figure[]> {
  const world = new SwarmWorld({ seed, progress })
  world.seed()
  for (let i = 0; i < peers; i++) world.leecher({ group: i % 2 === 0 ? 'with the seed' : 'cut off' })
  const cutOff = world.leechers.filter(({ group }) => group === 'cut off').map(({ node }) => node)
  const others = world.members.map(({ node }) => node).filter((node) => !cutOff.includes(node))
  await world.pass(CUT_AFTER_MS)
  world.sim.partition(cutOff, others)
  await world.pass(SWARM_CUT_FOR_MS)
  const stuck = world.leechers.find(({ group }) => group === 'cut off')!
  expectCause(stuck.torrent, 'pieces_unavailable', 'in the part without a seed')
  world.sim.heal()
  await world.untilAllDone(LIMIT_MS)
  return world.figures(0)
}

// ---------------------------------------------------------------- the two ends

function makeWorld({ seed, progress }: ScenarioRun, { roundTripMs, mebibytes }: Trouble): SwarmWorld {
  // Packet by packet: here it is the line that is looked at.
  const simulator = { delayMs: () => roundTripMs / 2, segmentBytes: 1448 }
  return new SwarmWorld({ seed, progress, content: { files: mebibytes << 20 }, simulator })
}

function linesOf({ loss, behindRouter }: Trouble): { readonly seed: NodeOptions; readonly leecher: NodeOptions } {
  const routerOf = (who: Trouble['behindRouter']): NodeOptions => (who === behindRouter ? ROUTER : {})
  return { seed: routerOf('seed'), leecher: { loss, ...routerOf('leecher') } }
}

function makePair(world: SwarmWorld, trouble: Trouble): { readonly seed: Member; readonly leecher: Member } {
  const lines = linesOf(trouble)
  return { seed: world.seed({ line: lines.seed }), leecher: world.leecher({ line: lines.leecher }) }
}

/** From the moment when they have found each other. */
async function timeTransfer(world: SwarmWorld, leecher: Member): Promise<number> {
  await world.until(() => leecher.isHere && leecher.torrent.stats().peers > 0, LIMIT_MS)
  const foundAtMs = world.nowMs
  await world.untilAllDone(LIMIT_MS)
  if (!world.content.isComplete(leecher.node.disk, CONTENT_FOLDER))
    throw new ScenarioFailure('It has completed with wrong data')
  return leecher.completedAtMs! - foundAtMs
}

async function timeRawStream(run: ScenarioRun, trouble: Trouble): Promise<number> {
  const world = makeWorld(run, trouble)
  const lines = linesOf(trouble)
  const [sender, receiver] = [world.node(lines.seed), world.node(lines.leecher)]
  const dialler = trouble.behindRouter === 'seed' ? sender : receiver
  const stream = new RawStream(world.sim, world.content.totalBytes, sender, receiver, dialler)
  await world.until(() => stream.isDone, LIMIT_MS)
  return world.nowMs - stream.openedAtMs!
}

function comparison({ mebibytes }: Trouble, transferMs: number, rawMs: number): Figure[] {
  return [
    { name: 'torrent', value: (1000 * mebibytes) / transferMs, unit: 'MiB/s' },
    { name: 'raw stream', value: (1000 * mebibytes) / rawMs, unit: 'MiB/s' },
    { name: 'of a raw stream', value: rawMs / transferMs, unit: '' },
  ]
}
