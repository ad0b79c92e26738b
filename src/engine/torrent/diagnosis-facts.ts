// What `diagnose` has to know, asked from the parts of a torrent at the moment when somebody wants to know.
import { isCutOff } from '../../platform/bound/sources.ts'
import type { Binding } from '../../platform/platform.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { TrackerStatus } from '../discovery/announcer.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import type { DiagnosisFacts, FlowFacts, PeerFacts } from './diagnosis.ts'
import type { FlowWatch } from './flow-watch.ts'
import type { ConnectionBudget, Swarm } from './swarm.ts'
import type { TorrentStats } from './torrent-api.ts'
import type { TorrentParts } from './torrent-parts.ts'

/** A torrent that looks for its cause. */
export interface DiagnosisSubject {
  readonly stats: TorrentStats
  readonly error: DiagnosisFacts['error']
  readonly checking: DiagnosisFacts['checking']
  /** Null until the disk has been found. */
  readonly parts: TorrentParts | null
  readonly map: PieceMap
  readonly watch: FlowWatch
  readonly banned: number
  readonly trackers: readonly TrackerStatus[]
  /** The torrent's own, within that of the session. */
  readonly downLimiter: RateLimiter
  readonly upLimiter: RateLimiter
  readonly budget: ConnectionBudget
  readonly slots: number
  readonly listenPort: number | null
  readonly usesDht: boolean
  readonly binding: Binding | undefined
}

/** Pieces named one by one; beyond that they are counted. */
const MAX_NAMED_PIECES = 100
const NOTHING_UNAVAILABLE = { pieces: [], count: 0, lastSeenMs: null }
const NOBODY_KNOWN = { known: 0, inUse: 0, untried: 0, failed: new Map<string, number>(), nextDialMs: null }

/** Walks over peers, known addresses and, while downloading, pieces: for now and then, not for each tick. */
export function gatherFacts(subject: DiagnosisSubject, now: number): DiagnosisFacts {
  const { stats, parts, watch, budget } = subject
  return {
    state: stats.state,
    error: subject.error,
    checking: subject.checking,
    down: { ...flowOf(stats.downRate, subject.downLimiter, parts?.swarm.asking ?? null), bestRate: watch.bestRate },
    up: flowOf(stats.upRate, subject.upLimiter, parts?.upload ?? null),
    disk: {
      pendingWrites: parts?.download.pendingWrites ?? 0,
      silentMs: watch.diskSilentMs(now),
      shortShare: watch.memoryShortShare(),
      rate: watch.diskRate(now),
      slotsHeld: parts?.download.slotsHeld ?? 0,
      slots: subject.slots,
    },
    peers: parts ? peersOf(parts.swarm, now) : [],
    webSeeds: parts?.webSeeds.infos(now) ?? [],
    servedMs: watch.servedMs(now),
    unavailable: parts && stats.state === 'downloading' ? unavailableIn(parts, subject.map, now) : NOTHING_UNAVAILABLE,
    book: parts ? bookOf(parts.swarm, now) : NOBODY_KNOWN,
    banned: subject.banned,
    trackers: subject.trackers,
    connections: { used: budget.peers, limit: budget.maxPeers },
    listenPort: subject.listenPort,
    usesDht: subject.usesDht,
    waitsFor: isCutOff(subject.binding) ? subject.binding!.name : null,
  }
}

/** @param flow who may have to wait for the limiter; null: nobody yet */
function flowOf(rate: number, limiter: RateLimiter, flow: { readonly isHeldByRate: boolean } | null): FlowFacts {
  return { rate, limit: limiter.bytesPerSecond, isAtLimit: flow?.isHeldByRate ?? false }
}

function peersOf(swarm: Swarm, now: number): PeerFacts[] {
  return [...swarm.connected()].map((peer) => ({
    connectedMs: now - (swarm.connectedAt(peer) ?? now),
    isWanted: peer.isWanted,
    isChokingUs: peer.isChokingUs,
    outstanding: peer.outstanding,
    isSnubbed: peer.isSnubbed,
    isInterested: peer.isInterested,
    waiting: peer.uploads.length,
  }))
}

function bookOf(swarm: Swarm, now: number): DiagnosisFacts['book'] {
  const { nextDialAt, ...census } = swarm.book.census()
  return { ...census, nextDialMs: nextDialAt === null ? null : Math.max(0, nextDialAt - now) }
}

function unavailableIn(
  { download, swarm, webSeeds }: TorrentParts,
  map: PieceMap,
  now: number,
): DiagnosisFacts['unavailable'] {
  const pieces: number[] = []
  let count = 0
  let lastSeenAt: number | null = null
  for (let piece = 0; piece < map.pieceCount; piece++) {
    if (!download.isWanted(piece) || download.picker.availability(piece) > 0) continue
    if (webSeeds.has(piece)) continue
    if (download.picker.blocksLeft(piece) === 0) continue // all here, on its way to the disk
    if (pieces.length < MAX_NAMED_PIECES) pieces.push(piece)
    count++
    const seenAt = swarm.sightings.lastSeenAt(piece)
    if (seenAt !== null) lastSeenAt = Math.max(lastSeenAt ?? 0, seenAt)
  }
  return { pieces, count, lastSeenMs: lastSeenAt === null ? null : now - lastSeenAt }
}
