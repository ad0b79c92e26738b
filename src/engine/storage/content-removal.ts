// Deletes what a torrent has on disk at one place, and what is remembered of it; nothing else. While that goes on, the content is
// open here and nowhere else.
import { toHex } from '../../base/bytes.ts'
import { StateError } from '../../base/errors.ts'
import type { Platform, RemovedTree, StateFolder, StateStore } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { ContentLayout } from './content-layout.ts'

/** All that a torrent may have on disk. */
export function ownPaths({ paths, places }: Pick<ContentLayout, 'paths' | 'places'>): string[] {
  return [...paths.filter((path) => path !== ''), ...(places?.extraPaths ?? [])]
}

/**
 * Locks the content, for its removal. Null where nothing can be remembered. Rejects with StateError `in_use` when it is open
 * elsewhere.
 */
export async function lockContent(
  state: StateStore | null,
  metainfo: Metainfo,
  root: string,
): Promise<StateFolder | null> {
  try {
    return (await state?.open(toHex(metainfo.infohashV1 ?? metainfo.infohashV2!), root)) ?? null
  } catch (error) {
    if (error instanceof StateError && error.code === 'in_use') throw error
    return null
  }
}

/**
 * What is remembered is forgotten when all has gone well: a second attempt needs it. The folder is closed in any case.
 * Rejects with StorageError, when all that can be deleted has been.
 * @param folder see `lockContent`
 */
export async function removeContent(
  { disk }: Platform,
  layout: ContentLayout,
  folder: StateFolder | null,
): Promise<RemovedTree> {
  try {
    const volume = await disk.openVolume(layout.root)
    const removed = await volume.removeTree(layout.top, ownPaths(layout))
    await volume.release(layout.top)
    await folder?.remove()
    return removed
  } catch (error) {
    await folder?.close()
    throw error
  }
}
