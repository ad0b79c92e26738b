// Everything a user of a session may choose, with its unit and default.
import type { LogRecord } from '../../base/log.ts'

export interface SessionOptions {
  /** TCP port to listen on; 0 is any free one. Default: 6881 or, when taken, the next free one. A given port that is taken is an error. */
  readonly port?: number
  /**
   * A local IP, or the name of an interface: all that the session sends leaves from there, and it waits while that is gone.
   * Default: all addresses of both families. (Interfaces are known to Node's platform alone.)
   */
  readonly bind?: string
  /** Connected peers over all torrents. Default 200. */
  readonly maxPeers?: number
  /** Connected peers of one torrent. Default: `maxPeers` where that is given, else 60. */
  readonly maxPeersPerTorrent?: number
  /**
   * Payload received, bytes per second over all torrents; 0 (the default) is no limit. Metadata of magnet links is no payload: it
   * comes as fast as it can.
   */
  readonly downRate?: number
  /** Payload sent, bytes per second over all torrents; 0 (the default) is no limit. */
  readonly upRate?: number
  /** Threads for hashing and disk, per storage device; 0 does it on the main thread. Default 1. */
  readonly workers?: number
  /**
   * Bytes for content on its way in and out, and the work on it, over all torrents. However many peers there are and however
   * slow the disk is, no more is used. Default 128 MiB, least 16 MiB.
   */
  readonly memory?: number
  /** Peers are told of each other (BEP 11), but never those of private torrents. Default true. */
  readonly usePex?: boolean
  /** Peers are looked for on the local network (BEP 14), but never those of private torrents. Default false. */
  readonly useLsd?: boolean
  /** Peers are looked for in the DHT (BEP 5), and we take part in it, but never for private torrents. Default false. */
  readonly useDht?: boolean
  /**
   * Where the DHT is entered when no node is remembered or named, `host:port`. Default: three well-known ones on the internet;
   * an empty list: nowhere.
   */
  readonly dhtRouters?: readonly string[]
  /** Receives what the session has to tell whoever looks for a fault. Default: nobody. */
  readonly log?: (record: LogRecord) => void
}
