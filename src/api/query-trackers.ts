import { queryTrackers as query, type QueryResult } from '../engine/discovery/query-trackers.ts'
import { bindIp } from '../platform/bound/sources.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import type { Magnet, Metainfo } from '../protocol/metainfo/index.ts'
import { trackerQuestion } from './tracker-question.ts'

export interface QueryTrackersOptions {
  /** IP or interface of this machine that everything leaves from. */
  readonly bind?: string
  /** For each tracker by itself. Default 10,000. */
  readonly timeoutMs?: number
}

/**
 * Asks all trackers of the torrent, or of the magnet link, for peers, without joining the swarm. Rejects with FormatError
 * `v2_only` alone.
 */
export async function queryTrackers(
  torrent: Metainfo | Magnet,
  options: QueryTrackersOptions = {},
): Promise<QueryResult> {
  const question = trackerQuestion(torrent)
  const platform = createNodePlatform({ workers: 0, bind: options.bind })
  const localIp = bindIp(options.bind)
  try {
    return await query(platform, {
      ...question,
      peerId: platform.random.bytes(20),
      ...(localIp === undefined ? {} : { localIp }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })
  } finally {
    await platform.disk.close()
  }
}
