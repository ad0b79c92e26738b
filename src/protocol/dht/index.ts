// The distributed hash table: formats and state machines (package subpath `shoal/dht`).
export { addressRange } from './address-range.ts'
export { addToFilter, estimateMembers, FILTER_BYTES, joinFilters } from './bloom-filter.ts'
export { decodeContacts, encodeContacts, familyOf, type Contact, type Family } from './contact.ts'
export { ExternalAddress } from './external-address.ts'
export {
  isGenuine,
  isSigned,
  itemTarget,
  MAX_SALT_BYTES,
  MAX_SEQ,
  MAX_VALUE_BYTES,
  mutableTarget,
  signedBytes,
  signItem,
  type ImmutableItem,
  type Item,
  type MutableItem,
} from './item.ts'
export { decodeKrpc } from './krpc-decode.ts'
export { encodeKrpc } from './krpc-encode.ts'
export {
  MAX_DATAGRAM_BYTES,
  type AnnouncePeerRequest,
  type DhtAnswer,
  type DhtRequest,
  type GetItemRequest,
  type GetPeersRequest,
  type KrpcBadQuery,
  type KrpcError,
  type KrpcMessage,
  type KrpcQuery,
  type KrpcResponse,
  type PutItemRequest,
  type SampleAnswer,
  type Want,
} from './krpc.ts'
export { Lookup, type Found, type LookupOptions } from './lookup.ts'
export { NetworkSize } from './network-size.ts'
export {
  compareDistance,
  distanceFraction,
  flipBit,
  ID_BITS,
  ID_BYTES,
  idKey,
  idWithPrefix,
  sharedBits,
} from './node-id.ts'
export { QueryLimiter, TokenBucket, type QueryLimits } from './query-limiter.ts'
export { Responder, type ResponderParts } from './responder.ts'
export { BUCKET_SIZE, RoutingTable } from './routing-table.ts'
export { decodeSavedNodes, encodeSavedNodes, type SavedFamily, type SavedNodes } from './saved-nodes.ts'
export { isSecureId, secureId } from './secure-id.ts'
export { StoredItems, type PutResult, type StoredItemsLimits } from './stored-items.ts'
export { StoredPeers, type StoredPeersLimits } from './stored-peers.ts'
export { Tokens } from './tokens.ts'
