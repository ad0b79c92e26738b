// A router that translates addresses, as homes have them (the kinds of RFC 3489): nothing comes in that was not asked for.
// For UDP the kinds differ in what counts as asked for; for TCP none lets anybody in. Each node has a router of its own,
// whose public IP is the node's.
import { addressKey, type Address } from '../../base/address.ts'

/**
 * - `full_cone`: who has sent from a port takes what anybody sends there;
 * - `restricted`: ... from an IP to which it has sent from that port;
 * - `port_restricted`: ... from an IP and port to which it has;
 * - `symmetric`: as `port_restricted`, and every destination sees another port.
 */
export type NatKind = 'full_cone' | 'restricted' | 'port_restricted' | 'symmetric'

/** Routers forget a mapping that was not used for this long. */
const LIFETIME_US = 120_000_000
const MAX_MAPPINGS = 4096
const FIRST_SYMMETRIC_PORT = 20_000
const SYMMETRIC_PORTS = 10_000

interface Mapping {
  readonly insidePort: number
  readonly outsidePort: number
  /** To whom it was sent: IPs or addresses, as the kind compares them -> when. */
  readonly sentTo: Map<string, number>
  usedAtUs: number
}

export class Nat {
  readonly kind: NatKind
  /** By inside port, or inside port and destination where the kind is `symmetric`. The order is that of use. */
  readonly #mappings = new Map<string, Mapping>()
  readonly #byOutsidePort = new Map<number, Mapping>()
  #symmetricPorts = 0

  constructor(kind: NatKind) {
    this.kind = kind
  }

  /** A datagram leaves: which port the world sees as its sender. */
  outsidePort(insidePort: number, to: Address, nowUs: number): number {
    const key = this.kind === 'symmetric' ? `${insidePort} ${addressKey(to)}` : `${insidePort}`
    const known = this.#mappings.get(key)
    const isAlive = known !== undefined && nowUs - known.usedAtUs <= LIFETIME_US
    const mapping = isAlive ? known : this.#newMapping(insidePort, nowUs)
    this.#mappings.delete(key)
    this.#mappings.set(key, mapping)
    this.#byOutsidePort.set(mapping.outsidePort, mapping)
    mapping.usedAtUs = nowUs
    mapping.sentTo.delete(this.#comparedPart(to))
    mapping.sentTo.set(this.#comparedPart(to), nowUs)
    this.#forgetOldest(mapping.sentTo)
    for (const [oldest, { outsidePort }] of this.#mappings) {
      if (this.#mappings.size <= MAX_MAPPINGS) break
      this.#mappings.delete(oldest)
      this.#byOutsidePort.delete(outsidePort)
    }
    return mapping.outsidePort
  }

  /** A datagram arrives at a port of the router: for which port inside, or null when nobody asked for it. */
  insidePort(outsidePort: number, from: Address, nowUs: number): number | null {
    const mapping = this.#byOutsidePort.get(outsidePort)
    if (!mapping || nowUs - mapping.usedAtUs > LIFETIME_US) return null
    if (this.kind === 'full_cone') return mapping.insidePort
    const sentAtUs = mapping.sentTo.get(this.#comparedPart(from))
    return sentAtUs === undefined || nowUs - sentAtUs > LIFETIME_US ? null : mapping.insidePort
  }

  forgetAll(): void {
    this.#mappings.clear()
    this.#byOutsidePort.clear()
  }

  #newMapping(insidePort: number, nowUs: number): Mapping {
    const outsidePort =
      this.kind === 'symmetric' ? FIRST_SYMMETRIC_PORT + (this.#symmetricPorts++ % SYMMETRIC_PORTS) : insidePort
    return { insidePort, outsidePort, sentTo: new Map(), usedAtUs: nowUs }
  }

  #comparedPart(address: Address): string {
    return this.kind === 'restricted' ? address.ip : addressKey(address)
  }

  #forgetOldest(sentTo: Map<string, number>): void {
    for (const oldest of sentTo.keys()) {
      if (sentTo.size <= MAX_MAPPINGS) break
      sentTo.delete(oldest)
    }
  }
}
