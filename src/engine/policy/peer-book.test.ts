import { describe, expect, test } from 'vitest'
import { randomSource } from '../../../tests/support/random.ts'
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
    expect(book.census().known).toBe(2)
    expect([book.next(0), book.next(0), book.next(0)]).toEqual([A, B, null])
  })

  test('the same IP with another port is somebody else', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    book.add(ipAddress(A.ip, 6882), 'tracker')
    expect(book.census().known).toBe(2)
  })

  test('who failed least comes first', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    book.next(0)
    book.closed(A, 'failed', 0)
    book.add(B, 'tracker')
    expect([book.next(MINUTE), book.next(MINUTE)]).toEqual([B, A])
  })

  test('among those who never failed: a person’s choice, one that was lost, the untried, and last who had nothing for us', () => {
    const book = new PeerBook()
    for (let i = 0; i < 5; i++) book.add(numbered(i), 'tracker')
    for (const ending of ['replaced', 'fruitless', 'orderly'] as const) book.closed(book.next(0)!, ending, 0)
    book.add(A, 'user')
    const order = Array.from({ length: 6 }, () => book.next(60 * MINUTE))
    expect(order).toEqual([A, numbered(2), numbered(3), numbered(4), numbered(1), numbered(0)])
  })

  test('among the untried: the nearer and surer sources, then the greater rank, then the older', () => {
    const book = new PeerBook()
    const told = [
      [numbered(0), 'dht', 99],
      [numbered(1), 'tracker', 5],
      [numbered(2), 'tracker', 7],
      [numbered(3), 'tracker', 5],
      [numbered(4), 'pex', 99],
      [numbered(5), 'lsd', 0],
      [numbered(6), 'incoming', 0],
    ] as const
    for (const [address, source, priority] of told) book.add(address, source, priority)
    const order = Array.from(told, () => book.next(0))
    expect(order).toEqual([5, 6, 2, 1, 3, 4, 0].map(numbered))
  })

  test('who is told again by a better source moves up, by a worse one stays', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    book.add(B, 'dht')
    book.add(B, 'user')
    book.add(B, 'pex')
    expect([book.next(0), book.census().known]).toEqual([B, 2])
  })

  test('who is connected with us by its own doing is not dialled, until the last connection has ended', () => {
    const book = new PeerBook()
    book.add(A, 'incoming')
    book.take(A)
    book.take(A)
    book.closed(A, 'orderly', 0)
    expect(book.next(MINUTE)).toBeNull()
    book.closed(A, 'orderly', MINUTE)
    expect([book.next(MINUTE), book.next(2 * MINUTE)]).toEqual([null, A])
  })

  test('promising is who was never tried, or was lost; not who failed or made way', () => {
    const book = new PeerBook()
    expect(book.hasPromising(0)).toBe(false)
    book.add(A, 'tracker')
    expect(book.hasPromising(0)).toBe(true)
    book.next(0)
    expect(book.hasPromising(60 * MINUTE)).toBe(false)
    book.closed(A, 'orderly', 0)
    expect([book.hasPromising(0), book.hasPromising(MINUTE)]).toEqual([false, true])
    book.next(MINUTE)
    book.closed(A, 'replaced', 0)
    expect(book.hasPromising(60 * MINUTE)).toBe(false)
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

  test('in which nothing passed, the wait doubles, too, and begins anew once something did', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    const dueAfter = (ending: 'fruitless' | 'orderly'): number => {
      book.next(999 * MINUTE)
      book.closed(A, ending, 0)
      return book.census().nextDialAt! / SECOND
    }
    const endings = ['fruitless', 'fruitless', 'fruitless', 'orderly', 'fruitless'] as const
    expect(endings.map(dueAfter)).toEqual([15, 30, 60, 15, 15])
  })

  test('in which it made way for another, ten minutes pass', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    book.next(0)
    book.closed(A, 'replaced', 0)
    expect([book.next(10 * MINUTE - 1), book.next(10 * MINUTE)]).toEqual([null, A])
  })

  test('between two that have nothing for each other, half an hour passes', () => {
    const book = new PeerBook()
    book.add(A, 'user')
    book.next(0)
    book.closed(A, 'useless', 0)
    expect([book.next(29 * MINUTE), book.next(30 * MINUTE)]).toEqual([null, A])
  })

  test('those who had nothing for us are due at once when we want more, and only they', () => {
    const book = new PeerBook()
    for (const [address, ending] of [
      [A, 'useless'],
      [B, 'replaced'],
    ] as const) {
      book.add(address, 'tracker')
      book.next(0)
      book.closed(address, ending, 0)
    }
    book.recallUseless()
    expect([book.next(SECOND), book.next(SECOND)]).toEqual([A, null])
  })

  test('that ended since our own address has gone, the peer has not failed, and may be dialled as soon as that is back', () => {
    const book = new PeerBook()
    book.add(A, 'tracker')
    for (let i = 0; i < 5; i++) {
      expect(book.next(i)).toEqual(A)
      book.closed(A, 'failed', i, 'address_gone')
    }
    expect(book.next(5)).toEqual(A)
    book.closed(A, 'failed', 5, 'econnrefused')
    expect([book.next(2_004), book.next(2_005)]).toEqual([null, A])
  })

  test('with another address of ours, all may be dialled at once but those who were let go', () => {
    for (const [ending, address] of [
      ['failed', A],
      ['orderly', A],
      ['fruitless', A],
      ['useless', null],
      ['replaced', null],
    ] as const) {
      const book = new PeerBook()
      book.add(A, 'tracker')
      book.next(0)
      book.closed(A, ending, 0)
      expect(book.next(1)).toBeNull()
      book.recallLost()
      expect(book.next(1)).toEqual(address)
    }
  })

  test('of an address that nobody told us, nothing is remembered', () => {
    const book = new PeerBook()
    book.closed(A, 'orderly', 0)
    book.succeeded(A)
    expect([book.census().known, book.next(MINUTE)]).toEqual([0, null])
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
    expect(book.census().known).toBe(2000)
    const due = Array.from({ length: 2001 }, () => book.next(99 * MINUTE))
    expect(due).toContainEqual(A)
    expect(due).not.toContainEqual(numbered(700))
  })

  test('a newcomer that promises less than all of them is not kept', () => {
    const book = new PeerBook()
    for (let i = 0; i < 2000; i++) book.add(numbered(i), 'tracker', 10 + i)
    book.add(A, 'tracker', 9)
    book.add(B, 'pex', 99_999)
    const before = Array.from({ length: 2000 }, () => book.next(0))
    expect(before).not.toContainEqual(A)
    expect(before).not.toContainEqual(B)
    for (const address of before) book.release(address!)
    book.add(A, 'tracker', 11)
    const after = Array.from({ length: 2000 }, () => book.next(0))
    expect(after).toContainEqual(A)
    expect(after).not.toContainEqual(numbered(0))
  })

  test('with ten thousand addresses told, no call costs more than some dozens of comparisons', () => {
    const book = new PeerBook()
    let most = 0
    const measured = (act: () => void): void => {
      const before = book.work
      act()
      most = Math.max(most, book.work - before)
    }
    const random = randomSource(7)
    for (let i = 0; i < 10_000; i++) measured(() => book.add(numbered(i), 'tracker', random.below(1 << 30)))
    expect(book.census().known).toBe(2000)
    const inUse: Address[] = []
    for (let now = 0; now < 10 * MINUTE; now += 100) {
      measured(() => {
        const address = book.next(now)
        if (address) inUse.push(address)
      })
      if (inUse.length < 200) continue
      const [gone] = inUse.splice(random.below(200), 1)
      measured(() => book.closed(gone, (['failed', 'orderly', 'fruitless'] as const)[random.below(3)], now))
    }
    // In and out of three heaps of 2,000, each eleven levels deep; and 32 addresses noticed at once at most.
    expect(most).toBeLessThan(32 * 2 * 2 * 11)
    const heapOf = 3 * 2 * 2 * 11
    const before = book.work
    for (let i = 0; i < 100; i++) {
      const address = book.next(20 * MINUTE)
      if (address) book.release(address)
    }
    expect((book.work - before) / 100).toBeLessThan(2 * heapOf + 32)
  })

  test('what a person gave, and what is in use, never makes way', () => {
    const book = new PeerBook()
    for (let i = 0; i < 1000; i++) book.add(numbered(i), 'user')
    for (let i = 1000; i < 2000; i++) book.add(numbered(i), 'tracker')
    while (book.next(0) !== null);
    book.add(A, 'tracker')
    expect([book.census().known, book.next(0)]).toEqual([2000, null])
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
  expect(book.next(2_500)).toEqual(refused)
  expect(book.census()).toMatchObject({ inUse: 2, nextDialAt: 3_000 })
  expect(book.census().failed.get('econnrefused')).toBe(1)
  book.succeeded(refused)
  expect(book.census().failed).toEqual(new Map([['connect_timeout', 1]]))
})
