// One announce to an HTTP tracker, or one scrape of it, over one address family. What they say is in `protocol/tracker/http.ts`
// and `http-scrape.ts`.
import { toHex } from '../../base/bytes.ts'
import { TrackerError } from '../../base/errors.ts'
import { announceUrl, parseAnnounceAnswer } from '../../protocol/tracker/http.ts'
import { parseScrapeAnswer, scrapeUrl } from '../../protocol/tracker/http-scrape.ts'
import type { AnnounceAnswer, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import { fetchFollowing, type FetchParts } from './http-fetch.ts'
import type { ScrapeAnswer } from './scrape-answer.ts'

const TIMEOUT_MS = 30_000
/** Some tens of thousands of peers: far beyond what a tracker should send. */
const MAX_ANSWER_BYTES = 1024 * 1024

export interface HttpTrackerOptions {
  readonly family: 4 | 6
  /** Of the tracker, in that family. */
  readonly ips: readonly string[]
  readonly localIp?: string
  readonly userAgent: string
  readonly signal?: AbortSignal
}

/** Rejects with NetworkError, or with TrackerError `http_status` or `bad_response`. */
export function announceOverHttp(
  parts: FetchParts,
  trackerUrl: string,
  request: AnnounceRequest,
  options: HttpTrackerOptions,
): Promise<AnnounceAnswer> {
  return ask(parts, announceUrl(trackerUrl, request), 'announce to', parseAnnounceAnswer, options)
}

/** Rejects likewise, and with TrackerError `no_scrape` or `unknown_torrent`. */
export async function scrapeOverHttp(
  parts: FetchParts,
  trackerUrl: string,
  infohash: Uint8Array,
  options: HttpTrackerOptions,
): Promise<ScrapeAnswer> {
  const { host } = new URL(trackerUrl)
  const url = scrapeUrl(trackerUrl, [infohash])
  if (url === null) throw new TrackerError('no_scrape', `Cannot scrape ${host}: its URL does not say where`)
  const answer = await ask(parts, url, 'scrape', parseScrapeAnswer, options)
  if (answer.kind === 'refusal') return answer
  const figures = answer.files.get(toHex(infohash))
  if (figures) return { kind: 'response', figures }
  throw new TrackerError('unknown_torrent', `Cannot scrape ${host}: it does not know the torrent`)
}

async function ask<Answer extends { readonly kind: string }>(
  parts: FetchParts,
  url: string,
  action: string,
  parse: (body: Uint8Array) => Answer,
  { userAgent, ...connection }: HttpTrackerOptions,
): Promise<Answer> {
  const { status, body } = await fetchFollowing(parts, {
    ...connection,
    url,
    headers: { 'User-Agent': userAgent },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  })
  if (status === 200) return parse(body)
  const refusal = refusalWithin(body, parse)
  if (refusal) return refusal
  throw new TrackerError('http_status', `Cannot ${action} ${new URL(url).host}: HTTP status ${status}`)
}

/** Some trackers send their refusals with a status of 400 or more; others send a page for people. */
function refusalWithin<Answer extends { readonly kind: string }>(
  body: Uint8Array,
  parse: (body: Uint8Array) => Answer,
): Answer | null {
  try {
    const answer = parse(body)
    return answer.kind === 'refusal' ? answer : null
  } catch {
    return null
  }
}
