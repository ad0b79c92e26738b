import { expect, test } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'
import { randomSource } from '../../../tests/support/random.ts'
import type { Contact } from './contact.ts'
import { compareDistance, flipBit, idWithPrefix, sharedBits } from './node-id.ts'
import { BUCKET_SIZE, RoutingTable } from './routing-table.ts'

const OWN = new Uint8Array(20)
const MINUTE = 60_000

/** A node that shares exactly so many bits with us; each number is another one, in a range of its own. */
function node(shared: number, number: number, ip = `20.${number >> 8}.${number & 255}.1`): Contact {
  const id = flipBit(OWN, shared)
  id[18] = number >> 8
  id[19] = number & 255
  return { id, address: ipAddress(ip, 6881) }
}

function table(...contacts: readonly Contact[]): RoutingTable {
  const table = new RoutingTable(OWN, 0)
  for (const contact of contacts) table.answered(contact, 0)
  return table
}

const FULL = Array.from({ length: BUCKET_SIZE }, (_, i) => node(0, i))
/** So many that the table has been split, and the far half of the network is one bucket. */
const NEAR = Array.from({ length: BUCKET_SIZE }, (_, i) => node(1, 100 + i))

test('ids are as far apart as their first different bit says', () => {
  expect(sharedBits(OWN, flipBit(OWN, 13))).toBe(13)
  expect(sharedBits(OWN, OWN)).toBe(160)
  const id = idWithPrefix(new Uint8Array(20).fill(0xaa), 13, new Uint8Array(20).fill(0xff))
  expect(toHex(id)).toBe('aaafffffffffffffffffffffffffffffffffffff')
  expect(compareDistance(OWN, flipBit(OWN, 1), flipBit(OWN, 0))).toBeLessThan(0)
})

test('the closest nodes are those that looking at all of them would find', () => {
  const random = randomSource(5)
  const bytes = (): Uint8Array => Uint8Array.from({ length: 20 }, () => random.below(256))
  const full = new RoutingTable(bytes(), 0)
  for (let i = 0; i < 500; i++) full.answered({ id: bytes(), address: ipAddress(`20.${i >> 8}.${i & 255}.1`, 1) }, 0)
  expect(full.size).toBeGreaterThan(40)
  for (let i = 0; i < 50; i++) {
    const target = i % 2 === 0 ? bytes() : idWithPrefix(full.ownId, i % 12, bytes())
    const all = full.contacts.sort((a, b) => compareDistance(target, a.id, b.id))
    expect(full.closest(target, 8)).toEqual(all.slice(0, 8))
  }
})

test('many near nodes are known, and few far ones', () => {
  const full = table(
    ...Array.from({ length: 40 }, (_, i) => node(0, i)),
    ...Array.from({ length: 40 }, (_, i) => node(i % 4, 50 + i)),
  )
  const far = full.contacts.filter(({ id }) => sharedBits(OWN, id) === 0)
  expect(far).toHaveLength(BUCKET_SIZE)
  expect(full.size).toBeGreaterThan(3 * BUCKET_SIZE)
})

test('a node that answers keeps its place, however many newcomers there are', () => {
  const full = table(...FULL, ...NEAR, node(0, 50), node(0, 51))
  expect(full.contacts).toEqual([...FULL, ...NEAR])
})

test('a node is asked before somebody else gets its place, and loses it when it is silent', () => {
  const full = table(...FULL, ...NEAR, node(0, 50), node(0, 51))
  expect(full.toCheck(MINUTE)).toBeNull()
  const due = full.toCheck(3 * MINUTE)!
  expect(due).toEqual(FULL[0])
  full.failed(due, 3 * MINUTE)
  expect(full.contacts).toContain(FULL[0])
  // One datagram is lost easily: it is asked again.
  expect(full.toCheck(3 * MINUTE + 20_000)).toEqual(FULL[0])
  full.failed(due, 3 * MINUTE + 25_000)
  expect(full.contacts).not.toContain(FULL[0])
  expect(full.contacts.map(({ address }) => address)).toContainEqual(node(0, 51).address)
})

test('a node that was asked and answers stays', () => {
  const full = table(...FULL, ...NEAR, node(0, 50))
  const due = full.toCheck(3 * MINUTE)!
  full.answered(due, 3 * MINUTE)
  expect(full.contacts).toContain(due)
  expect(full.toCheck(3 * MINUTE + 20_000)).not.toEqual(due)
})

test('when everybody is silent it is our own line: nobody is forgotten at once', () => {
  const full = table(...FULL)
  for (const contact of FULL) for (let i = 0; i < 3; i++) full.failed(contact, MINUTE)
  expect(full.size).toBe(BUCKET_SIZE)
})

test('one node of each range of addresses has a place', () => {
  const few = table(
    node(0, 1, '20.0.0.1'),
    node(1, 2, '20.0.0.2'),
    node(2, 3, '20.0.1.1'),
    node(3, 4, '2001:db8::1'),
    node(4, 5, '2001:db8:0:9::1'),
  )
  expect(few.contacts.map(({ address: { ip } }) => ip)).toEqual(['20.0.0.1', '20.0.1.1', '2001:db8::1'])
  expect(few.queried(node(9, 6, '20.0.0.3'), 0)).toBe(false)
})

test('on loopback every address is a node of its own', () => {
  expect(table(node(0, 1, '127.0.0.1'), node(1, 2, '127.0.0.2'), node(1, 3, '::1')).size).toBe(3)
})

test('nobody takes the id of another, nor our own', () => {
  const [first, second] = [node(0, 1, '20.0.0.1'), node(0, 1, '20.0.9.1')]
  const few = table(first, second, { id: OWN, address: ipAddress('20.0.7.1', 1) })
  expect(few.contacts).toEqual([first])
})

test('a node that has begun anew has its new id', () => {
  const [before, after] = [node(0, 1, '20.0.0.1'), node(3, 2, '20.0.0.1')]
  expect(table(before, after).contacts).toEqual([after])
})

test('who has only asked us is not in the table, but worth a question', () => {
  const few = table(node(0, 1))
  expect(few.queried(node(1, 2), 0)).toBe(true)
  expect(few.size).toBe(1)
  expect(few.queried(node(0, 1), 0)).toBe(false)
})

test('a part of the table in which nothing happens is looked into', () => {
  const few = table(...FULL, ...NEAR)
  const random = new Uint8Array(20).fill(0xff)
  expect(few.toRefresh(MINUTE, random)).toBeNull()
  expect(sharedBits(OWN, few.toRefresh(16 * MINUTE, random)!)).toBe(0)
  expect(sharedBits(OWN, few.toRefresh(16 * MINUTE, random)!)).toBe(1)
  expect(few.toRefresh(16 * MINUTE, random)).toBeNull()
})
