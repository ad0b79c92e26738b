// Datagrams: each goes its own way, unordered and unreliable, through the routers of both sides.
import { ipAddress, isIpv6, type Address } from '../../base/address.ts'
import type { UdpSocket } from '../../platform/platform.ts'
import type { Host, HostUdpSocket } from './host.ts'
import type { Medium, PacketTarget } from './medium.ts'

const HEADER_BYTES = 28
/** More does not fit into a datagram. */
const MAX_PAYLOAD_BYTES = 65_507

export type OnDatagram = (datagram: Uint8Array, from: Address) => void

export class SimUdpSocket implements UdpSocket, HostUdpSocket {
  readonly ip: string
  readonly port: number
  readonly #medium: Medium
  readonly #host: Host
  readonly #life: number
  readonly #onDatagram: OnDatagram
  #isOpen = true

  constructor(medium: Medium, host: Host, ip: string, port: number, onDatagram: OnDatagram) {
    this.#medium = medium
    this.#host = host
    this.#life = host.life
    this.#onDatagram = onDatagram
    this.ip = ip
    this.port = port
    host.addUdpSocket(this)
  }

  send(datagram: Uint8Array, to: Address): void {
    const target = this.#medium.host(to.ip)
    const ownIp = this.#host.ownIpFor(to.ip)
    const isPossible = this.#isOpen && this.#host.life === this.#life && datagram.length <= MAX_PAYLOAD_BYTES
    if (!isPossible || !target || ownIp === undefined || isIpv6(to.ip) !== isIpv6(this.ip)) return
    const port = this.#host.nat?.outsidePort(this.port, to, this.#medium.timeline.nowUs) ?? this.port
    const packet = new Datagram(this.#medium, target, to, ipAddress(ownIp, port), datagram.slice())
    this.#medium.send(this.#host, target, datagram.length + HEADER_BYTES, packet)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#host.removeUdpSocket(this)
  }

  receive(datagram: Uint8Array, from: Address): void {
    if (this.#isOpen) this.#onDatagram(datagram, from)
  }
}

class Datagram implements PacketTarget {
  readonly #medium: Medium
  readonly #target: Host
  readonly #to: Address
  readonly #from: Address
  readonly #bytes: Uint8Array

  constructor(medium: Medium, target: Host, to: Address, from: Address, bytes: Uint8Array) {
    this.#medium = medium
    this.#target = target
    this.#to = to
    this.#from = from
    this.#bytes = bytes
  }

  onPacket(): void {
    const { ip, port } = this.#to
    const { nat } = this.#target
    const insidePort = nat ? nat.insidePort(port, this.#from, this.#medium.timeline.nowUs) : port
    if (insidePort !== null) this.#target.udpSocket(ip, insidePort)?.receive(this.#bytes, this.#from)
  }
}
