// A slow disk and many fast peers: what is asked for is bounded by memory, and not by the number of peers.
import { expect, test } from 'vitest'
import { type BlockRequest, type Conversation, ScriptedPeer } from '../../src/apps/sim/peers/scripted-peer.ts'
import { Session } from '../../src/engine/session/session.ts'
import { SimContent, Simulator } from '../../src/sim/index.ts'

const MIB = 1 << 20
const BLOCK = 16_384
const PEERS = 200
const DISK_BYTES_PER_SECOND = 2_000_000
const SECONDS = 15
/** What a peer takes to send a block: all together send ten times what the disk writes. */
const DELAY_MS = 160

test('with 200 peers and a slow disk no more is asked for than there is memory for, and the disk is never idle', async () => {
  const sim = new Simulator({ seed: 1, segmentBytes: BLOCK, delayMs: () => 20 })
  const content = new SimContent({ files: 256 * MIB, pieceBytes: 4 * MIB })
  const devices = { '/data': { bytesPerSecond: DISK_BYTES_PER_SECOND } }
  const node = sim.node('10.0.0.1', { disk: { slotCount: 64, frameCount: 4, devices } })
  let asked = 0
  const addresses = Array.from({ length: PEERS }, (_, i) =>
    slowPeer(sim, content, `10.0.1.${i + 1}`, (n) => (asked += n)),
  )
  const opening = Session.open({ port: 6881, maxPeers: PEERS }, node.platform)
  await sim.run({ untilMs: 100 })
  const session = await opening
  const torrent = session.add(content.torrent, { path: '/data', peers: addresses })

  const mostAsked: number[] = []
  const used: number[] = []
  for (let second = 0; second < SECONDS; second++) {
    await sim.run({ untilMs: sim.nowMs + 1000 })
    mostAsked.push(asked * BLOCK)
    used.push(session.memory().incoming)
  }
  const { incomingMost } = session.memory()
  expect(incomingMost).toBe(16 * MIB)
  expect(torrent.stats().peers).toBe(PEERS)
  expect(Math.max(...mostAsked)).toBeLessThanOrEqual(incomingMost)
  expect(Math.max(...used)).toBeGreaterThan(0.8 * incomingMost)
  // Each byte is written once; what was spilled is read once more.
  expect(torrent.stats().downloaded).toBeGreaterThan(0.6 * SECONDS * DISK_BYTES_PER_SECOND)
  const isClosed = session.close()
  await sim.run({ untilMs: sim.nowMs + 10_000 })
  await isClosed
  expect(session.memory()).toMatchObject({ incoming: 0, outgoing: 0 })
})

/** It sends one block after the other; `onAsked` hears how many blocks it owes more, or fewer. */
function slowPeer(sim: Simulator, content: SimContent, ip: string, onAsked: (change: number) => void): string {
  const owed: [Conversation, BlockRequest][] = []
  const sendNext = (): void => {
    const [talk, block] = owed.shift()!
    onAsked(-1)
    talk.sendBlock(block)
    if (owed.length > 0) sim.at(sim.nowMs + DELAY_MS, sendNext)
  }
  const script = {
    request(talk: Conversation, block: BlockRequest): void {
      onAsked(1)
      if (owed.push([talk, block]) === 1) sim.at(sim.nowMs + DELAY_MS, sendNext)
    },
  }
  return new ScriptedPeer(sim.node(ip, {}), { content, script }).address
}
