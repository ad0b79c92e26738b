// The peers of one torrent, as the simulated tracker remembers them. Drawing at random and removing are both quick however many there
// are: peers stand in one array per address family, whose order means nothing, and a map says who stands where.
import { addressKey, isIpv6, type Address } from '../../base/address.ts'
import type { Random } from '../../platform/platform.ts'

export interface RegisteredPeer {
  readonly address: Address
  /** 20 bytes. */
  readonly peerId: Uint8Array
  readonly isSeeder: boolean
  /** Milliseconds of the tracker's clock. */
  readonly announcedAt: number
}

/** IPv4 or IPv6: which of the two arrays. */
type Family = 0 | 1

export class Swarm {
  /** Completed downloads that were announced. */
  downloads = 0
  readonly #peers: readonly [RegisteredPeer[], RegisteredPeer[]] = [[], []]
  /** Address key -> position in the family's array. */
  readonly #positions = new Map<string, number>()
  #seeders = 0

  get size(): number {
    return this.#positions.size
  }

  get seeders(): number {
    return this.#seeders
  }

  get leechers(): number {
    return this.size - this.#seeders
  }

  has(address: Address): boolean {
    return this.#positions.has(addressKey(address))
  }

  /** Registers a peer, or what has changed of it. */
  put(peer: RegisteredPeer): void {
    this.remove(peer.address)
    const peers = this.#peers[familyOf(peer.address)]
    this.#positions.set(addressKey(peer.address), peers.length)
    peers.push(peer)
    if (peer.isSeeder) this.#seeders++
  }

  remove(address: Address): void {
    const key = addressKey(address)
    const position = this.#positions.get(key)
    if (position === undefined) return
    const peers = this.#peers[familyOf(address)]
    if (peers[position].isSeeder) this.#seeders--
    this.#swap(peers, position, peers.length - 1)
    peers.pop()
    this.#positions.delete(key)
  }

  /** Forgets those who have not announced since `time`. */
  removeOlderThan(time: number): void {
    for (const peers of this.#peers) {
      for (const { address } of peers.filter(({ announcedAt }) => announcedAt < time)) this.remove(address)
    }
  }

  /**
   * Up to `limit` peers for the one at `address`, at random, of its own family first. A seeder is told of leechers only:
   * two seeders have nothing to say to each other.
   */
  draw(limit: number, address: Address, isSeeder: boolean, random: Pick<Random, 'below'>): RegisteredPeer[] {
    const ownKey = addressKey(address)
    const own = familyOf(address)
    const drawn: RegisteredPeer[] = []
    for (const family of [own, 1 - own] as Family[]) {
      const peers = this.#peers[family]
      // A shuffle that is broken off as soon as enough are found.
      for (let i = 0; i < peers.length && drawn.length < limit; i++) {
        this.#swap(peers, i, i + random.below(peers.length - i))
        const peer = peers[i]
        if (!(isSeeder && peer.isSeeder) && addressKey(peer.address) !== ownKey) drawn.push(peer)
      }
    }
    return drawn
  }

  #swap(peers: RegisteredPeer[], a: number, b: number): void {
    if (a === b) return
    ;[peers[a], peers[b]] = [peers[b], peers[a]]
    this.#positions.set(addressKey(peers[a].address), a)
    this.#positions.set(addressKey(peers[b].address), b)
  }
}

function familyOf(address: Address): Family {
  return isIpv6(address.ip) ? 1 : 0
}
