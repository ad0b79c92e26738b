// A machine as the network sees it: its addresses, the two ends of its line, and what it has open.
import { isIpv6, type Address } from '../../base/address.ts'
import type { Connection, ConnectionHandler } from '../../platform/platform.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Nat } from './nat.ts'
import type { RateQueue } from './rate-queue.ts'

/**
 * - `up`: on, and connected;
 * - `silent`: on, but everything it sends and receives vanishes, as when a cable is pulled;
 * - `down`: off. What it had open is gone without a word.
 */
export type HostState = 'up' | 'silent' | 'down'

export interface HostOptions {
  /** The first is the one it is known by; at most one more, of the other family. */
  readonly ips: readonly string[]
  readonly index: number
  readonly up: RateQueue
  readonly down: RateQueue
  readonly nat: Nat | null
  /** Part of its packets that are lost, each way; 0 to 1. */
  readonly loss: number
  readonly random: SeededRandom
}

/** A port that takes connections. */
export interface HostListener {
  readonly ip: string
  readonly port: number
  accept(connection: Connection): ConnectionHandler | null
}

/** A port that takes datagrams. */
export interface HostUdpSocket {
  readonly ip: string
  readonly port: number
  receive(datagram: Uint8Array, from: Address): void
}

/** A connection that is open. */
export interface HostStream {
  /** Tells the other side, as a system does for a program that has ended. */
  resetOther(): void
}

const FIRST_EPHEMERAL_PORT = 32_768
const EPHEMERAL_PORTS = 28_232

export class Host {
  readonly ips: readonly string[]
  readonly ip: string
  readonly index: number
  readonly up: RateQueue
  readonly down: RateQueue
  readonly nat: Nat | null
  readonly loss: number
  readonly random: SeededRandom
  state: HostState = 'up'
  /** Counts its lives: what belongs to an earlier one is dead. */
  life = 1
  readonly #listeners: HostListener[] = []
  readonly #streams = new Set<HostStream>()
  readonly #udpSockets: HostUdpSocket[] = []
  #lastPort: number

  constructor({ ips, index, up, down, nat, loss, random }: HostOptions) {
    this.ips = ips
    this.ip = ips[0]
    this.index = index
    this.up = up
    this.down = down
    this.nat = nat
    this.loss = loss
    this.random = random
    this.#lastPort = random.below(EPHEMERAL_PORTS)
  }

  /** Its address of the family of `ip`, or undefined. */
  ownIpFor(ip: string): string | undefined {
    return this.ips.find((own) => isIpv6(own) === isIpv6(ip))
  }

  /** What is open now is gone, and nobody is told. */
  endLife(): void {
    this.life++
    this.#listeners.length = 0
    this.#streams.clear()
    this.#udpSockets.length = 0
    this.nat?.forgetAll()
  }

  /** Connections that are open. */
  get streamCount(): number {
    return this.#streams.size
  }

  addStream(stream: HostStream): void {
    this.#streams.add(stream)
  }

  removeStream(stream: HostStream): void {
    this.#streams.delete(stream)
  }

  /** Every connection is told of its end. */
  resetStreams(): void {
    for (const stream of this.#streams) stream.resetOther()
  }

  listener(ip: string, port: number): HostListener | undefined {
    return this.#listeners.find((listener) => listener.port === port && matches(listener.ip, ip))
  }

  addListener(listener: HostListener): void {
    this.#listeners.push(listener)
  }

  removeListener(listener: HostListener): void {
    remove(this.#listeners, listener)
  }

  udpSocket(ip: string, port: number): HostUdpSocket | undefined {
    return this.#udpSockets.find((socket) => socket.port === port && matches(socket.ip, ip))
  }

  addUdpSocket(socket: HostUdpSocket): void {
    this.#udpSockets.push(socket)
  }

  removeUdpSocket(socket: HostUdpSocket): void {
    remove(this.#udpSockets, socket)
  }

  /** A free port for whoever does not care which; `kind` is what it must be free for. */
  freePort(ip: string, kind: 'tcp' | 'udp'): number {
    for (let tries = 0; tries < EPHEMERAL_PORTS; tries++) {
      const port = this.ephemeralPort()
      if (!this.isTaken(ip, port, kind)) return port
    }
    throw new RangeError(`Cannot find a free port on ${this.ip}`)
  }

  ephemeralPort(): number {
    this.#lastPort = (this.#lastPort + 1) % EPHEMERAL_PORTS
    return FIRST_EPHEMERAL_PORT + this.#lastPort
  }

  isTaken(ip: string, port: number, kind: 'tcp' | 'udp'): boolean {
    const all: readonly { readonly ip: string; readonly port: number }[] =
      kind === 'tcp' ? this.#listeners : this.#udpSockets
    return all.some((open) => open.port === port && (matches(open.ip, ip) || matches(ip, open.ip)))
  }
}

/** Does something that is bound to `bound` take what is sent to `ip`? */
function matches(bound: string, ip: string): boolean {
  if (bound === '0.0.0.0') return !isIpv6(ip)
  return bound === '::' ? isIpv6(ip) : bound === ip
}

function remove<Item>(list: Item[], item: Item): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
