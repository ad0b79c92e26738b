// The peers that others have announced to us, by infohash (BEP 5, 33, 51). What must hold: however much is announced, memory
// is bounded; nobody takes more than a fair part of it; an IP counts once in a swarm (a local one, once for each port);
// what is not announced again is forgotten.
import { addressKey, ipAddress, type Address } from '../../base/address.ts'
import { addressRange } from './address-range.ts'
import { addToFilter, FILTER_BYTES } from './bloom-filter.ts'
import { compareDistance, idKey } from './node-id.ts'

/** Clients announce every 15 to 30 minutes. */
const PEER_LIFE_MS = 45 * 60_000
const SWEEP_MS = 60_000
/** So long filters that somebody has asked for serve others: making them costs a hash for each peer. */
const FILTERS_LAST_MS = 60_000

export interface StoredPeersLimits {
  /** Default 2,000. */
  readonly maxInfohashes?: number
  /** Of one infohash. Default 1,000. */
  readonly maxPeers?: number
  /** Of all infohashes together. Default 40,000. */
  readonly maxPeersInAll?: number
  /** Announces of one range of addresses. Default 200. */
  readonly maxOfRange?: number
}

interface StoredPeer {
  readonly address: Address
  readonly isSeed: boolean
  readonly announcedAt: number
}

/** Who is in a swarm (BEP 33). */
interface Filters {
  readonly seeds: Uint8Array
  readonly peers: Uint8Array
}

interface Swarm {
  readonly infohash: Uint8Array
  /** Announced longest ago first. */
  readonly peers: Map<string, StoredPeer>
  /** Made when somebody asked for them last. */
  filters: { readonly made: Filters; readonly at: number } | null
}

export class StoredPeers {
  readonly #ownId: () => Uint8Array
  readonly #limits: Required<StoredPeersLimits>
  readonly #swarms = new Map<string, Swarm>()
  readonly #ofRange = new Map<string, number>()
  #count = 0
  #sweptAt = 0

  /** @param ownId where we are: what is closest to it is kept when there is too much */
  constructor(ownId: () => Uint8Array, limits: StoredPeersLimits = {}) {
    this.#ownId = ownId
    this.#limits = { maxInfohashes: 2000, maxPeers: 1000, maxPeersInAll: 40_000, maxOfRange: 200, ...limits }
  }

  /** Peers of all infohashes. */
  get size(): number {
    return this.#count
  }

  get infohashCount(): number {
    return this.#swarms.size
  }

  get infohashes(): Uint8Array[] {
    return [...this.#swarms.values()].map(({ infohash }) => infohash)
  }

  /** Whether `ip` would be taken: without that, it is given no token (BEP 33). Who is there already may stay. */
  hasRoomFor(infohash: Uint8Array, ip: string): boolean {
    const peers = this.#swarms.get(idKey(infohash))?.peers
    return peers === undefined || peers.size < this.#limits.maxPeers || peers.has(ip)
  }

  /** False when there is no room. Who is known already is kept for another while. */
  announce(infohash: Uint8Array, address: Address, isSeed: boolean, now: number): boolean {
    const key = idKey(infohash)
    let swarm = this.#swarms.get(key)
    const peerKey = peerKeyOf(address)
    const known = swarm?.peers.get(peerKey)
    if (swarm !== undefined && known !== undefined) this.#forget(swarm, peerKey, known)
    else if (!this.#mayTake(infohash, swarm, address)) return false
    swarm ??= { infohash: infohash.slice(), peers: new Map(), filters: null }
    this.#swarms.set(key, swarm)
    swarm.peers.set(peerKey, { address: ipAddress(address.ip, address.port), isSeed, announcedAt: now })
    this.#count++
    this.#countRange(address, 1)
    return true
  }

  /** At most `limit` peers, drawn at random; `noSeeds`: seeds come in only where others are missing. */
  sample(infohash: Uint8Array, limit: number, noSeeds: boolean, below: (limit: number) => number): Address[] {
    const all = [...(this.#swarms.get(idKey(infohash))?.peers.values() ?? [])]
    // The first `limit` of a shuffle.
    for (let i = 0; i < Math.min(limit, all.length); i++) {
      const j = i + below(all.length - i)
      ;[all[i], all[j]] = [all[j], all[i]]
    }
    const drawn = noSeeds ? [...all.filter(({ isSeed }) => !isSeed), ...all.filter(({ isSeed }) => isSeed)] : all
    return drawn.slice(0, limit).map(({ address }) => address)
  }

  /** Who they are, or were a minute ago, as filters (BEP 33); null for an infohash that nobody has announced. */
  filters(infohash: Uint8Array, now: number): Filters | null {
    const swarm = this.#swarms.get(idKey(infohash))
    if (swarm === undefined) return null
    if (swarm.filters === null || now - swarm.filters.at >= FILTERS_LAST_MS) {
      swarm.filters = { made: filtersOf(swarm.peers.values()), at: now }
    }
    return swarm.filters.made
  }

  /** Forgets whom nobody has heard of for 45 minutes. Cheap to call often. */
  tick(now: number): void {
    if (now - this.#sweptAt < SWEEP_MS) return
    this.#sweptAt = now
    for (const [key, swarm] of this.#swarms) {
      for (const [peerKey, peer] of swarm.peers) {
        if (now - peer.announcedAt < PEER_LIFE_MS) break
        this.#forget(swarm, peerKey, peer)
      }
      if (swarm.peers.size === 0) this.#swarms.delete(key)
    }
  }

  #mayTake(infohash: Uint8Array, swarm: Swarm | undefined, address: Address): boolean {
    const { maxInfohashes, maxPeers, maxPeersInAll, maxOfRange } = this.#limits
    const range = addressRange(address.ip)
    if (range !== null && (this.#ofRange.get(range) ?? 0) >= maxOfRange) return false
    if (swarm !== undefined && swarm.peers.size >= maxPeers) return false
    const isFull = this.#count >= maxPeersInAll || (swarm === undefined && this.#swarms.size >= maxInfohashes)
    return !isFull || this.#makeRoom(infohash)
  }

  /** The infohash farthest from us gives way to a closer one: others are nearer to it, and have it. */
  #makeRoom(infohash: Uint8Array): boolean {
    const ownId = this.#ownId()
    let farthest: Uint8Array = infohash
    for (const swarm of this.#swarms.values())
      if (compareDistance(ownId, swarm.infohash, farthest) > 0) farthest = swarm.infohash
    const swarm = this.#swarms.get(idKey(farthest))
    if (swarm === undefined || farthest === infohash) return false
    for (const [peerKey, peer] of swarm.peers) this.#forget(swarm, peerKey, peer)
    return this.#swarms.delete(idKey(farthest))
  }

  #forget(swarm: Swarm, peerKey: string, { address }: StoredPeer): void {
    swarm.peers.delete(peerKey)
    this.#count--
    this.#countRange(address, -1)
  }

  #countRange({ ip }: Address, change: number): void {
    const range = addressRange(ip)
    if (range === null) return
    const count = (this.#ofRange.get(range) ?? 0) + change
    if (count === 0) this.#ofRange.delete(range)
    else this.#ofRange.set(range, count)
  }
}

function filtersOf(peers: Iterable<StoredPeer>): Filters {
  const filters = { seeds: new Uint8Array(FILTER_BYTES), peers: new Uint8Array(FILTER_BYTES) }
  for (const { address, isSeed } of peers) addToFilter(isSeed ? filters.seeds : filters.peers, address.ip)
  return filters
}

function peerKeyOf(address: Address): string {
  return addressRange(address.ip) === null ? addressKey(address) : address.ip
}
