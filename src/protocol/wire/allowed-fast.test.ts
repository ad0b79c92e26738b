import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { allowedFastSet } from './allowed-fast.ts'

interface Vector {
  readonly ip: string
  readonly infohash: string
  readonly pieces: number
  readonly k: number
  readonly set: readonly number[]
}
const fixture = JSON.parse(readFileSync(new URL('../../../tests/fixtures/wire.json', import.meta.url), 'utf8')) as {
  sections: { bep6_allowed_fast: { vectors: Vector[] } }
}
const INFOHASH = new Uint8Array(20).fill(0xaa)

test.each(fixture.sections.bep6_allowed_fast.vectors)(
  '$ip may ask for these $k pieces',
  ({ ip, infohash, pieces, k, set }) => {
    expect(allowedFastSet(ip, fromHex(infohash)!, pieces, k)).toEqual(set)
  },
)

test('what aria2 computed for 127.0.0.1 and seven pieces is what we compute', () => {
  const infohash = fromHex('9c71a61ee9d5143b5781dc28fdff9b6b93fe7040')!
  expect(allowedFastSet('127.0.0.1', infohash, 7, 10)).toEqual([4, 6, 5, 1, 0, 2, 3])
})

test.each([1, 2, 9])('a torrent of %i pieces, fewer than are allowed, allows all of them and ends', (pieces) => {
  const set = allowedFastSet('80.4.4.200', INFOHASH, pieces, 10)
  expect(set.toSorted((a, b) => a - b)).toEqual(Array.from({ length: pieces }, (_, piece) => piece))
})

test('IPv6, for which BEP 6 defines nothing, gets nothing', () => {
  expect(allowedFastSet('2001:db8::1', INFOHASH, 1313, 7)).toEqual([])
})
