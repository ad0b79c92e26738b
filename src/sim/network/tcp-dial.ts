// How a TCP connection comes about: asked for, answered, confirmed; asked again where no answer comes.
import { addressKey, ipAddress, isIpv6, type Address } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, ConnectOptions } from '../../platform/platform.ts'
import type { TimeTarget } from '../timeline.ts'
import type { Host } from './host.ts'
import type { Medium, PacketTarget } from './medium.ts'
import { TcpPipe } from './tcp-pipe.ts'
import { TcpStream } from './tcp-stream.ts'

/** As Linux: asked at 0, 1, 3, 7, 15, 31 and 63 s, given up at 127 s. */
const FIRST_WAIT_US = 1_000_000
const MAX_ASKED = 7

/** Packets of the handshake. */
const ASK = 0
const WELCOME = 1
const CONFIRM = 2
const REFUSE = 3

/** Dials. The handler hears of everything later. */
export function dial(
  medium: Medium,
  host: Host,
  remote: Address,
  options: ConnectOptions,
  handler: ConnectionHandler,
): Connection {
  const stream = new TcpStream(medium, host, remote)
  stream.start(handler)
  new TcpDial(medium, host, remote, options, stream).start()
  return stream
}

class TcpDial implements PacketTarget, TimeTarget {
  readonly #medium: Medium
  readonly #host: Host
  readonly #remote: Address
  readonly #options: ConnectOptions
  readonly #stream: TcpStream
  /** The machine that is dialled, if there is one. */
  readonly #target: Host | undefined
  readonly #incoming: TcpStream
  #localIp = ''
  #asked = 0
  #askedAtUs = 0
  #isAnswered = false
  #isWelcomed = false

  constructor(medium: Medium, host: Host, remote: Address, options: ConnectOptions, stream: TcpStream) {
    this.#medium = medium
    this.#host = host
    this.#remote = remote
    this.#options = options
    this.#stream = stream
    this.#target = medium.host(remote.ip) ?? (isLoopback(remote.ip) ? host : undefined)
    const target = this.#target ?? host
    const localIp = options.localIp ?? host.ownIpFor(remote.ip) ?? host.ip
    this.#incoming = new TcpStream(medium, target, ipAddress(localIp, host.ephemeralPort()))
    join(medium, [host, stream], [target, this.#incoming])
  }

  start(): void {
    const problem = this.#problem()
    if (problem) {
      this.#medium.timeline.at(0, () => this.#stream.fail(problem))
      return
    }
    this.#localIp = this.#options.localIp ?? (isLoopback(this.#remote.ip) ? this.#remote.ip : this.#ownIp()!)
    this.onTime()
  }

  #ownIp(): string | undefined {
    return this.#host.ownIpFor(this.#remote.ip)
  }

  /** What the system refuses at once. */
  #problem(): NetworkError | null {
    const what = `Cannot connect to ${addressKey(this.#remote)}`
    const { localIp } = this.#options
    if (localIp !== undefined && !this.#host.ips.includes(localIp) && !isLoopback(localIp))
      return new NetworkError('address_not_available', `${what}: this machine has no address ${localIp}`)
    const canSpeak = isLoopback(this.#remote.ip) || this.#ownIp() !== undefined
    if (canSpeak && (localIp === undefined || isIpv6(localIp) === isIpv6(this.#remote.ip))) return null
    return new NetworkError('enetunreach', `${what}: network unreachable`)
  }

  /** Asks, and asks again when the time for an answer is over. */
  onTime(): void {
    if (this.#isAnswered || this.#stream.isDead) return
    if (this.#asked === MAX_ASKED) {
      this.#stream.fail(new NetworkError('etimedout', `Cannot connect to ${addressKey(this.#remote)}: timed out`))
      return
    }
    const { timeline } = this.#medium
    this.#askedAtUs = timeline.nowUs
    timeline.plan(timeline.nowUs + FIRST_WAIT_US * 2 ** this.#asked++, this, 0)
    this.#send(this.#host, this.#target, ASK)
  }

  onPacket(kind: number): void {
    if (kind === ASK) this.#onAsked()
    else if (kind === CONFIRM) this.#incoming.accept()
    else if (!this.#isAnswered) {
      this.#isAnswered = true
      if (kind === WELCOME) this.#onWelcome()
      else
        this.#stream.fail(
          new NetworkError('econnrefused', `Cannot connect to ${addressKey(this.#remote)}: connection refused`),
        )
    }
  }

  /** At the machine that is dialled. */
  #onAsked(): void {
    const target = this.#target!
    // Routers that translate addresses let nobody in; who asks gets no answer.
    if (target.nat && target !== this.#host) return
    if (!target.listener(this.#remote.ip, this.#remote.port)) {
      this.#send(target, this.#host, REFUSE)
      return
    }
    if (!this.#isWelcomed) {
      this.#isWelcomed = true
      this.#incoming.awaitFirstBytes(() => this.#accept())
    }
    this.#send(target, this.#host, WELCOME)
  }

  #onWelcome(): void {
    if (this.#stream.isDead) {
      this.#incoming.onPacket()
      return
    }
    this.#send(this.#host, this.#target, CONFIRM)
    this.#stream.open(this.#localIp, this.#medium.timeline.nowUs - this.#askedAtUs)
    this.#stream.tellOpen()
  }

  /** At the machine that was dialled: the connection is established, and somebody gets it. */
  #accept(): void {
    const { ip, port } = this.#remote
    const incoming = this.#incoming
    const roundTripUs = 2 * this.#medium.delayUs(this.#host, this.#target!)
    incoming.open(ip, roundTripUs)
    let handler: ConnectionHandler | null = null
    try {
      handler = this.#target!.listener(ip, port)?.accept(incoming) ?? null
    } catch {
      // Nobody handles this connection, so nobody can be told; the listener goes on.
    }
    if (handler) incoming.start(handler)
    else incoming.close()
  }

  #send(from: Host, to: Host | undefined, kind: number): void {
    if (to) this.#medium.send(from, to, this.#medium.options.headerBytes, this, kind)
  }
}

/** Lays the two directions of a connection. */
function join(medium: Medium, [hostA, a]: [Host, TcpStream], [hostB, b]: [Host, TcpStream]): void {
  const { headerBytes } = medium.options
  const resetA = (): void => medium.send(hostB, hostA, headerBytes, a)
  const resetB = (): void => medium.send(hostA, hostB, headerBytes, b)
  a.attach(new TcpPipe(medium, hostA, hostB, { sender: a, receiver: b, reset: resetA }), resetB)
  b.attach(new TcpPipe(medium, hostB, hostA, { sender: b, receiver: a, reset: resetB }), resetA)
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.')
}
