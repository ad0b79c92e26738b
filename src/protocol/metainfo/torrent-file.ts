// A .torrent file: the info dictionary and what stands around it (BEP 3, 5, 12, 17, 19, 52).
// What is needed is checked hard; what is only of use (URLs, comments) is taken where it is sound and ignored where it is not.
import { addressKey, ipAddress, parseIp } from '../../base/address.ts'
import { decodeUtf8Strict } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { BencodeDict, isList, type BencodeValue } from '../bencode/index.ts'
import { decodeNotingFlaws, readInfoDict, type Flaws } from './info-dict.ts'
import { MAX_URL_BYTES, MAX_URLS } from './limits.ts'
import type { Metainfo } from './metainfo.ts'
import { readPieceLayers } from './piece-layers.ts'
import { readText } from './shown-text.ts'

/**
 * Reads a torrent. The bytes are copied first, so they may change afterwards. Bytes after the torrent are ignored, as are unsorted keys.
 *
 * Throws FormatError. Codes: `too_large`, `too_many_items`, `bencoding`, `depth_exceeded`, `not_a_dict`, `missing_info`, `duplicate_key`
 * (within info), `missing_name`, `piece_length`, `missing_pieces`, `pieces_count`, `too_many_pieces`, `no_files`, `too_many_files`,
 * `missing_path`, `invalid_path`, `invalid_length`, `zero_length`, `file_tree`, `pad_file`, `pieces_root`, `piece_layer`, `v1_v2_mismatch`.
 */
export function parseTorrent(bytes: Uint8Array): Metainfo {
  return readTorrent(decodeTorrent(bytes))
}

/** A decoded torrent, its info dictionary at hand. */
export interface DecodedTorrent {
  readonly torrent: BencodeDict
  readonly info: BencodeDict
  readonly infoBytes: Uint8Array
  readonly flaws: Flaws
}

/** Decodes a copy of the bytes. */
export function decodeTorrent(bytes: Uint8Array): DecodedTorrent {
  const { value: torrent, flaws } = decodeNotingFlaws(new Uint8Array(bytes))
  if (!(torrent instanceof BencodeDict))
    throw new FormatError('not_a_dict', 'Cannot read torrent: it is not a dictionary')
  const info = torrent.dict('info')
  const infoBytes = torrent.raw('info')
  const range = torrent.rangeOf('info')
  if (info === null || infoBytes === null || range === null) {
    throw new FormatError('missing_info', 'Cannot read torrent: it has no info dictionary')
  }
  const isWithin = (offset: number): boolean => offset >= range.start && offset < range.end
  const { repeatedKeys, leadingZeros } = flaws
  const infoFlaws = { repeatedKeys: repeatedKeys.filter(isWithin), leadingZeros: leadingZeros.filter(isWithin) }
  return { torrent, info, infoBytes, flaws: infoFlaws }
}

export function readTorrent({ torrent, info: infoDict, infoBytes, flaws }: DecodedTorrent): Metainfo {
  const info = readInfoDict(infoDict, infoBytes, flaws)
  const isV2 = info.infohashV2 !== null
  return {
    ...info,
    pieceLayers: isV2 ? readPieceLayers(torrent.dict('piece layers'), info) : null,
    trackers: cleanTiers(readTiers(torrent)),
    webSeeds: readWebSeeds(torrent, info.isSingleFile),
    httpSeeds: [...new Set(readUrls(torrent.get('httpseeds')))],
    nodes: readNodes(torrent),
    comment: readText(torrent, 'comment'),
    createdBy: readText(torrent, 'created by'),
    creationDate: readDate(torrent),
  }
}

/** Tiers as they stand (BEP 12): `announce-list` where it names any tracker, else `announce`. Without empty ones. */
export function readTiers(torrent: BencodeDict): string[][] {
  const list = torrent.list('announce-list') ?? []
  // Some wrote a plain list of trackers: each is a tier then.
  const tiers = list.map((tier) => readUrls(tier)).filter((tier) => tier.length > 0)
  if (tiers.length === 0) tiers.push(readUrls(torrent.get('announce')))
  return tiers.filter((tier) => tier.length > 0).slice(0, MAX_URLS)
}

/** Without blanks around, and each tracker only where it stands first. */
function cleanTiers(tiers: readonly (readonly string[])[]): string[][] {
  const seen = new Set<string>()
  const clean: string[][] = []
  for (const tier of tiers) {
    const fresh: string[] = []
    for (const tracker of tier.map((url) => url.trim())) {
      if (tracker === '' || seen.has(tracker) || seen.size >= MAX_URLS) continue
      seen.add(tracker)
      fresh.push(tracker)
    }
    if (fresh.length > 0) clean.push(fresh)
  }
  return clean
}

/** The web seed of a folder names the folder's parent, as a folder (BEP 19). */
function readWebSeeds(torrent: BencodeDict, isSingleFile: boolean): string[] {
  const urls = readUrls(torrent.get('url-list')).map((url) => (isSingleFile || url.endsWith('/') ? url : `${url}/`))
  return [...new Set(urls)]
}

/** A string or a list of strings; what is empty, over-long or not text is left out. */
function readUrls(value: BencodeValue | undefined): string[] {
  const urls: string[] = []
  for (const item of isList(value) ? value : [value]) {
    if (urls.length >= MAX_URLS) break
    if (!(item instanceof Uint8Array) || item.length === 0 || item.length > MAX_URL_BYTES) continue
    const url = decodeUtf8Strict(item)
    if (url !== null) urls.push(url)
  }
  return urls
}

function readNodes(torrent: BencodeDict): string[] {
  const nodes = new Set<string>()
  for (const node of torrent.list('nodes') ?? []) {
    if (nodes.size >= MAX_URLS) break
    if (!isList(node) || !(node[0] instanceof Uint8Array) || node[0].length > 255) continue
    const host = decodeUtf8Strict(node[0])
    const port = node[1]
    if (host === null || host === '' || typeof port !== 'number' || port < 1 || port > 65_535) continue
    const ip = parseIp(host)
    nodes.add(ip === null ? `${host}:${port}` : addressKey(ipAddress(ip, port)))
  }
  return [...nodes]
}

function readDate(torrent: BencodeDict): number | null {
  const seconds = torrent.int('creation date')
  return seconds !== null && seconds >= 0 ? seconds : null
}
