// Announces to any tracker and scrapes it, for all torrents of a session: picks the protocol by the URL, and the address families
// by what the tracker and this machine have (BEP 7: a tracker is told our address in each family by being asked over each).
// It keeps no schedule: when and whom to ask is the announcer's business, how many at once the queue's. Peers given by name are
// not looked up: no tracker in use sends them, and it would let a stranger choose names for us to resolve.
import { type Address, ipAddress, ipScope, isIpv6 } from '../../base/address.ts'
import { NetworkError, TrackerError } from '../../base/errors.ts'
import { isCutOff } from '../../platform/bound/sources.ts'
import type { Clock, Network, Random } from '../../platform/platform.ts'
import type { AnnounceAnswer, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import { filterPeers, isDialable } from '../../protocol/tracker/peer-filter.ts'
import { announceOverHttp, type HttpTrackerOptions, scrapeOverHttp } from './http-tracker.ts'
import type { ScrapeAnswer } from './scrape-answer.ts'
import { UdpTrackers } from './udp-tracker.ts'
import { within } from './within.ts'

export interface TrackerParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly random: Pick<Random, 'bytes'>
  readonly network: Pick<Network, 'httpGet' | 'openUdp' | 'lookup' | 'ownAddresses' | 'binding'>
}

export interface AnnounceOptions {
  readonly signal?: AbortSignal
  /** Announce over this family only. Default: all that the tracker and we have. */
  readonly family?: 4 | 6
  /** Called for every answer: the second family's may come after the promise has been resolved with the first. */
  readonly onAnswer?: (answer: AnnounceAnswer, family: 4 | 6) => void
}

export interface ScrapeOptions {
  readonly signal?: AbortSignal
}

/** A way to one tracker. */
interface Route {
  readonly family: 4 | 6
  readonly url: URL
  /** Of that family; at least one. */
  readonly ips: readonly string[]
}

const LOOKUP_TIMEOUT_MS = 15_000
const MAX_SILENT_REMEMBERED = 1000

export class TrackerClients {
  readonly #parts: TrackerParts
  readonly #localIp: string | undefined
  readonly #userAgent: string
  readonly #udp: UdpTrackers
  /** IPs that did not answer over UDP: of a name with several, another one is asked the next time. */
  readonly #silentIps = new Set<string>()

  /** With `localIp` everything leaves from it, and only in its family. `userAgent` is what HTTP trackers are shown. */
  constructor(parts: TrackerParts, localIp?: string, userAgent = 'Shoal') {
    this.#parts = parts
    this.#localIp = localIp
    this.#userAgent = userAgent
    this.#udp = new UdpTrackers(parts, localIp)
  }

  /**
   * Announces over each family at once. Resolves with the first tracker's word that is no refusal, else with a refusal;
   * rejects with TrackerError when there was no answer at all. Of the peers, only those worth dialling are left.
   */
  announce(trackerUrl: string, request: AnnounceRequest, options: AnnounceOptions = {}): Promise<AnnounceAnswer> {
    return this.#overEachFamily(trackerUrl, options, async (route) => {
      const raw = await this.#announceOver(route, trackerUrl, request, options.signal)
      if (options.signal?.aborted) throw new NetworkError('aborted', `Cannot announce to ${route.url.host}: aborted`)
      const answer = this.#usefulPart(raw, request.port)
      options.onAnswer?.(answer, route.family)
      return answer
    })
  }

  /**
   * Asks how large a swarm is, without joining it (BEP 48, BEP 15). Resolves with the first word that is no refusal, else with a
   * refusal; rejects with TrackerError, `no_scrape` for a tracker whose URL does not say where, `unknown_torrent` for one that
   * answers without this torrent.
   */
  async scrape(trackerUrl: string, infohash: Uint8Array, options: ScrapeOptions = {}): Promise<ScrapeAnswer> {
    const controller = new AbortController()
    const { signal } = controller
    const onAbort = (): void => controller.abort()
    options.signal?.addEventListener('abort', onAbort)
    if (options.signal?.aborted) controller.abort()
    try {
      return await this.#overEachFamily<ScrapeAnswer>(trackerUrl, { signal }, (route) => {
        if (route.url.protocol === 'udp:') return this.#udp.scrape(this.#udpAddress(route), infohash, signal)
        return scrapeOverHttp(this.#parts, trackerUrl, infohash, this.#httpOptions(route, signal))
      })
    } finally {
      options.signal?.removeEventListener('abort', onAbort)
      // The other family would say the same.
      controller.abort()
    }
  }

  async #overEachFamily<Answer extends AnnounceAnswer | ScrapeAnswer>(
    trackerUrl: string,
    options: AnnounceOptions,
    ask: (route: Route) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const url = parseTrackerUrl(trackerUrl)
      const ips = await this.#reachableIps(url, options)
      const routes = ([4, 6] as const).flatMap((family): Route[] => {
        const own = ips.filter((ip) => isIpv6(ip) === (family === 6))
        return own.length === 0 ? [] : [{ family, url, ips: own }]
      })
      return await firstAnswer(routes.map(ask))
    } catch (error) {
      throw error instanceof NetworkError ? new TrackerError(error.code, error.message) : error
    }
  }

  /** Nothing can leave, for now. */
  get isCutOff(): boolean {
    return isCutOff(this.#parts.network.binding)
  }

  /** We ask from another address from now on. */
  onAddressChange(): void {
    this.#udp.forgetConnections()
  }

  /** Ends all announces over UDP; those over HTTP end with their signals. */
  close(): void {
    this.#udp.close()
  }

  async #reachableIps(url: URL, options: AnnounceOptions): Promise<readonly string[]> {
    const ofLocalIp = this.#localIp === undefined ? 'any' : isIpv6(this.#localIp) ? 6 : 4
    const lookup = this.#parts.network.lookup(url.hostname, options.family ?? ofLocalIp)
    const limit = { clock: this.#parts.clock, timeoutMs: LOOKUP_TIMEOUT_MS, signal: options.signal }
    const ips = await within(lookup, `Cannot look up ${url.hostname}`, limit)
    // Many machines speak no IPv6 to the outside: an announce there would only wait in vain.
    const isIpv6Useful = this.#parts.network.ownAddresses().some((ip) => isIpv6(ip) && isRoutable(ip))
    const reachable = ips.filter((ip) => isIpv6Useful || !isIpv6(ip) || !isRoutable(ip))
    return reachable.length > 0 ? reachable : ips
  }

  #announceOver(
    route: Route,
    trackerUrl: string,
    request: AnnounceRequest,
    signal: AbortSignal | undefined,
  ): Promise<AnnounceAnswer> {
    if (route.url.protocol === 'udp:') return this.#announceOverUdp(route, request, signal)
    return announceOverHttp(this.#parts, trackerUrl, request, this.#httpOptions(route, signal))
  }

  async #announceOverUdp(
    route: Route,
    request: AnnounceRequest,
    signal: AbortSignal | undefined,
  ): Promise<AnnounceAnswer> {
    const path = `${route.url.pathname}${route.url.search}`
    const to = this.#udpAddress(route)
    try {
      return await this.#udp.announce(to, path === '/' ? '' : path, request, signal)
    } catch (error) {
      if (error instanceof NetworkError && error.code === 'timed_out') this.#rememberSilent(to.ip)
      throw error
    }
  }

  #udpAddress({ url, ips }: Route): Address {
    let ip = ips.find((ip) => !this.#silentIps.has(ip))
    if (ip === undefined) {
      // All have been tried: from the first on again.
      for (const ip of ips) this.#silentIps.delete(ip)
      ip = ips[0]
    }
    return ipAddress(ip, Number(url.port))
  }

  #rememberSilent(ip: string): void {
    if (this.#silentIps.size >= MAX_SILENT_REMEMBERED) this.#silentIps.clear()
    this.#silentIps.add(ip)
  }

  #httpOptions({ family, ips }: Route, signal: AbortSignal | undefined): HttpTrackerOptions {
    return { family, ips, localIp: this.#localIp, userAgent: this.#userAgent, signal }
  }

  /** Peers that are nobody's, or our own, are left out, and so is an IP that cannot be ours. */
  #usefulPart(answer: AnnounceAnswer, ownPort: number): AnnounceAnswer {
    if (answer.kind === 'refusal') return answer
    // Bound to one IP, we are not on the others: somebody else may listen there on the same port.
    const ownIps = this.#localIp === undefined ? [...this.#parts.network.ownAddresses()] : [this.#localIp]
    const { externalIp: said } = answer
    const externalIp = said !== null && isDialable(ipAddress(said, ownPort)) ? said : null
    if (externalIp !== null) ownIps.push(externalIp)
    return { ...answer, externalIp, peers: filterPeers(answer.peers, ownIps, ownPort) }
  }
}

function isRoutable(ip: string): boolean {
  const scope = ipScope(ip)
  return scope === 'global' || scope === 'private'
}

/** Throws TrackerError `unsupported_scheme` or `bad_url`. */
export function parseTrackerUrl(text: string): URL {
  const shown = text.slice(0, 200)
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.hostname === '') {
    throw new TrackerError('bad_url', `Cannot announce to ${shown}: not a URL`)
  }
  if (!['http:', 'https:', 'udp:'].includes(url.protocol)) {
    const problem = `trackers over ${url.protocol.slice(0, -1)} are not supported`
    throw new TrackerError('unsupported_scheme', `Cannot announce to ${shown}: ${problem}`)
  }
  if (url.protocol === 'udp:' && !(Number(url.port) > 0)) {
    throw new TrackerError('bad_url', `Cannot announce to ${shown}: a UDP tracker needs a port`)
  }
  return url
}

/** The first response; when all have ended without one, a refusal; else the first error. */
function firstAnswer<Answer extends AnnounceAnswer | ScrapeAnswer>(
  attempts: readonly Promise<Answer>[],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let underWay = attempts.length
    let refusal: Answer | null = null
    let firstError: unknown = null
    const ended = (): void => {
      if (--underWay > 0) return
      if (refusal !== null) resolve(refusal)
      else reject(firstError as Error)
    }
    for (const attempt of attempts) {
      attempt.then(
        (answer) => {
          if (answer.kind === 'response') resolve(answer)
          else refusal ??= answer
          ended()
        },
        (error: unknown) => {
          firstError ??= error
          ended()
        },
      )
    }
  })
}
