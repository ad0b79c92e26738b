import { FormatError } from '../base/errors.ts'
import { scrapeTrackers as scrape, type SwarmSize } from '../engine/discovery/scrape-trackers.ts'
import { TrackerClients } from '../engine/discovery/tracker-clients.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Metainfo } from '../protocol/metainfo/index.ts'

export interface ScrapeOptions {
  /** Local IP that everything leaves from. */
  readonly bind?: string
  /** For each tracker by itself. Default 10,000. */
  readonly timeoutMs?: number
}

/**
 * Asks all of the torrent's trackers how large its swarm is (BEP 48), without joining it: nobody is told of us. Rejects with
 * FormatError `v2_only` alone.
 */
export async function scrapeTrackers(torrent: Metainfo, options: ScrapeOptions = {}): Promise<SwarmSize[]> {
  const { infohashV1: infohash, name, trackers } = torrent
  if (!infohash) throw new FormatError('v2_only', `Cannot scrape ${name}: BitTorrent v2 alone is not supported yet`)
  const platform = createNodePlatform({ workers: 0 })
  const clients = new TrackerClients(platform, options.bind)
  try {
    return await scrape(clients, platform.clock, { trackers: trackers.flat(), infohash, timeoutMs: options.timeoutMs })
  } finally {
    clients.close()
    await platform.disk.close()
  }
}
