// How many connections each source has open, so that nobody takes all of them: a source is an IPv4 address, or a /64 of IPv6, which one
// household has. Loopback is not counted: whoever is on this machine is not kept out by a bound on its network.
import { ipScope, ipToBytes, isIpv6, parseIp } from '../base/address.ts'
import { toHex } from '../base/bytes.ts'

export class ConnectionCounts {
  readonly #most: number
  readonly #open = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Sources that have connections. */
  get sources(): number {
    return this.#open.size
  }

  /** One more of `ip`, as its socket names it: a call for its end, or null where the source has as many as it may. */
  add(ip: string): (() => void) | null {
    const source = sourceOf(ip)
    if (source === null) return () => {}
    const count = this.#open.get(source) ?? 0
    if (count >= this.#most) return null
    this.#open.set(source, count + 1)
    return () => {
      const left = this.#open.get(source)! - 1
      if (left > 0) this.#open.set(source, left)
      else this.#open.delete(source)
    }
  }
}

/** Null: not counted. */
function sourceOf(text: string): string | null {
  const ip = parseIp(text.replace(/%.*$/, ''))
  if (ip === null || ipScope(ip) === 'loopback') return null
  return isIpv6(ip) ? toHex(ipToBytes(ip)!.subarray(0, 8)) : ip
}
