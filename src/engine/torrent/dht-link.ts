// Our node in the DHT, as far as peers of a torrent have to do with it: they tell each other's by a message (BEP 5).
import type { Address } from '../../base/address.ts'

/** Null in its place: there is none, or the torrent is private. */
export interface DhtLink {
  /** UDP port of our node in the network of this IP's family; null where we are not in it. */
  portFor(ip: string): number | null
  /** A peer has a node here, by its own word. */
  addNode(address: Address): void
}
