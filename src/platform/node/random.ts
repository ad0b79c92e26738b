// Chance from the system's cryptographic source.
import { randomFillSync, randomInt } from 'node:crypto'
import type { Random } from '../platform.ts'

export const nodeRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  below: (limit) => randomInt(limit),
}
