// Why is it slow? From what a torrent knows of itself to an ordered list of causes, the most decisive first.
//
// How it thinks: data passes a chain (who is known -> who is connected -> who has what we lack -> who lets us ask -> who
// answers -> our limit -> memory -> disk), and what holds it up is the last link that is full, or the first that is empty.
// So the disk is looked at first, then our own limit, then peers; a link behind an empty one is not named, since nobody
// knows how good it would be. Each figure is one that we hold: nothing is guessed (whether others could reach our port, for
// one, cannot be known from here). A torrent that does well has no causes.
// Pure; `diagnosis-facts.ts` gathers the facts.
import type { TrackerStatus } from '../discovery/announcer.ts'
import type { BookCensus } from '../policy/peer-book.ts'
import { causeSentence } from './cause-sentence.ts'
import type { Cause, CauseFigures, TorrentState, WebSeedInfo } from './torrent-api.ts'

export interface DiagnosisFacts {
  readonly state: TorrentState
  readonly error: { readonly code: string; readonly message: string } | null
  /** Pieces looked at, of pieces to look at; null before the first. */
  readonly checking: { readonly done: number; readonly total: number } | null
  readonly down: FlowFacts & { readonly bestRate: number }
  readonly up: FlowFacts
  readonly disk: DiskFacts
  readonly peers: readonly PeerFacts[]
  readonly webSeeds: readonly WebSeedInfo[]
  /** Since when somebody serves us, without a break; 0 while nobody does. */
  readonly servedMs: number
  /** Pieces that we lack, are not here in part to the last block, and neither a connected peer nor a web seed has. */
  readonly unavailable: {
    /** The first of them. */
    readonly pieces: readonly number[]
    readonly count: number
    /** Since when the last one seen has been missing; null when none was seen. */
    readonly lastSeenMs: number | null
  }
  readonly book: Omit<BookCensus, 'nextDialAt'> & { readonly nextDialMs: number | null }
  /** Peers closed for wrong data. */
  readonly banned: number
  readonly trackers: readonly TrackerStatus[]
  /** Of the whole session. */
  readonly connections: { readonly used: number; readonly limit: number }
  readonly listenPort: number | null
  /** Its peers are looked for in the DHT. */
  readonly usesDht: boolean
  /** The address or interface that everything is bound to, when it is gone; null when it is not. */
  readonly waitsFor: string | null
}

export interface FlowFacts {
  /** Payload bytes per second of this torrent. */
  readonly rate: number
  /** Its own or the session's, the lower one; 0: none. */
  readonly limit: number
  /** Peers wait for the limit to let them through. */
  readonly isAtLimit: boolean
}

export interface DiskFacts {
  readonly pendingWrites: number
  /** How long writes have been pending without one coming back; 0 when none is. */
  readonly silentMs: number
  /** Part of the last seconds in which blocks were not asked for since memory was short: 0 to 1. */
  readonly shortShare: number
  /** Bytes verified and written, per second. */
  readonly rate: number
  readonly slotsHeld: number
  readonly slots: number
}

export interface PeerFacts {
  readonly connectedMs: number
  /** It has something that we lack. */
  readonly isWanted: boolean
  readonly isChokingUs: boolean
  /** Blocks under way from it. */
  readonly outstanding: number
  /** It does not answer what it was asked for. */
  readonly isSnubbed: boolean
  /** It wants something of us. */
  readonly isInterested: boolean
  /** Requests of it that we have not answered. */
  readonly waiting: number
}

/** A disk may take its time over a large piece; beyond this it is named. */
const DISK_SILENT_MS = 5_000
const SHORT_SHARE = 0.5
/** Who was connected a moment ago has not had the time to tell and give. */
const SETTLE_MS = 5_000
/** Web seeds named that are not asked, or not any more. */
const MAX_WEB_SEEDS = 3
/** Less than one block a second is slow, whatever the line... */
const SLOW_RATE = 16_384
/** ... and so is less than this part of what it once was. */
const SLOW_SHARE = 0.25

/** @returns the causes, the most decisive first; none for a torrent that does well */
export function diagnose(facts: DiagnosisFacts): Cause[] {
  return causesOf(facts).map((cause) => ({
    ...cause,
    message:
      (cause.code === 'failed' || cause.code === 'parked') && facts.error ? facts.error.message : causeSentence(cause),
  }))
}

function causesOf(facts: DiagnosisFacts): CauseFigures[] {
  const { state, error, checking } = facts
  if (state === 'failed' || state === 'parked') return [{ code: state, error: error?.code ?? 'unknown' }]
  if (state === 'stopped') return [{ code: 'stopped' }]
  if (state === 'moving') return [{ code: 'moving' }]
  if (state === 'checking') return [{ code: 'checking', ...(checking ?? { done: 0, total: 0 }) }]
  if (facts.waitsFor !== null) return [{ code: 'bind_gone', bind: facts.waitsFor }]
  if (state === 'seeding') return seedingCauses(facts)
  const own = ownCauses(facts)
  if (own.length > 0) return own
  const hasPeers = facts.peers.length > 0
  const slow = slowWebSeeds(facts)
  if (isFed(facts) && slow.length === 0) return []
  const supply = hasPeers ? peerCauses(facts) : isFed(facts) ? [] : nobodyCauses(facts)
  if (hasPeers && slow.length + supply.length === 0) return []
  // Whoever lacks peers lacks those that trackers and incoming connections would bring.
  return [...slow, ...supply, ...webSeedCauses(facts), ...trackerCauses(facts.trackers), ...listeningCauses(facts)]
}

// ---------------------------------------------------------------- downloading

/** This machine holds it up. */
function ownCauses({ disk, down, peers, webSeeds }: DiagnosisFacts): CauseFigures[] {
  const { pendingWrites, silentMs, shortShare } = disk
  if (silentMs >= DISK_SILENT_MS) return [{ code: 'disk_silent', pendingWrites, forMs: silentMs }]
  // Without somebody who would send more, memory holds nothing up.
  if (shortShare >= SHORT_SHARE && (peers.some(isServing) || isFed({ webSeeds }))) {
    if (pendingWrites > 0) return [{ code: 'disk_slow', pendingWrites, rate: disk.rate }]
    return [{ code: 'memory_short', held: disk.slotsHeld, total: disk.slots }]
  }
  return down.isAtLimit ? [{ code: 'down_limit', limit: down.limit, rate: down.rate }] : []
}

/** Peers are connected: do they have what we lack, let us ask, answer, fast enough? */
function peerCauses({ peers, down, servedMs, unavailable }: DiagnosisFacts): CauseFigures[] {
  if (!peers.some(({ connectedMs }) => connectedMs >= SETTLE_MS)) return []
  const wanted = peers.filter((peer) => peer.isWanted)
  const serving = wanted.filter(isServing).length
  const silent = wanted.filter((peer) => peer.isSnubbed && !peer.isChokingUs).length
  const choking = wanted.length - serving - silent
  const missing: CauseFigures[] = unavailable.count > 0 ? [{ code: 'pieces_unavailable', ...unavailable }] : []
  if (wanted.length === 0) return missing
  if (serving > 0) {
    if (!isSlow(down) || servedMs < SETTLE_MS) return []
    return [{ code: 'peers_slow', peers: serving, rate: down.rate, bestRate: down.bestRate }, ...missing]
  }
  const refusing: CauseFigures[] = []
  const [connected, useful] = [peers.length, wanted.length]
  if (choking > 0) refusing.push({ code: 'all_choke', peers: choking, useful, connected })
  if (silent > 0) refusing.push({ code: 'requests_unanswered', peers: silent, useful, connected })
  return [...(silent > choking ? refusing.reverse() : refusing), ...missing]
}

function isSlow({ rate, bestRate }: DiagnosisFacts['down']): boolean {
  return rate < Math.max(SLOW_RATE, SLOW_SHARE * bestRate)
}

/** A web seed sends content. */
function isFed({ webSeeds }: Pick<DiagnosisFacts, 'webSeeds'>): boolean {
  return webSeeds.some(({ state }) => state === 'receiving')
}

/** While web seeds send, others are named only if that is slow. */
function slowWebSeeds({ webSeeds, down, servedMs }: DiagnosisFacts): CauseFigures[] {
  const { length } = webSeeds.filter(({ state }) => state === 'receiving')
  if (length === 0 || !isSlow(down) || servedMs < SETTLE_MS) return []
  return [{ code: 'web_seeds_slow', webSeeds: length, rate: down.rate, bestRate: down.bestRate }]
}

/** Those that are not asked, and why. */
function webSeedCauses({ webSeeds }: DiagnosisFacts): CauseFigures[] {
  const causes = webSeeds.flatMap(({ url, state, error, reason, retryMs }): CauseFigures[] => {
    if (error === null || reason === null) return []
    if (state === 'gone') return [{ code: 'web_seed_gone', url, error, reason }]
    return retryMs === null ? [] : [{ code: 'web_seed_waiting', url, error, reason, retryMs }]
  })
  return causes.slice(0, MAX_WEB_SEEDS)
}

/** Blocks may come from it: it lets us ask, or allows a few pieces even so (BEP 6), and answers. */
function isServing(peer: PeerFacts): boolean {
  return peer.isWanted && !peer.isSnubbed && (!peer.isChokingUs || peer.outstanding > 0)
}

/** Nobody is connected: who is known, and why does none of them stay? */
function nobodyCauses({
  book,
  connections,
  banned,
  trackers,
  listenPort,
  usesDht,
  webSeeds,
}: DiagnosisFacts): CauseFigures[] {
  const { known, inUse, untried, failed, nextDialMs } = book
  if (known > inUse && connections.used >= connections.limit)
    return [{ code: 'connection_limit', limit: connections.limit }]
  const wrongData: CauseFigures[] = banned > 0 ? [{ code: 'peers_banned', peers: banned }] : []
  if (failed.size > 0 && untried === 0)
    return [...wrongData, { code: 'peers_unreachable', known, failed: Object.fromEntries(failed), nextDialMs }]
  if (inUse + untried > 0) return [...wrongData, { code: 'connecting', known, dialling: inUse }]
  if (known > 0) return [...wrongData, { code: 'peers_left', known, nextDialMs }]
  if (wrongData.length > 0) return wrongData
  if (trackers.length === 0) {
    // Where there are web seeds, peers are not the only source.
    return webSeeds.length > 0 ? [] : [{ code: usesDht ? 'dht_searching' : 'no_peer_source', port: listenPort }]
  }
  const working = trackers.filter(({ state }) => state === 'working').length
  if (working > 0) return [{ code: 'no_peers_known', trackers: working }]
  // Those that failed are named by what follows.
  const hasFailed = trackerCauses(trackers).length > 0
  return hasFailed ? [] : pendingCauses(trackers)
}

/** While none works, each that has failed. */
function trackerCauses(trackers: readonly TrackerStatus[]): CauseFigures[] {
  if (trackers.some(({ state }) => state === 'working')) return []
  return trackers.flatMap(({ url, error, refusal }): CauseFigures[] => {
    if (refusal !== null) return [{ code: 'tracker_refused', url, answer: refusal }]
    return error === null ? [] : [{ code: 'tracker_failed', url, error }]
  })
}

function pendingCauses(trackers: readonly TrackerStatus[]): CauseFigures[] {
  const asked = trackers.filter(({ state }) => state === 'announcing').map(({ url }) => url)
  return [{ code: 'trackers_pending', urls: asked }]
}

function listeningCauses({ listenPort }: DiagnosisFacts): CauseFigures[] {
  return listenPort === null ? [{ code: 'not_listening' }] : []
}

// ---------------------------------------------------------------- seeding

function seedingCauses(facts: DiagnosisFacts): CauseFigures[] {
  const { peers, up, trackers } = facts
  if (peers.length === 0) {
    return [{ code: 'nobody_connected' }, ...trackerCauses(trackers), ...listeningCauses(facts)]
  }
  if (!peers.some(({ isInterested }) => isInterested)) return [{ code: 'nobody_interested', connected: peers.length }]
  if (up.isAtLimit && peers.some(({ waiting }) => waiting > 0))
    return [{ code: 'up_limit', limit: up.limit, rate: up.rate }]
  return []
}
