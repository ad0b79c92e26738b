// Messages of the DHT from bytes. Whatever a stranger sends is checked here: lengths, ranges and numbers of things; what is
// decoded owns its bytes. Parts of an answer that are wrong are left out, since the rest may be of use; a query that is wrong
// comes out as one that is to be answered with an error; what is no message at all is a FormatError.
import { decodeCompactAddresses, type Address } from '../../base/address.ts'
import { FormatError } from '../../base/errors.ts'
import { decodeUtf8Start } from '../../base/bytes.ts'
import { BencodeDict, decode } from '../bencode/index.ts'
import { FILTER_BYTES } from './bloom-filter.ts'
import { decodeContacts, type Contact, type Family } from './contact.ts'
import { itemOfAnswer, itemOfPut, seqOf } from './krpc-item.ts'
import { ERROR_METHOD_UNKNOWN, ERROR_PROTOCOL } from './krpc.ts'
import type {
  DhtAnswer,
  DhtRequest,
  KrpcBadQuery,
  KrpcError,
  KrpcMessage,
  KrpcQuery,
  KrpcResponse,
  SampleAnswer,
  Want,
} from './krpc.ts'
import { BadQuery } from './bad-query.ts'
import { ID_BYTES } from './node-id.ts'

/** More than any node sends; a socket may hand over 65,507. */
const MAX_MESSAGE_BYTES = 4096
const MAX_TRANSACTION_BYTES = 32
const MAX_TOKEN_BYTES = 128
/** Contacts of each family in one answer; nodes send 8, some 16. */
const MAX_CONTACTS = 32
const MAX_PEERS = 256
const MAX_SAMPLES = 128
const MAX_ERROR_TEXT = 200
/** Seconds; what BEP 51 allows. */
const MAX_SAMPLE_INTERVAL = 21_600
/** Nothing that is sound is nested deeper, or has more parts; values of items included. */
const MAX_DEPTH = 100
const MAX_ITEMS = 2000

/** Throws FormatError, whose code is `not_krpc` or that of the bencode decoder. */
export function decodeKrpc(datagram: Uint8Array): KrpcMessage {
  if (datagram.length > MAX_MESSAGE_BYTES) throw notKrpc(`${datagram.length} bytes are too many`)
  let isCanonical = true
  // Some nodes sort their keys wrongly. Only a value that is to be hashed must be in the one right form.
  const message = decode(datagram.slice(), {
    lenient: true,
    maxDepth: MAX_DEPTH,
    maxItems: MAX_ITEMS,
    onOddity: () => (isCanonical = false),
  })
  if (!(message instanceof BencodeDict)) throw notKrpc('it is not a dictionary')
  const transaction = message.bytes('t')
  if (transaction === null || transaction.length === 0 || transaction.length > MAX_TRANSACTION_BYTES)
    throw notKrpc('it has no transaction id of 1 to 32 bytes')
  switch (message.text('y') ?? '') {
    case 'q':
      return decodeQuery(message, transaction, isCanonical)
    case 'r':
      return decodeResponse(message, transaction, isCanonical)
    case 'e':
      return decodeError(message, transaction)
    default:
      throw notKrpc('it is neither query nor answer nor error')
  }
}

// ---------------------------------------------------------------- queries

function decodeQuery(message: BencodeDict, transaction: Uint8Array, isCanonical: boolean): KrpcQuery | KrpcBadQuery {
  try {
    const args = message.dict('a')
    if (args === null) throw new BadQuery(ERROR_PROTOCOL, 'no arguments')
    const request = decodeRequest(message.text('q') ?? '', args, isCanonical)
    return { kind: 'query', transaction, id: idOf(args, 'id'), isReadOnly: message.int('ro') === 1, request }
  } catch (error) {
    if (!(error instanceof BadQuery)) throw error
    return { kind: 'bad_query', transaction, code: error.code, message: error.message }
  }
}

function decodeRequest(method: string, args: BencodeDict, isCanonical: boolean): DhtRequest {
  switch (method) {
    case 'ping':
      return { method }
    case 'find_node':
    case 'sample_infohashes':
      return { method, target: idOf(args, 'target'), want: wantOf(args) }
    case 'get_peers': {
      const [noSeeds, isScrape] = [args.int('noseed') === 1, args.int('scrape') === 1]
      return { method, infohash: idOf(args, 'info_hash'), want: wantOf(args), noSeeds, isScrape }
    }
    case 'announce_peer': {
      const isSeed = args.int('seed') === 1
      return { method, infohash: idOf(args, 'info_hash'), port: announcedPort(args), token: tokenOf(args), isSeed }
    }
    case 'get':
      return { method, target: idOf(args, 'target'), seq: seqOf(args, 'seq'), want: wantOf(args) }
    case 'put':
      return { method, token: tokenOf(args), item: itemOfPut(args, isCanonical), cas: seqOf(args, 'cas') }
    default: {
      // What is not known may still be a way of looking for something: its sender is told who is closer.
      const target = args.bytes('target') ?? args.bytes('info_hash')
      if (target?.length === ID_BYTES) return { method: 'find_node', target, want: wantOf(args) }
      throw new BadQuery(ERROR_METHOD_UNKNOWN, 'unknown method')
    }
  }
}

function idOf(args: BencodeDict, key: string): Uint8Array {
  const id = args.bytes(key)
  if (id?.length !== ID_BYTES) throw new BadQuery(ERROR_PROTOCOL, `${key} is not 20 bytes`)
  return id.slice()
}

function tokenOf(args: BencodeDict): Uint8Array {
  const token = args.bytes('token')
  if (token === null || token.length === 0 || token.length > MAX_TOKEN_BYTES)
    throw new BadQuery(ERROR_PROTOCOL, 'no token')
  return token.slice()
}

function announcedPort(args: BencodeDict): number | null {
  const isImplied = args.int('implied_port')
  if (isImplied !== null && isImplied !== 0) return null
  const port = args.int('port')
  if (port === null || port < 1 || port > 65535) throw new BadQuery(ERROR_PROTOCOL, 'port is not 1 to 65535')
  return port
}

function wantOf(args: BencodeDict): Want {
  const wanted = (args.list('want') ?? []).map((name) =>
    name instanceof Uint8Array && name.length === 2 && name[0] === 0x6e ? name[1] - 0x30 : 0,
  )
  return ([4, 6] as const).filter((family) => wanted.includes(family))
}

// ---------------------------------------------------------------- answers

function decodeResponse(message: BencodeDict, transaction: Uint8Array, isCanonical: boolean): KrpcResponse {
  const values = message.dict('r')
  const id = values?.bytes('id')
  if (values === null || id?.length !== ID_BYTES) throw notKrpc('an answer has no id of 20 bytes')
  const externalAddress = endpointOf(message.bytes('ip'))
  return { kind: 'response', transaction, id: id.slice(), externalAddress, answer: decodeAnswer(values, isCanonical) }
}

function decodeAnswer(values: BencodeDict, isCanonical: boolean): DhtAnswer {
  const nodes = contactsOf(values)
  const peers = peersOf(values)
  const token = values.bytes('token')
  const filters = filtersOf(values)
  const item = isCanonical ? itemOfAnswer(values) : null
  const seq = seqOf(values, 'seq')
  const samples = samplesOf(values)
  return {
    ...(nodes && { nodes }),
    ...(peers && { peers }),
    ...(token && token.length > 0 && token.length <= MAX_TOKEN_BYTES && { token: token.slice() }),
    ...(filters && { filters }),
    ...(item && { item }),
    ...(seq !== null && { seq }),
    ...(samples && { samples }),
  }
}

function contactsOf(values: BencodeDict): Contact[] | null {
  const ofFamily = (key: string, family: Family): Contact[] | null => {
    const bytes = values.bytes(key)
    return bytes && decodeContacts(bytes, family, MAX_CONTACTS)
  }
  const [nodes, nodes6] = [ofFamily('nodes', 4), ofFamily('nodes6', 6)]
  return nodes === null && nodes6 === null ? null : [...(nodes ?? []), ...(nodes6 ?? [])]
}

/** One record each; both families may be mixed (BEP 32). */
function peersOf(values: BencodeDict): Address[] | null {
  const list = values.list('values')
  if (list === null) return null
  return list.slice(0, MAX_PEERS).flatMap((record) => (record instanceof Uint8Array ? compactEndpoint(record) : []))
}

function compactEndpoint(record: Uint8Array): Address[] {
  if (record.length === 6) return decodeCompactAddresses(record, 4)
  return record.length === 18 ? decodeCompactAddresses(record, 16) : []
}

function endpointOf(record: Uint8Array | null): Address | null {
  return record === null ? null : (compactEndpoint(record)[0] ?? null)
}

function filtersOf(values: BencodeDict): { seeds: Uint8Array; peers: Uint8Array } | null {
  const [seeds, peers] = [values.bytes('BFsd'), values.bytes('BFpe')]
  if (seeds?.length !== FILTER_BYTES || peers?.length !== FILTER_BYTES) return null
  return { seeds: seeds.slice(), peers: peers.slice() }
}

function samplesOf(values: BencodeDict): SampleAnswer | null {
  const bytes = values.bytes('samples')
  if (bytes === null || bytes.length % ID_BYTES !== 0) return null
  const infohashes: Uint8Array[] = []
  for (let at = 0; at < bytes.length && infohashes.length < MAX_SAMPLES; at += ID_BYTES)
    infohashes.push(bytes.slice(at, at + ID_BYTES))
  const interval = Math.min(Math.max(values.int('interval') ?? 0, 0), MAX_SAMPLE_INTERVAL)
  return { infohashes, total: Math.max(values.int('num') ?? 0, infohashes.length), interval }
}

// ---------------------------------------------------------------- errors

function decodeError(message: BencodeDict, transaction: Uint8Array): KrpcError {
  const [code, text] = message.list('e') ?? []
  const isSound = typeof code === 'number' && isTextBytes(text)
  // Somebody refuses, however badly it says so.
  if (!isSound) return { kind: 'error', transaction, code: 0, message: '' }
  return { kind: 'error', transaction, code, message: decodeUtf8Start(text, MAX_ERROR_TEXT) }
}

function isTextBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

function notKrpc(why: string): FormatError {
  return new FormatError('not_krpc', `Cannot read a DHT message: ${why}`)
}
