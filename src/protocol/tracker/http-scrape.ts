// Scrapes over HTTP, both directions (BEP 48): figures of torrents without joining their swarms.
import { toHex } from '../../base/bytes.ts'
import { TrackerError } from '../../base/errors.ts'
import { BencodeDict, encode, keyFromBytes, keyToBytes } from '../bencode/index.ts'
import { messageText, type AnnounceRefusal, type ScrapeFigures } from './announce.ts'
import { count, decodeDict } from './http.ts'
import { addParameters, percentDecode, percentEncode, queryParameters } from './query-string.ts'

/** Where this tracker is scraped, or null when its announce URL does not say. */
export function scrapeUrl(trackerUrl: string, infohashes: readonly Uint8Array[]): string | null {
  const at = trackerUrl.lastIndexOf('/') + 1
  if (!trackerUrl.startsWith('announce', at)) return null
  const url = `${trackerUrl.slice(0, at)}scrape${trackerUrl.slice(at + 'announce'.length)}`
  return addParameters(
    url,
    infohashes.map((infohash) => `info_hash=${percentEncode(infohash)}`),
  )
}

export interface ScrapeResponse {
  readonly kind: 'response'
  /** By infohash in hexadecimal. */
  readonly files: ReadonlyMap<string, ScrapeFigures>
}

/** Reads a tracker's answer. Throws TrackerError `bad_response` for what is not one. */
export function parseScrapeAnswer(body: Uint8Array): ScrapeResponse | AnnounceRefusal {
  const answer = decodeDict(body)
  // BEP 48 says "failure reason"; some trackers write it with an underscore.
  const failure = answer.bytes('failure reason') ?? answer.bytes('failure_reason')
  if (failure !== null) return { kind: 'refusal', reason: messageText(failure), retryInSeconds: null }
  const listed = answer.dict('files')
  if (listed === null) throw new TrackerError('bad_response', "Cannot read the tracker's answer: files is missing")
  const files = new Map<string, ScrapeFigures>()
  for (const [i, key] of listed.keys.entries()) {
    const entry = listed.values[i]
    if (key.length !== 20 || !(entry instanceof BencodeDict)) continue
    files.set(toHex(keyToBytes(key)), {
      seeders: count(entry, 'complete') ?? 0,
      leechers: count(entry, 'incomplete') ?? 0,
      downloads: count(entry, 'downloaded') ?? 0,
    })
  }
  return { kind: 'response', files }
}

/** The infohashes that a scrape (`/scrape?info_hash=...&info_hash=...`) asks for. Throws TrackerError `bad_request`. */
export function parseScrapeQuery(target: string): readonly Uint8Array[] {
  const infohashes: Uint8Array[] = []
  for (const [name, value] of queryParameters(target) ?? []) {
    if (name !== 'info_hash') continue
    const infohash = percentDecode(value)
    if (infohash?.length !== 20) {
      throw new TrackerError('bad_request', `Cannot read the scrape: info_hash must be 20 bytes`)
    }
    infohashes.push(infohash)
  }
  return infohashes
}

/** The body that answers a scrape. */
export function encodeScrapeReply(
  files: readonly (readonly [infohash: Uint8Array, figures: ScrapeFigures])[],
): Uint8Array {
  return encode({
    files: new Map(
      files.map(([infohash, { seeders, leechers, downloads }]) => [
        keyFromBytes(infohash),
        { complete: seeders, downloaded: downloads, incomplete: leechers },
      ]),
    ),
  })
}
