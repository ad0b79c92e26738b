// Where the tracker listens: HTTP and UDP on one port number, on one IP or on all of both families.
import { parseIp } from '../base/address.ts'
import { NetworkError } from '../base/errors.ts'

/** Something that listens, until it is closed. */
export interface Listener {
  readonly port: number
  close(): Promise<void>
}

export interface Place {
  /** Canonical; `::` is IPv6 alone unless `bothFamilies`. */
  readonly ip: string
  readonly port: number
  readonly bothFamilies: boolean
}

/** How listeners are opened. They reject with what `listenError` makes. */
export interface Openers {
  http(place: Place): Promise<Listener>
  udp(place: Place): Promise<Listener>
  readonly hasUdp: boolean
}

export interface OpenListeners extends Listener {
  /** An IP by which this machine reaches them. */
  readonly reachedAt: string
}

/** Where any port will do, one must be found that is free for UDP as well. */
const PORTS_TRIED = 20
const CODES: Readonly<Record<string, string>> = { EADDRINUSE: 'address_in_use', EADDRNOTAVAIL: 'address_not_available' }

/** Why nobody can listen there, with the codes that all of the program's listeners have. */
export function listenError(error: NodeJS.ErrnoException, ip: string, port: number): NetworkError {
  const system = error.code ?? 'unknown'
  return new NetworkError(CODES[system] ?? system.toLowerCase(), `Cannot listen on ${ip} port ${port}: ${system}`)
}

/** Without an IP, both families are tried, and IPv4 alone where the machine has no IPv6. `port` 0: any. Rejects with NetworkError. */
export async function openListeners(ip: string | undefined, port: number, openers: Openers): Promise<OpenListeners> {
  if (ip !== undefined) {
    const canonical = parseIp(ip)
    if (canonical === null) throw new NetworkError('address_not_available', `Cannot listen on ${ip}: not an IP address`)
    return openOn(canonical, port, openers)
  }
  try {
    return await openOn('::', port, openers)
  } catch (error) {
    if (isTaken(error)) throw error
    return openOn('0.0.0.0', port, openers)
  }
}

async function openOn(ip: string, port: number, openers: Openers): Promise<OpenListeners> {
  for (let tries = 1; ; tries++) {
    try {
      return await openOnce(ip, port, openers)
    } catch (error) {
      if (!isTaken(error) || port !== 0 || tries === PORTS_TRIED) throw error
    }
  }
}

async function openOnce(ip: string, port: number, openers: Openers): Promise<OpenListeners> {
  const bothFamilies = ip === '::'
  const open = [await openers.http({ ip, port, bothFamilies })]
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()))
  }
  const [http] = open
  // A datagram's sender is quicker read where each family has a socket of its own.
  const udpIps = !openers.hasUdp ? [] : bothFamilies ? ['0.0.0.0', '::'] : [ip]
  try {
    for (const udpIp of udpIps) open.push(await openers.udp({ ip: udpIp, port: http.port, bothFamilies: false }))
  } catch (error) {
    await close()
    throw error
  }
  const isAny = ip === '::' || ip === '0.0.0.0'
  return { port: http.port, reachedAt: isAny ? '127.0.0.1' : ip, close }
}

function isTaken(error: unknown): boolean {
  return error instanceof NetworkError && error.code === 'address_in_use'
}
