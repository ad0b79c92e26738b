// What a torrent shows to the application: its events and figures. `torrent.ts` implements it.
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'

/**
 * `fetching_metadata`: it began with a magnet link, and only its infohash is known so far. `parked`: the disk is full, or its drive
 * is gone; it goes on by itself when that has passed.
 */
export type TorrentState =
  'fetching_metadata' | 'checking' | 'downloading' | 'seeding' | 'parked' | 'moving' | 'stopped' | 'failed'

/** `skip`: it is not fetched. `high` comes before `normal`, that before `low`. */
export type FilePriority = 'skip' | 'low' | 'normal' | 'high'

/** By the file's index in `Metainfo.files`, from 0: an array with one for each file will do. */
export type FilePriorities = Readonly<Record<number, FilePriority>>

/** A file of the torrent. */
export interface FileInfo {
  /** In `Metainfo.files`. */
  readonly index: number
  /** Below the torrent's folder `path`: the torrent's name first. */
  readonly path: readonly string[]
  /** Bytes. */
  readonly length: number
  /** Of these, bytes in verified pieces. */
  readonly done: number
  readonly priority: FilePriority
}

export interface TorrentOptions {
  /** The folder that holds (or will hold) the torrent's file or top folder. */
  readonly path: string
  /** Name of the file or top folder within `path`, where it differs from the torrent's own (after clean-up). */
  readonly name?: string
  /**
   * What of it to fetch: files that are not named are `normal`. See `Torrent.setFilePriorities`. Remembered with the state;
   * default: as it was in the run before, and everything at first. A magnet link's torrent that has no such file fails, with
   * `no_such_file`.
   */
  readonly files?: FilePriorities
  /**
   * Take the space of all wanted files before the download begins; a disk that has too little of it is `disk_full` at once.
   * Default false: files grow, with holes, as pieces come.
   */
  readonly preallocate?: boolean
  /** A file that is not complete is called NAME.part. Files that are there already keep their names till then. Default false. */
  readonly partNames?: boolean
  /** Look at all data on disk, whatever is remembered of it. Default false. */
  readonly recheck?: boolean
  /** Peers to dial besides those of the trackers: `ip:port`. */
  readonly peers?: readonly string[]
  /** Announce to the torrent's trackers. Default true. */
  readonly useTrackers?: boolean
  /** Web servers that have the content (BEP 19), besides those that the torrent names: URLs of http or https. */
  readonly webSeeds?: readonly string[]
  /** Fetch from web seeds. Default true. */
  readonly useWebSeeds?: boolean
  /**
   * Super-seeding (BEP 16) of content that is complete at the start: pieces are revealed to peers one by one, so that
   * hardly more than one copy is sent until all are out. `auto` begins when there are several leechers who have little, and
   * ends when there is another seed. Default `off`.
   */
  readonly superSeed?: 'auto' | 'on' | 'off'
  /** Payload received, bytes per second; 0 (the default) is no limit. It holds beside the session's. */
  readonly downRate?: number
  /** Payload sent, bytes per second; 0 (the default) is no limit. It holds beside the session's. */
  readonly upRate?: number
}

export interface RemoveOptions {
  /**
   * Deletes the torrent's own files, the folders that are empty then, and what is remembered of it at this place. What else is
   * there stays, and no symbolic link is followed. Default false: everything stays.
   */
  readonly data?: boolean
}

/**
 * Payload counts whole verified or requested bytes; protocol overhead and the metadata of magnet links are not in it. Rates are
 * bytes per second, smoothed over some 5 s.
 */
export interface TorrentStats {
  readonly state: TorrentState
  /** Payload bytes received in this session. */
  readonly downloaded: number
  /** Payload bytes sent in this session. */
  readonly uploaded: number
  /** Bytes of wanted pieces not yet verified. */
  readonly left: number
  /** Bytes of wanted pieces: less than `total` when files are skipped. A piece that files share is wanted whole. */
  readonly wanted: number
  readonly total: number
  readonly downRate: number
  readonly upRate: number
  /** Connected peers (handshake done). */
  readonly peers: number
  /** Web seeds that content is fetched from now. */
  readonly webSeeds: number
  readonly piecesHave: number
  readonly pieces: number
}

/** A connected peer, as it is now. */
export interface PeerInfo {
  /** `1.2.3.4:6881` or `[::1]:6881`. */
  readonly address: string
  /** What it calls itself; null when it does not say. A stranger's text: clean it before you print it. */
  readonly client: string | null
  readonly isIncoming: boolean
  /** Payload bytes per second from it. */
  readonly downRate: number
  /** Payload bytes per second to it. */
  readonly upRate: number
  /** Pieces it has. */
  readonly pieces: number
  readonly isChokingUs: boolean
  /** We choke it. */
  readonly isChoked: boolean
}

/** A web server that has the content (BEP 19), as it is now. */
export interface WebSeedInfo {
  readonly url: string
  /** `idle`: nothing is asked of it now. `waiting`: until it is asked again, after a failure. `gone`: it has been given up. */
  readonly state: 'idle' | 'receiving' | 'waiting' | 'gone'
  /** Payload bytes from it. */
  readonly downloaded: number
  /** Payload bytes per second from it. */
  readonly downRate: number
  /** Of the last failure a stable code: `http_404`, `wrong_size`, `corrupt_data`, `timed_out`, ... Null: all is well. */
  readonly error: string | null
  /** The same for people, a part of a sentence: `it answers 404`. */
  readonly reason: string | null
  /** Milliseconds until it is asked again; null unless it waits. */
  readonly retryMs: number | null
}

export interface TorrentEvents {
  /** The metadata of a magnet link has been found: from now on the torrent is like any other. Files may be chosen at once. */
  metadata: { readonly metainfo: Metainfo }
  /** Data found on disk is being verified: pieces done of pieces to look at. */
  checking: { readonly done: number; readonly total: number }
  /** All data that was on disk has been looked at; downloading or seeding begins. */
  checked: { readonly good: number }
  /** The space of the wanted files is being taken (`preallocate`): bytes done of bytes in all. */
  allocating: { readonly done: number; readonly total: number }
  /** The content is being moved to another file system: bytes copied, and then verified. */
  moving: { readonly phase: 'copying' | 'verifying'; readonly done: number; readonly total: number }
  /** The content's file or top folder is there now. */
  moved: { readonly path: string }
  /** A peer was closed for what it did. `pieces`: those it delivered wrong data for. */
  peerDropped: {
    readonly address: string
    /** Stable code: `corrupt_data`, `silent`, `left`, `bad_bitfield`, ... */
    readonly reason: string
    /** The same for people. */
    readonly message: string
    readonly pieces?: readonly number[]
  }
  warning: { readonly code: string; readonly message: string }
  /**
   * Every wanted piece is verified and every write has returned. Also sent for a torrent that was complete at the start; and
   * again, when it has fetched files that were wanted later.
   */
  done: Record<string, never>
  /** The torrent serves others from now on, being complete. */
  seeding: Record<string, never>
  /**
   * It waits, for the disk is full (`disk_full`) or its drive is gone (`drive_gone`), and goes on by itself when that has passed.
   * Nothing is lost: peers are left, what was verified stays so.
   */
  parked: { readonly error: Error & { readonly code: string } }
  /** It goes on after it was parked: what is not sure is checked, as at the start. */
  resumed: Record<string, never>
  /** The torrent stopped with an error that a person must act on. */
  failed: { readonly error: Error & { readonly code: string } }
}

/**
 * Why a torrent is slow, or does nothing: a stable `code` with its figures, and the same as one sentence for people, which
 * may quote a tracker (a stranger's text: clean it before you print it). Durations in milliseconds, rates in bytes per second.
 */
export type Cause = CauseFigures & { readonly message: string }

export type CauseFigures =
  // It does not run.
  /** Only its infohash is known. `offering`: those of the connected peers that say they have the metadata, and have not failed to give it. */
  | {
      readonly code: 'fetching_metadata'
      readonly known: number
      readonly connected: number
      readonly offering: number
    }
  /** `error`: the code of what is in its way. */
  | { readonly code: 'failed' | 'parked'; readonly error: string }
  | { readonly code: 'stopped' }
  | { readonly code: 'moving' }
  /** Data found on disk is being verified: pieces done of pieces to look at. */
  | { readonly code: 'checking'; readonly done: number; readonly total: number }
  // This machine, or a choice made on it.
  /** No write has returned for so long. */
  | { readonly code: 'disk_silent'; readonly pendingWrites: number; readonly forMs: number }
  /** Memory is full of what waits for the disk. `rate`: what was verified and written. */
  | { readonly code: 'disk_slow'; readonly pendingWrites: number; readonly rate: number }
  /** Memory is full, and the disk is not the reason. In slots of the disk, this torrent's and all. */
  | { readonly code: 'memory_short'; readonly held: number; readonly total: number }
  /** `limit` is the torrent's own or that of all torrents of the session, the lower one; `rate` is this torrent's. */
  | { readonly code: 'down_limit' | 'up_limit'; readonly limit: number; readonly rate: number }
  /** All connections that the session may have are in use. */
  | { readonly code: 'connection_limit'; readonly limit: number }
  /** The address or interface that everything is bound to is gone: nothing is sent until it is back. */
  | { readonly code: 'bind_gone'; readonly bind: string }
  /** We accept no connections. */
  | { readonly code: 'not_listening' }
  // Connected peers. `connected`: all of them; `useful`: those with pieces that we lack.
  /** Useful peers that choke us. */
  | { readonly code: 'all_choke'; readonly peers: number; readonly useful: number; readonly connected: number }
  /** Useful peers that let us ask, and have not answered for some time. */
  | {
      readonly code: 'requests_unanswered'
      readonly peers: number
      readonly useful: number
      readonly connected: number
    }
  /** Peers that serve us, together at `rate`; the best so far was `bestRate`. */
  | { readonly code: 'peers_slow'; readonly peers: number; readonly rate: number; readonly bestRate: number }
  /** Pieces that we lack and no connected peer has: the first 100, and how many there are. Null: never seen in this session. */
  | {
      readonly code: 'pieces_unavailable'
      readonly pieces: readonly number[]
      readonly count: number
      readonly lastSeenMs: number | null
    }
  /** Peers closed for wrong data in this session, when nobody else is there. */
  | { readonly code: 'peers_banned'; readonly peers: number }
  // Web seeds. `reason` is a part of a sentence.
  | { readonly code: 'web_seeds_slow'; readonly webSeeds: number; readonly rate: number; readonly bestRate: number }
  /** It is asked again after `retryMs`. */
  | {
      readonly code: 'web_seed_waiting'
      readonly url: string
      readonly error: string
      readonly reason: string
      readonly retryMs: number
    }
  /** It is not asked any more. */
  | { readonly code: 'web_seed_gone'; readonly url: string; readonly error: string; readonly reason: string }
  // Nobody is connected.
  | { readonly code: 'connecting'; readonly known: number; readonly dialling: number }
  /** The code of what ended the last connection -> how many of the known addresses. Null: all are being dialled again. */
  | {
      readonly code: 'peers_unreachable'
      readonly known: number
      readonly failed: Readonly<Record<string, number>>
      readonly nextDialMs: number | null
    }
  /** All known peers were connected, and left or were let go in good order. */
  | { readonly code: 'peers_left'; readonly known: number; readonly nextDialMs: number | null }
  /** There is no tracker and no address of a peer; the DHT is asked now and then. */
  | { readonly code: 'dht_searching'; readonly port: number | null }
  /** There is neither a tracker nor the address of a peer. */
  | { readonly code: 'no_peer_source'; readonly port: number | null }
  /** So many trackers have answered, and named nobody. */
  | { readonly code: 'no_peers_known'; readonly trackers: number }
  /** No tracker has answered so far; these are being asked. */
  | { readonly code: 'trackers_pending'; readonly urls: readonly string[] }
  /** `answer`: its own words. */
  | { readonly code: 'tracker_refused'; readonly url: string; readonly answer: string }
  | { readonly code: 'tracker_failed'; readonly url: string; readonly error: string }
  // A seed.
  | { readonly code: 'nobody_connected' }
  | { readonly code: 'nobody_interested'; readonly connected: number }
