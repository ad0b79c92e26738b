// One announce to an HTTP tracker over one address family. What it says is in `protocol/tracker/http.ts`.
import { TrackerError } from '../../base/errors.ts'
import { announceUrl, parseAnnounceAnswer } from '../../protocol/tracker/http.ts'
import type { AnnounceAnswer, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import { fetchFollowing, type FetchParts } from './http-fetch.ts'

const TIMEOUT_MS = 30_000
/** Some tens of thousands of peers: far beyond what a tracker should send. */
const MAX_ANSWER_BYTES = 1024 * 1024

export interface HttpTrackerOptions {
  readonly family: 4 | 6
  readonly localIp?: string
  readonly userAgent: string
  readonly signal?: AbortSignal
}

/** Rejects with NetworkError, or with TrackerError `http_status` or `bad_response`. */
export async function announceOverHttp(
  parts: FetchParts,
  trackerUrl: string,
  request: AnnounceRequest,
  options: HttpTrackerOptions,
): Promise<AnnounceAnswer> {
  const { userAgent, ...connection } = options
  const { status, body } = await fetchFollowing(parts, {
    ...connection,
    url: announceUrl(trackerUrl, request),
    headers: { 'User-Agent': userAgent },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  })
  if (status === 200) return parseAnnounceAnswer(body)
  return refusalWithin(body) ?? fail(status, trackerUrl)
}

/** Some trackers send their refusals with a status of 400 or more; others send a page for people. */
function refusalWithin(body: Uint8Array): AnnounceAnswer | null {
  try {
    const answer = parseAnnounceAnswer(body)
    return answer.kind === 'refusal' ? answer : null
  } catch {
    return null
  }
}

function fail(status: number, trackerUrl: string): never {
  throw new TrackerError('http_status', `Cannot announce to ${new URL(trackerUrl).host}: HTTP status ${status}`)
}
