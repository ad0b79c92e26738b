// A set of IPs in 256 bytes: how many there are can be estimated, and sets of several nodes joined, without anybody being
// told who they are (BEP 33). It breaks down at some 8,000 members.
import { ipToBytes } from '../../base/address.ts'
import { sha1 } from '../../base/digest.ts'

export const FILTER_BYTES = 256
const FILTER_BITS = 8 * FILTER_BYTES
const HASHES = 2

export function addToFilter(filter: Uint8Array, ip: string): void {
  const bytes = ipToBytes(ip)
  if (bytes === null) throw new TypeError(`Cannot count ${ip}: not an IP address`)
  const hash = sha1(bytes)
  for (let i = 0; i < HASHES; i++) {
    const bit = (hash[2 * i] | (hash[2 * i + 1] << 8)) % FILTER_BITS
    filter[bit >> 3] |= 1 << (bit & 7)
  }
}

/** Takes all members of `other` into `filter`. */
export function joinFilters(filter: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < FILTER_BYTES; i++) filter[i] |= other[i]
}

/** About how many IPs were added: 0 for none, some 7,800 for a full one. */
export function estimateMembers(filter: Uint8Array): number {
  let zeros = 0
  for (const byte of filter) for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) === 0) zeros++
  // A full filter would be infinitely many.
  const counted = Math.max(1, Math.min(FILTER_BITS - 1, zeros))
  if (zeros === FILTER_BITS) return 0
  return Math.log(counted / FILTER_BITS) / (HASHES * Math.log(1 - 1 / FILTER_BITS))
}
