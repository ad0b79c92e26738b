// One torrent of the tracker: its peers of both address families, and what is counted of it.
import type { BlockPool } from './block-pool.ts'
import { PeerArray } from './peer-array.ts'

/** IPv4 and IPv6, the latter second. */
export type Family = 0 | 1

export const FAMILIES: readonly Family[] = [0, 1]

/** The family of a compact address. */
export function familyOf(address: Uint8Array): Family {
  return address.length === 6 ? 0 : 1
}

export class Swarm {
  /** Completed downloads that were announced. */
  downloads = 0
  /** Most torrents have peers of one family only. */
  readonly #peers: [PeerArray | null, PeerArray | null] = [null, null]

  get size(): number {
    return (this.#peers[0]?.size ?? 0) + (this.#peers[1]?.size ?? 0)
  }

  get seeders(): number {
    return (this.#peers[0]?.seeders ?? 0) + (this.#peers[1]?.seeders ?? 0)
  }

  get leechers(): number {
    return this.size - this.seeders
  }

  /** Null where there are none yet. */
  peers(family: Family): PeerArray | null {
    return this.#peers[family]
  }

  /** `seed` and `pool`: as of PeerArray. */
  peersToBe(family: Family, seed: number, pool: BlockPool): PeerArray {
    return (this.#peers[family] ??= new PeerArray(family === 0 ? 4 : 16, seed, pool))
  }
}
