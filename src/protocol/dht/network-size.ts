// How many nodes there are, from how close to their targets lookups have come; and whether a target has more nodes close to it
// than chance would put there. That is the mark of somebody who has gathered nodes around it to hide what is kept there.
import type { Contact } from './contact.ts'
import { distanceFraction, ID_BITS } from './node-id.ts'

/** The latest lookups, of which the median counts: few enough that a network which grows is noticed. */
const SAMPLES = 7
const ENOUGH_SAMPLES = 3
/** Nodes of a lookup's result; fewer say little. */
const LEAST_FOUND = 5
/** Chance alone comes so close to a target in one lookup of fifty. */
const SUSPICIOUS_DENSITY = 2.5

export class NetworkSize {
  readonly #samples: number[] = []

  /** The closest nodes of a lookup whose target nobody could know beforehand. */
  add(target: Uint8Array, closest: readonly Contact[]): void {
    const size = sizeNear(target, closest)
    if (size === null) return
    this.#samples.push(size)
    if (this.#samples.length > SAMPLES) this.#samples.shift()
  }

  /** Nodes of the network, or null while nothing is known. */
  get estimate(): number | null {
    if (this.#samples.length < ENOUGH_SAMPLES) return null
    return this.#samples.toSorted((a, b) => a - b)[this.#samples.length >> 1]
  }

  /** The density test: whether nodes stand closer together around `target` than elsewhere, as after a Sybil attack. */
  isSuspicious(target: Uint8Array, closest: readonly Contact[]): boolean {
    const [near, usual] = [sizeNear(target, closest), this.estimate]
    return near !== null && usual !== null && near > usual * SUSPICIOUS_DENSITY
  }

  /**
   * The bit of a target that, turned round, leads to a part of the network with some 16 nodes in it, next to the target but
   * not so near that many hostile nodes can be there. Both those who store and those who look find the same one, or the next.
   */
  get wayAroundBit(): number {
    const nodes = this.estimate ?? 1
    let bits = 0
    while (bits < ID_BITS - 1 && nodes / 2 ** (bits + 1) > 16) bits++
    return bits
  }
}

/** What the number of nodes would be if they were everywhere as dense as here. */
function sizeNear(target: Uint8Array, closest: readonly Contact[]): number | null {
  if (closest.length < LEAST_FOUND) return null
  const farthest = Math.max(...closest.map(({ id }) => distanceFraction(target, id)))
  return farthest === 0 ? null : (closest.length - 1) / farthest
}
