// Deletes what a torrent has on disk at one place, and what is remembered of it; nothing else. While that goes on, the content is
// open here and nowhere else.
import { StorageError } from '../../base/errors.ts'
import type { Platform, RemovedTree, StateFolder } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { type ContentLayout, type ContentLocation, contentLayout, contentRoot } from './content-layout.ts'
import { isDriveGone } from './content-place.ts'
import { findNames } from './find-names.ts'
import { openState, unlessLacking } from './open-state.ts'
import { SettingsKeeper } from './settings-keeper.ts'
import { NO_SETTINGS, type TorrentSettings } from './torrent-settings.ts'

export interface ContentToLock {
  readonly platform: Pick<Platform, 'disk' | 'state'>
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly location: ContentLocation
  /** What is known of its settings, where none are remembered. */
  readonly earlier?: TorrentSettings
}

export interface LockedContent {
  /** With the names that the files have. */
  readonly layout: ContentLayout
  /** Null where nothing can be remembered. */
  readonly folder: StateFolder | null
}

/** All that a torrent may have on disk. */
export function ownPaths({ paths, places }: Pick<ContentLayout, 'paths' | 'places'>): string[] {
  return [...paths.filter((path) => path !== ''), ...(places?.extraPaths ?? [])]
}

/**
 * Locks the content, for its removal, and finds what its files are called. Rejects with StateError `in_use` when it is open
 * elsewhere, with StorageError when the disk does not answer, `drive_gone` when the content's drive is not there.
 */
export async function lockContent({
  platform,
  metainfo,
  map,
  location,
  earlier = NO_SETTINGS,
}: ContentToLock): Promise<LockedContent> {
  const { state, disk } = platform
  const opening = state && openState(state, metainfo, contentRoot(metainfo, location))
  const folder = opening && (await unlessLacking(opening, () => {}))
  try {
    const settings = await SettingsKeeper.open(folder, metainfo, () => {}, earlier)
    const layout = contentLayout(metainfo, map, location, settings.current.names)
    const volume = await disk.openVolume(layout.root)
    const paths = layout.files.map(({ path }) => path)
    // What is remembered must not be forgotten while the files are elsewhere.
    if (await isDriveGone(volume, settings.current.marks, paths)) throw driveGone(layout.root)
    await findNames(layout, volume, settings, false)
    await settings.close()
    return { layout, folder }
  } catch (error) {
    await folder?.close()
    throw error
  }
}

function driveGone(root: string): StorageError {
  return new StorageError('drive_gone', `Cannot remove ${root}: its drive is not connected; connect it first`, root)
}

/**
 * What is remembered at this place is forgotten when all has gone well: a second attempt needs it. The folder is closed in any case.
 * Rejects with StorageError, when all that can be deleted has been.
 */
export async function removeContent(
  { disk }: Pick<Platform, 'disk'>,
  { layout, folder }: LockedContent,
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
