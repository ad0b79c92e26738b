// How much strangers may make the tracker remember. A peer takes some 100 bytes, a torrent some 400.

export interface TrackerLimits {
  /** Torrents that somebody is in. Default 100,000. */
  readonly maxTorrents?: number
  /** Peers over all torrents. Default 1,000,000. */
  readonly maxPeers?: number
  /** Peers of one torrent. Default 100,000. */
  readonly maxPeersPerTorrent?: number
  /**
   * Peers over all torrents that one IPv4 address, or one /64 of IPv6, may register. Default: a fiftieth of `maxPeers`, but at least 1000.
   * Loopback is not counted.
   */
  readonly maxPeersPerAddress?: number
  /** The same within one torrent: clients behind one router. Default 64. */
  readonly maxPeersPerAddressAndTorrent?: number
}

/** The limits with their defaults. Throws RangeError for a limit that is no whole number from 1 to 100 million. */
export function completeLimits(given: TrackerLimits = {}): Required<TrackerLimits> {
  const { maxPeers = 1_000_000 } = given
  const limits = {
    maxTorrents: given.maxTorrents ?? 100_000,
    maxPeers,
    maxPeersPerTorrent: given.maxPeersPerTorrent ?? 100_000,
    maxPeersPerAddress: given.maxPeersPerAddress ?? Math.max(1000, Math.floor(maxPeers / 50)),
    maxPeersPerAddressAndTorrent: given.maxPeersPerAddressAndTorrent ?? 64,
  }
  for (const [name, limit] of Object.entries(limits)) {
    if (!Number.isInteger(limit) || limit < 1 || limit > 100_000_000) {
      throw new RangeError(`Cannot set ${name} to ${limit}: not a whole number from 1 to 100,000,000`)
    }
  }
  return limits
}
