import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { encodeRefusal } from './http.ts'
import { encodeScrapeReply, parseScrapeAnswer, parseScrapeQuery, scrapeUrl } from './http-scrape.ts'

interface Fixture {
  readonly sections: { readonly http_tracker_responses: { readonly vectors: { id: string; hex: string }[] } }
}

const { vectors } = (
  JSON.parse(
    readFileSync(new URL('../../../tests/fixtures/protocol-trackers.json', import.meta.url), 'utf8'),
  ) as Fixture
).sections.http_tracker_responses
const captures = JSON.parse(
  readFileSync(new URL('../../../tests/fixtures/wire-captures-trackers.json', import.meta.url), 'utf8'),
) as { infohash: string; clients: Record<string, { http_tracker_requests: string[] }> }

const figures = (id: string) => {
  const answer = parseScrapeAnswer(fromHex(vectors.find((vector) => vector.id === id)!.hex)!)
  return answer.kind === 'response' ? Object.fromEntries(answer.files) : null
}
const hexOf = (letter: string): string => toHex(encodeUtf8(letter.repeat(20)))

test('the answers of the fixtures are read', () => {
  expect(figures('scrape')).toEqual({ [hexOf('a')]: { seeders: 1, leechers: 2, downloads: 3 } })
  expect(figures('scrape-bep48')).toEqual({
    [hexOf('x')]: { seeders: 11, leechers: 19, downloads: 13_772 },
    [hexOf('y')]: { seeders: 21, leechers: 20, downloads: 206 },
  })
})

test.each([
  ['http://example.com/announce', 'http://example.com/scrape'],
  ['http://example.com/x/announce', 'http://example.com/x/scrape'],
  ['http://example.com/announce.php', 'http://example.com/scrape.php'],
  ['http://example.com/a', null],
  ['http://example.com/announce?x2%0644', 'http://example.com/scrape?x2%0644'],
  ['http://example.com/announce?x=2/4', null],
  ['http://example.com/x%064announce', null],
])('%s is scraped at %s', (announce, scrape) => {
  expect(scrapeUrl(announce, [])?.replace(/[?&]$/, '') ?? null).toBe(scrape)
})

test('a scrape survives its way there and back', () => {
  const [a, b] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(0xff)]
  expect(parseScrapeQuery(scrapeUrl('http://t/announce?k=1', [a, b])!)).toEqual([a, b])
  const one = { seeders: 1, leechers: 2, downloads: 3 }
  const answer = parseScrapeAnswer(encodeScrapeReply([[b, one]]))
  expect(answer).toEqual({ kind: 'response', files: new Map([[toHex(b), one]]) })
})

test('what Transmission scrapes is understood', () => {
  const target = captures.clients['transmission_3.00'].http_tracker_requests[1].split(' ')[1]
  expect(parseScrapeQuery(target).map(toHex)).toEqual([captures.infohash])
})

test('a refused scrape, and one that makes no sense', () => {
  expect(parseScrapeAnswer(encodeRefusal('no'))).toEqual({ kind: 'refusal', reason: 'no', retryInSeconds: null })
  expect(() => parseScrapeAnswer(encodeUtf8('de'))).toThrow(expect.objectContaining({ code: 'bad_response' }))
  expect(() => parseScrapeQuery('/scrape?info_hash=short')).toThrow(expect.objectContaining({ code: 'bad_request' }))
})

test('entries that are none are left out', () => {
  const answer = parseScrapeAnswer(encodeUtf8(`d5:filesd5:shortde20:${'a'.repeat(20)}i1eee`))
  expect(answer).toEqual({ kind: 'response', files: new Map() })
})
