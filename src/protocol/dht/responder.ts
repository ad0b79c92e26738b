// Answers queries (BEP 5, 32, 33, 44, 51): what a node of one family knows and keeps for others. Pure: a query comes in, an
// answer goes out, and nothing is sent but that. No answer is larger than a datagram may be: peers give way first, then nodes.
import { ipAddress, type Address } from '../../base/address.ts'
import { isSigned, itemTarget, type Item } from './item.ts'
import { encodeKrpc } from './krpc-encode.ts'
import {
  ERROR_BAD_SIGNATURE,
  ERROR_CAS_MISMATCH,
  ERROR_OLD_SEQ,
  ERROR_PROTOCOL,
  ERROR_SERVER,
  MAX_DATAGRAM_BYTES,
  MAX_ITEM_DATAGRAM_BYTES,
  type AnnouncePeerRequest,
  type DhtAnswer,
  type GetItemRequest,
  type GetPeersRequest,
  type KrpcError,
  type KrpcQuery,
  type KrpcResponse,
  type PutItemRequest,
  type SampleAnswer,
  type Want,
} from './krpc.ts'
import { contactBytes, type Contact, type Family } from './contact.ts'
import { StoredItems } from './stored-items.ts'
import { StoredPeers } from './stored-peers.ts'
import { Tokens } from './tokens.ts'

export interface ResponderParts {
  readonly family: Family
  readonly ownId: () => Uint8Array
  /** The nodes of a family that are closest to a target, as far as we know. */
  readonly closest: (target: Uint8Array, family: Family) => readonly Contact[]
  readonly randomBytes: (length: number) => Uint8Array
  readonly randomBelow: (limit: number) => number
}

type Refusal = Pick<KrpcError, 'code' | 'message'>

/** Peers of one answer: what fits is sent. */
const MAX_PEERS = 100
const SAMPLES = 20
/** Seconds: how long the sample of infohashes stays the same. */
const SAMPLE_INTERVAL = 3600
/** Bytes of a peer in an answer: its record and its length. */
const PEER_BYTES = { 4: 8, 6: 21 } as const
/** Bytes of the list around them. */
const LIST_BYTES = 12

const ERROR_TEXTS = { [ERROR_CAS_MISMATCH]: 'another value is there', [ERROR_OLD_SEQ]: 'a newer value is there' }

export class Responder {
  readonly peers: StoredPeers
  readonly items: StoredItems
  readonly #parts: ResponderParts
  readonly #tokens: Tokens
  #sample: { readonly at: number; readonly infohashes: readonly Uint8Array[] } | null = null

  constructor(parts: ResponderParts, now: number) {
    this.#parts = parts
    this.#tokens = new Tokens(parts.randomBytes, now)
    this.peers = new StoredPeers(parts.ownId)
    this.items = new StoredItems(parts.ownId)
  }

  /** The answer to a query from `from`. */
  answer(query: KrpcQuery, from: Address, now: number): KrpcResponse | KrpcError {
    const answer = this.#answerOf(query, from, now)
    if ('code' in answer) return { kind: 'error', transaction: query.transaction, ...answer }
    // Others are small, whatever is asked.
    const mayBeLarge = answer.peers ?? answer.item ?? answer.samples
    return this.#response(query, from, mayBeLarge === undefined ? answer : this.#fitting(query, from, answer))
  }

  /** Forgets what is too old. */
  tick(now: number): void {
    this.peers.tick(now)
    this.items.tick(now)
  }

  #answerOf({ request }: KrpcQuery, from: Address, now: number): DhtAnswer | Refusal {
    switch (request.method) {
      case 'ping':
        return {}
      case 'find_node':
        return { nodes: this.#nodes(request.target, request.want) }
      case 'get_peers':
        return this.#getPeers(request, from, now)
      case 'announce_peer':
        return this.#announcePeer(request, from, now)
      case 'get':
        return this.#getItem(request, from, now)
      case 'put':
        return this.#putItem(request, from, now)
      case 'sample_infohashes':
        return { nodes: this.#nodes(request.target, request.want), samples: this.#samples(now) }
    }
  }

  #getPeers({ infohash, want, noSeeds, isScrape }: GetPeersRequest, from: Address, now: number): DhtAnswer {
    const peers = this.peers.sample(infohash, MAX_PEERS, noSeeds, this.#parts.randomBelow)
    const filters = isScrape ? this.peers.filters(infohash, now) : null
    return {
      // Filters leave room for the nodes of one family.
      nodes: this.#nodes(infohash, filters === null ? want : []),
      ...(peers.length > 0 && { peers }),
      ...(filters && { filters }),
      ...(this.peers.hasRoomFor(infohash, from.ip) && { token: this.#tokens.give(from.ip, infohash, now) }),
    }
  }

  #announcePeer(
    { infohash, port, token, isSeed }: AnnouncePeerRequest,
    from: Address,
    now: number,
  ): DhtAnswer | Refusal {
    if (!this.#tokens.isGood(token, from.ip, infohash, now)) return { code: ERROR_PROTOCOL, message: 'bad token' }
    const isTaken = this.peers.announce(infohash, ipAddress(from.ip, port ?? from.port), isSeed, now)
    return isTaken ? {} : { code: ERROR_SERVER, message: 'no room' }
  }

  #getItem({ target, seq, want }: GetItemRequest, from: Address, now: number): DhtAnswer {
    const token = this.#tokens.give(from.ip, target, now)
    const item = this.items.get(target)
    if (item === null) return { nodes: this.#nodes(target, want), token }
    const nodes = this.#nodes(target, [])
    const isWanted = item.kind === 'immutable' || seq === null || item.seq > seq
    return { nodes, token, ...(isWanted && { item }), ...(item.kind === 'mutable' && { seq: item.seq }) }
  }

  #putItem({ token, item, cas }: PutItemRequest, from: Address, now: number): DhtAnswer | Refusal {
    // Checked in this order, because a signature costs most.
    if (!this.#tokens.isGood(token, from.ip, itemTarget(item), now))
      return { code: ERROR_PROTOCOL, message: 'bad token' }
    if (!isSound(item)) return { code: ERROR_BAD_SIGNATURE, message: 'bad signature' }
    const result = this.items.put(item, cas, from.ip, now)
    if (result === 'stored') return {}
    return result === 'full'
      ? { code: ERROR_SERVER, message: 'no room' }
      : { code: result, message: ERROR_TEXTS[result] }
  }

  #samples(now: number): SampleAnswer {
    if (this.#sample === null || now - this.#sample.at >= SAMPLE_INTERVAL * 1000) {
      const all = this.peers.infohashes
      const infohashes: Uint8Array[] = []
      while (infohashes.length < SAMPLES && all.length > 0)
        infohashes.push(...all.splice(this.#parts.randomBelow(all.length), 1))
      this.#sample = { at: now, infohashes }
    }
    const { at, infohashes } = this.#sample
    // With room for more, what comes meanwhile is worth another question.
    if (infohashes.length < SAMPLES) this.#sample = null
    const interval = this.#sample === null ? 60 : Math.ceil(SAMPLE_INTERVAL - (now - at) / 1000)
    return { infohashes, total: Math.max(this.peers.infohashCount, infohashes.length), interval }
  }

  #nodes(target: Uint8Array, want: Want): Contact[] {
    const families = want.length === 0 ? [this.#parts.family] : want
    return families.flatMap((family) => this.#parts.closest(target, family))
  }

  #response({ transaction }: KrpcQuery, from: Address, answer: DhtAnswer): KrpcResponse {
    return { kind: 'response', transaction, id: this.#parts.ownId(), externalAddress: from, answer }
  }

  /** With as many of the peers, or if need be of the nodes, as there is room for. */
  #fitting(query: KrpcQuery, from: Address, { peers, ...rest }: DhtAnswer): DhtAnswer {
    const most = rest.item === undefined ? MAX_DATAGRAM_BYTES : MAX_ITEM_DATAGRAM_BYTES
    const room = most - encodeKrpc(this.#response(query, from, rest)).length
    if (room < 0) return { ...rest, nodes: shortened(rest.nodes ?? [], -room) }
    const count = Math.floor((room - LIST_BYTES) / PEER_BYTES[this.#parts.family])
    return { ...rest, ...(peers && { peers: peers.slice(0, Math.max(0, count)) }) }
  }
}

/** Without as many of the last contacts as take this many bytes. */
function shortened(contacts: readonly Contact[], bytes: number): readonly Contact[] {
  let freed = 0
  let kept = contacts.length
  while (kept > 0 && freed < bytes) freed += contactBytes(contacts[--kept])
  return contacts.slice(0, kept)
}

function isSound(item: Item): boolean {
  return item.kind === 'immutable' || isSigned(item)
}
