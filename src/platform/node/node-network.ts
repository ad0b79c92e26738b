import { ipScope, parseIp } from '../../base/address.ts'
import { BoundNetwork } from '../bound/bound-network.ts'
import type { Network } from '../platform.ts'
import { nodeClock } from './clock.ts'
import { httpGet } from './http.ts'
import { localAddresses } from './local-addresses.ts'
import { lookup, ownAddresses } from './lookup.ts'
import type { Receiving } from './tcp-connection.ts'
import { connectTcp, listenTcp } from './tcp.ts'
import { openUdp } from './udp.ts'

export interface NodeNetworkOptions {
  /** How bytes of connections arrive. Default: the fast way, `shared`. */
  readonly receive?: Receiving | undefined
  /**
   * An IP of this machine, or the name of an interface: everything leaves from there, name lookups too. Default, and with
   * `0.0.0.0` or `::`: the system chooses.
   */
  readonly bind?: string | undefined
}

/** The real network. Throws NetworkError `address_not_available` when there is nothing to bind to. */
export function createNodeNetwork({ receive, bind }: NodeNetworkOptions = {}): Network {
  const network: Network = {
    listen: (where, onConnection) => listenTcp(where, onConnection, receive),
    connect: (remote, from, handler) => connectTcp(remote, from, handler, receive),
    openUdp,
    httpGet,
    lookup,
    ownAddresses,
  }
  if (bind === undefined || ipScope(parseIp(bind) ?? '') === 'unspecified') return network
  return new BoundNetwork({
    network,
    clock: nodeClock,
    bind: parseIp(bind) ?? bind,
    localAddresses,
    lookup: async (...asked) => {
      const { lookupFrom } = await import('./bound-lookup.ts')
      return lookupFrom(...asked)
    },
  })
}
