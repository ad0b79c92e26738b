// The pair of bench/fairness/run.py in the simulator: a seed and a download over one line. Prints its seconds, one line a seed.
// Run: npx tsx bench/fairness/simulated.ts '{"mbit": 8, "rttMs": 20, "loss": 0, "mebibytes": 16, "seeds": 5}'
import { Session } from '../../src/engine/session/session.ts'
import { SimContent, Simulator } from '../../src/sim/index.ts'

interface Case {
  readonly mbit: number
  readonly rttMs: number
  /** Of packets, each way. */
  readonly loss: number
  readonly mebibytes: number
  readonly seeds: number
}

const PORT = 6881
const SEED_IP = '10.99.1.2'

async function secondsOf({ mbit, rttMs, loss, mebibytes }: Case, seed: number): Promise<number> {
  const sim = new Simulator({ seed, delayMs: () => rttMs / 2 })
  const content = new SimContent({ files: mebibytes << 20, pieceBytes: 262_144 })
  const up = (mbit * 1e6) / 8
  // A node's loss is that of all its packets, both ways: one of the two has it.
  const seeder = sim.node(SEED_IP, { up, loss })
  const leecher = sim.node('10.99.2.2', { up })
  content.fill(seeder.disk, '/data')
  const seeding = await settled(sim, Session.open({ port: PORT }, seeder.platform))
  seeding.add(content.torrent, { path: '/data', useTrackers: false })
  const session = await settled(sim, Session.open({ port: PORT }, leecher.platform))
  // The seed has looked at its files by then.
  await sim.run({ untilMs: sim.nowMs + 1000 })
  const beganAtMs = sim.nowMs
  const torrent = session.add(content.torrent, { path: '/data', useTrackers: false, peers: [`${SEED_IP}:${PORT}`] })
  await settled(sim, torrent.done)
  return (sim.nowMs - beganAtMs) / 1000
}

/** Lets time pass until a promise of the simulated world is settled. */
async function settled<Value>(sim: Simulator, promise: Promise<Value>): Promise<Value> {
  let isSettled = false
  const watched = promise.finally(() => (isSettled = true))
  await sim.run({ until: () => isSettled })
  return watched
}

const pair = JSON.parse(process.argv[2]) as Case
for (let seed = 1; seed <= pair.seeds; seed++) console.log((await secondsOf(pair, seed)).toFixed(3))
