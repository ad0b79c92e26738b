import { addressesNotThere, ipsOf, NO_SOURCES, sourcesOf } from '../platform/bound/sources.ts'
import { localAddresses } from '../platform/node/local-addresses.ts'

/**
 * The IPs of this machine that a session with this `bind` uses now: one, or one of each family.
 * @param bind an IP or the name of an interface. Throws NetworkError `address_not_available` where it has none.
 */
export function boundAddresses(bind: string): string[] {
  const local = localAddresses()
  const ips = ipsOf(sourcesOf(bind, local, NO_SOURCES))
  if (ips.length === 0) throw addressesNotThere(bind, local)
  return ips
}
