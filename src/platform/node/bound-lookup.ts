// Name lookups that leave from given local addresses. The system's own resolver (getaddrinfo) cannot be told from where to ask, so
// this asks the servers of resolv.conf itself (DNS over UDP and TCP), after the names that the machine knows by itself. It knows
// no search domains, no mDNS and no other directories.
import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { ipScope, parseIp } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import { type Family, familyOf, ipsOf, type Sources } from '../bound/sources.ts'
import { type HostNames, knownIps, readHostsFile } from './hosts-file.ts'

/** For each server, doubled with each try. */
const TIMEOUT_MS = 2_000
const TRIES = 2
/** Of what servers send. */
const MAX_IPS = 64
/** Where systemd-resolved names those whom it asks: it answers at a loopback address itself, and asks from any address. */
const RESOLVED_SERVERS = '/run/systemd/resolve/resolv.conf'

let hostNames: Promise<HostNames> | null = null

/**
 * Canonical IPs of a name in these families, asked for from these addresses alone. Never empty: rejects with NetworkError
 * `name_not_found`. The hosts file is read once, the servers' names each time: they change with the network.
 */
export async function lookupFrom(
  host: string,
  families: readonly Family[],
  sources: Sources,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const what = `Cannot look up ${host}`
  hostNames ??= readHostsFile()
  const known = knownIps(host, await hostNames).filter((ip) => families.includes(familyOf(ip)))
  if (known.length > 0) return known
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  const servers = await usableServers(resolver.getServers(), sources)
  if (servers.length === 0)
    throw new NetworkError('name_not_found', `${what}: no name server can be asked from ${ipsOf(sources).join(' or ')}`)
  if (signal.aborted) throw new NetworkError('aborted', `${what}: aborted`)
  resolver.setServers(servers)
  resolver.setLocalAddress(sources[4]?.ip ?? '0.0.0.0', sources[6]?.ip ?? '::')
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    const asked = families.map((family) => (family === 4 ? resolver.resolve4(host) : resolver.resolve6(host)))
    return toIps(await Promise.allSettled(asked), what)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function toIps(answers: readonly PromiseSettledResult<readonly string[]>[], what: string): string[] {
  const ips = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  const canonical = new Set(ips.slice(0, MAX_IPS).flatMap((ip) => parseIp(ip) ?? []))
  if (canonical.size > 0) return [...canonical]
  const failed = answers.find((answer) => answer.status === 'rejected')
  const reason = (failed?.reason as NodeJS.ErrnoException | undefined)?.code ?? 'no address'
  throw new NetworkError('name_not_found', `${what}: ${reason}`)
}

/** Those that can be asked from one of these addresses: for others, the system would choose one. */
async function usableServers(servers: readonly string[], sources: Sources): Promise<readonly string[]> {
  const usable = servers.filter((server) => sources[familyOf(serverIp(server))] !== null)
  const isBoundToLoopback = ipsOf(sources).some(isLoopback)
  if (isBoundToLoopback || !usable.every((server) => isLoopback(serverIp(server)))) return usable
  const behind = (await resolvedServers()).filter((ip) => sources[familyOf(ip)] !== null && !isLoopback(ip))
  return behind.length > 0 ? behind : usable
}

async function resolvedServers(): Promise<string[]> {
  try {
    const text = await readFile(RESOLVED_SERVERS, 'utf8')
    return [...text.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, ip]) => parseIp(ip) ?? [])
  } catch {
    return []
  }
}

/** `1.2.3.4`, `1.2.3.4:53`, `::1`, `[::1]:53`; a zone is left out. */
function serverIp(server: string): string {
  const bare = /^\[([^\]]*)\]/.exec(server)?.[1] ?? (/^[\d.]+:\d+$/.test(server) ? server.split(':')[0] : server)
  return bare.replace(/%.*$/, '')
}

function isLoopback(ip: string): boolean {
  return ipScope(ip) === 'loopback'
}
