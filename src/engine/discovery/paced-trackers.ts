// All that a session says to trackers: at a pace, in turns (`announce-queue.ts`), and over what each tracker speaks
// (`tracker-clients.ts`).
import type { Clock } from '../../platform/platform.ts'
import type { AnnounceAnswer, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import type { AnnounceClients, AnnounceTurn } from './announce-clients.ts'
import { AnnounceQueue } from './announce-queue.ts'
import type { ScrapeAnswer } from './scrape-answer.ts'
import type { AnnounceOptions, ScrapeOptions, TrackerClients } from './tracker-clients.ts'

export class PacedTrackers implements AnnounceClients {
  readonly #clients: Pick<TrackerClients, 'announce' | 'scrape' | 'close'>
  readonly #queue: AnnounceQueue

  constructor(clients: Pick<TrackerClients, 'announce' | 'scrape' | 'close'>, clock: Pick<Clock, 'now'>) {
    this.#clients = clients
    this.#queue = new AnnounceQueue(clock)
  }

  /**
   * Announces when it is its turn, as `TrackerClients.announce` does. Rejects also with TrackerError `tracker_silent`: it has not
   * been asked, for it answers nobody.
   * @param request what to say, asked for at that time
   */
  announce(
    trackerUrl: string,
    request: () => AnnounceRequest,
    { occasion, onTurn, ...options }: AnnounceOptions & AnnounceTurn,
  ): Promise<AnnounceAnswer> {
    const turn = { host: hostOf(trackerUrl), occasion, onTurn, signal: options.signal }
    return this.#queue.run(() => this.#clients.announce(trackerUrl, request(), options), turn)
  }

  /** Scrapes when it is its turn, as `TrackerClients.scrape` does. */
  scrape(trackerUrl: string, infohash: Uint8Array, options: ScrapeOptions = {}): Promise<ScrapeAnswer> {
    // Somebody waits for the answer, as with a torrent that has just been added.
    const turn = { host: hostOf(trackerUrl), occasion: 'first', signal: options.signal } as const
    return this.#queue.run(() => this.#clients.scrape(trackerUrl, infohash, options), turn)
  }

  /** With each heartbeat. */
  tick(now: number): void {
    this.#queue.tick(now)
  }

  /** Ends all announces over UDP; those over HTTP, and those that wait, end with their signals. */
  close(): void {
    this.#clients.close()
  }
}

/** One machine answers on all its ports. What is no URL is refused when it is asked. */
function hostOf(trackerUrl: string): string {
  return URL.canParse(trackerUrl) ? new URL(trackerUrl).hostname : ''
}
