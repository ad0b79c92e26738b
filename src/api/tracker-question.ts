// What trackers are asked with about a torrent, or about one of which there is no more than a magnet link.
import { FormatError } from '../base/errors.ts'
import type { Magnet, Metainfo } from '../protocol/metainfo/index.ts'

export interface TrackerQuestion {
  readonly trackers: readonly string[]
  readonly infohash: Uint8Array
  /** Bytes; null as long as nobody has said it. */
  readonly totalSize: number | null
}

/** Throws FormatError `v2_only`. */
export function trackerQuestion(torrent: Metainfo | Magnet): TrackerQuestion {
  const { infohashV1: infohash, name } = torrent
  if (!infohash) {
    const what = name ?? 'this link'
    throw new FormatError('v2_only', `Cannot ask trackers about ${what}: BitTorrent v2 alone is not supported yet`)
  }
  if ('totalSize' in torrent) return { trackers: torrent.trackers.flat(), infohash, totalSize: torrent.totalSize }
  return { trackers: torrent.trackers, infohash, totalSize: torrent.length }
}
