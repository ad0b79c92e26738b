// What an announce asks and what a tracker answers, whatever carries it (HTTP: `http.ts`, UDP: `udp.ts`).
import type { Address } from '../../base/address.ts'
import { decodeUtf8Start } from '../../base/bytes.ts'

/** `null` is a regular announce between started and stopped. */
export type AnnounceEvent = 'started' | 'completed' | 'stopped' | null

/** `left` as long as nobody knows how much there is: something, for who says 0 is a seeder. */
export const LEFT_UNKNOWN = 16_384

export interface AnnounceRequest {
  /** 20 bytes; of a v2 swarm the truncated hash. */
  readonly infohash: Uint8Array
  /** 20 bytes. */
  readonly peerId: Uint8Array
  /** Where we listen, 1 to 65535. */
  readonly port: number
  /** Payload bytes sent since `started`. */
  readonly uploaded: number
  /** Payload bytes received since `started`. */
  readonly downloaded: number
  /** Bytes of pieces not yet verified. */
  readonly left: number
  readonly event: AnnounceEvent
  /** Proves that announces over different addresses come from one client; 32 bits, the same for all of a torrent's announces. */
  readonly key: number
  /** Peers asked for; -1 leaves it to the tracker. */
  readonly numWant: number
  /** What this tracker gave as its tracker id, to be sent back unchanged. HTTP only. */
  readonly trackerId?: Uint8Array | null
  /** Canonical IP to be registered instead of the sender's; most trackers ignore it. */
  readonly ip?: string
}

/** A tracker's answer: either one of these two. */
export type AnnounceAnswer = AnnounceResponse | AnnounceRefusal

export interface AnnounceResponse {
  readonly kind: 'response'
  /** Seconds until the next regular announce, as the tracker said; null when it said nothing. */
  readonly interval: number | null
  /** Seconds that must pass before any announce. */
  readonly minInterval: number | null
  readonly seeders: number | null
  readonly leechers: number | null
  /** Completed downloads. */
  readonly downloads: number | null
  /** As they came: not yet filtered. */
  readonly peers: readonly Address[]
  /** Peers given by name instead of IP. For other users of this package: the client itself looks no names up that strangers choose. */
  readonly namedPeers: readonly NamedPeer[]
  /** For people. */
  readonly warning: string | null
  readonly trackerId: Uint8Array | null
  /** Our own IP as the tracker sees it (BEP 24), canonical. */
  readonly externalIp: string | null
}

export interface NamedPeer {
  readonly host: string
  readonly port: number
}

export interface AnnounceRefusal {
  readonly kind: 'refusal'
  /** For people. */
  readonly reason: string
  /** Seconds until it is worth asking again (BEP 31); Infinity for "never", null where the tracker did not say. */
  readonly retryInSeconds: number | null
}

/** Figures of one torrent (BEP 48). */
export interface ScrapeFigures {
  readonly seeders: number
  readonly leechers: number
  /** Completed downloads. */
  readonly downloads: number
}

/** Peers of one answer that are looked at; more is no tracker's business. */
export const MAX_PEERS_PER_ANSWER = 5000

const MAX_MESSAGE_CHARACTERS = 300

/** A tracker's message, fit to be printed: one line, without control characters, of bounded length. */
export function messageText(bytes: Uint8Array): string {
  const start = decodeUtf8Start(bytes, MAX_MESSAGE_CHARACTERS)
  return start.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
