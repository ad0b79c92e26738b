// Chance that repeats itself: the same seed text gives the same numbers, on every machine. The generator is Bob Jenkins's
// small fast counter ("sfc32"), which passes the common statistical batteries. Not for secrets.
import { encodeUtf8 } from '../base/bytes.ts'
import type { Random } from '../platform/platform.ts'

const WARM_UP_ROUNDS = 15

export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Every text is a stream of its own: `new SeededRandom(`${seed}/${node}/disk`)`. */
  constructor(seed: string) {
    const bytes = encodeUtf8(seed)
    this.#a = textHash(bytes, 0x811c9dc5)
    this.#b = textHash(bytes, 0x9e3779b9)
    this.#c = textHash(bytes, 0x85ebca6b)
    for (let i = 0; i < WARM_UP_ROUNDS; i++) this.uint32()
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** From 0 to just below 1. */
  fraction(): number {
    return this.uint32() / 2 ** 32
  }

  /** True with the given probability. */
  happens(probability: number): boolean {
    return this.fraction() < probability
  }

  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() >>> 24
    return bytes
  }
}

/** FNV-1a, begun with another value for each word of the state. */
function textHash(bytes: Uint8Array, start: number): number {
  let hash = start
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash ^ (hash >>> 15)
}
