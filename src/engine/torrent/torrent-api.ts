// What a torrent shows to the application: its events and figures. `torrent.ts` implements it.

export type TorrentState = 'checking' | 'downloading' | 'seeding' | 'stopped' | 'failed'

export interface TorrentOptions {
  /** The folder that holds (or will hold) the torrent's file or top folder. */
  readonly path: string
  /** Name of the file or top folder within `path`, where it differs from the torrent's own (after clean-up). */
  readonly name?: string
  /** Peers to dial besides those of the trackers: `host:port`. */
  readonly peers?: readonly string[]
  /** Announce to the torrent's trackers. Default true. */
  readonly useTrackers?: boolean
}

/** Payload counts whole verified or requested bytes; protocol overhead is not in it. Rates are bytes per second, smoothed over some 5 s. */
export interface TorrentStats {
  readonly state: TorrentState
  /** Payload bytes received in this session. */
  readonly downloaded: number
  /** Payload bytes sent in this session. */
  readonly uploaded: number
  /** Bytes of pieces not yet verified. */
  readonly left: number
  readonly total: number
  readonly downRate: number
  readonly upRate: number
  /** Connected peers (handshake done). */
  readonly peers: number
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

export interface TorrentEvents {
  /** Data found on disk is being verified: pieces done of pieces to look at. */
  checking: { readonly done: number; readonly total: number }
  /** All data that was on disk has been looked at; downloading or seeding begins. */
  checked: { readonly good: number }
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
  /** Every piece is verified and every write has returned. Also sent for a torrent that was complete at the start. */
  done: Record<string, never>
  /** The torrent serves others from now on, being complete. */
  seeding: Record<string, never>
  /** The torrent stopped with an error that a person must act on. */
  failed: { readonly error: Error & { readonly code: string } }
}
