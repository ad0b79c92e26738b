// Trackers over UDP, both directions (BEP 15, options of BEP 41): every message from values to bytes and back.
// Decoders take what the network gave: null is "not a message of ours: ignore it", and packets may be longer than their layout.
// When to send what again is decided in `udp-exchange.ts`.
import {
  bytesToIp,
  decodeCompactAddresses,
  encodeCompactAddresses,
  ipToBytes,
  type Address,
  type IpLength,
} from '../../base/address.ts'
import { concatBytes, encodeUtf8, viewOf } from '../../base/bytes.ts'
import {
  MAX_PEERS_PER_ANSWER,
  messageText,
  type AnnounceEvent,
  type AnnounceRequest,
  type ScrapeFigures,
} from './announce.ts'

const PROTOCOL_ID = 0x41727101980n
const CONNECT = 0
const ANNOUNCE = 1
const SCRAPE = 2
const ERROR = 3
const EVENTS: readonly AnnounceEvent[] = [null, 'completed', 'started', 'stopped']
const ANNOUNCE_LENGTH = 98
/** Infohashes of one scrape: what fits in a datagram. */
export const MAX_SCRAPED = 74

// BEP 41
const OPTION_END = 0
const OPTION_NOP = 1
const OPTION_URL_DATA = 2

// ---------------------------------------------------------------- requests

export interface UdpConnectRequest {
  readonly kind: 'connect'
  readonly transactionId: number
}

/** `key`, `numWant` and so on are as in `AnnounceRequest`; UDP knows no tracker id. */
export interface UdpAnnounceRequest extends AnnounceRequest {
  readonly kind: 'announce'
  readonly transactionId: number
  /** 8 bytes. */
  readonly connectionId: Uint8Array
  /** Path and query of the tracker's URL (BEP 41), '' for none. */
  readonly urlData: string
}

export interface UdpScrapeRequest {
  readonly kind: 'scrape'
  readonly transactionId: number
  /** 8 bytes. */
  readonly connectionId: Uint8Array
  /** At most 74. */
  readonly infohashes: readonly Uint8Array[]
}

export type UdpRequest = UdpConnectRequest | UdpAnnounceRequest | UdpScrapeRequest

export function encodeUdpRequest(request: UdpRequest): Uint8Array {
  switch (request.kind) {
    case 'connect': {
      const bytes = new Uint8Array(16)
      const view = viewOf(bytes)
      view.setBigUint64(0, PROTOCOL_ID)
      view.setUint32(8, CONNECT)
      view.setUint32(12, request.transactionId)
      return bytes
    }
    case 'announce':
      return concatBytes([announceBytes(request), urlDataOptions(request.urlData)])
    case 'scrape':
      return concatBytes([requestHead(request, SCRAPE), ...request.infohashes.slice(0, MAX_SCRAPED)])
  }
}

function requestHead(request: UdpAnnounceRequest | UdpScrapeRequest, action: number): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(request.connectionId)
  const view = viewOf(bytes)
  view.setUint32(8, action)
  view.setUint32(12, request.transactionId)
  return bytes
}

function announceBytes(request: UdpAnnounceRequest): Uint8Array {
  const bytes = new Uint8Array(ANNOUNCE_LENGTH)
  bytes.set(requestHead(request, ANNOUNCE))
  bytes.set(request.infohash, 16)
  bytes.set(request.peerId, 36)
  const view = viewOf(bytes)
  view.setBigUint64(56, BigInt(request.downloaded))
  view.setBigUint64(64, BigInt(request.left))
  view.setBigUint64(72, BigInt(request.uploaded))
  view.setUint32(80, EVENTS.indexOf(request.event))
  const ip = request.ip === undefined ? null : ipToBytes(request.ip)
  if (ip?.length === 4) bytes.set(ip, 84) // there is no room for IPv6
  view.setUint32(88, request.key)
  view.setInt32(92, request.numWant)
  view.setUint16(96, request.port)
  return bytes
}

/** Each option holds at most 255 bytes; the parts follow one another. */
function urlDataOptions(urlData: string): Uint8Array {
  const bytes = encodeUtf8(urlData)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255)
    parts.push(Uint8Array.of(OPTION_URL_DATA, part.length), part)
  }
  return concatBytes(parts)
}

/** A request as a tracker reads it, or null for what is none. */
export function decodeUdpRequest(bytes: Uint8Array): UdpRequest | null {
  if (bytes.length < 16) return null
  const view = viewOf(bytes)
  const transactionId = view.getUint32(12)
  const connectionId = bytes.slice(0, 8)
  switch (view.getUint32(8)) {
    case CONNECT:
      return view.getBigUint64(0) === PROTOCOL_ID ? { kind: 'connect', transactionId } : null
    case ANNOUNCE:
      return decodeAnnounce(bytes, view, transactionId, connectionId)
    case SCRAPE: {
      const infohashes: Uint8Array[] = []
      for (let at = 16; at + 20 <= bytes.length && infohashes.length < MAX_SCRAPED; at += 20) {
        infohashes.push(bytes.slice(at, at + 20))
      }
      return { kind: 'scrape', transactionId, connectionId, infohashes }
    }
    default:
      return null
  }
}

function decodeAnnounce(
  bytes: Uint8Array,
  view: DataView,
  transactionId: number,
  connectionId: Uint8Array,
): UdpAnnounceRequest | null {
  if (bytes.length < ANNOUNCE_LENGTH) return null
  return {
    kind: 'announce',
    transactionId,
    connectionId,
    infohash: bytes.slice(16, 36),
    peerId: bytes.slice(36, 56),
    downloaded: uint64(view, 56),
    left: uint64(view, 64),
    uploaded: uint64(view, 72),
    event: EVENTS[view.getUint32(80)] ?? null,
    ...(view.getUint32(84) !== 0 && { ip: bytesToIp(bytes.subarray(84, 88)) }),
    key: view.getUint32(88),
    numWant: view.getInt32(92),
    port: view.getUint16(96),
    urlData: bytes.length === ANNOUNCE_LENGTH ? '' : urlDataOf(bytes.subarray(ANNOUNCE_LENGTH)),
  }
}

/** Beyond 2^53 the nearest number. Not by way of bigint: a tracker reads three of them in each datagram. */
function uint64(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}

/** The URL data among the options; a damaged option ends them. */
function urlDataOf(options: Uint8Array): string {
  let urlData = ''
  let at = 0
  while (at < options.length && options[at] !== OPTION_END) {
    if (options[at] === OPTION_NOP) {
      at++
      continue
    }
    const start = at + 2
    const end = start + options[at + 1]
    if (!(end <= options.length)) break
    if (options[at] === OPTION_URL_DATA) {
      for (let i = start; i < end; i++) urlData += String.fromCharCode(options[i])
    }
    at = end
  }
  return urlData
}

// ---------------------------------------------------------------- responses

export type UdpResponse =
  | { readonly kind: 'connect'; readonly transactionId: number; readonly connectionId: Uint8Array }
  | UdpAnnounceResponse
  | { readonly kind: 'scrape'; readonly transactionId: number; readonly files: readonly ScrapeFigures[] }
  | { readonly kind: 'error'; readonly transactionId: number; readonly message: string }

export interface UdpAnnounceResponse {
  readonly kind: 'announce'
  readonly transactionId: number
  /** Seconds. */
  readonly interval: number
  readonly leechers: number
  readonly seeders: number
  readonly peers: readonly Address[]
}

/** `ipLength` is that of the socket's address family: 4 or 16. Peers of the other family are left out. */
export function encodeUdpResponse(response: UdpResponse, ipLength: IpLength): Uint8Array {
  switch (response.kind) {
    case 'connect':
      return concatBytes([words(CONNECT, response.transactionId), response.connectionId])
    case 'announce': {
      const peers = encodeCompactAddresses(response.peers, ipLength)
      const bytes = new Uint8Array(ANNOUNCE_HEAD_LENGTH + peers.length)
      writeUdpAnnounceHead(viewOf(bytes), response)
      bytes.set(peers, ANNOUNCE_HEAD_LENGTH)
      return bytes
    }
    case 'scrape':
      return concatBytes([
        words(SCRAPE, response.transactionId),
        ...response.files.map(({ seeders, downloads, leechers }) => words(seeders, downloads, leechers)),
      ])
    case 'error':
      return concatBytes([words(ERROR, response.transactionId), encodeUtf8(response.message)])
  }
}

/** Bytes of an announce response before its peers. */
export const ANNOUNCE_HEAD_LENGTH = 20

/** The announce response up to its peers, for whoever has those packed already: written where `view` begins. */
export function writeUdpAnnounceHead(view: DataView, head: Omit<UdpAnnounceResponse, 'kind' | 'peers'>): void {
  view.setUint32(0, ANNOUNCE)
  view.setUint32(4, head.transactionId)
  view.setUint32(8, head.interval)
  view.setUint32(12, head.leechers)
  view.setUint32(16, head.seeders)
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = viewOf(bytes)
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value)
  return bytes
}

/** A response as a client reads it, or null for what is none. `ipLength` is that of the socket's address family. */
export function decodeUdpResponse(bytes: Uint8Array, ipLength: IpLength): UdpResponse | null {
  if (bytes.length < 8) return null
  const view = viewOf(bytes)
  const transactionId = view.getUint32(4)
  switch (view.getUint32(0)) {
    case CONNECT:
      return bytes.length < 16 ? null : { kind: 'connect', transactionId, connectionId: bytes.slice(8, 16) }
    case ANNOUNCE:
      if (bytes.length < 20) return null
      return {
        kind: 'announce',
        transactionId,
        interval: view.getUint32(8),
        leechers: view.getUint32(12),
        seeders: view.getUint32(16),
        peers: decodeCompactAddresses(bytes.subarray(20), ipLength, MAX_PEERS_PER_ANSWER),
      }
    case SCRAPE: {
      const files: ScrapeFigures[] = []
      for (let at = 8; at + 12 <= bytes.length; at += 12) {
        files.push({
          seeders: view.getUint32(at),
          downloads: view.getUint32(at + 4),
          leechers: view.getUint32(at + 8),
        })
      }
      return { kind: 'scrape', transactionId, files }
    }
    case ERROR:
      return { kind: 'error', transactionId, message: messageText(bytes.subarray(8)) }
    default:
      return null
  }
}
