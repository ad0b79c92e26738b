// Chance that a seed determines.

export interface RandomSource {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number
}

/** xorshift32: small, and equal everywhere. */
export function randomSource(seed: number): RandomSource {
  let state = (Math.imul(seed + 1, 0x9e3779b1) | 1) >>> 0
  return {
    below(limit) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      state >>>= 0
      return state % limit
    },
  }
}
