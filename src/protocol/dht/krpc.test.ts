import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAddress } from '../../base/address.ts'
import { decodeUtf8, encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { encode, type BencodeInput } from '../bencode/index.ts'
import { addToFilter, estimateMembers, FILTER_BYTES } from './bloom-filter.ts'
import { isGenuine, itemTarget, signedBytes, signItem, type Item } from './item.ts'
import { decodeKrpc } from './krpc-decode.ts'
import { encodeKrpc } from './krpc-encode.ts'
import type { DhtAnswer, DhtRequest, KrpcBadQuery, KrpcQuery, KrpcResponse } from './krpc.ts'
import { isSecureId, secureId } from './secure-id.ts'

const fixture = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/protocol-dht.json', import.meta.url), 'utf8'),
) as {
  sections: {
    bep42_node_id: { vectors: { ip: string; rand: number; node_id: string; valid: boolean }[] }
    bep33_bloom: { filter_hex: string; estimate: number }
    bep44: {
      vectors: {
        v_bencoded: string
        seq: number
        salt: string | null
        signed: string
        public_key: string
        target: string
        signature: string
        immutable?: boolean
      }[]
    }
    bep5_krpc: { messages: { name: string; bencoded: string }[] }
  }
}
const { bep42_node_id: ids, bep33_bloom: bloom, bep44: items, bep5_krpc: krpc } = fixture.sections

const ID = encodeUtf8('abcdefghij0123456789')
const OTHER_ID = encodeUtf8('mnopqrstuvwxyz123456')
const TRANSACTION = encodeUtf8('aa')
const NONE = new Uint8Array(0)

function query(request: DhtRequest): KrpcQuery {
  return { kind: 'query', transaction: TRANSACTION, id: ID, isReadOnly: false, request }
}

function response(answer: DhtAnswer): KrpcResponse {
  return { kind: 'response', transaction: TRANSACTION, id: ID, externalAddress: parseAddress('1.2.3.4:5'), answer }
}

/** A query by its raw arguments. */
function raw(q: string, a: { [key: string]: BencodeInput }): Uint8Array {
  return encode({ t: 'aa', y: 'q', q, a: { id: ID, ...a } })
}

function message(name: string): ReturnType<typeof decodeKrpc> {
  return decodeKrpc(encodeUtf8(krpc.messages.find((each) => each.name === name)!.bencoded))
}

test('the messages of BEP 5 mean what it says', () => {
  expect(message('error')).toEqual({
    kind: 'error',
    transaction: TRANSACTION,
    code: 201,
    message: 'A Generic Error Ocurred',
  })
  expect(message('ping query')).toEqual(query({ method: 'ping' }))
  expect(message('find_node query')).toEqual(query({ method: 'find_node', target: OTHER_ID, want: [] }))
  expect(message('get_peers query')).toEqual(
    query({ method: 'get_peers', infohash: OTHER_ID, want: [], noSeeds: false, isScrape: false }),
  )
  expect(message('announce_peer query')).toEqual(
    query({ method: 'announce_peer', infohash: OTHER_ID, port: null, token: encodeUtf8('aoeusnth'), isSeed: false }),
  )
  expect(message('get_peers values')).toMatchObject({
    id: ID,
    answer: {
      token: encodeUtf8('aoeusnth'),
      peers: [
        { ip: '97.120.106.101', port: 11893 },
        { ip: '105.100.104.116', port: 28269 },
      ],
    },
  })
  for (const name of ['ping response', 'announce_peer response'])
    expect(message(name)).toMatchObject({ id: OTHER_ID, answer: {} })
})

test('nodes that are no list of records are as good as absent', () => {
  expect(message('find_node response')).toMatchObject({ kind: 'response', answer: {} })
  expect((message('get_peers nodes') as KrpcResponse).answer).toEqual({ token: encodeUtf8('aoeusnth') })
})

const ITEM: Item = { kind: 'immutable', value: encodeUtf8('12:Hello World!') }
const MUTABLE = signItem(
  { value: encodeUtf8('d1:ai1ee'), salt: encodeUtf8('foo'), seq: 2n ** 60n },
  new Uint8Array(32).fill(7),
)

test.each<DhtRequest>([
  { method: 'ping' },
  { method: 'find_node', target: OTHER_ID, want: [4, 6] },
  { method: 'get_peers', infohash: OTHER_ID, want: [6], noSeeds: true, isScrape: true },
  { method: 'announce_peer', infohash: OTHER_ID, port: 6881, token: TRANSACTION, isSeed: true },
  { method: 'announce_peer', infohash: OTHER_ID, port: null, token: TRANSACTION, isSeed: false },
  { method: 'get', target: OTHER_ID, seq: 7n, want: [] },
  { method: 'put', token: TRANSACTION, item: ITEM, cas: null },
  { method: 'put', token: TRANSACTION, item: MUTABLE, cas: 5n },
  { method: 'sample_infohashes', target: OTHER_ID, want: [] },
])('a query is read as it was written: $method', (request) => {
  expect(decodeKrpc(encodeKrpc(query(request)))).toEqual(query(request))
  expect(decodeKrpc(encodeKrpc({ ...query(request), isReadOnly: true }))).toMatchObject({ isReadOnly: true })
})

test.each<DhtAnswer>([
  {},
  { nodes: [] },
  {
    nodes: [
      { id: OTHER_ID, address: parseAddress('10.0.0.1:80')! },
      { id: ID, address: parseAddress('[2001:db8::1]:80')! },
    ],
  },
  { peers: [parseAddress('10.0.0.1:80')!, parseAddress('[2001:db8::1]:80')!], token: TRANSACTION },
  { filters: { seeds: new Uint8Array(FILTER_BYTES).fill(1), peers: new Uint8Array(FILTER_BYTES) } },
  { item: ITEM },
  { item: { ...MUTABLE, salt: NONE }, seq: MUTABLE.seq },
  { samples: { infohashes: [ID, OTHER_ID], total: 9, interval: 60 } },
])('an answer is read as it was written', (answer) => {
  expect(decodeKrpc(encodeKrpc(response(answer)))).toEqual(response(answer))
})

test.each<[why: string, bytes: Uint8Array, code: number]>([
  ['no arguments', encode({ t: 'aa', y: 'q', q: 'ping' }), 203],
  ['a short id', encode({ t: 'aa', y: 'q', q: 'ping', a: { id: 'short' } }), 203],
  ['no target', raw('find_node', {}), 203],
  ['a port of 0', raw('announce_peer', { info_hash: ID, token: 'x', port: 0 }), 203],
  ['no token', raw('announce_peer', { info_hash: ID, port: 1 }), 203],
  ['an endless token', raw('announce_peer', { info_hash: ID, port: 1, token: 'x'.repeat(129) }), 203],
  ['a method of another world', raw('vote', {}), 204],
  ['a value that is too big', raw('put', { token: 'x', v: 'x'.repeat(1000) }), 205],
  ['a salt that is too big', raw('put', { token: 'x', v: 1, k: new Uint8Array(32), salt: 'x'.repeat(65) }), 207],
  ['half a mutable item', raw('put', { token: 'x', v: 1, k: new Uint8Array(32), seq: 1 }), 203],
  ['a number below 0', raw('put', { token: 'x', v: 1, k: new Uint8Array(32), sig: new Uint8Array(64), seq: -1 }), 203],
  [
    'keys out of order in a value',
    encodeUtf8(`d1:ad2:id20:${decodeUtf8(ID)}5:token1:x1:vd1:bi1e1:ai1eee1:q3:put1:t2:aa1:y1:qe`),
    203,
  ],
])('a query with %s is answered with an error', (_, bytes, code) => {
  const { kind, code: found } = decodeKrpc(bytes) as KrpcBadQuery
  expect([kind, found]).toEqual(['bad_query', code])
})

test('an unknown query with a target is a question for closer nodes', () => {
  expect(decodeKrpc(raw('vote', { target: OTHER_ID }))).toEqual(
    query({ method: 'find_node', target: OTHER_ID, want: [] }),
  )
})

test('keys out of order are accepted where nothing is hashed', () => {
  expect(decodeKrpc(encodeUtf8(`d1:t2:aa1:y1:q1:q4:ping1:ad2:id20:${decodeUtf8(ID)}ee`))).toEqual(
    query({ method: 'ping' }),
  )
})

test.each<[why: string, bytes: Uint8Array]>([
  ['nothing', NONE],
  ['a list', encodeUtf8('le')],
  ['no transaction', encode({ y: 'q' })],
  ['an endless transaction', encode({ y: 'q', t: 'x'.repeat(33) })],
  ['no kind', encode({ t: 'aa' })],
  ['an answer of nobody', encode({ t: 'aa', y: 'r', r: {} })],
  ['more than a datagram', encode({ t: 'aa', y: 'q', x: 'x'.repeat(5000) })],
])('%s is no message', (_, bytes) => {
  expect(() => decodeKrpc(bytes)).toThrow(FormatError)
})

test('a refusal without a reason is a refusal', () => {
  expect(decodeKrpc(encode({ t: 'aa', y: 'e', e: 'no' }))).toMatchObject({ kind: 'error', code: 0, message: '' })
})

test('what is decoded does not change with the datagram', () => {
  const datagram = encodeKrpc(query({ method: 'find_node', target: OTHER_ID, want: [] }))
  const decoded = decodeKrpc(datagram)
  datagram.fill(0)
  expect(decoded).toEqual(query({ method: 'find_node', target: OTHER_ID, want: [] }))
})

test('node ids belong to addresses as in BEP 42', () => {
  for (const { ip, node_id: id, valid } of ids.vectors) expect([ip, isSecureId(fromHex(id)!, ip)]).toEqual([ip, valid])
  for (const ip of ['124.31.75.21', '2001:db8:85a3:8d3::1', '8.8.8.8']) {
    for (let i = 0; i < 20; i++) {
      const id = secureId(
        ip,
        Uint8Array.from({ length: 20 }, (_, at) => at * 31 + i * 7),
      )
      expect(isSecureId(id, ip)).toBe(true)
      id[1] ^= 1
      expect(isSecureId(id, ip)).toBe(false)
    }
  }
  for (const ip of ['127.0.0.1', '10.1.2.3', '192.168.0.1', '169.254.3.4', '::1']) expect(isSecureId(ID, ip)).toBe(true)
})

test('filters count as in BEP 33', () => {
  const filter = new Uint8Array(FILTER_BYTES)
  expect(estimateMembers(filter)).toBe(0)
  for (let i = 0; i <= 0xff; i++) addToFilter(filter, `192.0.2.${i}`)
  for (let i = 0; i <= 0x3e7; i++) addToFilter(filter, `2001:db8::${i.toString(16)}`)
  expect(toHex(filter)).toBe(bloom.filter_hex)
  expect(estimateMembers(filter)).toBeCloseTo(bloom.estimate, 3)
})

test('items have the targets and signatures of BEP 44', () => {
  for (const each of items.vectors) {
    const value = encodeUtf8(each.v_bencoded)
    const item: Item = each.immutable
      ? { kind: 'immutable', value }
      : {
          kind: 'mutable',
          value,
          seq: BigInt(each.seq),
          salt: encodeUtf8(each.salt ?? ''),
          key: fromHex(each.public_key)!,
          signature: fromHex(each.signature)!,
        }
    expect(toHex(itemTarget(item))).toBe(each.target)
    expect(isGenuine(item, fromHex(each.target)!)).toBe(true)
    expect(isGenuine({ ...item, value: encodeUtf8('12:Hello world!') }, fromHex(each.target)!)).toBe(false)
    if (item.kind === 'immutable') continue
    expect(decodeUtf8(signedBytes(item))).toBe(each.signed)
    expect(isGenuine({ ...item, seq: item.seq + 1n }, fromHex(each.target)!)).toBe(false)
  }
})

test('what we sign is genuine', () => {
  expect(isGenuine(MUTABLE, itemTarget(MUTABLE))).toBe(true)
  expect(isGenuine({ ...MUTABLE, key: new Uint8Array(32) }, itemTarget({ ...MUTABLE, key: new Uint8Array(32) }))).toBe(
    false,
  )
})
