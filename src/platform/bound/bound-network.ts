// A network whose every packet leaves from one local address of each family: a given one, or those of a given interface. It
// stands between the engine and the real network, so that nothing above can forget the address: listeners and sockets on "any"
// address are opened at ours, what is dialled or asked leaves from ours, and names are looked up from ours. What has no address
// to leave from is refused. When an address has gone, all that was open at it is closed; listeners and UDP sockets come back with
// it, on their ports. By which way a packet leaves is the system's business.
import { type Address, addressKey, isIpv6, parseIp } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type {
  Binding,
  Connection,
  ConnectionHandler,
  ConnectOptions,
  HttpRequest,
  HttpResponse,
  ListenOptions,
  Network,
  TcpListener,
  UdpSocket,
} from '../platform.ts'
import { AddressWatch, type AddressWatchOptions } from './address-watch.ts'
import { FollowingSocket } from './following-socket.ts'
import { HeldConnection, refusedConnection } from './held-connection.ts'
import {
  addressesNotThere,
  describeBind,
  type Family,
  familyOf,
  ipsOf,
  type LocalAddress,
  noSource,
  type Sources,
} from './sources.ts'

export interface BoundNetworkOptions extends AddressWatchOptions {
  /** What carries everything. */
  readonly network: Network
  /** Looks a name up in these families, asking from these addresses alone. As `Network.lookup`; `signal` ends it early. */
  readonly lookup: (
    host: string,
    families: readonly Family[],
    sources: Sources,
    signal: AbortSignal,
  ) => Promise<readonly string[]>
}

const ANY_IP: Readonly<Record<Family, string>> = { 4: '0.0.0.0', 6: '::' }
/** What keeps a listener from opening for now only. */
const MAY_COME: ReadonlySet<string> = new Set(['address_gone', 'no_address', 'address_not_available'])

export class BoundNetwork implements Network {
  readonly binding: Binding
  readonly #options: BoundNetworkOptions
  readonly #network: Network
  readonly #watch: AddressWatch

  /** Throws NetworkError `address_not_available` when there is no such address or interface, or it has no address. */
  constructor(options: BoundNetworkOptions) {
    this.#options = options
    this.#network = options.network
    this.binding = this.#watch = new AddressWatch(options)
    if (this.binding.ips.length === 0) throw addressesNotThere(options.bind, options.localAddresses())
  }

  /** Where a port is given, and its address is not there, it is opened when that comes; where any port will do, this rejects. */
  async listen(
    options: ListenOptions,
    onConnection: (connection: Connection) => ConnectionHandler | null,
  ): Promise<TcpListener> {
    const family = familyOf(options.ip)
    const what = `Cannot listen on port ${options.port}`
    this.#checkLocalIp(options.ip, what)
    const listener = new FollowingSocket(family, options.port, ({ ip }, port) =>
      this.#network.listen({ ip, port }, (connection) => this.#onConnection(connection, ip, onConnection)),
    )
    await this.#begin(listener, options, what)
    return {
      get ip() {
        return listener.ip
      },
      get port() {
        return listener.port
      },
      close: async () => {
        this.#watch.release(listener)
        await listener.close()
      },
    }
  }

  connect(remote: Address, options: ConnectOptions, handler: ConnectionHandler): Connection {
    try {
      const { ip } = this.#source(familyOf(remote.ip), `Cannot connect to ${addressKey(remote)}`, options.localIp)
      const held = this.#holdConnection(ip, handler)
      held.connection = this.#network.connect(remote, { ...options, localIp: ip }, held)
      return held.connection
    } catch (error) {
      return refusedConnection(remote, error as NetworkError, handler, this.#options.clock)
    }
  }

  /**
   * As `listen`. Who takes part in a group hears it on one socket, which cannot be bound to our address, and sends on another,
   * which is.
   */
  async openUdp(options: ListenOptions, onMessage: (datagram: Uint8Array, from: Address) => void): Promise<UdpSocket> {
    const { group } = options
    const family = familyOf(options.ip)
    const what = `Cannot open UDP port ${options.port}`
    this.#checkLocalIp(options.ip, what)
    const open = (ip: string, port: number, more: Partial<ListenOptions> = {}): Promise<UdpSocket> =>
      this.#network.openUdp({ ip, port, ...more }, onMessage)
    const sockets =
      group === undefined
        ? [new FollowingSocket(family, options.port, ({ ip }, port) => open(ip, port))]
        : [
            new FollowingSocket(family, options.port, (source, port) =>
              open(ANY_IP[family], port, { group, interfaceIp: interfaceIp(source) }),
            ),
            new FollowingSocket(family, 0, (source, port) =>
              open(source.ip, port, { interfaceIp: interfaceIp(source) }),
            ),
          ]
    const close = (): void => {
      for (const socket of sockets) {
        this.#watch.release(socket)
        socket.close()
      }
    }
    try {
      for (const socket of sockets) await this.#begin(socket, options, what)
    } catch (error) {
      close()
      throw error
    }
    const sending = sockets.at(-1)!
    return {
      get ip() {
        return sending.ip
      },
      get port() {
        return sockets[0].port
      },
      send: (datagram, to) => {
        if (this.#watch.current()[family]?.ip === sending.ip) sending.current?.send(datagram, to)
      },
      close,
    }
  }

  async httpGet(request: HttpRequest): Promise<HttpResponse> {
    const url = URL.canParse(request.url) ? new URL(request.url) : null
    if (url === null || url.hostname === '')
      throw new NetworkError('unsupported_url', `Cannot get ${request.url}: not an http or https URL`)
    const remoteIp = request.remoteIp ?? (await this.lookup(url.hostname, 'any'))[0]
    const what = `Cannot get ${url.origin}${url.pathname}`
    const { ip } = this.#source(familyOf(remoteIp), what, request.localIp)
    return this.#watch.whileThere(ip, what, request.signal, (signal) =>
      this.#network.httpGet({ ...request, remoteIp, localIp: ip, signal }),
    )
  }

  /** Only in families that we have an address of. */
  async lookup(host: string, family: 4 | 6 | 'any'): Promise<readonly string[]> {
    // Nobody need be asked.
    if (parseIp(host.replace(/^\[(.*)\]$/, '$1')) !== null) return this.#network.lookup(host, family)
    const what = `Cannot look up ${host}`
    const sources = this.#watch.current()
    const families = ([4, 6] as const).filter((each) => sources[each] && (family === 'any' || family === each))
    if (families.length === 0) throw noSource(what, this.binding.name, family === 'any' ? 4 : family, sources)
    return this.#watch.whileThere(sources[families[0]]!.ip, what, undefined, (signal) =>
      this.#options.lookup(host, families, sources, signal),
    )
  }

  ownAddresses(): readonly string[] {
    return ipsOf(this.#watch.current())
  }

  #source(family: Family, what: string, localIp: string | undefined): LocalAddress {
    if (localIp !== undefined) this.#checkLocalIp(localIp, what)
    return this.#watch.source(family, what)
  }

  /** Nobody above may choose another address. */
  #checkLocalIp(ip: string, what: string): void {
    const { name, ips } = this.binding
    if (ip === ANY_IP[familyOf(ip)] || ip === name || ips.includes(ip)) return
    throw new NetworkError('address_not_available', `${what} from ${ip}: everything is bound to ${describeBind(name)}`)
  }

  /** Opens it now, or leaves that to when its address comes. */
  async #begin(
    socket: FollowingSocket<TcpListener | UdpSocket>,
    { ip, port }: ListenOptions,
    what: string,
  ): Promise<void> {
    try {
      await socket.begin(this.#watch.source(familyOf(ip), what))
    } catch (error) {
      const mayCome = error instanceof NetworkError && MAY_COME.has(error.code) && port !== 0
      if (!mayCome) throw error
    }
    this.#watch.hold(socket)
  }

  #onConnection(
    connection: Connection,
    localIp: string,
    onConnection: (connection: Connection) => ConnectionHandler | null,
  ): ConnectionHandler | null {
    const handler = onConnection(connection)
    if (!handler) return null
    const held = this.#holdConnection(localIp, handler)
    held.connection = connection
    return held
  }

  #holdConnection(localIp: string, handler: ConnectionHandler): HeldConnection {
    const held = new HeldConnection(localIp, handler, () => this.#watch.release(held))
    this.#watch.hold(held)
    return held
  }
}

/** By which the system knows the interface, where groups are concerned. */
function interfaceIp(source: LocalAddress): string {
  return isIpv6(source.ip) ? `::%${source.interface}` : source.ip
}
