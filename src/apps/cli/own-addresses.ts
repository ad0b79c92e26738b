// Where others can reach this machine, as far as it knows itself.
import { networkInterfaces } from 'node:os'
import { addressKey, type Address, ipAddress, ipScope } from '../../base/address.ts'

/** An address for each network, and no list of all that a machine with many has. */
const MAX_ADDRESSES = 4

/** What another machine can dial, IPv4 first, where we listen on these. Loopback only where nothing else is listened on. */
export function reachableAddresses(
  listening: readonly { readonly address: string; readonly port: number }[],
): Address[] {
  const found = new Map<string, Address>()
  for (const { address, port } of listening) {
    for (const ip of address === '0.0.0.0' ? ownIps(4) : address === '::' ? ownIps(6) : [address]) {
      const reachable = ipAddress(ip, port)
      found.set(addressKey(reachable), reachable)
    }
  }
  return [...found.values()].slice(0, MAX_ADDRESSES)
}

/** Without those that mean something on this machine or this cable alone. */
function ownIps(family: 4 | 6): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(
      ({ family: its, address }) => its === `IPv${family}` && !['loopback', 'link_local'].includes(ipScope(address)),
    )
    .map(({ address }) => address)
}
