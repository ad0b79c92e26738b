// A cause of slowness as one sentence for people, without capital and full stop, so that it can stand after `Stalled:`.
import { formatCount, formatDuration, formatRate } from '../../base/format.ts'
import { cutOffSentence } from '../../platform/bound/sources.ts'
import type { CauseFigures } from './torrent-api.ts'

/** Pieces named; the others are counted. */
const NAMED_PIECES = 2

/** How connections end, in few words; other codes are shown as they are. */
const ENDINGS: Readonly<Record<string, string>> = {
  econnrefused: 'refused',
  connect_timeout: 'timed out',
  etimedout: 'timed out',
  ehostunreach: 'without a route',
  enetunreach: 'without a route',
  handshake_timeout: 'silent after connecting',
  silent: 'silent when asked for blocks',
  inactive: 'silent',
  closed: 'hung up',
  econnreset: 'hung up',
  epipe: 'hung up',
  address_gone: 'lost with our own address',
  no_address: 'of a family that we have no address of',
  left: 'hung up',
}

export function causeSentence(cause: CauseFigures): string {
  switch (cause.code) {
    case 'failed':
      return `it has failed (${cause.error})`
    case 'parked':
      return `it waits for its disk (${cause.error})`
    case 'fetching_metadata':
      return metadataSentence(cause)
    case 'stopped':
      return 'it has been stopped'
    case 'moving':
      return 'its content is being moved'
    case 'checking':
      return `data on disk is being verified: ${cause.done} of ${formatCount(cause.total, 'piece')}`
    case 'disk_silent':
      return `the disk has not answered for ${duration(cause.forMs)}; ${formatCount(cause.pendingWrites, 'write')} pending`
    case 'disk_slow':
      return `the disk cannot keep up: it writes ${formatRate(cause.rate)}, and memory is full of what waits for it`
    case 'memory_short':
      return `memory for pieces under way is used up: ${cause.held} of ${cause.total} slots are held here`
    case 'down_limit':
      return `limited by your own rate limit of ${formatRate(cause.limit)} for receiving`
    case 'up_limit':
      return `limited by your own rate limit of ${formatRate(cause.limit)} for sending`
    case 'connection_limit':
      return `all ${cause.limit} connections that are allowed are in use`
    case 'bind_gone':
      return cutOffSentence(cause.bind)
    case 'not_listening':
      return 'nobody can connect to us: we do not listen'
    case 'all_choke':
      return `${peersOf(cause)} ${cause.peers === 1 ? 'chokes' : 'choke'} us`
    case 'requests_unanswered':
      return `${peersOf(cause)} ${cause.peers === 1 ? 'does' : 'do'} not answer what we ask for`
    case 'peers_slow':
      return slowSentence(cause)
    case 'web_seeds_slow': {
      const who = cause.webSeeds === 1 ? 'the web seed sends' : `the ${cause.webSeeds} web seeds send`
      return `${who} ${formatRate(cause.rate)}${bestOf(cause)}`
    }
    case 'web_seed_waiting':
      return `web seed ${hostOf(cause.url)} is left alone for ${duration(cause.retryMs)}: ${cause.reason}`
    case 'web_seed_gone':
      return `web seed ${hostOf(cause.url)} is not asked any more: ${cause.reason}`
    case 'pieces_unavailable':
      return unavailableSentence(cause)
    case 'peers_banned':
      return `${formatCount(cause.peers, 'peer')} sent wrong data and will not be met again`
    case 'connecting':
      return `nobody is connected yet; ${cause.dialling} of ${formatCount(cause.known, 'known peer')} being dialled`
    case 'peers_unreachable':
      return unreachableSentence(cause)
    case 'peers_left':
      return `nobody is connected: ${formatCount(cause.known, 'known peer')} left${nextDial(cause.nextDialMs)}`
    case 'dht_searching':
      return `the DHT has named no peer so far${hopeOf(cause.port)}`
    case 'no_peer_source':
      return `there is no tracker to ask and no peer is known${hopeOf(cause.port)}`
    case 'no_peers_known':
      return `${formatCount(cause.trackers, 'tracker')} answered, and named nobody`
    case 'trackers_pending':
      return cause.urls.length === 0
        ? 'no tracker has been asked yet'
        : `no tracker has answered yet; asked: ${cause.urls.map(hostOf).join(', ')}`
    case 'tracker_refused':
      return `tracker ${hostOf(cause.url)} answers "${cause.answer}"`
    case 'tracker_failed':
      return `tracker ${hostOf(cause.url)} does not work: ${cause.error}`
    case 'nobody_connected':
      return 'nobody is connected'
    case 'nobody_interested':
      return `${allOf(cause.connected)} ${cause.connected === 1 ? 'wants' : 'want'} nothing of us`
  }
}

type CauseOf<Code> = Extract<CauseFigures, { readonly code: Code }>

interface PeerCounts {
  readonly peers: number
  readonly useful: number
  readonly connected: number
}

/** `all 12 connected peers`, or `9 of 12 connected peers that have what we lack`, of whom only those count. */
/** @param port where others can reach us; null: nowhere */
function hopeOf(port: number | null): string {
  return port === null ? '' : `; waiting for peers to connect to port ${port}`
}

function peersOf({ peers, useful, connected }: PeerCounts): string {
  if (peers === connected) return allOf(connected)
  return `${peers === useful ? allOf(useful) : `${peers} of ${useful} connected peers`} that ${useful === 1 ? 'has' : 'have'} what we lack`
}

function allOf(connected: number): string {
  if (connected === 1) return 'the only connected peer'
  return connected === 2 ? 'both connected peers' : `all ${connected} connected peers`
}

function slowSentence({ peers, rate, bestRate }: CauseOf<'peers_slow'>): string {
  const who = peers === 1 ? 'the only peer that serves us sends' : `the ${peers} peers that serve us send`
  return `${who} ${formatRate(rate)}${bestOf({ rate, bestRate })}`
}

function bestOf({ rate, bestRate }: { readonly rate: number; readonly bestRate: number }): string {
  return bestRate > 2 * rate ? ` (it was ${formatRate(bestRate)} at best)` : ''
}

/** `no peer has pieces 17, 230 and 4 more; last seen 3 min ago`. */
function unavailableSentence({ pieces, count, lastSeenMs }: CauseOf<'pieces_unavailable'>): string {
  // One more is as short by its number as by being counted.
  const named = pieces.slice(0, count === NAMED_PIECES + 1 ? count : NAMED_PIECES)
  const last = count > named.length ? `${count - named.length} more` : named.pop()
  const list = named.length === 0 ? `${last}` : `${named.join(', ')} and ${last}`
  const seen = lastSeenMs === null ? 'never seen' : `last seen ${duration(lastSeenMs)} ago`
  return `no peer has ${count === 1 ? 'piece' : 'pieces'} ${list}; ${seen}`
}

function unreachableSentence({ known, failed, nextDialMs }: CauseOf<'peers_unreachable'>): string {
  const counts = new Map<string, number>()
  for (const [code, count] of Object.entries(failed)) {
    const words = ENDINGS[code] ?? code
    counts.set(words, (counts.get(words) ?? 0) + count)
  }
  if (known === 1) return `the only known peer is not connected: ${[...counts.keys()].join()}${nextDial(nextDialMs)}`
  const list = [...counts].toSorted((a, b) => b[1] - a[1]).map(([words, count]) => `${count} ${words}`)
  return `none of ${formatCount(known, 'known peer')} is connected: ${list.join(', ')}${nextDial(nextDialMs)}`
}

function nextDial(ms: number | null): string {
  return ms === null || ms < 1000 ? '' : `; the next is dialled in ${duration(ms)}`
}

/** In its largest unit: nobody needs the seconds of an hour. */
function duration(ms: number): string {
  return formatDuration(ms / 1000)
    .split(' ')
    .slice(0, 2)
    .join(' ')
}

/** Without path and query: there may be a key in them. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.slice(0, 200)
}

function metadataSentence({ known, connected, offering }: CauseFigures & { code: 'fetching_metadata' }): string {
  if (offering > 0) return `the metadata is being fetched from ${formatCount(offering, 'peer')}`
  if (connected > 0) return `none of ${formatCount(connected, 'connected peer')} has the metadata of this magnet link`
  if (known > 0) return `no peer is connected that could have the metadata of this magnet link (${known} known)`
  return 'nobody is known who could have the metadata of this magnet link'
}
