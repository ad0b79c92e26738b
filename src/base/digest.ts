// Synchronous digests. The one file below the platform that names node:crypto: a browser build swaps this file alone.
import { createHash } from 'node:crypto'

/** 20 bytes. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha1').update(bytes).digest())
}

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
