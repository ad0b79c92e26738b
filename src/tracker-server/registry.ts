// Everything a tracker knows, for every protocol: who announces, and whom it is told of. Without sockets, texts or clock.
// What must hold: memory is bounded whatever strangers send; nobody registers another's IP (it comes from the socket); an
// announce takes the same time however many peers there are. Loopback and private peers are kept as they are, for a tracker on
// one machine or in one house must serve them. What is forgotten with time, `sweep` does, a part at each call.
import { TrackerError } from '../base/errors.ts'
import type { Random } from '../platform/platform.ts'
import type { AnnounceEvent, ScrapeFigures } from '../protocol/tracker/announce.ts'
import { hashBytes } from './address-index.ts'
import { Draw, MAX_PEERS } from './draw.ts'
import { BlockPool } from './block-pool.ts'
import { completeLimits, type TrackerLimits } from './limits.ts'
import type { PeerArray } from './peer-array.ts'
import { SourceCounts } from './source-counts.ts'
import { FAMILIES, familyOf, Swarm, type Family } from './swarm.ts'

export interface RegistryOptions {
  readonly random: Pick<Random, 'below'>
  readonly limits?: TrackerLimits
  /** Seconds between two announces while there are few peers, 1 to 86,400. Default 120. */
  readonly intervalSeconds?: number
  /** Whether a torrent is served, by `infohashKey`. Default: all are. */
  readonly isAllowed?: (key: string) => boolean
}

export interface Announce {
  /** 20 bytes. */
  readonly infohash: Uint8Array
  /** Compact: the IP that it came from, 4 or 16 bytes, and the port that the client listens on, from 1. */
  readonly address: Uint8Array
  /** 20 bytes. */
  readonly peerId: Uint8Array
  readonly isSeeder: boolean
  readonly event: AnnounceEvent
  /** Peers asked for; null leaves it to the tracker. */
  readonly wanted: number | null
  /** Whether the answer has room for peers of the other address family. */
  readonly bothFamilies: boolean
}

/** What an announce is answered. The peers are those drawn last: encode them before the next announce. */
export interface Told extends ScrapeFigures {
  /** Seconds. */
  readonly interval: number
  /** Seconds. */
  readonly minInterval: number
  /** By family. */
  readonly peers: readonly [Draw, Draw]
}

const DEFAULT_PEERS = 50
const MIN_INTERVAL = 10
const LONGEST_INTERVAL = 1800
/** The more peers, the longer the interval, so that no more than these announce each second, until the longest is reached. */
const PEERS_PER_SECOND = 200
/** Seconds: who misses two announces is gone, and clients do not announce as often as they may; rTorrent waits ten minutes at least. */
const KEPT_AT_LEAST = 1200
/** A round of `sweep` through all peers takes so many calls. */
const CALLS_PER_ROUND = 60

interface SweepPosition {
  readonly key: string
  readonly swarm: Swarm
  family: Family
  /** The next peer to be looked at; they are gone through from back to front. */
  position: number
}

/** How a torrent is called in the registry: a character for each byte of its infohash. */
export function infohashKey(infohash: Uint8Array): string {
  const h = infohash
  // Three times as quick as with an array of arguments.
  return String.fromCharCode(
    h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9],
    h[10], h[11], h[12], h[13], h[14], h[15], h[16], h[17], h[18], h[19],
  ) // prettier-ignore
}

export class Registry {
  readonly #swarms = new Map<string, Swarm>()
  readonly #random: Pick<Random, 'below'>
  readonly #limits: Required<TrackerLimits>
  readonly #intervalSeconds: number
  readonly #isAllowed: (key: string) => boolean
  readonly #seed: number
  readonly #pool = new BlockPool()
  readonly #perAddress: SourceCounts
  readonly #perAddressAndTorrent: SourceCounts
  readonly #draws: readonly [Draw, Draw] = [new Draw(4), new Draw(16)]
  readonly #peers: [number, number] = [0, 0]
  #seeders = 0
  #cursor: MapIterator<[string, Swarm]>
  #sweeping: SweepPosition | null = null
  /** Peers that a call looks at, in this round. */
  #sweepBudget = 0

  constructor(options: RegistryOptions) {
    this.#random = options.random
    this.#limits = completeLimits(options.limits)
    this.#intervalSeconds = options.intervalSeconds ?? 120
    if (!Number.isInteger(this.#intervalSeconds) || this.#intervalSeconds < 1 || this.#intervalSeconds > 86_400) {
      throw new RangeError(`Cannot set the interval to ${this.#intervalSeconds}: not a whole number from 1 to 86,400`)
    }
    this.#isAllowed = options.isAllowed ?? (() => true)
    this.#seed = options.random.below(2 ** 32) | 0
    this.#perAddress = new SourceCounts(this.#limits.maxPeers)
    this.#perAddressAndTorrent = new SourceCounts(this.#limits.maxPeers)
    this.#cursor = this.#swarms.entries()
  }

  /** Torrents that somebody is in. */
  get torrents(): number {
    return this.#swarms.size
  }

  /** Peers over all torrents, by family. */
  get peers(): readonly [number, number] {
    return this.#peers
  }

  /** Bytes of memory in which peers are packed. */
  get byteLength(): number {
    return this.#pool.byteLength
  }

  /** Seeders over all torrents. */
  get seeders(): number {
    return this.#seeders
  }

  /**
   * Registers what a peer says, and answers it. `now` in milliseconds from 0. Throws TrackerError, whose message is for the client:
   * `not_allowed`, or `full`, `torrent_full` and `too_many_of_address` where a limit is reached.
   */
  announce(announce: Announce, now: number): Told {
    const { address, event, isSeeder } = announce
    const key = infohashKey(announce.infohash)
    if (!this.#isAllowed(key)) throw new TrackerError('not_allowed', 'This tracker does not serve this torrent')
    const family = familyOf(address)
    const isStopped = event === 'stopped'
    const swarm = this.#swarms.get(key) ?? new Swarm()
    const seedersBefore = swarm.seeders
    const peers = swarm.peers(family)
    const position = peers?.find(address) ?? -1
    const wasSeeder = position >= 0 && peers!.isSeeder(position)
    const interval = this.#interval()
    if (isStopped) {
      if (position >= 0) this.#remove(key, swarm, family, position)
    } else {
      const expiresAt = Math.floor(now / 1000) + Math.max(2 * interval, KEPT_AT_LEAST) + 30
      if (position >= 0 && event === 'started') peers!.rename(position, announce.peerId)
      if (position >= 0) peers!.update(position, isSeeder, expiresAt)
      else this.#add(key, swarm, family, announce, expiresAt)
      if (event === 'completed' && !wasSeeder) swarm.downloads++
      this.#seeders += swarm.seeders - seedersBefore
    }
    this.#draw(swarm, announce, isStopped ? 0 : (announce.wanted ?? DEFAULT_PEERS))
    return {
      interval,
      minInterval: MIN_INTERVAL,
      seeders: swarm.seeders,
      leechers: swarm.leechers,
      downloads: swarm.downloads,
      peers: this.#draws,
    }
  }

  /** Figures of a torrent; null where nobody is in it, or it is not served. */
  scrape(infohash: Uint8Array): ScrapeFigures | null {
    const key = infohashKey(infohash)
    return this.#isAllowed(key) ? (this.#swarms.get(key) ?? null) : null
  }

  /**
   * Forgets peers whose time is over, and torrents that are no longer served: looks at a sixtieth of all peers, so that nobody waits
   * for it. To be called once a second.
   */
  sweep(now: number): void {
    const seconds = Math.floor(now / 1000)
    // Not fewer than when the round began: the more it forgets, the slower it would become.
    this.#sweepBudget = Math.max(this.#sweepBudget, this.#shareOfRound())
    let budget = this.#sweepBudget
    while (budget > 0) {
      this.#sweeping ??= this.#nextToSweep()
      if (this.#sweeping === null) return
      budget = this.#sweepSome(this.#sweeping, seconds, budget)
    }
  }

  /** Null at the end of a round; the next one begins with the next call. */
  #nextToSweep(): SweepPosition | null {
    const next = this.#cursor.next()
    if (next.done) {
      this.#cursor = this.#swarms.entries()
      this.#sweepBudget = this.#shareOfRound()
      return null
    }
    const [key, swarm] = next.value
    return { key, swarm, family: 0, position: (swarm.peers(0)?.size ?? 0) - 1 }
  }

  #shareOfRound(): number {
    const [v4, v6] = this.#peers
    return Math.ceil((v4 + v6 + FAMILIES.length * this.torrents + 1) / CALLS_PER_ROUND)
  }

  /** Returns what is left of the budget. */
  #sweepSome(at: SweepPosition, seconds: number, budget: number): number {
    const peers = at.swarm.peers(at.family)
    const isServed = this.#isAllowed(at.key)
    // Peers may have left since the last call.
    at.position = Math.min(at.position, (peers?.size ?? 0) - 1)
    for (; at.position >= 0 && budget > 0; at.position--, budget--) {
      if (!isServed || peers!.expiresAt(at.position) <= seconds) this.#remove(at.key, at.swarm, at.family, at.position)
    }
    if (at.position >= 0) return budget
    peers?.compact()
    if (at.family === FAMILIES[1]) this.#sweeping = null
    else {
      at.family = 1
      at.position = (at.swarm.peers(1)?.size ?? 0) - 1
    }
    return budget - 1
  }

  #add(key: string, swarm: Swarm, family: Family, announce: Announce, expiresAt: number): void {
    const { address, peerId, infohash, isSeeder } = announce
    const limits = this.#limits
    const [v4, v6] = this.#peers
    if (v4 + v6 >= limits.maxPeers || (swarm.size === 0 && this.#swarms.size >= limits.maxTorrents)) {
      throw new TrackerError('full', 'This tracker is full')
    }
    if (swarm.size >= limits.maxPeersPerTorrent) throw new TrackerError('torrent_full', 'This torrent is full')
    if (!isLoopback(address)) {
      const source = this.#sourceOf(address)
      const here = withTorrent(source, infohash)
      if (
        this.#perAddress.count(source) >= limits.maxPeersPerAddress ||
        this.#perAddressAndTorrent.count(here) >= limits.maxPeersPerAddressAndTorrent
      ) {
        throw new TrackerError('too_many_of_address', 'Too many peers of your address')
      }
      this.#perAddress.add(source, 1)
      this.#perAddressAndTorrent.add(here, 1)
    }
    if (swarm.size === 0) this.#swarms.set(key, swarm)
    swarm.peersToBe(family, this.#seed, this.#pool).add(address, peerId, isSeeder, expiresAt)
    this.#peers[family]++
  }

  #remove(key: string, swarm: Swarm, family: Family, position: number): void {
    const peers = swarm.peers(family) as PeerArray
    const address = peers.addressAt(position)
    if (!isLoopback(address)) {
      const source = this.#sourceOf(address)
      this.#perAddress.add(source, -1)
      this.#perAddressAndTorrent.add(withTorrent(source, infohashStart(key)), -1)
    }
    if (peers.isSeeder(position)) this.#seeders--
    this.#peers[family]--
    peers.remove(position)
    if (swarm.size === 0) this.#swarms.delete(key)
  }

  /** Peers of the asker's own family come first; a seeder is told of leechers alone, for two seeders have nothing to say to each other. */
  #draw(swarm: Swarm, { address, isSeeder, bothFamilies }: Announce, wanted: number): void {
    const limit = Math.min(wanted, MAX_PEERS)
    const family = familyOf(address)
    const other: Family = family === 0 ? 1 : 0
    const [first, second] = [this.#draws[family], this.#draws[other]]
    const peers = swarm.peers(family)
    first.from(peers, limit, limit > 0 && peers ? peers.find(address) : -1, isSeeder, this.#random)
    second.from(swarm.peers(other), bothFamilies ? limit - first.size : 0, -1, isSeeder, this.#random)
  }

  /** Each client is told another one, so that those who came together do not return together. */
  #interval(): number {
    const [v4, v6] = this.#peers
    const shortest = this.#intervalSeconds
    const busy = Math.min((v4 + v6) / PEERS_PER_SECOND, Math.max(shortest, LONGEST_INTERVAL))
    const interval = Math.floor(Math.max(shortest, busy))
    return interval + this.#random.below(Math.floor(interval / 8) + 1)
  }

  /** IPv4 by address, IPv6 by /64: one household has all addresses of that. */
  #sourceOf(address: Uint8Array): number {
    return hashBytes(address, 0, familyOf(address) === 0 ? 4 : 8, this.#seed)
  }
}

function isLoopback(address: Uint8Array): boolean {
  if (familyOf(address) === 0) return address[0] === 127
  for (let i = 0; i < 15; i++) if (address[i] !== 0) return false
  return address[15] === 1
}

function withTorrent(source: number, infohash: Uint8Array): number {
  return hashBytes(infohash, 0, 8, source)
}

/** The bytes of it that `withTorrent` looks at. */
function infohashStart(key: string): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => key.charCodeAt(i))
}
