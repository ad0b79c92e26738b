// Chance from the system's cryptographic source. Asking it takes as long for 20 bytes as for some thousand: so it is asked for many
// at once, and each byte is given once.
import { randomFillSync, randomInt } from 'node:crypto'
import type { Random } from '../platform.ts'

const POOL_BYTES = 4096

const pool = new Uint8Array(POOL_BYTES)
let given = POOL_BYTES

function bytes(length: number): Uint8Array {
  if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length))
  if (given + length > POOL_BYTES) {
    randomFillSync(pool)
    given = 0
  }
  given += length
  const taken = pool.slice(given - length, given)
  // Keys are made of them: nothing stays here.
  pool.fill(0, given - length, given)
  return taken
}

export const nodeRandom: Random = {
  bytes,
  below: (limit) => randomInt(limit),
}
