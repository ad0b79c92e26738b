// The network of one machine, as the engine sees it (`Network` in src/platform/platform.ts).
import { addressKey, ipAddress, isIpv6, parseIp, type Address } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type {
  Connection,
  ConnectionHandler,
  ConnectOptions,
  HttpRequest,
  HttpResponse,
  ListenOptions,
  Network,
  TcpListener,
  UdpSocket,
} from '../../platform/platform.ts'
import type { Host, HostListener } from './host.ts'
import { httpGet } from './http-get.ts'
import type { Medium } from './medium.ts'
import type { Names } from './names.ts'
import { SimUdpSocket, type OnDatagram } from './sim-udp.ts'
import { dial } from './tcp-dial.ts'

export class SimNetwork implements Network {
  readonly #medium: Medium
  readonly #host: Host
  readonly #names: Names
  readonly #life: number

  constructor(medium: Medium, host: Host, names: Names) {
    this.#medium = medium
    this.#host = host
    this.#names = names
    this.#life = host.life
  }

  async listen(
    options: ListenOptions,
    onConnection: (connection: Connection) => ConnectionHandler | null,
  ): Promise<TcpListener> {
    const { ip, port } = this.#place(options, 'tcp', 'listen on')
    const listener: HostListener = { ip, port, accept: onConnection }
    this.#host.addListener(listener)
    await this.#later(undefined)
    return {
      ip,
      port,
      close: () => {
        this.#host.removeListener(listener)
        return this.#later(undefined)
      },
    }
  }

  connect(remote: Address, options: ConnectOptions, handler: ConnectionHandler): Connection {
    return dial(this.#medium, this.#host, remote, options, handler)
  }

  async openUdp(options: ListenOptions, onMessage: OnDatagram): Promise<UdpSocket> {
    const { ip, port } = this.#place(options, 'udp', 'open UDP port')
    const socket = new SimUdpSocket(this.#medium, this.#host, ip, port, onMessage)
    return this.#later(socket)
  }

  httpGet(request: HttpRequest): Promise<HttpResponse> {
    return httpGet({ timeline: this.#medium.timeline, network: this }, request)
  }

  lookup(host: string, family: 4 | 6 | 'any'): Promise<readonly string[]> {
    return this.#names.lookup(host, family, (settle, delayUs) => this.#settleLater(settle, delayUs))
  }

  ownAddresses(): readonly string[] {
    return ['127.0.0.1', ...this.#host.ips]
  }

  /** Where something is to be opened, with the port that it gets. Throws what the system would. */
  #place({ ip: text, port }: ListenOptions, kind: 'tcp' | 'udp', action: string): { ip: string; port: number } {
    const ip = parseIp(text)
    const what = `Cannot ${action} ${ip === null ? text : addressKey(ipAddress(ip, port))}`
    const isOwn = ip !== null && (isAny(ip) || this.ownAddresses().includes(ip))
    if (!isOwn) throw new NetworkError('address_not_available', `${what}: this machine has no such address`)
    if (isIpv6(ip) && !this.#host.ips.some(isIpv6))
      throw new NetworkError('eafnosupport', `${what}: this machine does not speak that address family`)
    if (port !== 0 && this.#host.isTaken(ip, port, kind))
      throw new NetworkError('address_in_use', `${what}: the address is in use`)
    return { ip, port: port === 0 ? this.#host.freePort(ip, kind) : port }
  }

  /** What the system answers, a moment later. */
  #later<Value>(value: Value): Promise<Value> {
    return new Promise((resolve) => this.#settleLater(() => resolve(value), 0))
  }

  /** Nobody is told anything after the machine has gone. */
  #settleLater(settle: () => void, delayUs: number): void {
    const { timeline } = this.#medium
    timeline.at(timeline.nowUs + delayUs, () => {
      if (this.#host.life !== this.#life) return
      settle()
      timeline.promiseSettled()
    })
  }
}

function isAny(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::'
}
