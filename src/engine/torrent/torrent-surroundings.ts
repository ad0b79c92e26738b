// What a torrent is given beside its metainfo and what an application may choose: by the session around it, and by those who
// use a torrent for something else than a download.
import type { Log } from '../../base/log.ts'
import type { Platform } from '../../platform/platform.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { PacedTrackers } from '../discovery/paced-trackers.ts'
import type { ContentLayout } from '../storage/content-layout.ts'
import type { ReadCache } from '../storage/read-cache.ts'
import type { SlotLedger } from '../storage/slot-ledger.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import type { DhtLink } from './dht-link.ts'
import type { MetadataMemory } from './metadata/metadata-memory.ts'
import type { ConnectionBudget } from './swarm.ts'

/** What all torrents of a session share. */
export interface TorrentSurroundings {
  readonly platform: Platform
  readonly ledger: SlotLedger
  readonly cache: ReadCache
  /** The limits of all torrents together. */
  readonly downLimiter: RateLimiter
  readonly upLimiter: RateLimiter
  readonly budget: ConnectionBudget
  /** For what comes of the metadata of all magnet links. */
  readonly metadataMemory: MetadataMemory
  readonly trackers: PacedTrackers
  /** The port we listen on; null when we do not. */
  readonly listenPort: number | null
  readonly localIp: string | undefined
  /** Peers of torrents that are not private are told of each other (BEP 11). */
  readonly usesPex: boolean
  /** Our node in the DHT, for torrents that are not private; null: we have none. */
  readonly dht: DhtLink | null
  readonly log: Log
  isOwnPeerId(peerId: Uint8Array): boolean
  /** All data on disk has been looked at: from now on it meets peers. */
  onReady(): void
  /** The torrent is stopped and has left. */
  onRemoved(): void
}

/** Beside what an application may choose: what else a torrent can be used for. */
export interface TorrentInternals {
  /** Where the content lies, when it is not the torrent's own files. */
  readonly layout?: (map: PieceMap) => ContentLayout
  /** Fetch these pieces only. */
  readonly pieces?: ReadonlySet<number>
  /** Take from others and give nothing, not even what BEP 6 allows to whom is choked: to see what becomes of those who do. */
  readonly servesNobody?: boolean
}
