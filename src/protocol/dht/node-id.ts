// Ids of nodes and keys: 160 bits, and how far they are from each other by XOR (BEP 5).
// Distances are compared bit by bit and never made into numbers: nothing is allocated on the way.
import { keyFromBytes } from '../bencode/index.ts'

/** Bytes of a node id, an infohash, the target of an item. */
export const ID_BYTES = 20
export const ID_BITS = 160

/** Negative when `a` is closer to `target` than `b`, positive when it is farther, 0 when they are equal. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const difference = (a[i] ^ target[i]) - (b[i] ^ target[i])
    if (difference !== 0) return difference
  }
  return 0
}

/** How many bits both begin with in common: 0 to 160. */
export function sharedBits(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const difference = a[i] ^ b[i]
    if (difference !== 0) return 8 * i + Math.clz32(difference) - 24
  }
  return ID_BITS
}

/** The part of all ids that is at most as far from `target` as `id`: 0 to 1, exact to 48 bits. */
export function distanceFraction(target: Uint8Array, id: Uint8Array): number {
  let fraction = 0
  for (let i = 5; i >= 0; i--) fraction = (fraction + (target[i] ^ id[i])) / 256
  return fraction
}

/** `id` with one bit the other way round; bit 0 is the first. */
export function flipBit(id: Uint8Array, bit: number): Uint8Array {
  const flipped = id.slice()
  flipped[bit >> 3] ^= 0x80 >> (bit & 7)
  return flipped
}

/** An id that shares the first `bits` bits with `prefix`; the rest is from `random` (20 bytes). */
export function idWithPrefix(prefix: Uint8Array, bits: number, random: Uint8Array): Uint8Array {
  const id = random.slice(0, ID_BYTES)
  const whole = bits >> 3
  id.set(prefix.subarray(0, whole))
  const rest = bits & 7
  if (rest > 0) {
    const mask = 0xff00 >> rest
    id[whole] = (prefix[whole] & mask) | (id[whole] & ~mask)
  }
  return id
}

/** A text to find an id by in a Map. */
export function idKey(id: Uint8Array): string {
  return keyFromBytes(id)
}
