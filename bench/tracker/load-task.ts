// What the generator of announces is asked to do, and which torrents it knows.

export interface LoadTask {
  readonly protocol: 'udp' | 'http'
  /** On 127.0.0.1. */
  readonly port: number
  readonly announces: number
}

export interface LoadReport {
  readonly answers: number
  /** Of all answers. */
  readonly bytes: number
}

export const TORRENTS = 1000
/** Peers of a torrent: as many as make a full answer of 50. */
export const PEERS_PER_TORRENT = 100

/** Hexadecimal. */
export function infohashText(torrent: number): string {
  return (Math.imul(torrent + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').repeat(5)
}
