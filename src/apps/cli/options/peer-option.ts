// The peers that --peer names. Addresses can be dialled at once; names are looked up first, and a name that cannot be found
// keeps nobody waiting.
import { InvalidArgumentError } from 'commander'
import { addressKey, ipAddress, isIpv6, parseAddress, parseIp } from '../../../base/address.ts'
import type { Context } from '../context.ts'

export interface PeerOption {
  /** Canonical IP, or a host name. */
  readonly host: string
  readonly isIp: boolean
  readonly port: number
}

/** `1.2.3.4:6881`, `[::1]:6881` or `host.example:6881`. */
export function parsePeer(text: string): PeerOption {
  const address = parseAddress(text)
  if (address) return { host: address.ip, isIp: true, port: address.port }
  const match = /^([a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_.])?):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  // Digits and dots alone are an IP with a mistake in it, not a name.
  if (!match || /^[\d.]+$/.test(match[1]) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('Give HOST:PORT, such as 192.168.1.2:6881, [::1]:6881 or peer.example:6881.')
  }
  return { host: match[1], isIp: false, port }
}

/** The text again, with an IP in its canonical form. */
export function hostAndPort({ host, port }: PeerOption): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * The addresses of a peer, `ip:port`; its name is looked up from `bind`, and with an IP for that they are those of its family.
 * Rejects when there are none.
 */
export async function resolvePeer(peer: PeerOption, bind: string | undefined, context: Context): Promise<string[]> {
  const ips = peer.isIp ? [peer.host] : await context.lookup(peer.host, bind)
  const boundIp = parseIp(bind ?? '')
  const reachable = ips.filter((ip) => boundIp === null || isIpv6(ip) === isIpv6(boundIp))
  if (reachable.length === 0) throw new Error(`no address of the family of ${bind}`)
  return reachable.map((ip) => addressKey(ipAddress(ip, peer.port)))
}
