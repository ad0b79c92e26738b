// Addresses that strangers tell us of. Nobody out on the internet may make us send packets into the local network.
import { ipScope, type Address } from '../../../base/address.ts'

/** Whether what is said to be at `address` is to be believed, and asked, when somebody at `tellerIp` says so. */
export function isUsableAddress(address: Address, tellerIp: string): boolean {
  switch (ipScope(address.ip)) {
    case 'global':
      return true
    case 'loopback':
      return ipScope(tellerIp) === 'loopback'
    case 'private':
    case 'link_local':
      return ipScope(tellerIp) !== 'global'
    case 'unspecified':
    case 'multicast':
    case 'broadcast':
    case 'reserved':
      return false
  }
}
