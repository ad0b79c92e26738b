import { NetworkError } from '../base/errors.ts'
import { fetchFollowing } from '../engine/discovery/http-fetch.ts'
import { bindIp } from '../platform/bound/sources.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'

export interface FetchUrlOptions {
  /** Whole exchange, redirects included. Default 30,000. */
  readonly timeoutMs?: number
  /** Default 64 MiB. */
  readonly maxBytes?: number
  /** IP or interface of this machine to fetch from. */
  readonly bind?: string
}

/**
 * The body behind an http(s) URL, redirects followed (never from a public address into the local network).
 * Rejects with NetworkError; a status other than 200 is `http_status`.
 */
export async function fetchUrl(url: string, options: FetchUrlOptions = {}): Promise<Uint8Array> {
  const { timeoutMs = 30_000, maxBytes = 64 << 20, bind } = options
  const platform = createNodePlatform({ workers: 0, bind })
  const localIp = bindIp(bind)
  const fetching = { url, timeoutMs, maxBytes, ...(localIp === undefined ? {} : { localIp }) }
  const { status, body } = await fetchFollowing(platform, fetching)
  if (status !== 200) throw new NetworkError('http_status', `Cannot fetch ${url}: the server answered ${status}`)
  return body
}
