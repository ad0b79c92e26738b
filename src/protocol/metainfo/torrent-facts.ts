// What can be told about a torrent or a magnet link, for people and programs to read: plain values, snake_case, always all keys.
import { toHex } from '../../base/bytes.ts'
import { isList, type BencodeDict } from '../bencode/index.ts'
import type { Magnet } from './magnet.ts'
import type { Metainfo, TorrentFile } from './metainfo.ts'
import { shownText } from './shown-text.ts'
import { decodeTorrent, readTiers, readTorrent } from './torrent-file.ts'

export interface TorrentFacts {
  /** Hex. */
  readonly infohash_v1: string | null
  readonly infohash_v2: string | null
  readonly name: string | null
  /** Name on disk, after clean-up. */
  readonly saved_name: string | null
  /** Bytes. */
  readonly piece_length: number | null
  readonly pieces_v1: number | null
  /** Pieces when each file begins with a piece of its own (BEP 52). */
  readonly pieces_v2: number | null
  readonly files: readonly FileFacts[] | null
  readonly file_count: number | null
  /** The v2 view of the files: without pad files. Null for v1. */
  readonly v2_files: readonly V2FileFacts[] | null
  readonly v2_file_count: number | null
  /** Bytes, pad files included. */
  readonly total_size: number | null
  /** Bytes without pad files. */
  readonly content_size: number | null
  /** Tiers as they stand in the torrent. */
  readonly trackers: readonly (readonly string[])[]
  /** A folder's end in a slash. */
  readonly webseeds: readonly string[]
  /** As it stands in the torrent; null where there is none. */
  readonly url_list_raw: string | readonly string[] | null
  readonly httpseeds: readonly string[]
  /** Host and port of DHT nodes. */
  readonly nodes: readonly (readonly [string, number])[]
  readonly private: boolean | null
  readonly comment: string | null
  readonly created_by: string | null
  /** Unix seconds. */
  readonly creation_date: number | null
  readonly source: string | null
  /** `ok`: each file that needs a layer has one, proven against its root. `absent`: the torrent brings none. Null for v1. */
  readonly piece_layers: 'ok' | 'absent' | null
  /** Bytes of the file at which the info dictionary stands. */
  readonly info_dict: { readonly offset: number; readonly length: number } | null
  /** Of a magnet link (BEP 53); null for all files. */
  readonly select_only: readonly number[] | null
  /** Of a magnet link, `host:port`. */
  readonly peers: readonly string[]
}

export interface FileFacts {
  /** As in the torrent; a single file's is its name. */
  readonly path: readonly string[]
  /** Below the download folder, after clean-up. */
  readonly saved_as: readonly string[]
  readonly length: number
  /** BEP 47: `x` executable, `h` hidden, `l` symlink, `p` pad file. */
  readonly attr?: string
  /** Target, after clean-up. */
  readonly symlink?: readonly string[]
}

export interface V2FileFacts {
  readonly path: readonly string[]
  readonly length: number
  /** BEP 52, hex; null for an empty file. */
  readonly root: string | null
}

/** Reads a .torrent file. Throws as `parseTorrent`. */
export function describeTorrent(bytes: Uint8Array): TorrentFacts {
  const decoded = decodeTorrent(bytes)
  const { torrent } = decoded
  const metainfo = readTorrent(decoded)
  const { start, end } = torrent.rangeOf('info')!
  const v2Files = metainfo.infohashV2 && describeV2Files(metainfo)
  return {
    infohash_v1: hex(metainfo.infohashV1),
    infohash_v2: hex(metainfo.infohashV2),
    name: metainfo.name,
    saved_name: metainfo.savedName,
    piece_length: metainfo.pieceLength,
    pieces_v1: metainfo.pieceHashes && metainfo.pieceHashes.length / 20,
    pieces_v2: v2Files && sum(v2Files, ({ length }) => Math.ceil(length / metainfo.pieceLength)),
    files: metainfo.files.map((file) => describeFile(file, metainfo.name)),
    file_count: metainfo.files.length,
    v2_files: v2Files,
    v2_file_count: v2Files && v2Files.length,
    total_size: metainfo.totalSize,
    content_size: sum(metainfo.files, ({ length, isPad }) => (isPad ? 0 : length)),
    trackers: readTiers(torrent),
    webseeds: metainfo.webSeeds,
    url_list_raw: readRawUrlList(torrent),
    httpseeds: metainfo.httpSeeds,
    nodes: metainfo.nodes.map(hostAndPort),
    private: metainfo.isPrivate,
    comment: metainfo.comment,
    created_by: metainfo.createdBy,
    creation_date: metainfo.creationDate,
    source: metainfo.source,
    piece_layers: metainfo.pieceLayers && (torrent.dict('piece layers') ? 'ok' : 'absent'),
    info_dict: { offset: start, length: end - start },
    select_only: null,
    peers: [],
  }
}

/** What a magnet link tells; the rest is null. */
export function describeMagnet(magnet: Magnet): TorrentFacts {
  return {
    infohash_v1: hex(magnet.infohashV1),
    infohash_v2: hex(magnet.infohashV2),
    name: magnet.name,
    saved_name: null,
    piece_length: null,
    pieces_v1: null,
    pieces_v2: null,
    files: null,
    file_count: null,
    v2_files: null,
    v2_file_count: null,
    total_size: magnet.length,
    content_size: null,
    trackers: magnet.trackers.map((tracker) => [tracker]),
    webseeds: magnet.webSeeds,
    url_list_raw: null,
    httpseeds: [],
    nodes: magnet.nodes.map(hostAndPort),
    private: null,
    comment: null,
    created_by: null,
    creation_date: null,
    source: null,
    piece_layers: null,
    info_dict: null,
    select_only: magnet.selectOnly,
    peers: magnet.peers,
  }
}

function describeFile(file: TorrentFile, name: string): FileFacts {
  const attr =
    (file.isExecutable ? 'x' : '') +
    (file.isHidden ? 'h' : '') +
    (file.symlinkTarget ? 'l' : '') +
    (file.isPad ? 'p' : '')
  return {
    path: shownPath(file, name),
    saved_as: file.savedAs,
    length: file.length,
    ...(attr && { attr }),
    ...(file.symlinkTarget && { symlink: file.symlinkTarget }),
  }
}

function describeV2Files({ files, name }: Metainfo): V2FileFacts[] {
  return files
    .filter(({ isPad }) => !isPad)
    .map((file) => ({ path: shownPath(file, name), length: file.length, root: hex(file.piecesRoot) }))
}

function shownPath(file: TorrentFile, name: string): readonly string[] {
  return file.path.length === 0 ? [name] : file.path
}

function readRawUrlList(torrent: BencodeDict): string | string[] | null {
  const value = torrent.get('url-list')
  if (value instanceof Uint8Array) return shownText(value)
  return isList(value) ? value.filter((url) => url instanceof Uint8Array).map(shownText) : null
}

function hostAndPort(node: string): [string, number] {
  const colon = node.lastIndexOf(':')
  return [node.slice(0, colon).replace(/^\[|\]$/g, ''), Number(node.slice(colon + 1))]
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes && toHex(bytes)
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
