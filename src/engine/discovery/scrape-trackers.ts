// Asks all trackers of a torrent how large its swarm is (BEP 48), without joining it: nobody is told of us.
import { TrackerError } from '../../base/errors.ts'
import type { Clock } from '../../platform/platform.ts'
import type { ScrapeAnswer } from './scrape-answer.ts'
import { whileTime } from './within.ts'

export interface ScrapeClients {
  scrape(trackerUrl: string, infohash: Uint8Array, options: { readonly signal: AbortSignal }): Promise<ScrapeAnswer>
}

export interface ScrapeTrackersOptions {
  readonly trackers: readonly string[]
  /** 20 bytes. */
  readonly infohash: Uint8Array
  /** For each tracker by itself. Default 10,000. */
  readonly timeoutMs?: number
}

/** What one tracker says of a swarm. Trackers may know different parts of it. */
export interface SwarmSize {
  readonly url: string
  /** Null, all three, where there is an `error`. */
  readonly seeders: number | null
  readonly leechers: number | null
  /** Completed downloads that it was told of. */
  readonly downloads: number | null
  /** Why it does not say. May quote the tracker, a stranger's text: clean it before you print it. */
  readonly error: string | null
}

const MAX_TRACKERS = 100

/** Asks all at once; settles when each has answered or run out of time. In the order given, each URL once. Never rejects. */
export function scrapeTrackers(
  clients: ScrapeClients,
  clock: Pick<Clock, 'after'>,
  { trackers, infohash, timeoutMs = 10_000 }: ScrapeTrackersOptions,
): Promise<SwarmSize[]> {
  const scrape = async (url: string): Promise<SwarmSize> => {
    try {
      const scraping = (signal: AbortSignal): Promise<ScrapeAnswer> => clients.scrape(url, infohash, { signal })
      const answer = await whileTime(scraping, `Cannot scrape ${url}`, { clock, timeoutMs })
      if (answer.kind === 'response') return { url, ...answer.figures, error: null }
      throw new TrackerError('tracker_failure', `the tracker says "${answer.reason}"`)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      return { url, seeders: null, leechers: null, downloads: null, error: text }
    }
  }
  return Promise.all([...new Set(trackers)].slice(0, MAX_TRACKERS).map(scrape))
}
