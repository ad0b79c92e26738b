// Messages of the DHT and what a node does with them: queries are answered, whatever they ask for; the nodes of answers are
// followed; and the nodes that were remembered are read.
import { ipAddress, parseAddress } from '../../../base/address.ts'
import { encodeUtf8 } from '../../../base/bytes.ts'
import { FormatError } from '../../../base/errors.ts'
import {
  decodeKrpc,
  decodeSavedNodes,
  encodeKrpc,
  encodeSavedNodes,
  Lookup,
  Responder,
  RoutingTable,
  signItem,
  type DhtAnswer,
  type DhtRequest,
  type KrpcMessage,
  type KrpcQuery,
  type KrpcResponse,
  type SavedNodes,
} from '../../../protocol/dht/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureTexts } from '../fixtures.ts'
import { type Target, unlessRefused } from '../target.ts'

const REFUSALS = [FormatError]
const ID = encodeUtf8('abcdefghij0123456789')
const TARGET = encodeUtf8('mnopqrstuvwxyz123456')
const TRANSACTION = encodeUtf8('aa')
const FROM = ipAddress('127.0.0.1', 6881)
const NODES = [
  { id: TARGET, address: parseAddress('1.2.3.4:6881')! },
  { id: ID, address: parseAddress('[2001:db8::1]:6881')! },
]
const IMMUTABLE = { kind: 'immutable', value: encodeUtf8('12:Hello World!') } as const
const MUTABLE = signItem(
  { value: encodeUtf8('d1:ali1ei2eee'), salt: encodeUtf8('salt'), seq: 2n ** 60n },
  new Uint8Array(32).fill(1),
)
/** An item, what is in it and its wrapping, and a token. */
const MAX_ANSWER_BYTES = 1700

const REQUESTS: readonly DhtRequest[] = [
  { method: 'ping' },
  { method: 'find_node', target: TARGET, want: [4, 6] },
  { method: 'get_peers', infohash: TARGET, want: [], noSeeds: true, isScrape: true },
  { method: 'announce_peer', infohash: TARGET, port: 6881, token: TRANSACTION, isSeed: true },
  { method: 'announce_peer', infohash: TARGET, port: null, token: TRANSACTION, isSeed: false },
  { method: 'get', target: TARGET, seq: 1n, want: [6] },
  { method: 'put', token: TRANSACTION, item: IMMUTABLE, cas: null },
  { method: 'put', token: TRANSACTION, item: MUTABLE, cas: 7n },
  { method: 'sample_infohashes', target: TARGET, want: [] },
]
const ANSWERS: readonly DhtAnswer[] = [
  { nodes: NODES, token: TRANSACTION },
  { nodes: [], peers: NODES.map(({ address }) => address) },
  { filters: { seeds: new Uint8Array(256), peers: new Uint8Array(256).fill(255) } },
  { item: IMMUTABLE },
  { item: { ...MUTABLE, salt: new Uint8Array(0) }, seq: MUTABLE.seq },
  { samples: { infohashes: [ID, TARGET], total: 5, interval: 60 } },
]

interface Answers {
  readonly message: KrpcMessage | null
  readonly saved: SavedNodes | null
}

export const dht: Target<Answers> = {
  name: 'dht',
  seeds: [
    ...fixtureTexts('protocol-dht.json', 'bencoded').map((text) => encodeUtf8(text)),
    ...REQUESTS.map((request) => encodeKrpc({ ...query(request), isReadOnly: request.method === 'ping' })),
    ...ANSWERS.map((answer) => encodeKrpc(response(answer))),
    encodeKrpc({ kind: 'error', transaction: TRANSACTION, code: 203, message: 'a'.repeat(300) }),
    encodeSavedNodes(new Map(([4, 6] as const).map((family) => [family, { id: ID, contacts: NODES }]))),
  ],
  isBencode: true,
  words: (
    'ping find_node get_peers announce_peer get put sample_infohashes vote id target info_hash token port implied_port seed ' +
    'noseed scrape want n4 n6 k v seq sig salt cas nodes nodes6 values BFsd BFpe samples num interval ip ro ip4 ip6 format'
  ).split(' '),
  refusals: REFUSALS,
  parse: (input) => ({
    message: unlessRefused(REFUSALS, () => decodeKrpc(input)),
    saved: unlessRefused(REFUSALS, () => decodeSavedNodes(input)),
  }),
  check({ message, saved }) {
    if (saved !== null)
      expectSame(decodeSavedNodes(encodeSavedNodes(saved)), saved, 'saved nodes survive their writing')
    if (message === null) return
    if (message.kind === 'bad_query') {
      expectTrue(encodeKrpc({ ...message, kind: 'error' }).length < 200, 'an error is short')
      return
    }
    expectSame(decodeKrpc(encodeKrpc(message)), message, 'a message survives its writing')
    if (message.kind === 'query') answer(message)
    else if (message.kind === 'response') follow(message)
  },
  sources: ['krpc-decode', 'krpc-item', 'contact', 'item', 'responder', 'saved-nodes'].map((name) => ({
    path: `protocol/dht/${name}.ts`,
    without: ['signItem', 'isGenuine', 'tick', 'mutableTarget'],
  })),
}

function query(request: DhtRequest): KrpcQuery {
  return { kind: 'query', transaction: TRANSACTION, id: ID, isReadOnly: false, request }
}

function response(answer: DhtAnswer): KrpcResponse {
  return { kind: 'response', transaction: TRANSACTION, id: ID, externalAddress: FROM, answer }
}

/** With the token that it would have been given, and with its own. */
function answer(message: KrpcQuery): void {
  const table = new RoutingTable(ID, 0)
  for (const node of NODES) table.answered(node, 0)
  const responder = new Responder(
    {
      family: 4,
      ownId: () => ID,
      closest: (target) => table.closest(target, 8),
      randomBytes: (length) => new Uint8Array(length),
      randomBelow: () => 0,
    },
    0,
  )
  for (const request of [message.request, withToken(responder, message), ...REQUESTS.slice(1, 3)]) {
    const reply = responder.answer({ ...message, request }, FROM, 1000)
    expectTrue(encodeKrpc(reply).length <= MAX_ANSWER_BYTES, 'an answer fits into a datagram')
  }
  table.queried({ id: message.id, address: FROM }, 1000)
}

function withToken(responder: Responder, { request }: KrpcQuery): DhtRequest {
  if (request.method !== 'announce_peer') return request
  const { infohash } = request
  const asking: DhtRequest = { method: 'get_peers', infohash, want: [], noSeeds: false, isScrape: false }
  const reply = responder.answer(query(asking), FROM, 0)
  const given = reply.kind === 'response' ? reply.answer.token : undefined
  return { ...request, token: given ?? request.token }
}

function follow({ id, answer: { nodes = [], token } }: KrpcResponse): void {
  const lookup = new Lookup(TARGET, [{ id, address: FROM }])
  let asked = 0
  for (let contact = lookup.next(); contact !== null; contact = lookup.next()) {
    asked++
    lookup.onAnswer(contact, contact.id, nodes, token ?? null)
  }
  expectTrue(lookup.isDone && asked <= 128, 'a lookup ends')
}
