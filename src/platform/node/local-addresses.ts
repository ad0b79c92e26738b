import { networkInterfaces } from 'node:os'
import { parseIp } from '../../base/address.ts'
import type { LocalAddress } from '../bound/sources.ts'

/** The addresses of the interfaces that are up and running, loopback included. Those that need a zone (`fe80::1%eth0`) come without it. */
export function localAddresses(): readonly LocalAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).flatMap(({ address }) => {
      const ip = parseIp(address.replace(/%.*$/, ''))
      return ip === null ? [] : [{ ip, interface: name }]
    }),
  )
}
