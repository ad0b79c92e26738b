// Everything a tracker knows, and its answers: a request target and the sender's IP in, a body out. Without sockets or clock.
// What must hold: memory is bounded whatever strangers send; nobody registers another's IP (the `ip` parameter is ignored);
// loopback and private peers are kept as they are, for a tracker on one machine or in one house is what this is for.
import { ipAddress } from '../base/address.ts'
import { toHex } from '../base/bytes.ts'
import { TrackerError } from '../base/errors.ts'
import type { Random } from '../platform/platform.ts'
import type { ScrapeFigures } from '../protocol/tracker/announce.ts'
import { encodeAnnounceReply, encodeRefusal, parseAnnounceQuery, type AnnounceQuery } from '../protocol/tracker/http.ts'
import { encodeScrapeReply, parseScrapeQuery } from '../protocol/tracker/http-scrape.ts'
import { Swarm } from './swarm.ts'

export interface RegistryLimits {
  /** Torrents. Default 10,000. */
  readonly maxTorrents?: number
  /** Peers over all torrents. Default 200,000 (some 100 MB). */
  readonly maxPeers?: number
}

/** What clients are asked to keep to, in seconds. */
const INTERVAL = 120
const MIN_INTERVAL = 10
/** Who has missed two announces is gone. */
const FORGET_AFTER_MS = (2 * INTERVAL + 30) * 1000
const DEFAULT_PEERS = 50
const MAX_PEERS = 200
const MAX_SCRAPED = 100

export class Registry {
  /** By infohash in hexadecimal. */
  readonly #swarms = new Map<string, Swarm>()
  readonly #random: Pick<Random, 'below'>
  readonly #maxTorrents: number
  readonly #maxPeers: number
  #peers = 0

  constructor(random: Pick<Random, 'below'>, limits: RegistryLimits = {}) {
    this.#random = random
    this.#maxTorrents = limits.maxTorrents ?? 10_000
    this.#maxPeers = limits.maxPeers ?? 200_000
  }

  get torrents(): number {
    return this.#swarms.size
  }

  get peers(): number {
    return this.#peers
  }

  /** The body that answers `target` (`/announce?...` or `/scrape?...`), or null for any other path. `now` in milliseconds. */
  answer(target: string, senderIp: string, now: number): Uint8Array | null {
    const path = target.split('?', 1)[0]
    try {
      if (path === '/announce') return this.#announce(parseAnnounceQuery(target), senderIp, now)
      if (path === '/scrape') return this.#scrape(parseScrapeQuery(target))
    } catch (error) {
      if (!(error instanceof TrackerError)) throw error
      return encodeRefusal(error.message)
    }
    return null
  }

  /** Forgets peers that are gone, and torrents without any. Once a minute is often enough. */
  forgetOld(now: number): void {
    for (const [key, swarm] of this.#swarms) {
      const before = swarm.size
      swarm.removeOlderThan(now - FORGET_AFTER_MS)
      this.#settle(key, swarm, before)
    }
  }

  #announce(query: AnnounceQuery, senderIp: string, now: number): Uint8Array {
    const key = toHex(query.infohash)
    const address = ipAddress(senderIp, query.port)
    const isSeeder = query.left === 0
    const swarm = this.#swarms.get(key) ?? new Swarm()
    const isNew = !swarm.has(address)
    const before = swarm.size
    if (query.event === 'stopped') swarm.remove(address)
    else {
      if (isNew && (this.#peers >= this.#maxPeers || (before === 0 && this.#swarms.size >= this.#maxTorrents))) {
        return encodeRefusal('This tracker is full', INTERVAL)
      }
      swarm.put({ address, peerId: query.peerId, isSeeder, announcedAt: now })
      if (query.event === 'completed') swarm.downloads++
    }
    this.#settle(key, swarm, before)
    const wanted = query.event === 'stopped' ? 0 : Math.min(query.numWant ?? DEFAULT_PEERS, MAX_PEERS)
    return encodeAnnounceReply(
      {
        interval: INTERVAL,
        minInterval: MIN_INTERVAL,
        seeders: swarm.seeders,
        leechers: swarm.leechers,
        peers: swarm.draw(wanted, address, isSeeder, this.#random),
        externalIp: senderIp,
      },
      query,
    )
  }

  #scrape(infohashes: readonly Uint8Array[]): Uint8Array {
    if (infohashes.length === 0) return encodeRefusal('Name the torrents to be scraped: info_hash is missing')
    const files: [Uint8Array, ScrapeFigures][] = []
    for (const infohash of infohashes.slice(0, MAX_SCRAPED)) {
      const swarm = this.#swarms.get(toHex(infohash))
      if (swarm) files.push([infohash, swarm])
    }
    return encodeScrapeReply(files)
  }

  /** After a change: counts, and keeps only swarms that somebody is in. */
  #settle(key: string, swarm: Swarm, sizeBefore: number): void {
    this.#peers += swarm.size - sizeBefore
    if (swarm.size === 0) this.#swarms.delete(key)
    else this.#swarms.set(key, swarm)
  }
}
