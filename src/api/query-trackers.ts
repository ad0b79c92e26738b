import { FormatError } from '../base/errors.ts'
import { queryTrackers as query, type QueryResult } from '../engine/discovery/query-trackers.ts'
import { bindIp } from '../platform/bound/sources.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Metainfo } from '../protocol/metainfo/index.ts'

export interface QueryTrackersOptions {
  /** IP or interface of this machine that everything leaves from. */
  readonly bind?: string
  /** For each tracker by itself. Default 10,000. */
  readonly timeoutMs?: number
}

/** Asks all of the torrent's trackers for peers, without joining the swarm. Rejects with FormatError `v2_only` alone. */
export async function queryTrackers(torrent: Metainfo, options: QueryTrackersOptions = {}): Promise<QueryResult> {
  if (!torrent.infohashV1)
    throw new FormatError('v2_only', `Cannot ask for ${torrent.name}: BitTorrent v2 alone is not supported yet`)
  const platform = createNodePlatform({ workers: 0, bind: options.bind })
  const localIp = bindIp(options.bind)
  try {
    return await query(platform, {
      trackers: torrent.trackers.flat(),
      infohash: torrent.infohashV1,
      peerId: platform.random.bytes(20),
      totalSize: torrent.totalSize,
      ...(localIp === undefined ? {} : { localIp }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })
  } finally {
    await platform.disk.close()
  }
}
