// The peers that one answer names, of one address family: positions in a torrent's array, not copies.
// One of these serves all answers, one after the other; it holds until the next change of the torrent.
import { decodeCompactAddresses, type Address, type IpLength } from '../base/address.ts'
import type { Random } from '../platform/platform.ts'
import type { PeerArray } from './peer-array.ts'

/** Peers that an answer names at most. */
export const MAX_PEERS = 200

export class Draw {
  readonly #ipLength: IpLength
  readonly #positions = new Int32Array(MAX_PEERS)
  readonly #packed: Uint8Array
  #peers: PeerArray | null = null
  #size = 0

  constructor(ipLength: IpLength) {
    this.#ipLength = ipLength
    this.#packed = new Uint8Array(MAX_PEERS * (ipLength + 2))
  }

  get size(): number {
    return this.#size
  }

  /** Draws anew. `own` is the position of the asker, who is not told of itself, or -1. */
  from(
    peers: PeerArray | null,
    limit: number,
    own: number,
    onlyLeechers: boolean,
    random: Pick<Random, 'below'>,
  ): void {
    this.#peers = peers
    this.#size = peers === null ? 0 : peers.draw(limit, own, onlyLeechers, random, this.#positions)
  }

  /** Writes the compact addresses at `start`, as many as fit; returns where they end. */
  pack(into: Uint8Array, start: number): number {
    if (this.#peers === null) return start
    const fitting = Math.floor((into.length - start) / this.#peers.addressLength)
    return this.#peers.pack(this.#positions, Math.min(this.#size, fitting), into, start)
  }

  /** The compact addresses: a view, valid until the next call. */
  packed(): Uint8Array {
    return this.#packed.subarray(0, this.pack(this.#packed, 0))
  }

  /** For the long form of an answer, which is rarely asked for. */
  list(): { readonly address: Address; readonly peerId: Uint8Array }[] {
    const peers = this.#peers
    if (peers === null) return []
    return Array.from(this.#positions.subarray(0, this.#size), (position) => ({
      address: decodeCompactAddresses(peers.addressAt(position), this.#ipLength)[0],
      peerId: peers.peerIdAt(position),
    }))
  }
}
