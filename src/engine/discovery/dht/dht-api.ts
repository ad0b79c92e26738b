// What our node in the distributed hash table takes and shows; `dht-node.ts` implements it.
import type { Address } from '../../../base/address.ts'
import type { Log } from '../../../base/log.ts'
import type { Family } from '../../../protocol/dht/index.ts'
import type { Announcement } from './peer-search.ts'

export interface DhtOptions {
  /** UDP port. Default 0: any free one. */
  readonly port?: number
  /** Where another one has the port, any free one will do. Default false. */
  readonly isAnyPortGood?: boolean
  /** Local IP: only the network of its family is joined. Default: all addresses of both families. */
  readonly bind?: string
  /** Where the network is entered when no other node is known; looked up only then. Default: nowhere. */
  readonly routers?: readonly Router[]
  /** Routers are nodes like any other. Default false: not to burden them, they are used to enter, and for nothing else. */
  readonly areRoutersMembers?: boolean
  /** What `save` gave in an earlier run. Bytes that are damaged are left aside, and the log is told. */
  readonly saved?: Uint8Array
  /** Nobody is answered (BEP 43): for who cannot be reached, or does not stay. Default false. */
  readonly isReadOnly?: boolean
  /** Questions asked per second and family, at most. Default 100. */
  readonly maxAskedPerSecond?: number
  /** Questions answered per second and family, at most. Default 500. */
  readonly maxAnsweredPerSecond?: number
  readonly log?: Log
}

export interface Router {
  /** A name or an IP. */
  readonly host: string
  readonly port: number
}

export interface FindPeersOptions {
  /** Default: we only look. */
  readonly announce?: Announcement
  /** Default false. */
  readonly isSeed?: boolean
  /** Estimates the size of the swarm (BEP 33). Default false. */
  readonly isScrape?: boolean
  /** Is told of new peers as they are found. */
  readonly onPeers?: (peers: readonly Address[]) => void
}

/** Something that goes on for a while. */
export interface DhtTask<Result> {
  /** Never rejects. After `stop` it comes with what there is. */
  readonly done: Promise<Result>
  stop(): void
}

export interface PutOptions {
  /** Put only over a value with this number (BEP 44). */
  readonly cas?: bigint
}

export interface FamilyStatus {
  readonly family: Family
  /** Hexadecimal digits are the caller's business. */
  readonly id: Uint8Array
  readonly address: Address
  /** It has looked for its place in the network, and found somebody. */
  readonly hasJoined: boolean
  /** Nodes in the table. */
  readonly nodes: number
  /** Null while nobody knows. */
  readonly externalIp: string | null
  /** Nodes of the whole network, roughly; null while nobody knows. */
  readonly networkSize: number | null
  /** What is kept for others. */
  readonly stored: { readonly infohashes: number; readonly peers: number; readonly items: number }
}
