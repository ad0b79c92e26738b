// Asks all trackers of a torrent for peers, once, without joining the swarm (`shoal peers`).
//
// A tracker gives peers only to one who announces, and that puts us on its list. So we announce as a downloader (which is told
// of seeders too) that has just started, and leave again at once. The port is 1, where nobody listens: no peer
// reaches a client of ours that way, and the farewell, which many trackers book by IP and port alone, cannot
// sign off a real client that runs on this machine with the same torrent.
import { addressKey } from '../../base/address.ts'
import { viewOf } from '../../base/bytes.ts'
import { LEFT_UNKNOWN, type AnnounceAnswer, type AnnounceRequest } from '../../protocol/tracker/announce.ts'
import { TrackerClients, type TrackerParts } from './tracker-clients.ts'
import { whileTime } from './within.ts'

export interface QueryOptions {
  readonly trackers: readonly string[]
  /** 20 bytes. */
  readonly infohash: Uint8Array
  /** 20 bytes. */
  readonly peerId: Uint8Array
  /** Bytes of the torrent; null as long as nobody has said it. */
  readonly totalSize: number | null
  /** Local IP: everything leaves from it, and only in its family. Default: both families. */
  readonly localIp?: string
  /** For each tracker by itself. Default 10,000. */
  readonly timeoutMs?: number
}

export interface QueryResult {
  /** `ip:port`, each once. */
  readonly peers: readonly string[]
  /**
   * In the order given, each once; `error` where a tracker did not answer or refused; `externalIp` where it says under which IP it
   * sees us (BEP 24).
   */
  readonly trackers: readonly { readonly url: string; readonly error?: string; readonly externalIp?: string }[]
}

const NO_PORT = 1
const FAREWELL_WITHIN_MS = 2000
const MAX_TRACKERS = 100
const NUM_WANT = 200

/** Asks all at once; settles when each has answered or run out of time. Never rejects. */
export async function queryTrackers(parts: TrackerParts, options: QueryOptions): Promise<QueryResult> {
  const clients = new TrackerClients(parts, options.localIp)
  const urls = [...new Set(options.trackers)].slice(0, MAX_TRACKERS)
  const request: AnnounceRequest = {
    infohash: options.infohash,
    peerId: options.peerId,
    port: NO_PORT,
    uploaded: 0,
    downloaded: 0,
    // With 0 we would be a seeder, who is told of none.
    left: options.totalSize || LEFT_UNKNOWN,
    event: 'started',
    key: viewOf(parts.random.bytes(4)).getUint32(0),
    numWant: NUM_WANT,
  }
  const peers = new Set<string>()
  const trackers = await Promise.all(urls.map(ask))
  clients.close()
  return { peers: [...peers], trackers }

  async function ask(url: string): Promise<QueryResult['trackers'][number]> {
    try {
      const answer = await limited(options.timeoutMs ?? 10_000, request, url)
      if (answer.kind === 'refusal') return { url, error: `the tracker says "${answer.reason}"` }
      await limited(FAREWELL_WITHIN_MS, { ...request, event: 'stopped', numWant: 0 }, url).catch(() => null)
      return answer.externalIp === null ? { url } : { url, externalIp: answer.externalIp }
    } catch (error) {
      return { url, error: error instanceof Error ? error.message : String(error) }
    }
  }

  function limited(timeoutMs: number, request: AnnounceRequest, url: string): Promise<AnnounceAnswer> {
    const announcing = (signal: AbortSignal): Promise<AnnounceAnswer> =>
      clients.announce(url, request, { signal, onAnswer: take })
    return whileTime(announcing, `Cannot announce to ${url}`, { clock: parts.clock, timeoutMs })
  }

  function take(answer: AnnounceAnswer): void {
    if (answer.kind === 'refusal') return
    // Whoever else asks in this way is no peer either.
    for (const address of answer.peers) if (address.port !== NO_PORT) peers.add(addressKey(address))
  }
}
