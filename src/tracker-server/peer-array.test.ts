import { assert, array, boolean, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { BlockPool } from './block-pool.ts'
import { PeerArray } from './peer-array.ts'

const FIRST = { below: (_limit: number) => 0 }
const LAST = { below: (limit: number) => limit - 1 }

function address(n: number, ipLength: 4 | 16 = 4): Uint8Array {
  const bytes = new Uint8Array(ipLength + 2)
  bytes[ipLength - 2] = n >> 8
  bytes[ipLength - 1] = n
  return bytes
}

const numberOf = (bytes: Uint8Array): number => (bytes[bytes.length - 4] << 8) | bytes[bytes.length - 3]
const peerId = (n: number): Uint8Array => new Uint8Array(20).fill(n)

function arrayOf(leechers: number, seeders = 0): PeerArray {
  const peers = new PeerArray(4, 1, new BlockPool())
  for (let n = 0; n < leechers + seeders; n++) peers.add(address(n), peerId(n), n >= leechers, n)
  return peers
}

function drawn(peers: PeerArray, limit: number, own = -1, onlyLeechers = false, random = FIRST): number[] {
  const positions = new Int32Array(200)
  const count = peers.draw(limit, own, onlyLeechers, random, positions)
  return [...positions.subarray(0, count)].map((position) => numberOf(peers.addressAt(position)))
}

test('whatever is added, changed and removed, it holds what a plain map holds', () => {
  const steps = array(record({ n: integer({ min: 0, max: 150 }), isSeeder: boolean(), isLeaving: boolean() }), {
    maxLength: 600,
    size: 'max',
  })
  for (const ipLength of [4, 16] as const) {
    assert(
      property(steps, integer(), (steps, seed) => {
        const pool = new BlockPool()
        // Another one's blocks stand beside this one's.
        const others = Array.from({ length: 3 }, () => new PeerArray(ipLength, seed, pool))
        const peers = new PeerArray(ipLength, seed, pool)
        const model = new Map<number, { isSeeder: boolean; expiresAt: number }>()
        for (const [time, { n, isSeeder, isLeaving }] of steps.entries()) {
          const position = peers.find(address(n, ipLength))
          if (position >= 0 !== model.has(n)) throw new Error(`${n} was found wrongly`)
          const expiresAt = 2 ** 31 + time
          const other = others[time % 3]
          if (other.size < 100) other.add(address(other.size, ipLength), peerId(255), true, 0)
          if (isLeaving && position >= 0) peers.remove(position)
          else if (position >= 0) peers.update(position, isSeeder, expiresAt)
          else peers.add(address(n, ipLength), peerId(n), isSeeder, expiresAt)
          if (time % 7 === 0) peers.compact()
          if (isLeaving && position >= 0) model.delete(n)
          else model.set(n, { isSeeder, expiresAt })
        }
        expect(peers.size).toBe(model.size)
        for (const other of others) {
          for (let n = 0; n < other.size; n++)
            if (!other.isSeeder(other.find(address(n, ipLength)))) throw new Error(`${n} is lost`)
        }
        expect(peers.seeders).toBe([...model.values()].filter(({ isSeeder }) => isSeeder).length)
        for (const [n, { isSeeder, expiresAt }] of model) {
          const position = peers.find(address(n, ipLength))
          const found = [numberOf(peers.addressAt(position)), peers.isSeeder(position), peers.expiresAt(position)]
          expect([...found, ...peers.peerIdAt(position)]).toEqual([n, isSeeder, expiresAt, ...peerId(n)])
        }
      }),
      { numRuns: 25 },
    )
  }
})

test('who goes from back to front and removes some, sees everybody once', () => {
  assert(
    property(integer({ min: 0, max: 60 }), integer({ min: 0, max: 60 }), integer(), (leechers, seeders, mask) => {
      const peers = arrayOf(leechers, seeders)
      const seen: number[] = []
      for (let position = peers.size - 1; position >= 0; position--) {
        const n = numberOf(peers.addressAt(position))
        seen.push(n)
        if ((mask >> (n % 32)) & 1) peers.remove(position)
      }
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: leechers + seeders }, (_, n) => n))
    }),
  )
})

test('as many are drawn as are wanted and there are, each once', () => {
  for (const random of [FIRST, LAST, { below: (limit: number) => limit >> 1 }]) {
    for (const [size, limit, expected] of [
      [0, 5, 0],
      [3, 5, 3],
      [5, 5, 5],
      [100, 50, 50],
      [101, 50, 50],
      [500, 400, 200],
    ]) {
      const numbers = drawn(arrayOf(size), limit, -1, false, random)
      expect([size, new Set(numbers).size, numbers.length]).toEqual([size, expected, expected])
    }
  }
})

test('nobody is told of itself, wherever it stands', () => {
  for (let own = 0; own < 5; own++) {
    const numbers = drawn(arrayOf(5), 10, own)
    expect(numbers).toEqual([0, 1, 2, 3, 4].filter((n) => n !== own))
  }
})

test('a seeder draws leechers alone', () => {
  const peers = arrayOf(3, 4)
  const own = peers.find(address(5))
  expect(new Set(drawn(peers, 10, own, true))).toEqual(new Set([0, 1, 2]))
  expect(new Set(drawn(peers, 10, -1, true))).toEqual(new Set([0, 1, 2]))
  expect(drawn(peers, 10, own, false).length).toBe(6)
})

test('everybody is drawn as often as anybody else', () => {
  const peers = arrayOf(100)
  const times = Array.from({ length: 100 }, () => 0)
  let state = 1
  const below = (limit: number): number => {
    state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647
    return state % limit
  }
  for (let i = 0; i < 2000; i++) for (const n of drawn(peers, 30, -1, false, { below })) times[n]++
  expect(Math.min(...times)).toBeGreaterThan(450)
  expect(Math.max(...times)).toBeLessThan(750)
})

test('packed addresses are those of the positions', () => {
  const peers = arrayOf(4)
  const into = new Uint8Array(20)
  const end = peers.pack(Int32Array.of(2, 0), 2, into, 1)
  expect(end).toBe(13)
  expect([...into]).toEqual([0, ...address(2), ...address(0), 0, 0, 0, 0, 0, 0, 0])
})
