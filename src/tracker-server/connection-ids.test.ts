import { expect, test } from 'vitest'
import { ConnectionIds } from './connection-ids.ts'

const MINUTE = 60_000
const ids = (fill = 7): ConnectionIds => new ConnectionIds(new Uint8Array(32).fill(fill))
const address = (...ip: number[]): Uint8Array => Uint8Array.of(...ip, 0, 0)
const [alice, bob] = [address(10, 0, 0, 1), address(10, 0, 0, 2)]

test('an id is valid for two minutes at least, and for four at most', () => {
  const some = ids()
  const id = some.issue(alice, 3 * MINUTE)
  for (const minutes of [3, 4, 5]) expect(some.isValid(id, alice, minutes * MINUTE)).toBe(true)
  for (const minutes of [6, 8, 60]) expect(some.isValid(id, alice, minutes * MINUTE)).toBe(false)
})

test('it is of one IP, whatever the port, and of nobody else', () => {
  const some = ids()
  const id = some.issue(alice, 0)
  expect(some.isValid(id, Uint8Array.of(10, 0, 0, 1, 26, 225), 0)).toBe(true)
  expect(some.isValid(id, bob, 0)).toBe(false)
  expect(some.isValid(id, Uint8Array.of(10, 0, 0, 1, ...new Uint8Array(12), 0, 0), 0)).toBe(false)
  expect(ids(8).isValid(id, alice, 0)).toBe(false)
})

test('with more clients than are remembered, each has its own all the same', () => {
  const some = ids()
  const clients = Array.from({ length: 5000 }, (_, i) => address(10, i >> 8, i & 255, 1))
  const issued = clients.map((client) => some.issue(client, 0))
  expect(new Set(issued.map(String)).size).toBe(clients.length)
  expect(clients.every((client, i) => some.isValid(issued[i], client, MINUTE))).toBe(true)
  expect(clients.some((client, i) => some.isValid(issued[(i + 1) % issued.length], client, MINUTE))).toBe(false)
})
