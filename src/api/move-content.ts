// Moving content that no session has: what the command `move` does.
import { FormatError } from '../base/errors.ts'
import type { MoveProgress } from '../engine/storage/content-copy.ts'
import { type ContentLocation, contentRoot } from '../engine/storage/content-layout.ts'
import { moveContent as move } from '../engine/storage/content-move.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import { type Metainfo, PieceMap } from '../protocol/metainfo/index.ts'
import { stateOption } from './state-option.ts'

export interface MoveContentOptions {
  /** Where it is remembered what is verified, as for `createSession`. Default false: nowhere. */
  readonly state?: string | boolean
  /** Threads for hashing and disk. Default 1. */
  readonly workers?: number
  /** While it is copied to another file system, and then verified there. */
  readonly onProgress?: (progress: MoveProgress) => void
  /** Ends it before its end: the content stays where it was, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * Moves the content of a torrent to another place, with what is remembered of it, so that nothing is verified again there.
 * On the same file system that takes a moment; to another one it is copied, verified, and then removed.
 * Resolves to the new path of its file or top folder. Rejects, with all as it was: StorageError `exists`, `is_link`,
 * `inside_itself`, `not_found`, `disk_full`, `copy_damaged`, or what the disk says; StateError `in_use` when a session has it open;
 * FormatError `v2_only` for v2 alone.
 */
export async function moveContent(
  torrent: Metainfo,
  from: ContentLocation,
  to: ContentLocation,
  { state = false, workers = 1, onProgress, signal }: MoveContentOptions = {},
): Promise<string> {
  if (!torrent.infohashV1)
    throw new FormatError('v2_only', `Cannot move ${torrent.name}: BitTorrent v2 alone is not supported yet`)
  const platform = createNodePlatform({ workers, ...stateOption(state) })
  try {
    await move({
      platform,
      metainfo: torrent,
      map: new PieceMap(torrent),
      from,
      to,
      onProgress: (progress) => onProgress?.(progress),
      isStopped: () => signal?.aborted ?? false,
      warn: () => {},
    })
    return contentRoot(torrent, to)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    await platform.disk.close()
  }
}
