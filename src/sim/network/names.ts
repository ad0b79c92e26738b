// The names of the simulated world and the IPs they stand for.
import { isIpv6, parseIp } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'

const LOOKUP_US = 20_000

export class Names {
  readonly #ips = new Map<string, readonly string[]>()

  /** Gives a name its IPs; none: the name is no longer known. */
  set(name: string, ips: readonly string[]): void {
    this.#ips.set(name.toLowerCase(), ips)
  }

  /** Rejects with NetworkError `name_not_found`. `after` calls back when the given time has passed. */
  lookup(
    host: string,
    family: 4 | 6 | 'any',
    after: (settle: () => void, delayUs: number) => void,
  ): Promise<readonly string[]> {
    const literal = parseIp(host.replace(/^\[(.*)\]$/, '$1'))
    const known = literal === null ? (this.#ips.get(host.toLowerCase()) ?? []) : [literal]
    const ips = known.filter((ip) => family === 'any' || isIpv6(ip) === (family === 6))
    const error = new NetworkError('name_not_found', `Cannot look up ${host}: no address`)
    return new Promise((resolve, reject) => {
      after(() => (ips.length > 0 ? resolve(ips) : reject(error)), literal === null ? LOOKUP_US : 0)
    })
  }
}
