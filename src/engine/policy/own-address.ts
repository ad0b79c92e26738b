// Under which IP others see us: what most of those say who are connected with us. Behind a router nobody else knows it,
// and without it we would not rank peers as they rank us (BEP 40). A stranger's word each, so nothing more hangs on it.
import { type Address, ipAddress, isIpv6 } from '../../base/address.ts'
import { peerPriority } from './peer-priority.ts'

/** Different answers counted; beyond that the count begins anew. */
const MAX_ANSWERS = 64

export class OwnAddress {
  readonly #votes = new Map<string, number>()
  readonly #best = new Map<boolean, string>()
  readonly #port: number

  /** @param port where we listen; 0 when we do not */
  constructor(port: number) {
    this.#port = port
  }

  /** The end of a connection on our side: it counts until others tell better. */
  connectedFrom(localIp: string): void {
    if (localIp !== '' && !this.#best.has(isIpv6(localIp))) this.#best.set(isIpv6(localIp), localIp)
  }

  /** A peer sees us under this IP. */
  seenAs(ip: string): void {
    if (this.#votes.size >= MAX_ANSWERS) this.#votes.clear()
    const votes = (this.#votes.get(ip) ?? 0) + 1
    this.#votes.set(ip, votes)
    const best = this.#best.get(isIpv6(ip))
    if (best === undefined || votes > (this.#votes.get(best) ?? 0)) this.#best.set(isIpv6(ip), ip)
  }

  /** How much a connection with this peer is to be preferred (BEP 40); 0 as long as we do not know our address. */
  priorityOf(remote: Address): number {
    const own = this.#best.get(isIpv6(remote.ip))
    return own === undefined ? 0 : peerPriority(ipAddress(own, this.#port), remote)
  }
}
