// Addresses that are likely to have one owner. Who has a range has as many nodes there as it likes: of each range one node
// counts, in a routing table as well as in a lookup. Loopback addresses are exempt: there all nodes are our own.
import { ipScope, ipToBytes, isIpv6 } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'

/** What a provider commonly gives to one customer, at most. */
const IPV6_RANGE_BYTES = 6

/** A name of the range that an IP is in: /24 of IPv4, /48 of IPv6; null for an address that is exempt. */
export function addressRange(ip: string): string | null {
  if (!isIpv6(ip)) return ip.startsWith('127.') ? null : ip.slice(0, ip.lastIndexOf('.'))
  if (ipScope(ip) === 'loopback') return null
  const bytes = ipToBytes(ip)
  return bytes === null ? null : toHex(bytes.subarray(0, IPV6_RANGE_BYTES))
}
