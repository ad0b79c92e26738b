// The input of a case: a change of one of the target's seeds, decided by the seed of the campaign and the case's number alone,
// so that any case can be had again without those before it.
import { SeededRandom } from '../../sim/index.ts'
import { changeTree, readTree, writeTree } from './mutate/bencode-tree.ts'
import { changeBytes } from './mutate/bytes.ts'
import type { Target } from './target.ts'

/** Share of the cases of a bencoded format in which values are changed, not bytes. */
const TREES = 0.6

export interface CaseKey {
  readonly seed: number
  /** From 0: the first cases are the target's seeds as they are. */
  readonly number: number
}

export function caseInput(target: Target, { seed, number }: CaseKey): Uint8Array {
  const { seeds, words = [] } = target
  if (number < seeds.length) return seeds[number]
  const random = new SeededRandom(`${target.name}/${seed}/${number}`)
  const [bytes, other] = [smallSeed(seeds, random), smallSeed(seeds, random)]
  if (target.isBencode && random.happens(TREES)) {
    const [tree, otherTree] = [readTree(bytes), readTree(other)]
    if (tree && otherTree) {
      const changed = writeTree(changeTree(tree, random, otherTree, words))
      // Now and then bytes as well: both kinds of harm at once.
      return random.happens(0.1) ? changeBytes(changed, random, other, words) : changed
    }
  }
  return changeBytes(bytes, random, other, words)
}

/** Mostly one of the smaller ones, of which there are more cases in the same time. */
function smallSeed(seeds: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  let smallest = seeds[random.below(seeds.length)]
  for (let again = random.below(6); again > 0; again--) {
    const drawn = seeds[random.below(seeds.length)]
    if (drawn.length < smallest.length) smallest = drawn
  }
  return smallest
}

/** The chance that goes with the parsing of an input: had again from the input alone. */
export function chanceOf(input: Uint8Array): SeededRandom {
  return new SeededRandom(`${input.length}/${input[input.length >> 1]}/${input.at(-1)}`)
}
