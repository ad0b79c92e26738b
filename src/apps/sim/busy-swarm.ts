// A small swarm in which everything happens: loss, jitter, routers, a crash, a partition, blocks that are corrupt. Only its
// trace counts: it must be the same wherever the same seed is run.
import type { Member } from './member.ts'
import { ProgressRecorder } from './progress-recorder.ts'
import type { Figure } from './scenario.ts'
import { SwarmWorld } from './world.ts'

const LIMIT_MS = 1_200_000

/** Runs it to its end. `trace` is the fingerprint of all that was delivered. */
export async function busySwarm(
  seed: number,
  peers: number,
  progress = new ProgressRecorder(),
): Promise<{ readonly trace: string; readonly figures: readonly Figure[] }> {
  const world = new SwarmWorld({
    seed,
    progress,
    content: { files: 8 << 20, pieceBytes: 65_536 },
    lineOf: (index) => ({
      loss: index % 3 === 0 ? 0.01 : 0,
      ...(index % 4 === 3 ? { nat: 'port_restricted' } : {}),
    }),
    simulator: { segmentBytes: 1448, jitterMs: 5 },
  })
  world.seed({ superSeed: 'auto' })
  const join = (mustComplete = true): Member =>
    world.leecher({ mustComplete, joinsAtMs: world.random.fraction() * 5000 })
  // Everybody bans the one whose disk corrupts what it sends.
  const [corrupt, crashing] = [join(false), join()]
  const others = Array.from({ length: peers - 2 }, () => join())
  corrupt.node.disk.device('/').corruptReads(50)
  await world.pass(6000)
  crashing.node.crash()
  const [inside, outside] = [others.slice(0, peers >> 2), others.slice(peers >> 2)]
  world.sim.partition(
    inside.map(({ node }) => node),
    outside.map(({ node }) => node),
  )
  await world.pass(5000)
  world.sim.heal()
  crashing.node.restart()
  void crashing.join()
  await world.untilAllDone(LIMIT_MS)
  return { trace: world.sim.trace, figures: world.figures(0) }
}
