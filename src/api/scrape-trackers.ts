import { scrapeTrackers as scrape, type SwarmSize } from '../engine/discovery/scrape-trackers.ts'
import { TrackerClients } from '../engine/discovery/tracker-clients.ts'
import { bindIp } from '../platform/bound/sources.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Magnet, Metainfo } from '../protocol/metainfo/index.ts'
import { trackerQuestion } from './tracker-question.ts'

export interface ScrapeOptions {
  /** IP or interface of this machine that everything leaves from. */
  readonly bind?: string
  /** For each tracker by itself. Default 10,000. */
  readonly timeoutMs?: number
}

/**
 * Asks all trackers of the torrent, or of the magnet link, how large its swarm is (BEP 48), without joining it: nobody is told
 * of us. Rejects with FormatError `v2_only` alone.
 */
export async function scrapeTrackers(torrent: Metainfo | Magnet, options: ScrapeOptions = {}): Promise<SwarmSize[]> {
  const { trackers, infohash } = trackerQuestion(torrent)
  const platform = createNodePlatform({ workers: 0, bind: options.bind })
  const clients = new TrackerClients(platform, bindIp(options.bind))
  try {
    return await scrape(clients, platform.clock, { trackers, infohash, timeoutMs: options.timeoutMs })
  } finally {
    clients.close()
    await platform.disk.close()
  }
}
