// Real sessions in the simulated world.
import { expect, test } from 'vitest'
import { Session } from '../engine/session/session.ts'
import type { Torrent } from '../engine/torrent/torrent.ts'
import type { Platform } from '../platform/platform.ts'
import { SimContent, Simulator } from './index.ts'

/** 8 Mbit/s up, 40 down. */
const LINE = { up: 1_000_000, down: 5_000_000 }

/** A seed and leechers that know the seed; runs until everybody has everything. */
async function smallSwarm(seed: number, leechers: number): Promise<{ ms: number; trace: string; allDone: boolean }> {
  const sim = new Simulator({ seed })
  const content = new SimContent({ files: 4 << 20, pieceBytes: 65_536 })
  const nodes = Array.from({ length: leechers + 1 }, (_, i) => sim.node(`10.0.0.${i + 1}`, LINE))
  content.fill(nodes[0].disk, '/data')
  let done = 0
  const opened = nodes.map(async ({ platform }) => {
    const session = await Session.open({ port: 6881 }, platform)
    const torrent = session.add(content.torrent, { path: '/data', peers: ['10.0.0.1:6881'], useTrackers: false })
    await torrent.done
    done++
  })
  await sim.run({ until: () => done === nodes.length, limitMs: 600_000 })
  await Promise.all(opened)
  return { ms: sim.nowMs, trace: sim.trace, allDone: nodes.every(({ disk }) => content.isComplete(disk, '/data')) }
}

test('a seed and three leechers: everybody completes, in the same way each time', async () => {
  const first = await smallSwarm(1, 3)
  expect(first.allDone).toBe(true)
  // 4 MiB to three leechers: with the seed's line alone it would take 12.6 s; nobody can have it in less than 4.2 s.
  expect(first.ms).toBeGreaterThan(4200)
  expect(first.ms).toBeLessThan(16_000)
  expect(await smallSwarm(1, 3)).toEqual(first)
  expect((await smallSwarm(2, 3)).trace).not.toBe(first.trace)
})

test.each(['http', 'udp'] as const)('thirty sessions find each other through a tracker over %s', async (protocol) => {
  const sim = new Simulator({ seed: 1, segmentBytes: 16_384 })
  const tracker = sim.tracker('10.255.0.1')
  const url = protocol === 'http' ? tracker.httpUrl() : tracker.udpUrl()
  const content = new SimContent({ files: 4 << 20, pieceBytes: 65_536, trackers: [[url]] })
  const nodes = Array.from({ length: 30 }, (_, i) => sim.node(`10.0.0.${i + 1}`, LINE))
  content.fill(nodes[0].disk, '/data')
  let done = 0
  const opened = nodes.map(async ({ platform }) => {
    const session = await Session.open({ port: 6881 }, platform)
    const torrent = session.add(content.torrent, { path: '/data' })
    await torrent.done
    done++
    return session
  })
  await sim.run({ until: () => done === nodes.length, limitMs: 600_000 })
  expect(nodes.every(({ disk }) => content.isComplete(disk, '/data'))).toBe(true)
  // Who leaves in order says so to the tracker.
  const sessions = await Promise.all(opened)
  expect(tracker.peers).toBe(30)
  const closing = Promise.all(sessions.map((session) => session.close()))
  await sim.run({ untilMs: sim.nowMs + 10_000 })
  await closing
  expect(tracker.peers).toBe(0)
})

test('a leecher that is crashed and started again goes on where it was', async () => {
  const sim = new Simulator({ seed: 1 })
  const content = new SimContent({ files: 8 << 20, pieceBytes: 65_536 })
  const [seed, leecher] = ['10.0.0.1', '10.0.0.2'].map((ip) => sim.node(ip, LINE))
  content.fill(seed.disk, '/data')
  const join = async (platform: Platform): Promise<Torrent> => {
    const session = await Session.open({ port: 6881 }, platform)
    return session.add(content.torrent, { path: '/data', peers: ['10.0.0.1:6881'], useTrackers: false })
  }
  void join(seed.platform)
  void join(leecher.platform)
  await sim.run({ untilMs: 5000 })
  leecher.crash()
  await sim.run({ untilMs: 6000 })
  const secondLife = join(leecher.restart())
  await sim.run({ untilMs: 7000 })
  const torrent = await secondLife
  expect(torrent.stats().piecesHave).toBeGreaterThan(20)
  await sim.run({ until: () => torrent.stats().left === 0, limitMs: 60_000 })
  expect(content.isComplete(leecher.disk, '/data')).toBe(true)
  expect(torrent.stats().downloaded).toBeLessThan(7 << 20)
})
