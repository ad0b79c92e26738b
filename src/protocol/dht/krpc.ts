// The messages of the DHT as values: queries, answers, errors (BEP 5), with IPv6 (32), scrapes (33), addresses (42), read-only
// nodes (43), items (44) and samples (51). `krpc-decode.ts` reads them, `krpc-encode.ts` writes them.
import type { Address } from '../../base/address.ts'
import type { Contact, Family } from './contact.ts'
import type { Item } from './item.ts'

/** No node sends more (BEP 32), except where an item is carried. */
export const MAX_DATAGRAM_BYTES = 1024
/** With an item: one packet nearly everywhere. */
export const MAX_ITEM_DATAGRAM_BYTES = 1400

export const ERROR_SERVER = 202
export const ERROR_PROTOCOL = 203
export const ERROR_METHOD_UNKNOWN = 204
export const ERROR_VALUE_TOO_BIG = 205
export const ERROR_BAD_SIGNATURE = 206
export const ERROR_SALT_TOO_BIG = 207
export const ERROR_CAS_MISMATCH = 301
export const ERROR_OLD_SEQ = 302

export type KrpcMessage = KrpcQuery | KrpcResponse | KrpcError | KrpcBadQuery

export interface KrpcQuery {
  readonly kind: 'query'
  /** 1 to 32 bytes, chosen by who asks. */
  readonly transaction: Uint8Array
  /** Of who asks. */
  readonly id: Uint8Array
  /** Who asks does not answer, and is not to be remembered (BEP 43). */
  readonly isReadOnly: boolean
  readonly request: DhtRequest
}

/** Families of nodes that are to be in the answer; empty: that of the message. */
export type Want = readonly Family[]

export type DhtRequest =
  | { readonly method: 'ping' }
  | { readonly method: 'find_node'; readonly target: Uint8Array; readonly want: Want }
  | GetPeersRequest
  | AnnouncePeerRequest
  | GetItemRequest
  | PutItemRequest
  | { readonly method: 'sample_infohashes'; readonly target: Uint8Array; readonly want: Want }

export interface GetPeersRequest {
  readonly method: 'get_peers'
  readonly infohash: Uint8Array
  readonly want: Want
  /** Peers that are seeds are of no use (BEP 33). */
  readonly noSeeds: boolean
  /** Filters of all peers are to be in the answer (BEP 33). */
  readonly isScrape: boolean
}

export interface AnnouncePeerRequest {
  readonly method: 'announce_peer'
  readonly infohash: Uint8Array
  /** 1 to 65535; null: the one that the message came from. */
  readonly port: number | null
  readonly token: Uint8Array
  readonly isSeed: boolean
}

export interface GetItemRequest {
  readonly method: 'get'
  readonly target: Uint8Array
  /** Only a newer value is wanted. */
  readonly seq: bigint | null
  readonly want: Want
}

export interface PutItemRequest {
  readonly method: 'put'
  readonly token: Uint8Array
  /** Its form has been checked, not its signature. */
  readonly item: Item
  /** Put only over the value with this number. */
  readonly cas: bigint | null
}

export interface KrpcResponse {
  readonly kind: 'response'
  readonly transaction: Uint8Array
  readonly id: Uint8Array
  /** Where we are, as the other side sees it (BEP 42). */
  readonly externalAddress: Address | null
  readonly answer: DhtAnswer
}

/** What is absent was not in the message, or was not what it must be. */
export interface DhtAnswer {
  /** Contacts of both families. */
  readonly nodes?: readonly Contact[]
  readonly peers?: readonly Address[]
  readonly token?: Uint8Array
  readonly filters?: { readonly seeds: Uint8Array; readonly peers: Uint8Array }
  /** Neither its signature nor its target have been checked, and it has no salt. */
  readonly item?: Item
  /** The number of the item that the node has, also where it was not sent. */
  readonly seq?: bigint
  readonly samples?: SampleAnswer
}

export interface SampleAnswer {
  readonly infohashes: readonly Uint8Array[]
  /** Infohashes that the node has. */
  readonly total: number
  /** Seconds until another sample can be had. */
  readonly interval: number
}

export interface KrpcError {
  readonly kind: 'error'
  readonly transaction: Uint8Array
  readonly code: number
  readonly message: string
}

/** A query that cannot be served, but answered: with an error. */
export interface KrpcBadQuery {
  readonly kind: 'bad_query'
  readonly transaction: Uint8Array
  readonly code: number
  readonly message: string
}
