// What the commands use of the library: its public exports, and nothing else. Loaded on demand, since most commands
// need little of it and the start of the program is waited for; tests hand in one of their own.
import type {
  CreateSessionOptions,
  Dht,
  Metainfo,
  OpenDhtOptions,
  Session,
  Torrent,
  TorrentOptions,
  boundAddresses,
  createTorrent,
  describeMagnet,
  describeTorrent,
  encodeMagnet,
  fetchPiece,
  fetchUrl,
  locateContent,
  moveContent,
  openRemoval,
  parseMagnet,
  parseTorrent,
  queryTrackers,
  scrapeTrackers,
  verifyTorrent,
} from '../../index.ts'

export type EngineTorrent = Pick<
  Torrent,
  | 'metainfo'
  | 'infohash'
  | 'done'
  | 'stats'
  | 'files'
  | 'contentPath'
  | 'diagnose'
  | 'pieceStates'
  | 'metadataProgress'
  | 'setFilePriorities'
  | 'addPeer'
  | 'on'
  | 'remove'
>

export interface EngineSession extends Pick<Session, 'listening' | 'memory' | 'close'> {
  add(torrent: Uint8Array | Metainfo | string, options: TorrentOptions): EngineTorrent
}

export type EngineDht = Pick<
  Dht,
  'status' | 'joined' | 'ping' | 'findNodes' | 'findPeers' | 'get' | 'put' | 'sample' | 'randomTarget' | 'close'
>

export interface Engine {
  createSession(options?: CreateSessionOptions): Promise<EngineSession>
  readonly boundAddresses: typeof boundAddresses
  readonly parseTorrent: typeof parseTorrent
  readonly parseMagnet: typeof parseMagnet
  readonly encodeMagnet: typeof encodeMagnet
  readonly describeTorrent: typeof describeTorrent
  readonly describeMagnet: typeof describeMagnet
  readonly createTorrent: typeof createTorrent
  readonly locateContent: typeof locateContent
  readonly verifyTorrent: typeof verifyTorrent
  readonly moveContent: typeof moveContent
  readonly openRemoval: typeof openRemoval
  readonly queryTrackers: typeof queryTrackers
  readonly scrapeTrackers: typeof scrapeTrackers
  openDht(options?: OpenDhtOptions): Promise<EngineDht>
  readonly fetchPiece: typeof fetchPiece
  readonly fetchUrl: typeof fetchUrl
}
