// Names to IPs, and the IPs of this machine. Everything that leaves here is canonical text.
import { isIpv6, parseIp } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import { localAddresses } from './local-addresses.ts'

/**
 * Canonical IPs of a name, or of an IP as it is (brackets around IPv6 are taken off). Never empty:
 * rejects with NetworkError `name_not_found`, also for an IP of the other family.
 */
export async function lookup(host: string, family: 4 | 6 | 'any'): Promise<readonly string[]> {
  const fits = (ip: string): boolean => family === 'any' || isIpv6(ip) === (family === 6)
  const literal = parseIp(host.replace(/^\[(.*)\]$/, '$1'))
  if (literal !== null) {
    if (fits(literal)) return [literal]
    throw new NetworkError('name_not_found', `Cannot look up ${host}: it is not an IPv${family} address`)
  }
  const ips = new Set<string>()
  let reason = 'no address'
  try {
    const dns = await import('node:dns/promises')
    const found = await dns.lookup(host, { all: true, family: family === 'any' ? 0 : family, verbatim: true })
    for (const { address } of found) {
      const ip = parseIp(address)
      if (ip !== null && fits(ip)) ips.add(ip)
    }
  } catch (error) {
    reason = (error as NodeJS.ErrnoException).code ?? String(error)
  }
  if (ips.size === 0) throw new NetworkError('name_not_found', `Cannot look up ${host}: ${reason}`)
  return [...ips]
}

/** Canonical IPs of this machine's interfaces, loopback included. Addresses that need a zone (`fe80::1%eth0`) come without it. */
export function ownAddresses(): readonly string[] {
  return [...new Set(localAddresses().map(({ ip }) => ip))]
}
