import { describe, expect, test } from 'vitest'
import { type Address, ipAddress } from '../../base/address.ts'
import { PeerBook } from './peer-book.ts'

const A = ipAddress('1.0.0.1', 6881)
const B = ipAddress('1.0.0.2', 6881)
const SECOND = 1000
const MINUTE = 60 * SECOND

/** The `i`th of thousands. */
const numbered = (i: number): Address => ipAddress(`2.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 6881)

/** Dials `address`, the only one due, again and again, each time in vain; how long each wait was. */
function waits(book: PeerBook, address: Address, count: number, ending: 'failed' | 'orderly'): number[] {
  const waits: number[] = []
  let now = 0
  for (let i = 0; i < count; i++) {
    expect(book.next(now)).toEqual(address)
    book.closed(address, ending, now)
    const since = now
    while (book.next(now) === null) now += SECOND
    book.closed(address, 'orderly', -MINUTE * 60)
    waits.push(now - since)
  }
  return waits
}

describe('whom to dial', () => {
  test('each address once, the first one first', () => {
    const book = new PeerBook()
    for (const address of [A, B, A]) book.add(address, 'tracker')
    expect(book.size).toBe(2)
    expect([book.next(0), book.next(0), book.next(0)]).toEqual([A, B, null])
  })

  test('the same IP with another port is somebody else', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    book.add(ipAddress(A.ip, 6882), 'tracker')
    expect(book.size).toBe(2)
  })

  test('who failed least comes first', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    book.next(0)
    book.closed(A, 'failed', 0)
    book.add(B, 'tracker')
    expect([book.next(MINUTE), book.next(MINUTE)]).toEqual([B, A])
  })
})

describe('after a connection', () => {
  test('that failed, the wait doubles, up to ten minutes', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    const found = waits(book, A, 12, 'failed')
    expect(found.slice(0, 4)).toEqual([2, 4, 8, 16].map((seconds) => seconds * SECOND))
    expect(found.slice(-2)).toEqual([10 * MINUTE, 10 * MINUTE])
  })

  test('that ended in order, the address may be dialled after 15 s', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    expect(waits(book, A, 2, 'orderly')).toEqual([15 * SECOND, 15 * SECOND])
  })

  test('with a handshake, earlier failures are forgiven', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    waits(book, A, 6, 'failed')
    book.next(99 * MINUTE)
    book.succeeded(A)
    book.closed(A, 'failed', 0)
    expect(book.next(2 * SECOND)).toEqual(A)
  })

  test('an address that a person gave is tried at least every ten seconds', () => {
    const book = new PeerBook()
    book.add(A, 'user')
    expect(Math.max(...waits(book, A, 12, 'failed'))).toBe(10 * SECOND)
  })

  test('between two that have nothing for each other, half an hour passes', () => {
    const book = new PeerBook()
    book.add(A, 'user')
    book.next(0)
    book.closed(A, 'useless', 0)
    expect([book.next(29 * MINUTE), book.next(30 * MINUTE)]).toEqual([null, A])
  })

  test('of an address that nobody told us, nothing is remembered', () => {
    const book = new PeerBook()
    book.closed(A, 'orderly', 0)
    book.succeeded(A)
    expect([book.size, book.next(MINUTE)]).toEqual([0, null])
  })
})

describe('bans', () => {
  test('a banned address is not dialled, nor learnt again', () => {
    const book = new PeerBook()
    book.add(A, 'user')
    book.ban(A)
    book.add(A, 'user')
    expect([book.isBanned(A), book.isBanned(B), book.next(0)]).toEqual([true, false, null])
  })

  test('thousands of bans leave room for addresses', () => {
    const book = new PeerBook()
    for (let i = 0; i < 5000; i++) book.ban(numbered(i))
    book.add(A, 'tracker')
    expect(book.next(0)).toEqual(A)
    expect(book.isBanned(numbered(4999))).toBe(true)
  })
})

describe('bounds', () => {
  test('no more than 2000 addresses are kept; the one that failed most makes way', () => {
    const book = new PeerBook()
    for (let i = 0; i < 2000; i++) book.add(numbered(i), 'tracker')
    for (let i = 0; i < 3; i++) book.closed(numbered(700), 'failed', 0)
    book.add(A, 'tracker')
    expect(book.size).toBe(2000)
    const due = Array.from({ length: 2001 }, () => book.next(99 * MINUTE))
    expect(due).toContainEqual(A)
    expect(due).not.toContainEqual(numbered(700))
  })

  test('what a person gave, and what is in use, never makes way', () => {
    const book = new PeerBook()
    for (let i = 0; i < 1000; i++) book.add(numbered(i), 'user')
    for (let i = 1000; i < 2000; i++) book.add(numbered(i), 'tracker')
    while (book.next(0) !== null);
    book.add(A, 'tracker')
    expect([book.size, book.next(0)]).toEqual([2000, null])
  })
})

test('the census tells who is in use, who was never tried, and what ended the last try of the others', () => {
  const book = new PeerBook()
  for (const last of [1, 2, 3, 4]) book.add(ipAddress(`10.1.0.${last}`, 6881), 'tracker')
  const [refused, silent, ended] = [book.next(0)!, book.next(0)!, book.next(0)!]
  expect(book.census()).toMatchObject({ known: 4, inUse: 3, untried: 1, nextDialAt: 0 })
  book.next(0)
  book.closed(refused, 'failed', 500, 'econnrefused')
  book.closed(silent, 'failed', 1_000, 'connect_timeout')
  book.closed(ended, 'orderly', 1_000)
  expect(book.census()).toEqual({
    known: 4,
    inUse: 1,
    untried: 0,
    failed: new Map([
      ['econnrefused', 1],
      ['connect_timeout', 1],
    ]),
    nextDialAt: 2_500,
  })
})
