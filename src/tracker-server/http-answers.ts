// The answers of the HTTP tracker (BEP 3, 7, 23, 24, 31, 48): a request target and the sender's IP in, a body out. Without sockets.
import { TrackerError } from '../base/errors.ts'
import {
  encodeAnnounceReply,
  encodePackedReply,
  encodeRefusal,
  encodeScrapeReply,
  MAX_SCRAPED,
  parseAnnounceQuery,
  parseScrapeQuery,
  type AnnounceQuery,
  type ScrapeFigures,
} from '../protocol/tracker/index.ts'
import type { Registry } from './registry.ts'
import { packAddress } from './sender.ts'
import type { Traffic } from './traffic.ts'

/** Seconds after which it is worth asking again, by the code of the refusal; the rest is not said. */
const RETRY_IN: Readonly<Record<string, number>> = {
  bad_request: Infinity,
  // The list may change, and there are clients that never ask again once they are told so.
  not_allowed: 600,
  full: 600,
  torrent_full: 600,
  too_many_of_address: 600,
}

export class HttpAnswers {
  readonly #registry: Registry
  readonly #traffic: Traffic

  constructor(registry: Registry, traffic: Traffic) {
    this.#registry = registry
    this.#traffic = traffic
  }

  /** The body that answers `target` (`/announce?...` or `/scrape?...`), or null for any other path. `now` in milliseconds. */
  answer(target: string, senderIp: string, now: number): Uint8Array | null {
    const query = target.indexOf('?')
    const path = query < 0 ? target : target.slice(0, query)
    try {
      if (path === '/announce') return this.#announce(parseAnnounceQuery(target), senderIp, now)
      if (path === '/scrape') return this.#scrape(parseScrapeQuery(target))
    } catch (error) {
      if (!(error instanceof TrackerError)) throw error
      this.#traffic.refused(error.code)
      return encodeRefusal(error.message, RETRY_IN[error.code])
    }
    return null
  }

  #announce(query: AnnounceQuery, senderIp: string, now: number): Uint8Array {
    const { infohash, peerId, port, event, numWant: wanted } = query
    const address = packAddress(senderIp, port)
    if (address === null) throw new TrackerError('bad_request', 'Cannot register an address that is no IP')
    const isSeeder = query.left === 0
    const told = this.#registry.announce(
      { infohash, address, peerId, isSeeder, event, wanted, bothFamilies: true },
      now,
    )
    this.#traffic.announces.http++
    const [v4, v6] = told.peers
    const reply = {
      interval: told.interval,
      minInterval: told.minInterval,
      seeders: told.seeders,
      leechers: told.leechers,
      downloads: told.downloads,
      externalIp: senderIp,
    }
    if (query.isCompact) return encodePackedReply(reply, v4.packed(), v6.packed())
    return encodeAnnounceReply({ ...reply, peers: [...v4.list(), ...v6.list()] }, query)
  }

  #scrape(infohashes: readonly Uint8Array[]): Uint8Array {
    // Figures of all torrents at once (a scrape without infohash) would be a list of what everybody has.
    if (infohashes.length === 0) throw new TrackerError('bad_request', 'Cannot scrape: info_hash is missing')
    this.#traffic.scrapes.http++
    const files: [Uint8Array, ScrapeFigures][] = []
    // As many as over UDP: more of them do not become cheaper by being asked at once.
    for (const infohash of infohashes.slice(0, MAX_SCRAPED)) {
      const figures = this.#registry.scrape(infohash)
      if (figures) files.push([infohash, figures])
    }
    return encodeScrapeReply(files)
  }
}
