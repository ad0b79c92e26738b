import { expect, test } from 'vitest'
import { ipAddress, type Address } from '../../base/address.ts'
import { encodeUtf8 } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { encode } from '../bencode/index.ts'
import { addressRange } from './address-range.ts'
import { estimateMembers } from './bloom-filter.ts'
import type { Contact } from './contact.ts'
import { ExternalAddress } from './external-address.ts'
import { itemTarget, signItem, type Item } from './item.ts'
import { encodeKrpc } from './krpc-encode.ts'
import type { DhtRequest, KrpcResponse } from './krpc.ts'
import { NetworkSize } from './network-size.ts'
import { QueryLimiter } from './query-limiter.ts'
import { Responder } from './responder.ts'
import { decodeSavedNodes, encodeSavedNodes } from './saved-nodes.ts'
import { StoredItems } from './stored-items.ts'
import { StoredPeers } from './stored-peers.ts'
import { Tokens } from './tokens.ts'

const MINUTE = 60_000
const OWN = new Uint8Array(20)
const ID = new Uint8Array(20).fill(7)
const SEED = new Uint8Array(32).fill(3)
const NO_SALT = new Uint8Array(0)

function id(first: number): Uint8Array {
  const id = new Uint8Array(20)
  id[0] = first
  return id
}

function peer(number: number): Address {
  return ipAddress(`20.${number >> 8}.${number & 255}.1`, 6881)
}

const first = (): number => 0
const own = (): Uint8Array => OWN

test('a range is a /24 of IPv4 and a /48 of IPv6; local networks have none', () => {
  expect(addressRange('20.1.2.3')).toBe(addressRange('20.1.2.99'))
  expect(addressRange('20.1.2.3')).not.toBe(addressRange('20.1.3.3'))
  expect(addressRange('2001:db8:1:2::3')).toBe(addressRange('2001:db8:1:ffff::'))
  expect(addressRange('2001:db8:1::')).not.toBe(addressRange('2001:db8:2::'))
  for (const ip of ['127.3.2.1', '::1', '10.0.0.1', '192.168.1.1', '172.16.0.1', '169.254.1.1', 'fd00::1', 'fe80::1']) {
    expect([ip, addressRange(ip)]).toEqual([ip, null])
  }
  expect(addressRange('100.64.1.2')).toBe('100.64.1')
})

test('a token is good for its address and its target, for five minutes at least and fifteen at most', () => {
  let made = 0
  const tokens = new Tokens((length) => new Uint8Array(length).fill(++made), 0)
  const token = tokens.give('20.0.0.1', ID, 4 * MINUTE)
  expect(tokens.isGood(token, '20.0.0.1', ID, 9 * MINUTE)).toBe(true)
  expect(tokens.isGood(token, '20.0.0.2', ID, 9 * MINUTE)).toBe(false)
  expect(tokens.isGood(token, '20.0.0.1', OWN, 9 * MINUTE)).toBe(false)
  expect(tokens.isGood(NO_SALT, '20.0.0.1', ID, 9 * MINUTE)).toBe(false)
  expect(tokens.isGood(token, '20.0.0.1', ID, 15 * MINUTE)).toBe(false)
})

test('after a long silence no old token is good', () => {
  let made = 0
  const tokens = new Tokens((length) => new Uint8Array(length).fill(++made), 0)
  const token = tokens.give('20.0.0.1', ID, 0)
  expect(tokens.isGood(token, '20.0.0.1', ID, 60 * MINUTE)).toBe(false)
})

test('a peer counts once for each IP, and is forgotten when it is not announced again', () => {
  const peers = new StoredPeers(own)
  peers.announce(ID, peer(1), false, 0)
  peers.announce(ID, { ...peer(1), port: 7 }, true, 30 * MINUTE)
  expect(peers.sample(ID, 10, false, first)).toEqual([{ ...peer(1), port: 7 }])
  peers.tick(60 * MINUTE)
  expect(peers.size).toBe(1)
  peers.tick(76 * MINUTE)
  expect([peers.size, peers.infohashCount]).toEqual([0, 0])
})

test('peers that are seeds come last for a seed, and are counted by themselves', () => {
  const peers = new StoredPeers(own)
  for (let i = 0; i < 10; i++) peers.announce(ID, peer(i), i < 7, 0)
  expect(peers.sample(ID, 10, true, first).slice(0, 3)).toEqual(expect.arrayContaining([peer(7), peer(8), peer(9)]))
  const { seeds, peers: others } = peers.filters(ID, 0)!
  expect([Math.round(estimateMembers(seeds)), Math.round(estimateMembers(others))]).toEqual([7, 3])
  expect(peers.filters(OWN, 0)).toBeNull()
})

test('who asks for filters costs hashes once a minute, however often it asks', () => {
  const peers = new StoredPeers(own)
  peers.announce(ID, peer(1), true, 0)
  const filters = peers.filters(ID, 0)
  peers.announce(ID, peer(2), true, MINUTE - 2)
  expect(peers.filters(ID, MINUTE - 1)).toBe(filters)
  expect(Math.round(estimateMembers(peers.filters(ID, MINUTE)!.seeds))).toBe(2)
})

test('in a full swarm those who are there may stay: they are given tokens, others are not', () => {
  const peers = new StoredPeers(own, { maxPeers: 2 })
  for (const i of [1, 2]) peers.announce(ID, peer(i), false, 0)
  expect([1, 2, 3].map((i) => peers.hasRoomFor(ID, peer(i).ip))).toEqual([true, true, false])
  expect(peers.hasRoomFor(OWN, peer(3).ip)).toBe(true)
})

test('what is kept of peers is bounded: in a swarm, of a range, and in all', () => {
  const peers = new StoredPeers(own, { maxPeers: 3, maxPeersInAll: 5, maxOfRange: 2, maxInfohashes: 3 })
  expect([0, 1, 2, 3].map((i) => peers.announce(ID, peer(i), false, 0))).toEqual([true, true, true, false])
  expect(peers.hasRoomFor(ID, peer(3).ip)).toBe(false)
  expect([1, 2, 3].map((i) => peers.announce(id(i), peer(99), false, 0))).toEqual([true, true, false])
  expect(peers.announce(id(8), peer(50), false, 0)).toBe(false)
  expect(peers.size).toBe(5)
})

test('where there are too many peers in all, those of the farthest infohash give way to a closer one', () => {
  const peers = new StoredPeers(own, { maxPeersInAll: 3 })
  for (let i = 0; i < 3; i++) peers.announce(id(8), peer(i), false, 0)
  expect(peers.announce(id(8), peer(3), false, 0)).toBe(false)
  expect(peers.announce(id(9), peer(3), false, 0)).toBe(false)
  expect(peers.announce(id(4), peer(3), false, 0)).toBe(true)
  expect([peers.size, peers.infohashes]).toEqual([1, [id(4)]])
})

test('where there are too many infohashes the farthest gives way', () => {
  const peers = new StoredPeers(own, { maxInfohashes: 2 })
  for (const far of [8, 4]) peers.announce(id(far), peer(far), false, 0)
  expect(peers.announce(id(9), peer(9), false, 0)).toBe(false)
  expect(peers.announce(id(2), peer(2), false, 0)).toBe(true)
  expect(peers.infohashes).toEqual([id(4), id(2)])
  expect(peers.size).toBe(2)
})

function mutable(seq: bigint, text = 'x'): Item {
  return signItem({ value: encode(text), salt: NO_SALT, seq }, SEED)
}

test('a mutable item only goes forward, and only from the number that is told', () => {
  const items = new StoredItems(own)
  const put = (item: Item, cas: bigint | null = null): unknown => items.put(item, cas, '20.0.0.1', 0)
  expect(put(mutable(5n))).toBe('stored')
  expect(put(mutable(4n))).toBe(302)
  expect(put(mutable(5n))).toBe('stored')
  expect(put(mutable(5n, 'other'))).toBe(302)
  expect(put(mutable(6n, 'other'), 4n)).toBe(301)
  expect(put(mutable(6n, 'other'), 5n)).toBe('stored')
  expect(items.get(itemTarget(mutable(1n)))).toEqual(mutable(6n, 'other'))
})

test('items are bounded, those of one range even more, and forgotten after two hours', () => {
  const items = new StoredItems(own, { maxItems: 3, maxOfRange: 2 })
  const put = (number: number, ip: string): unknown =>
    items.put({ kind: 'immutable', value: encode(number) }, null, ip, 0)
  expect([put(1, '20.0.0.1'), put(2, '20.0.0.2'), put(3, '20.0.0.3')]).toEqual(['stored', 'stored', 'full'])
  for (let i = 4; i < 20; i++) put(i, `20.0.${i}.1`)
  expect(items.size).toBe(3)
  items.tick(121 * MINUTE)
  expect(items.size).toBe(0)
})

test('one sender is answered ten times a second for long, all together five hundred times', () => {
  const limiter = new QueryLimiter({ maxPerSecond: 500 })
  const answered = (ip: (i: number) => string, now: number): number =>
    Array.from({ length: 1000 }, (_, i) => limiter.mayAnswer(ip(i), now)).filter(Boolean).length
  expect(answered(() => '20.0.0.1', 1000)).toBe(50)
  expect(answered(() => '20.0.0.1', 2000)).toBe(10)
  expect(answered((i) => peer(i).ip, 3000)).toBe(500)
  expect(answered(() => '127.0.0.1', 4000)).toBe(500)
  // Whoever has one address of IPv6 has its whole range.
  expect(answered((i) => `2001:db8::${(i + 1).toString(16)}`, 5000)).toBe(50)
})

function contacts(count: number, part: number): Contact[] {
  return Array.from({ length: count }, (_, i) => ({ id: at(((i + 1) * part) / count), address: peer(i) }))
}

/** The id that is this part of all ids away from the first one. */
function at(part: number): Uint8Array {
  const number = Math.floor(part * 2 ** 32)
  return Uint8Array.from({ length: 20 }, (_, i) => (i < 4 ? (number >>> (24 - 8 * i)) & 255 : 0))
}

test('the size of the network follows from how near lookups come, and a crowd is seen', () => {
  const size = new NetworkSize()
  expect(size.isSuspicious(OWN, contacts(8, 1e-6))).toBe(false)
  for (let i = 0; i < 3; i++) size.add(OWN, contacts(8, 0.007))
  expect(size.estimate).toBeCloseTo(1000, -1)
  expect(size.wayAroundBit).toBe(5)
  expect(size.isSuspicious(OWN, contacts(8, 0.007))).toBe(false)
  expect(size.isSuspicious(OWN, contacts(8, 0.002))).toBe(true)
  expect(size.isSuspicious(OWN, contacts(2, 0.0001))).toBe(false)
})

test('where we are is what several ranges agree on', () => {
  const external = new ExternalAddress()
  for (let i = 0; i < 20; i++) external.vote('20.0.0.1', '9.9.9.9')
  expect(external.ip).toBeNull()
  for (let i = 0; i < 5; i++) external.vote(peer(i + 10).ip, '8.8.8.8')
  expect(external.ip).toBe('8.8.8.8')
  for (let i = 0; i < 24; i++) external.vote(peer(i).ip, '7.7.7.7')
  expect(external.ip).toBe('7.7.7.7')
})

test('nodes that were saved are read again, and damaged bytes refused', () => {
  const saved = new Map([
    [4, { id: ID, contacts: contacts(3, 0.5) }],
    [6, { id: OWN, contacts: [{ id: ID, address: ipAddress('2001:db8::1', 5) }] }],
  ] as const)
  expect(decodeSavedNodes(encodeSavedNodes(saved))).toEqual(saved)
  expect(encodeSavedNodes(new Map([[4, { id: ID, contacts: contacts(5000, 0.5) }]])).length).toBeLessThan(6000)
  const damaged = [
    NO_SALT,
    encode({ format: 2 }),
    encode({ format: 1, ip4: { id: 'x', nodes: '' } }),
    encode({ format: 1, ip6: { id: ID, nodes: 'xyz' } }),
    new Uint8Array(40_000),
  ]
  for (const bytes of damaged) expect(() => decodeSavedNodes(bytes)).toThrow(FormatError)
})

// ---------------------------------------------------------------- the responder

const FROM = peer(77)

function responder(
  nodes: readonly Contact[] = contacts(8, 0.5),
): (request: DhtRequest, from?: Address) => KrpcResponse['answer'] & { code?: number } {
  const parts = {
    family: 4,
    ownId: own,
    closest: () => nodes,
    randomBytes: (length: number) => new Uint8Array(length),
    randomBelow: first,
  } as const
  const responder = new Responder(parts, 0)
  return (request, from = FROM) => {
    const transaction = Uint8Array.of(1)
    const reply = responder.answer({ kind: 'query', transaction, id: ID, isReadOnly: false, request }, from, 0)
    expect(encodeKrpc(reply).length).toBeLessThan(1700)
    if (reply.kind === 'error') return { code: reply.code }
    expect(reply).toMatchObject({ transaction, id: OWN, externalAddress: from })
    const { item: _, ...rest } = reply.answer
    expect(encodeKrpc({ ...reply, answer: rest }).length).toBeLessThanOrEqual(1024)
    return reply.answer
  }
}

const GET_PEERS = { method: 'get_peers', infohash: ID, want: [], noSeeds: false, isScrape: false } as const

test('a peer is announced with the token that its address was given, and found by others', () => {
  const ask = responder()
  const { token, nodes, peers } = ask(GET_PEERS)
  expect([nodes!.length, peers]).toEqual([8, undefined])
  const announce = { method: 'announce_peer', infohash: ID, port: 99, token: token!, isSeed: false } as const
  expect(ask(announce, peer(1))).toEqual({ code: 203 })
  expect(ask(announce)).toEqual({})
  expect(ask(GET_PEERS, peer(2)).peers).toEqual([{ ...FROM, port: 99 }])
  expect(ask({ ...announce, port: null })).toEqual({})
  expect(ask(GET_PEERS, peer(2)).peers).toEqual([FROM])
})

test('an answer has as many peers as fit, also beside filters', () => {
  const ask = responder()
  for (let i = 0; i < 300; i++) {
    const { token } = ask(GET_PEERS, peer(i))
    ask({ method: 'announce_peer', infohash: ID, port: 1, token: token!, isSeed: i % 2 === 0 }, peer(i))
  }
  expect(ask(GET_PEERS).peers!.length).toBeGreaterThan(60)
  const scraped = ask({ ...GET_PEERS, isScrape: true, want: [4, 6] })
  expect(scraped.peers!.length).toBeLessThan(30)
  expect(Math.round(estimateMembers(scraped.filters!.seeds) / 10)).toBe(15)
  expect(ask({ method: 'sample_infohashes', target: ID, want: [] }).samples).toMatchObject({
    infohashes: [ID],
    total: 1,
  })
})

test('an answer names fewer nodes where it would be too large', () => {
  const both = Array.from({ length: 8 }, (_, i) => ({ id: id(i), address: ipAddress(`2001:db8:${i}::1`, 5) }))
  const ask = responder(both)
  for (let i = 0; i < 30; i++) {
    const { token } = ask({ ...GET_PEERS, infohash: id(i) }, peer(i))
    ask({ method: 'announce_peer', infohash: id(i), port: 1, token: token!, isSeed: false }, peer(i))
  }
  const { nodes, samples } = ask({ method: 'sample_infohashes', target: ID, want: [4, 6] })
  expect(samples!.infohashes).toHaveLength(20)
  expect(nodes!.length).toBeGreaterThan(8)
  expect(nodes!.length).toBeLessThan(16)
})

test('items are put by who has a token, when they are sound', () => {
  const ask = responder()
  const item = signItem({ value: encode('a'.repeat(990)), salt: encodeUtf8('salt'), seq: 3n }, SEED)
  const target = itemTarget(item)
  const get = { method: 'get', target, seq: null, want: [4, 6] } as const
  const { token } = ask(get)
  const put = (changed: Item, cas: bigint | null = null): unknown =>
    ask({ method: 'put', token: token!, item: changed, cas }).code
  expect(put({ ...item, signature: new Uint8Array(64) })).toBe(206)
  expect(put({ kind: 'immutable', value: encode(1) })).toBe(203)
  expect(put(item)).toBeUndefined()
  expect(put(item, 1n)).toBe(301)
  expect(ask(get)).toMatchObject({ item, seq: 3n })
  const known = ask({ ...get, seq: 3n })
  expect([known.item, known.seq]).toEqual([undefined, 3n])
})
