// A GET that follows redirects: for trackers, and for torrents given as URL.
// What must hold: at most 5 redirects; a server out in the internet cannot send us to a machine of this network (whose web
// pages trust whoever asks), so the name is looked up here, the IP is judged, and just that IP is connected to.
import { ipScope, isIpv6 } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Clock, HttpResponse, Network } from '../../platform/platform.ts'
import { within } from './within.ts'

export interface FetchParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly network: Pick<Network, 'httpGet' | 'lookup'>
}

export interface FetchOptions {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Local IP to use; only its family is used then. */
  readonly localIp?: string
  /** Default: either, or that of `localIp`. */
  readonly family?: 4 | 6
  /** Of the URL's host, where they have been looked up already. Default: they are looked up, as those of redirects are. */
  readonly ips?: readonly string[]
  /** For everything, redirects included. */
  readonly timeoutMs: number
  /** Of the body, decompressed. */
  readonly maxBytes: number
  readonly signal?: AbortSignal
}

const MAX_REDIRECTS = 5
/** IPs of one name that are tried, one after the other. */
const MAX_IPS = 3

/**
 * The answer that is no redirect, whatever its status. Rejects with NetworkError: the codes of `httpGet` and `lookup`,
 * `too_many_redirects`, `unsafe_redirect`.
 */
export async function fetchFollowing(parts: FetchParts, options: FetchOptions): Promise<HttpResponse> {
  const endsAt = parts.clock.now() + options.timeoutMs
  let url = parseHttpUrl(options.url)
  let cameFromInternet = false
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const known = redirects === 0 ? options.ips : undefined
    const found = known ?? (await lookUp(parts, url, options, endsAt))
    const ips = cameFromInternet ? found.filter((ip) => ipScope(ip) === 'global') : found
    if (ips.length === 0) {
      throw new NetworkError(
        'unsafe_redirect',
        `Cannot follow a redirect to ${url.host}: it leads into the local network`,
      )
    }
    const { response, ip } = await getFromFirst(parts, url, ips.slice(0, MAX_IPS), options, endsAt)
    const target = redirectTarget(response, url)
    if (target === null) return response
    cameFromInternet ||= ipScope(ip) === 'global'
    url = target
  }
  throw new NetworkError('too_many_redirects', `Cannot get ${url.origin}: more than ${MAX_REDIRECTS} redirects`)
}

function parseHttpUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : null
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new NetworkError('unsupported_url', `Cannot get ${text.slice(0, 200)}: not an http or https URL`)
}

function lookUp(parts: FetchParts, url: URL, options: FetchOptions, endsAt: number): Promise<readonly string[]> {
  const ofLocalIp = options.localIp === undefined ? 'any' : isIpv6(options.localIp) ? 6 : 4
  return within(parts.network.lookup(url.hostname, options.family ?? ofLocalIp), `Cannot look up ${url.hostname}`, {
    clock: parts.clock,
    timeoutMs: endsAt - parts.clock.now(),
    signal: options.signal,
  })
}

/** A name may have several IPs, of which some are out of order. */
async function getFromFirst(
  parts: FetchParts,
  url: URL,
  ips: readonly string[],
  options: FetchOptions,
  endsAt: number,
): Promise<{ response: HttpResponse; ip: string }> {
  const { headers, localIp, maxBytes, signal } = options
  for (const [i, ip] of ips.entries()) {
    const isLast = i === ips.length - 1
    const timeLeftMs = Math.max(1, endsAt - parts.clock.now())
    try {
      const timeoutMs = isLast ? timeLeftMs : timeLeftMs / 2
      const request = { url: url.href, headers, localIp, remoteIp: ip, timeoutMs, maxBytes, signal }
      return { response: await parts.network.httpGet(request), ip }
    } catch (error) {
      if (isLast || signal?.aborted || !isWorthAnotherIp(error)) throw error
    }
  }
  throw new NetworkError('name_not_found', `Cannot get ${url.origin}: it has no address`)
}

/** Whoever answered, but badly, would do so again. */
function isWorthAnotherIp(error: unknown): boolean {
  return error instanceof NetworkError && !['response_too_large', 'bad_encoding', 'bad_response'].includes(error.code)
}

function redirectTarget(response: HttpResponse, from: URL): URL | null {
  const { location } = response.headers
  return [301, 302, 303, 307, 308].includes(response.status) && location ? parseHttpUrl(location, from) : null
}
