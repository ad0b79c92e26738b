// Shoal, a BitTorrent client as a library: everything an application uses, and nothing else.
//
//   const session = await createSession()
//   const torrent = session.add(await readFile('film.torrent'), { path: '/downloads' })
//   await torrent.done
//   await session.close()

export { boundAddresses } from './api/bound-addresses.ts'
export { createSession, type CreateSessionOptions } from './api/create-session.ts'
export { createTorrent, type CreateOptions } from './api/create-torrent.ts'
export { fetchPiece, type FetchPieceOptions } from './api/fetch-piece.ts'
export { fetchUrl, type FetchUrlOptions } from './api/fetch-url.ts'
export { locateContent } from './api/locate-content.ts'
export { lookUpHost, type LookUpHostOptions } from './api/look-up-host.ts'
export { type ContentRemoval, openRemoval, type RemovalOptions } from './api/open-removal.ts'
export type { Dht, DhtContact, DhtItem, DhtOwned, DhtPeers, DhtPing, DhtPut, DhtPutOptions } from './api/dht.ts'
export { openDht, type OpenDhtOptions } from './api/open-dht.ts'
export { moveContent, type MoveContentOptions } from './api/move-content.ts'
export { queryTrackers, type QueryTrackersOptions } from './api/query-trackers.ts'
export { scrapeTrackers, type ScrapeOptions } from './api/scrape-trackers.ts'
export { verifyTorrent, type Verification } from './api/verify-torrent.ts'
export type { WorkOptions } from './api/work-options.ts'
export { FormatError, NetworkError, PeerError, StateError, StorageError, TrackerError } from './base/errors.ts'
export type { Log, LogLevel, LogRecord } from './base/log.ts'
export type { FamilyStatus } from './engine/discovery/dht/dht-api.ts'
export type { TrackerStatus } from './engine/discovery/announcer.ts'
export type { QueryResult } from './engine/discovery/query-trackers.ts'
export type { SwarmSize } from './engine/discovery/scrape-trackers.ts'
export type { Session } from './engine/session/session.ts'
export type { MemoryUse } from './engine/session/memory-use.ts'
export type { SessionOptions } from './engine/session/settings.ts'
export type { MoveProgress } from './engine/storage/content-copy.ts'
export type { ContentLocation } from './engine/storage/content-layout.ts'
export type {
  Cause,
  CauseFigures,
  FileInfo,
  FilePriorities,
  FilePriority,
  PeerInfo,
  RemoveOptions,
  TorrentEvents,
  TorrentOptions,
  TorrentState,
  TorrentStats,
  WebSeedInfo,
} from './engine/torrent/torrent-api.ts'
export type { Torrent } from './engine/torrent/torrent.ts'
export type { RateLimits } from './engine/transport/rate-limits.ts'
export {
  describeMagnet,
  describeTorrent,
  encodeMagnet,
  type FileFacts,
  type Magnet,
  type Metainfo,
  parseMagnet,
  parseTorrent,
  type TorrentFacts,
  type TorrentFile,
  type V2FileFacts,
} from './protocol/metainfo/index.ts'
