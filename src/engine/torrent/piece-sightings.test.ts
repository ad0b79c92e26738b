import { expect, test } from 'vitest'
import { Bitfield } from '../../base/bitfield.ts'
import { PieceSightings } from './piece-sightings.ts'

function have(picture: string): Bitfield {
  const bits = new Bitfield(picture.length)
  for (const [piece, mark] of Array.from(picture).entries()) if (mark === '*') bits.set(piece)
  return bits
}

const seen = (sightings: PieceSightings): (number | null)[] => [0, 1, 2].map((piece) => sightings.lastSeenAt(piece))

test('a piece was last seen when the last peer with it left', () => {
  const sightings = new PieceSightings(3)
  expect(seen(sightings)).toEqual([null, null, null])
  sightings.peerLeft(have('*  '), 0)
  sightings.peerLeft(have('** '), 5_400)
  expect(seen(sightings)).toEqual([5_000, 5_000, null])
})

test('a seed had them all, and one that came to nothing had none', () => {
  const sightings = new PieceSightings(3)
  sightings.peerLeft(have('***'), 7_000)
  sightings.peerLeft(have('   '), 8_000)
  sightings.peerLeft(have('  *'), 9_000)
  expect(seen(sightings)).toEqual([7_000, 7_000, 9_000])
})
