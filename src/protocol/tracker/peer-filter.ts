// Which addresses that a tracker (or another peer) gave are worth dialling. Trackers are full of nonsense: port 0, addresses that
// are nobody's, and our own. Loopback and private ones stay: in a home, a laboratory or a test they are the swarm.
import { addressKey, ipScope, type Address } from '../../base/address.ts'

/** True for an address that a single host may have. */
export function isDialable(address: Address): boolean {
  if (address.port < 1 || address.port > 65535) return false
  const scope = ipScope(address.ip)
  return scope !== 'unspecified' && scope !== 'multicast' && scope !== 'broadcast' && scope !== 'reserved'
}

/** The dialable ones among `addresses`, each once, without our own: those with one of `ownIps` and `ownPort`. */
export function filterPeers(addresses: readonly Address[], ownIps: readonly string[], ownPort: number): Address[] {
  const seen = new Set<string>()
  return addresses.filter((address) => {
    const key = addressKey(address)
    if (seen.has(key) || !isDialable(address)) return false
    if (address.port === ownPort && ownIps.includes(address.ip)) return false
    seen.add(key)
    return true
  })
}
