// The peers of one torrent, as a simulated tracker remembers them.
import { addressKey, type Address } from '../../base/address.ts'
import type { Random } from '../../platform/platform.ts'

export interface TrackedPeer {
  readonly address: Address
  readonly isSeeder: boolean
}

export class TrackerSwarm {
  readonly #peers: TrackedPeer[] = []
  /** Address key -> position in the list, whose order means nothing. */
  readonly #positions = new Map<string, number>()
  #seeders = 0

  get seeders(): number {
    return this.#seeders
  }

  get leechers(): number {
    return this.#peers.length - this.#seeders
  }

  /** Registers a peer, or what has changed of it. */
  put(peer: TrackedPeer): void {
    this.remove(peer.address)
    this.#positions.set(addressKey(peer.address), this.#peers.length)
    this.#peers.push(peer)
    if (peer.isSeeder) this.#seeders++
  }

  remove(address: Address): void {
    const position = this.#positions.get(addressKey(address))
    if (position === undefined) return
    if (this.#peers[position].isSeeder) this.#seeders--
    this.#swap(position, this.#peers.length - 1)
    this.#peers.pop()
    this.#positions.delete(addressKey(address))
  }

  /** Up to `limit` peers at random for the one at `address`; a seeder is told of leechers only. */
  draw(limit: number, { address, isSeeder }: TrackedPeer, random: Pick<Random, 'below'>): Address[] {
    const drawn: Address[] = []
    const ownKey = addressKey(address)
    // A shuffle that is broken off as soon as enough are found.
    for (let i = 0; i < this.#peers.length && drawn.length < limit; i++) {
      this.#swap(i, i + random.below(this.#peers.length - i))
      const peer = this.#peers[i]
      if (!(isSeeder && peer.isSeeder) && addressKey(peer.address) !== ownKey) drawn.push(peer.address)
    }
    return drawn
  }

  #swap(a: number, b: number): void {
    const peers = this.#peers
    ;[peers[a], peers[b]] = [peers[b], peers[a]]
    this.#positions.set(addressKey(peers[a].address), a)
    this.#positions.set(addressKey(peers[b].address), b)
  }
}
