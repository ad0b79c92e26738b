import { expect, test } from 'vitest'
import { Bitfield } from '../../base/bitfield.ts'
import { isYoungSwarm, type SwarmMember } from './young-swarm.ts'

/** One character a piece: `*` where it has it. */
function member(picture: string): SwarmMember {
  const have = new Bitfield(picture.length)
  for (const [piece, mark] of Array.from(picture).entries()) if (mark === '*') have.set(piece)
  return { have, isSeed: have.isFull }
}

const isYoung = (...pictures: string[]): boolean => isYoungSwarm(pictures.map(member), pictures[0].length)

test('four leechers with nothing, or little, are a young swarm', () => {
  expect(isYoung('      ', '      ', '      ', '      ')).toBe(true)
  expect(isYoung('**    ', '*     ', '      ', '      ', '      ')).toBe(true)
})

test('with fewer there is nobody to pass things on to', () => {
  expect(isYoung('      ', '      ', '      ')).toBe(false)
})

test('a swarm with another seed needs no help', () => {
  expect(isYoung('      ', '      ', '      ', '      ', '******')).toBe(false)
})

test('when half of the pieces are out the swarm is not young any more, whoever has them', () => {
  expect(isYoung('*     ', ' *    ', '  *   ', '*     ')).toBe(false)
})
