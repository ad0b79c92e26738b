// The TCP port that peers dial: the same one on both families where the machine has both (BEP 7).
import { isIpv6 } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, Network, TcpListener } from '../../platform/platform.ts'

/** The first port of those that BitTorrent clients have always used. */
export const DEFAULT_PORT = 6881
/** Ports tried, one after the other, when nobody asked for a certain one. */
const PORTS_TRIED = 100
const ANY_PORT_TRIES = 10

export interface ListenerOptions {
  /** 0: any; undefined: 6881 or the next free one. */
  readonly port: number | undefined
  /** Local IP; undefined: all of both families. */
  readonly ip: string | undefined
}

type OnConnection = (connection: Connection) => ConnectionHandler | null

/** Listens. Rejects with NetworkError `address_in_use` and the like when that cannot be done. */
export async function listenForPeers(
  network: Network,
  options: ListenerOptions,
  onConnection: OnConnection,
): Promise<TcpListener[]> {
  if (options.port !== undefined) return listenOn(network, options.ip, options.port, onConnection)
  for (let port = DEFAULT_PORT; ; port++) {
    try {
      return await listenOn(network, options.ip, port, onConnection)
    } catch (error) {
      if (!isTaken(error) || port - DEFAULT_PORT >= PORTS_TRIED) throw error
    }
  }
}

async function listenOn(
  network: Network,
  ip: string | undefined,
  port: number,
  onConnection: OnConnection,
): Promise<TcpListener[]> {
  if (ip !== undefined) return [await network.listen({ ip, port }, onConnection)]
  for (let tries = 1; ; tries++) {
    const first = await network.listen({ ip: '0.0.0.0', port }, onConnection).catch((error: unknown) => {
      if (isTaken(error)) throw error
      return null
    })
    // A machine, or an interface, without IPv4.
    if (first === null) return [await network.listen({ ip: '::', port }, onConnection)]
    try {
      return [first, await network.listen({ ip: '::', port: first.port }, onConnection)]
    } catch (error) {
      // A machine without IPv6 is served over IPv4 alone; a port taken there is taken.
      if (!isTaken(error)) return [first]
      await first.close()
      // Any port was good enough: another one may be free in both families.
      if (port !== 0 || tries === ANY_PORT_TRIES) throw error
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof NetworkError && error.code === 'address_in_use'
}

/** A session bound to an address of one family cannot dial the other. */
export function canReach(localIp: string | undefined, remoteIp: string): boolean {
  return localIp === undefined || isIpv6(localIp) === isIpv6(remoteIp)
}
