import { expect, test } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import type { Contact } from './contact.ts'
import { Lookup } from './lookup.ts'
import { secureId } from './secure-id.ts'

const TARGET = new Uint8Array(20)
const TOKEN = Uint8Array.of(1)

/** A node at this distance, on loopback, where any id will do. */
function node(distance: number): Contact {
  const id = new Uint8Array(20)
  id[0] = distance
  return { id, address: ipAddress(`127.0.0.${distance}`, 6881) }
}

function nodes(from: number, to: number): Contact[] {
  return Array.from({ length: to - from + 1 }, (_, i) => node(from + i))
}

/** Asks everybody that it says, and answers with what `named` gives. Returns whom it has asked. */
function carryOut(lookup: Lookup, named: (contact: Contact) => Contact[] = () => []): number[] {
  const asked: number[] = []
  for (let contact = lookup.next(); contact !== null; contact = lookup.next()) {
    asked.push(contact.id[0])
    lookup.onAnswer(contact, contact.id, named(contact), TOKEN)
  }
  return asked
}

test('the closest are asked first, and it ends when the closest eight have answered', () => {
  const lookup = new Lookup(TARGET, nodes(1, 20))
  expect(carryOut(lookup)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(lookup.isDone).toBe(true)
  expect(lookup.closest().map(({ contact }) => contact)).toEqual(nodes(1, 8))
  expect(lookup.closest()[0]).toMatchObject({ token: TOKEN, hops: 1 })
})

test('those that are named are asked when they are closer', () => {
  const lookup = new Lookup(TARGET, nodes(100, 108))
  const asked = carryOut(lookup, ({ id: [distance] }) =>
    nodes(Math.max(1, distance >> 1), Math.max(1, distance >> 1) + 2),
  )
  expect(asked.slice(0, 3)).toEqual([100, 50, 25])
  expect(lookup.closest().map(({ contact }) => contact.id[0])).toContain(1)
  expect(lookup.closest()[0].hops).toBeGreaterThan(5)
})

test('no more than four are waited for at once, and whoever is slow makes way', () => {
  const lookup = new Lookup(TARGET, nodes(1, 20))
  const asked = Array.from({ length: 4 }, () => lookup.next()!)
  expect(lookup.next()).toBeNull()
  lookup.onSlow(asked[0])
  expect(lookup.next()).toEqual(node(5))
  expect(lookup.next()).toBeNull()
  // It answers after all.
  lookup.onAnswer(asked[0], asked[0].id, [node(21)], TOKEN)
  expect(lookup.closest().map(({ contact }) => contact)).toEqual([node(1)])
})

test('those that fail are replaced, and the end waits for those that may still answer', () => {
  const lookup = new Lookup(TARGET, nodes(1, 9))
  const first = lookup.next()!
  expect(carryOut(lookup)).toEqual([2, 3, 4, 5, 6, 7, 8])
  expect(lookup.isDone).toBe(false)
  lookup.onFailure(first)
  expect(carryOut(lookup)).toEqual([9])
  expect(lookup.isDone).toBe(true)
})

test('an answer to nothing that was asked changes nothing', () => {
  const lookup = new Lookup(TARGET, nodes(1, 3))
  lookup.onAnswer(node(1), node(1).id, nodes(30, 40), TOKEN)
  lookup.onFailure(node(2))
  expect(carryOut(lookup)).toEqual([1, 2, 3])
})

test('of one range of addresses one node is asked, and another when that one fails', () => {
  const at = (ip: string, place: number): Contact => ({
    id: secureId(ip, new Uint8Array(20).fill(place)),
    address: ipAddress(ip, 6881),
  })
  const all = Array.from({ length: 6 }, (_, i) => at(`20.0.0.${i + 1}`, i))
  const lookup = new Lookup(TARGET, all)
  const first = lookup.next()!
  expect(lookup.next()).toBeNull()
  lookup.onFailure(first)
  expect(carryOut(lookup)).toHaveLength(1)
  expect(lookup.closest()).toHaveLength(1)
})

test('a node whose id does not belong to its address is asked, but does not count', () => {
  const liar: Contact = { id: node(1).id, address: ipAddress('20.0.0.1', 6881) }
  const lookup = new Lookup(TARGET, [liar, ...nodes(2, 12)])
  expect(carryOut(lookup)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(lookup.closest().map(({ contact }) => contact)).toEqual(nodes(2, 9))
  expect(lookup.holders().map(({ contact }) => contact)).toEqual([liar, ...nodes(2, 9)])
})

test('who names a node under a wrong id does not hide it', () => {
  const [named, real] = [{ ...node(1), address: node(9).address }, node(9)]
  const lookup = new Lookup(TARGET, [named])
  const asked = lookup.next()!
  lookup.onAnswer(asked, real.id, nodes(10, 11), TOKEN)
  carryOut(lookup)
  expect(lookup.closest().map(({ contact }) => contact)).toEqual(nodes(9, 11))
})

test('whoever names nodes without end is followed for a while only', () => {
  let next = 0
  const lookup = new Lookup(TARGET, nodes(200, 201), { maxAsked: 50 })
  const endless = (): Contact[] =>
    Array.from({ length: 300 }, () => {
      const id = new Uint8Array(20)
      id[2] = 255 - (++next >> 8)
      id[3] = 255 - (next & 255)
      return { id, address: ipAddress(`127.${next >> 8}.${next & 255}.1`, 1) }
    })
  expect(carryOut(lookup, endless)).toHaveLength(50)
  expect(lookup.isDone).toBe(true)
})

test('nodes that are to be avoided are not asked, whoever names them, and do not count when they turn out to be such', () => {
  const isAvoided = (id: Uint8Array): boolean => id[0] < 5
  const lookup = new Lookup(TARGET, nodes(1, 9), { isAvoided })
  expect(carryOut(lookup, () => nodes(1, 12))).toEqual([5, 6, 7, 8, 9, 10, 11, 12])
  const other = new Lookup(TARGET, [node(9)], { isAvoided })
  const asked = other.next()!
  other.onAnswer(asked, node(1).id, nodes(10, 11), TOKEN)
  expect([other.closest(), other.isDone]).toEqual([[], true])
})

test('a lookup that is stopped is done', () => {
  const lookup = new Lookup(TARGET, nodes(1, 3))
  lookup.stop()
  expect([lookup.next(), lookup.isDone]).toEqual([null, true])
})
