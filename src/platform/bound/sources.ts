// Which local addresses a bound network uses: one of each family, the same for all that it opens. Pure.
import { ipScope, isIpv6, parseIp } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Binding } from '../platform.ts'

export type Family = 4 | 6

/** An address of this machine. */
export interface LocalAddress {
  /** Canonical. */
  readonly ip: string
  /** Name of its interface. */
  readonly interface: string
}

/** By family; null: there is none now. */
export type Sources = Readonly<Record<Family, LocalAddress | null>>

export const NO_SOURCES: Sources = { 4: null, 6: null }

/** The farther it reaches, the better. */
const SCOPES = ['global', 'private', 'link_local', 'loopback'] as const

export function familyOf(ip: string): Family {
  return isIpv6(ip) ? 6 : 4
}

/** An option that names an IP, or an interface: its IP in canonical form, or undefined. */
export function bindIp(bind: string | undefined): string | undefined {
  return bind === undefined ? undefined : (parseIp(bind) ?? undefined)
}

/**
 * What to use from now on.
 * @param bind an IP or the name of an interface
 * @param local all addresses of this machine, as they are now
 * @param before what was used until now: it stays as long as it is there and none reaches farther
 */
export function sourcesOf(bind: string, local: readonly LocalAddress[], before: Sources): Sources {
  const ip = bindIp(bind)
  if (ip === undefined) {
    const ofInterface = local.filter((address) => address.interface === bind)
    return { 4: bestOf(4, ofInterface, before[4]), 6: bestOf(6, ofInterface, before[6]) }
  }
  const found = local.find((address) => address.ip === ip) ?? loopbackOf(ip, local)
  return { ...NO_SOURCES, [familyOf(ip)]: found }
}

function bestOf(family: Family, local: readonly LocalAddress[], before: LocalAddress | null): LocalAddress | null {
  const ofFamily = local.filter(({ ip }) => familyOf(ip) === family)
  for (const scope of SCOPES) {
    // Those of IPv6 that reach no farther than the link are of no use without a zone.
    const fitting = ofFamily.filter(({ ip }) => ipScope(ip) === scope && !(isIpv6(ip) && scope === 'link_local'))
    if (fitting.length > 0) return fitting.find(({ ip }) => ip === before?.ip) ?? fitting[0]
  }
  return null
}

/** All of 127.0.0.0/8 is this machine's, though the interface names but one of it. */
function loopbackOf(ip: string, local: readonly LocalAddress[]): LocalAddress | null {
  const isLoopback = (text: string): boolean => !isIpv6(text) && ipScope(text) === 'loopback'
  const found = isLoopback(ip) ? local.find((address) => isLoopback(address.ip)) : undefined
  return found ? { ...found, ip } : null
}

export function isSame(a: LocalAddress | null, b: LocalAddress | null): boolean {
  return a?.ip === b?.ip && a?.interface === b?.interface
}

export function ipsOf(sources: Sources): string[] {
  return [sources[4], sources[6]].flatMap((source) => source?.ip ?? [])
}

/** `interface wg0` or `address 10.0.0.1`. */
export function describeBind(bind: string): string {
  return `${bindIp(bind) === undefined ? 'interface' : 'address'} ${bind}`
}

/** Nothing can leave at all, for now. */
export function isCutOff(binding: Pick<Binding, 'ips'> | undefined): boolean {
  return binding !== undefined && binding.ips.length === 0
}

/** For people: without capital and full stop, so that it can stand after `Stalled:`. */
export function cutOffSentence(bind: string): string {
  return `waits for ${describeBind(bind)}, which is gone`
}

/** Why it cannot be bound to. @param local all addresses of this machine */
export function addressesNotThere(bind: string, local: readonly LocalAddress[]): NetworkError {
  const names = [...new Set(local.map((address) => address.interface))].join(', ')
  const problem =
    bindIp(bind) === undefined
      ? `there is no such interface that has an address, but ${names}`
      : 'this machine has no such address'
  return new NetworkError('address_not_available', `Cannot bind to ${describeBind(bind)}: ${problem}`)
}

/** Why nothing can leave to an IP of this family, now. @param what the failed action with its value */
export function noSource(what: string, bind: string, family: Family, sources: Sources): NetworkError {
  if (ipsOf(sources).length === 0) return new NetworkError('address_gone', `${what}: ${describeBind(bind)} is gone`)
  return new NetworkError('no_address', `${what}: ${describeBind(bind)} has no IPv${family}`)
}

/** Why what was open is closed. */
export function sourceGone(what: string, ip: string): NetworkError {
  return new NetworkError('address_gone', `${what}: this machine no longer uses its address ${ip}`)
}
