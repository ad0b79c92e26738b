import { expect, test } from 'vitest'
import { ipAddress } from '../../../base/address.ts'
import { Lookup, type Contact } from '../../../protocol/dht/index.ts'
import type { DhtFamily } from './dht-family.ts'
import type { LookupHandler } from './run-lookup.ts'
import { ThoroughSearch } from './thorough-search.ts'

const TARGET = new Uint8Array(20)
const REQUEST = { method: 'get', target: TARGET, seq: null, want: [] } as const

test('a search that is stopped asks nobody else, on the ways around the target neither', () => {
  const contact: Contact = { id: new Uint8Array(20).fill(7), address: ipAddress('20.0.0.1', 1) }
  const begun: { readonly lookup: Lookup; readonly end: () => void }[] = []
  const size: Pick<DhtFamily['size'], 'isSuspicious' | 'wayAroundBit'> = { isSuspicious: () => true, wayAroundBit: 5 }
  const family: Pick<DhtFamily, 'isOpen' | 'ask' | 'search'> & { size: typeof size } = {
    size,
    isOpen: true,
    ask: () => expect.unreachable(),
    search: (target: Uint8Array, handler: LookupHandler) => {
      const lookup = new Lookup(target, [contact])
      begun.push({ lookup, end: () => handler.onEnd(lookup) })
      return lookup
    },
  }
  let ends = 0
  const search = new ThoroughSearch(family as DhtFamily, TARGET, {
    request: REQUEST,
    onAnswer: () => {},
    onEnd: () => ends++,
  })
  search.start()
  begun[0].end()
  expect(begun).toHaveLength(4)
  const [, ...ways] = begun
  expect(ways.map(({ lookup }) => lookup.isDone)).toEqual([false, false, false])
  search.stop()
  expect(ways.map(({ lookup }) => lookup.next())).toEqual([null, null, null])
  expect(ways.map(({ lookup }) => lookup.isDone)).toEqual([true, true, true])
  for (const { end } of ways) end()
  expect(ends).toBe(1)
})
