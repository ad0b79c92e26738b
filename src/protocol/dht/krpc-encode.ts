// Messages of the DHT to bytes. What does not fit into a datagram is left out by the caller, who knows what matters least.
import { encodeCompactAddresses } from '../../base/address.ts'
import { concatBytes } from '../../base/bytes.ts'
import { decode, encode, type BencodeInput } from '../bencode/index.ts'
import { encodeContacts, familyOf, ipLengthOf, type Contact, type Family } from './contact.ts'
import type { Item } from './item.ts'
import type { DhtAnswer, DhtRequest, KrpcError, KrpcQuery, KrpcResponse, Want } from './krpc.ts'

/** Who we are, in messages: two letters and a version. */
const CLIENT_VERSION = Uint8Array.of(0x53, 0x48, 0, 1)

type Fields = { readonly [key: string]: BencodeInput | undefined }

export function encodeKrpc(message: KrpcQuery | KrpcResponse | KrpcError): Uint8Array {
  const head = { t: message.transaction, v: CLIENT_VERSION }
  switch (message.kind) {
    case 'query': {
      const args = { ...requestFields(message.request), id: message.id }
      return encode({ ...head, y: 'q', q: message.request.method, a: args, ...(message.isReadOnly && { ro: 1 }) })
    }
    case 'response': {
      const { externalAddress: seen } = message
      const ip = seen === null ? undefined : encodeCompactAddresses([seen], ipLengthOf(familyOf(seen.ip)))
      return encode({ ...head, y: 'r', ip, r: { ...answerFields(message.answer), id: message.id } })
    }
    case 'error':
      return encode({ ...head, y: 'e', e: [message.code, message.message] })
  }
}

function requestFields(request: DhtRequest): Fields {
  switch (request.method) {
    case 'ping':
      return {}
    case 'find_node':
    case 'sample_infohashes':
      return { target: request.target, want: wantList(request.want) }
    case 'get_peers': {
      const { infohash, want, noSeeds, isScrape } = request
      const flags = { noseed: noSeeds ? 1 : undefined, scrape: isScrape ? 1 : undefined }
      return { info_hash: infohash, want: wantList(want), ...flags }
    }
    case 'announce_peer': {
      const { infohash, port, token, isSeed } = request
      // Where the port is implied, some nodes still insist on one.
      const place = port === null ? { port: 1, implied_port: 1 } : { port }
      return { info_hash: infohash, token, ...place, seed: isSeed ? 1 : undefined }
    }
    case 'get':
      return { target: request.target, seq: request.seq ?? undefined, want: wantList(request.want) }
    case 'put': {
      const { item, token, cas } = request
      const salt = item.kind === 'mutable' && item.salt.length > 0 ? item.salt : undefined
      return { token, cas: cas ?? undefined, salt, ...itemFields(item) }
    }
  }
}

function answerFields({ nodes, peers, token, filters, item, seq, samples }: DhtAnswer): Fields {
  return {
    nodes: nodes && contactsField(nodes, 4),
    nodes6: nodes && contactsField(nodes, 6),
    values: peers?.map((peer) => encodeCompactAddresses([peer], ipLengthOf(familyOf(peer.ip)))),
    token,
    ...(filters && { BFsd: filters.seeds, BFpe: filters.peers }),
    seq,
    ...(item && itemFields(item)),
    ...(samples && {
      samples: concatBytes(samples.infohashes),
      num: samples.total,
      interval: samples.interval,
    }),
  }
}

function itemFields(item: Item): Fields {
  // A value is kept as the bytes that were hashed or signed; its parts are encoded to the same ones.
  const v = decode(item.value)
  return item.kind === 'immutable' ? { v } : { v, k: item.key, sig: item.signature, seq: item.seq }
}

/** Where there are none at all, that is said once. */
function contactsField(nodes: readonly Contact[], family: Family): Uint8Array | undefined {
  const isSaid = nodes.length === 0 ? family === 4 : nodes.some(({ address }) => familyOf(address.ip) === family)
  return isSaid ? encodeContacts(nodes, family) : undefined
}

function wantList(want: Want): string[] | undefined {
  return want.length === 0 ? undefined : want.map((family) => `n${family}`)
}
