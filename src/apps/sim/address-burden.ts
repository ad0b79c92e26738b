// A session that has as many connections as it may, and hears of thousands of addresses at which nobody answers.
import { parseAddress } from '../../base/address.ts'
import type { EngineWork } from './engine-work.ts'
import { ScriptedPeer } from './peers/scripted-peer.ts'
import { choking } from './peers/scripts.ts'
import { ProgressRecorder } from './progress-recorder.ts'
import { sum } from './statistics.ts'
import { SwarmWorld } from './world.ts'

/** As many as the session may have. */
export const CONNECTIONS = 200
/** Machines that answer. */
const LIVING = 220
/** Until there are as many connections as there may be. */
const CONNECTING_MS = 30_000
/**
 * Until the tracker has told of them, three times: between two announces, and before some of the living make way for untried
 * addresses.
 */
const HEARING_MS = 95_000
const HEARTBEAT_MS = 100
const HEARTBEATS_COUNTED = 200

export interface Burden {
  readonly connected: number
  readonly known: number
  /** Blocks of the engine's code run per heartbeat: on average, and the most. */
  readonly usual: number
  readonly most: number
}

/** @param work is counting */
export async function addressBurden(seed: number, addresses: number, work: EngineWork): Promise<Burden> {
  const world = new SwarmWorld({
    seed,
    progress: new ProgressRecorder(),
    content: { files: 1 << 20, pieceBytes: 65_536 },
    tracker: { intervalSeconds: 30, peersPerAnswer: 5000 },
  })
  const { content, tracker, metainfo } = world
  const know = (address: string): void => tracker.know(metainfo.infohashV1!, parseAddress(address)!)
  for (let i = 0; i < LIVING; i++) know(new ScriptedPeer(world.node(), { content, script: choking }).address)
  const member = world.leecher({ session: { maxPeers: CONNECTIONS } })
  await world.pass(CONNECTING_MS)
  for (let i = LIVING; i < addresses; i++) know(`172.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:6881`)
  await world.pass(HEARING_MS)

  await work.take()
  const perHeartbeat: number[] = []
  for (let i = 0; i < HEARTBEATS_COUNTED; i++) {
    await world.pass(HEARTBEAT_MS)
    perHeartbeat.push(await work.take())
  }
  const connected = member.torrent.stats().peers
  const { known } = member.torrent.knownAddresses()!
  return { connected, known, usual: sum(perHeartbeat) / HEARTBEATS_COUNTED, most: Math.max(...perHeartbeat) }
}
