// Magnet links (BEP 9, 53, and what clients add to them): a torrent's infohash and where to ask for the rest.
// Only the infohash is needed; any other part that makes no sense is left out, as clients disagree about most of them.
import { addressKey, parseAddress } from '../../base/address.ts'
import { decodeUtf8, decodeUtf8Strict, encodeUtf8, fromHex, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { MAX_FILES, MAX_URL_BYTES, MAX_URLS } from './limits.ts'

export interface Magnet {
  /** 20 bytes. One of the two infohashes is there. */
  readonly infohashV1: Uint8Array | null
  /** 32 bytes. */
  readonly infohashV2: Uint8Array | null
  readonly name: string | null
  /** Bytes of the content. */
  readonly length: number | null
  /** Each is a tier of its own: `http`, `https`, `udp`, `ws` or `wss`. */
  readonly trackers: readonly string[]
  /** BEP 19, `http` or `https`. */
  readonly webSeeds: readonly string[]
  /** `host:port`. */
  readonly peers: readonly string[]
  /** BEP 53: files wanted, ascending; null for all. */
  readonly selectOnly: readonly number[] | null
  /** Where the torrent or its content may be had (`xs`). */
  readonly exactSources: readonly string[]
  /** Where the content may be had, as a last resort (`as`). */
  readonly acceptableSources: readonly string[]
  /** DHT nodes, `host:port`. */
  readonly nodes: readonly string[]
  readonly keywords: readonly string[]
}

const MAX_MAGNET_CHARACTERS = 1024 * 1024
const TRACKER_URL = /^(?:https?|udp|wss?):\/\/[^\s/<>"]/i
const WEB_URL = /^https?:\/\/[^\s/<>"]/i
const HOST_AND_PORT = /^[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?:(\d{1,5})$/i
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * Also takes a bare v1 infohash (40 hex digits, or 32 base32 letters).
 * Throws FormatError `not_a_magnet`, `missing_hash`, `bad_hash` or `too_large`.
 */
export function parseMagnet(text: string): Magnet {
  if (text.length > MAX_MAGNET_CHARACTERS) {
    throw new FormatError('too_large', `Cannot read magnet link: ${text.length} characters are too many`)
  }
  const link = text.trim()
  const bareHash = parseInfohashV1(link)
  if (bareHash !== null) return { ...NOTHING, infohashV1: bareHash }
  if (!/^magnet:\?/i.test(link)) {
    throw new FormatError('not_a_magnet', `Cannot read magnet link: ${show(link)} does not begin with "magnet:?"`)
  }
  const parameters = readParameters(link.slice('magnet:?'.length))
  const all = (key: string): readonly string[] => parameters.get(key) ?? []
  return {
    ...readInfohashes(all('xt')),
    name: all('dn').find((name) => name !== '') ?? null,
    length: readLength(all('xl')),
    trackers: readUrls(all('tr'), TRACKER_URL),
    webSeeds: readUrls(all('ws'), WEB_URL),
    peers: readEndpoints(all('x.pe')),
    selectOnly: readSelection(all('so')),
    exactSources: readUrls(all('xs'), /./),
    acceptableSources: readUrls(all('as'), /./),
    nodes: readEndpoints(all('dht')),
    keywords: all('kt')
      .flatMap((words) => words.split(' ').filter((word) => word !== ''))
      .slice(0, MAX_URLS),
  }
}

/**
 * The link for these facts. With `fileCount`, a selection of all files is left out.
 * Throws TypeError when neither infohash is given.
 */
export function encodeMagnet(magnet: Partial<Magnet> & { readonly fileCount?: number }): string {
  const parts: string[] = []
  if (magnet.infohashV1) parts.push(`xt=urn:btih:${toHex(magnet.infohashV1)}`)
  if (magnet.infohashV2) parts.push(`xt=urn:btmh:1220${toHex(magnet.infohashV2)}`)
  if (parts.length === 0) throw new TypeError('Cannot make magnet link: an infohash is needed')
  if (typeof magnet.name === 'string') parts.push(`dn=${escape(magnet.name)}`)
  if (typeof magnet.length === 'number') parts.push(`xl=${magnet.length}`)
  for (const url of magnet.trackers ?? []) parts.push(`tr=${escape(url)}`)
  for (const url of magnet.webSeeds ?? []) parts.push(`ws=${escape(url)}`)
  for (const url of magnet.exactSources ?? []) parts.push(`xs=${escape(url)}`)
  for (const url of magnet.acceptableSources ?? []) parts.push(`as=${escape(url)}`)
  for (const peer of magnet.peers ?? []) parts.push(`x.pe=${peer}`)
  for (const node of magnet.nodes ?? []) parts.push(`dht=${node}`)
  if (magnet.keywords && magnet.keywords.length > 0) parts.push(`kt=${magnet.keywords.map(escape).join('+')}`)
  const { selectOnly } = magnet
  if (selectOnly && selectOnly.length > 0 && selectOnly.length !== magnet.fileCount) {
    parts.push(`so=${showSelection(selectOnly)}`)
  }
  return `magnet:?${parts.join('&')}`
}

const NOTHING: Magnet = {
  infohashV1: null,
  infohashV2: null,
  name: null,
  length: null,
  trackers: [],
  webSeeds: [],
  peers: [],
  selectOnly: null,
  exactSources: [],
  acceptableSources: [],
  nodes: [],
  keywords: [],
}

/** Decoded values by key; numbered keys (`tr.1`) count as the plain one. */
function readParameters(query: string): Map<string, string[]> {
  const parameters = new Map<string, string[]>()
  for (const part of query.split('&')) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const key = part
      .slice(0, equals)
      .toLowerCase()
      .replace(/\.\d+$/, '')
    const isWords = key === 'dn' || key === 'kt' // where a plus is a space
    const raw = isWords ? part.slice(equals + 1).replaceAll('+', ' ') : part.slice(equals + 1)
    // A name with a stray percent sign is still a name; an address with one is none.
    const value = unescape(raw) ?? (isWords ? raw : null)
    if (value === null) continue
    const values = parameters.get(key)
    if (values) values.push(value)
    else parameters.set(key, [value])
  }
  return parameters
}

/** Names of other systems are skipped; of several infohashes of one kind the first counts. */
function readInfohashes(topics: readonly string[]): Pick<Magnet, 'infohashV1' | 'infohashV2'> {
  let infohashV1: Uint8Array | null = null
  let infohashV2: Uint8Array | null = null
  for (const topic of topics) {
    const match = /^urn:(btih|btmh):(.*)$/is.exec(topic)
    if (!match) continue
    const isV1 = match[1].toLowerCase() === 'btih'
    const infohash = isV1 ? parseInfohashV1(match[2]) : parseInfohashV2(match[2])
    if (infohash === null) throw new FormatError('bad_hash', `Cannot read magnet link: ${show(topic)} is no infohash`)
    if (isV1) infohashV1 ??= infohash
    else infohashV2 ??= infohash
  }
  if (infohashV1 === null && infohashV2 === null) {
    throw new FormatError('missing_hash', 'Cannot read magnet link: it has no infohash (xt=urn:btih: or urn:btmh:)')
  }
  return { infohashV1, infohashV2 }
}

/** 40 hex digits or 32 base32 letters. */
function parseInfohashV1(text: string): Uint8Array | null {
  if (text.length === 40) return fromHex(text)
  return /^[a-z2-7]{32}$/i.test(text) ? decodeBase32(text) : null
}

/** A multihash: 1220 says SHA-256 of 32 bytes. */
function parseInfohashV2(text: string): Uint8Array | null {
  return /^1220[0-9a-f]{64}$/i.test(text) ? fromHex(text.slice(4)) : null
}

/** Eight letters are five bytes; the text is 32 letters. */
function decodeBase32(text: string): Uint8Array {
  const bytes = new Uint8Array(20)
  let bits = 0
  let held = 0
  let at = 0
  for (const letter of text.toUpperCase()) {
    held = ((held << 5) | BASE32.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >> bits
  }
  return bytes
}

function readLength(values: readonly string[]): number | null {
  const value = values.find((value) => /^\d{1,16}$/.test(value))
  return value !== undefined && Number.isSafeInteger(Number(value)) ? Number(value) : null
}

function readUrls(values: readonly string[], shape: RegExp): string[] {
  const urls = new Set<string>()
  for (const url of values.slice(0, MAX_URLS)) {
    if (url.length <= MAX_URL_BYTES && shape.test(url)) urls.add(url)
  }
  return [...urls]
}

function readEndpoints(values: readonly string[]): string[] {
  const endpoints = new Set<string>()
  for (const value of values.slice(0, MAX_URLS)) {
    const address = parseAddress(value)
    if (address !== null) endpoints.add(addressKey(address))
    else if (isHostAndPort(value)) endpoints.add(value.toLowerCase())
  }
  return [...endpoints]
}

function isHostAndPort(text: string): boolean {
  const port = Number(HOST_AND_PORT.exec(text)?.[1])
  // What looks like an IPv4 address and was not accepted as one is no host name either.
  return port >= 1 && port <= 65_535 && !/^[\d.]*:/.test(text)
}

/** `0,2,4-6`; what is inverted, or beyond any torrent's number of files, is left out. */
function readSelection(values: readonly string[]): number[] | null {
  const ranges: { first: number; last: number }[] = []
  for (const part of values.join(',').split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part)
    if (!match) continue
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    if (last < MAX_FILES) ranges.push({ first, last })
  }
  // In order, so that each file is looked at once however many ranges name it.
  ranges.sort((a, b) => a.first - b.first)
  const selected: number[] = []
  for (const { first, last } of ranges) {
    for (let file = Math.max(first, (selected.at(-1) ?? -1) + 1); file <= last; file++) selected.push(file)
  }
  return selected.length === 0 ? null : selected
}

function showSelection(selectOnly: readonly number[]): string {
  const files = [...new Set(selectOnly)].sort((a, b) => a - b)
  const ranges: string[] = []
  for (let i = 0; i < files.length;) {
    let end = i
    while (files[end + 1] === files[end] + 1) end++
    ranges.push(end === i ? `${files[i]}` : `${files[i]}-${files[end]}`)
    i = end + 1
  }
  return ranges.join(',')
}

/** Percent escapes to text, or null when one is malformed. Bytes that are not UTF-8 become U+FFFD. */
function unescape(text: string): string | null {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) return null
  const escaped = /(?:%[0-9a-f]{2})+/gi
  return text.replace(escaped, (run) => decodeUtf8(fromHex(run.replaceAll('%', ''))!))
}

function escape(text: string): string {
  // By way of UTF-8, because encodeURIComponent throws on half a surrogate pair.
  return encodeURIComponent(decodeUtf8Strict(encodeUtf8(text))!)
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
