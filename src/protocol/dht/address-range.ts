// Addresses that are likely to have one owner. Who has a range has as many nodes there as it likes: of each range one node
// counts, in a routing table as well as in a lookup. Local networks are exempt: there all nodes are our own, and in one range.
import { ipScope, ipToBytes, isIpv6 } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'

/** What a provider commonly gives to one customer, at most. */
const IPV6_RANGE_BYTES = 6

/** Whether an IP is of this machine or of a network around it, which strangers have no addresses in. */
export function isLocal(ip: string): boolean {
  const scope = ipScope(ip)
  return scope === 'loopback' || scope === 'private' || scope === 'link_local'
}

/** A name of the range that an IP is in: /24 of IPv4, /48 of IPv6; null for an address that is exempt. */
export function addressRange(ip: string): string | null {
  // Between a provider and its customers (100.64.0.0/10) there are strangers.
  if (isLocal(ip) && !ip.startsWith('100.')) return null
  if (!isIpv6(ip)) return ip.slice(0, ip.lastIndexOf('.'))
  const bytes = ipToBytes(ip)
  return bytes === null ? null : toHex(bytes.subarray(0, IPV6_RANGE_BYTES))
}
