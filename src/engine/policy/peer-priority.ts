// Which connection to keep when there are too many (BEP 40): both ends of a connection compute the same number from
// their two addresses, so that they agree, and nobody can choose it. Among many peers that makes a random graph, which is
// what spreads pieces well, and an attacker needs addresses from many networks to crowd others out.
import { type Address, ipToBytes } from '../../base/address.ts'
import { compareBytes, concatBytes } from '../../base/bytes.ts'
import { crc32c } from '../../base/crc32c.ts'

/** What is left of the bits that a network's owner can choose. */
const MASK = 0x55

/** The greater, the rather kept: 0 to 2^32 - 1. It does not matter who is `a`. Two kinds of IP have no common rank: 0. */
export function peerPriority(a: Address, b: Address): number {
  if (a.ip === b.ip) return crc32c(concatBytes([portBytes(a.port), portBytes(b.port)].sort(compareBytes)))
  const [first, second] = [ipToBytes(a.ip), ipToBytes(b.ip)]
  if (!first || first.length !== second?.length) return 0
  const kept = keptBytes(first, second)
  return crc32c(concatBytes([masked(first, kept), masked(second, kept)].sort(compareBytes)))
}

/** How many leading bytes count in full: the nearer the two networks, the more. */
function keptBytes(a: Uint8Array, b: Uint8Array): number {
  let shared = 0
  while (a[shared] === b[shared]) shared++
  return Math.max(a.length === 4 ? 2 : 6, shared + 1)
}

function masked(ip: Uint8Array, kept: number): Uint8Array {
  return ip.map((byte, i) => (i < kept ? byte : byte & MASK))
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff)
}
