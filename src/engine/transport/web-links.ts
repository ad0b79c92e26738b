// Kept connections of one stream to web servers: to the one that was asked, and to the one that it sends us to. A server is dialled
// by its name: each of its IPs has its turn, and those that do not answer come last the next time.
import { ipAddress, ipScope, isIpv6 } from '../../base/address.ts'
import type { NetworkError } from '../../base/errors.ts'
import type { Network } from '../../platform/platform.ts'
import type { HttpHead } from '../../protocol/http/index.ts'
import { HttpLink } from './http-link.ts'
import { serverKey, serverOf, type WebTarget } from './web-target.ts'

export interface WebLinksOptions {
  readonly network: Pick<Network, 'connect' | 'lookup'>
  readonly localIp: string | undefined
}

export interface WebLinksOwner {
  /** A connection that `open` makes, or another one in its place: requests may be sent over it. */
  onDialled(link: HttpLink, target: WebTarget): void
  /** There is nothing to dial. Null: no IP of the server is where it must be. */
  onUnreachable(error: NetworkError | null): void
  onOpen(): void
  onHead(head: HttpHead): void
  /** A view that is valid during the call. */
  onBody(bytes: Uint8Array, link: HttpLink): void
  onComplete(link: HttpLink): void
  /** It ended, with or without requests on it, and no other IP is left. */
  onLost(link: HttpLink, error: NetworkError): void
}

/** IPs of one name that are dialled, one after the other. */
const MAX_IPS = 3
const MAX_LAST_IPS = 8
const MAX_LINKS = 2

export class WebLinks {
  readonly #options: WebLinksOptions
  readonly #owner: WebLinksOwner
  readonly #links = new Map<string, HttpLink>()
  /** The connection that has not been opened yet, and the IPs that come after its own. */
  #dialling: { readonly link: HttpLink; readonly target: WebTarget; readonly others: readonly string[] } | null = null
  /** IPs that did not answer, the last one last. */
  #lastIps: readonly string[] = []
  /** Grows with each wish; a lookup that belongs to an earlier one is of no interest. */
  #wishes = 0
  #isLookingUp = false

  constructor(options: WebLinksOptions, owner: WebLinksOwner) {
    this.#options = options
    this.#owner = owner
  }

  /** A name is being looked up for `open`. */
  get isLookingUp(): boolean {
    return this.#isLookingUp
  }

  /** The connection to a server; null where there is none. */
  to(target: WebTarget): HttpLink | null {
    const link = this.#links.get(serverKey(target))
    return link && !link.isClosed ? link : null
  }

  /** Dials a server; the owner hears of it. */
  async open(target: WebTarget): Promise<void> {
    const wish = ++this.#wishes
    const { network, localIp } = this.#options
    this.#isLookingUp = true
    let ips: readonly string[] = []
    let failure: NetworkError | null = null
    try {
      ips = await network.lookup(target.url.hostname, localIp === undefined ? 'any' : isIpv6(localIp) ? 6 : 4)
    } catch (error) {
      failure = error as NetworkError
    }
    if (wish !== this.#wishes) return
    this.#isLookingUp = false
    if (target.mustBeGlobal) ips = ips.filter((ip) => ipScope(ip) === 'global')
    const inOrder = [...ips].sort((a, b) => this.#lastIps.indexOf(a) - this.#lastIps.indexOf(b))
    if (ips.length === 0) this.#owner.onUnreachable(failure)
    else this.#dial(target, inOrder.slice(0, MAX_IPS))
  }

  /** What is being dialled has had its time. False: there is nothing else to dial. */
  dialOther(): boolean {
    if (!this.#dialling || this.#dialling.others.length === 0) return false
    const { link, target, others } = this.#dialling
    link.close()
    this.putLast(link.address.ip)
    this.#dial(target, others)
    return true
  }

  /** The IP has not answered. */
  putLast(ip: string): void {
    this.#lastIps = [...this.#lastIps.filter((other) => other !== ip), ip].slice(-MAX_LAST_IPS)
  }

  /** Nothing is to be opened any more; what is open stays. */
  stopOpening(): void {
    this.#wishes++
    this.#isLookingUp = false
    this.#dialling?.link.close()
    this.#dialling = null
  }

  closeAll(): void {
    this.stopOpening()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  #dial(target: WebTarget, [ip, ...others]: readonly string[]): void {
    const { network, localIp } = this.#options
    const { host, port, isTls } = serverOf(target)
    const options = { ...(localIp === undefined ? {} : { localIp }), ...(isTls ? { tlsServer: host } : {}) }
    this.#makeRoom()
    const owner = this.#owner
    const link: HttpLink = new HttpLink(network, ipAddress(ip, port), options, {
      onOpen: () => {
        if (this.#dialling?.link === link) this.#dialling = null
        owner.onOpen()
      },
      onHead: (head) => owner.onHead(head),
      onBody: (bytes) => owner.onBody(bytes, link),
      onComplete: () => owner.onComplete(link),
      onEnded: (error) => this.#onEnded(link, error),
    })
    this.#links.set(serverKey(target), link)
    this.#dialling = { link, target, others }
    owner.onDialled(link, target)
  }

  #onEnded(link: HttpLink, error: NetworkError): void {
    const wasDialling = this.#dialling?.link === link
    if (wasDialling && this.dialOther()) return
    if (wasDialling) this.#dialling = null
    this.#owner.onLost(link, error)
  }

  /** Those that are closed go first, then the oldest. */
  #makeRoom(): void {
    for (const [key, link] of this.#links) if (link.isClosed) this.#links.delete(key)
    for (const [key, link] of this.#links) {
      if (this.#links.size < MAX_LINKS) return
      link.close()
      this.#links.delete(key)
    }
  }
}
