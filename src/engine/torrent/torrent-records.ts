// What a torrent remembers from one run to the next, before anything is looked at on disk: its folder, when the platform has a
// place for it, and the settings in it. Only the torrent's own files are remembered, not what somebody fetches of it to other
// places.
import type { StorageError } from '../../base/errors.ts'
import type { Disk, StateFolder, StateStore } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { findContent, type FoundContent } from '../storage/moved-content.ts'
import { openState, unlessLacking } from '../storage/open-state.ts'
import { SettingsKeeper } from '../storage/settings-keeper.ts'
import type { TorrentSettings } from '../storage/torrent-settings.ts'

export interface RecordsOwner {
  /** What was written since the last good sync may be lost: the torrent must stop. */
  onStorageFailed(error: StorageError): void
  /** It goes on, but somebody should know. */
  onStateWarning(code: string, message: string): void
}

export interface TorrentRecords {
  /** The file or folder that holds the content: another one than was said, when it was moved or renamed. */
  readonly root: string
  /** Open for this process alone. Null: nothing is remembered. */
  readonly folder: StateFolder | null
  readonly settings: SettingsKeeper
}

export interface RecordsOptions {
  readonly state: StateStore | null
  readonly disk: Disk
  readonly metainfo: Metainfo
  readonly map: PieceMap
  /** The file or folder that holds the content. */
  readonly root: string
  /** What this program knows of the settings, where nothing else does. */
  readonly earlier: TorrentSettings
}

/**
 * A torrent can do without, but rejects with StateError `in_use` when the same content is open elsewhere: two that write the
 * same files would undo each other's work.
 */
export async function openRecords(options: RecordsOptions, owner: RecordsOwner): Promise<TorrentRecords> {
  const { metainfo, root, earlier } = options
  const warn = (message: string): void => owner.onStateWarning('state_not_trusted', message)
  const found = await findRemembered(options, owner, warn)
  if (!found) return { root, folder: null, settings: await SettingsKeeper.open(null, metainfo, warn, earlier) }
  if (found.root !== root) owner.onStateWarning('moved', `The content is at ${found.root}: it was moved or renamed`)
  return found
}

/** Null where nothing can be remembered. */
async function findRemembered(
  { state, disk, metainfo, map, root }: RecordsOptions,
  owner: RecordsOwner,
  warn: (message: string) => void,
): Promise<FoundContent | null> {
  if (!state) return null
  const open = (at: string): Promise<StateFolder> => openState(state, metainfo, at)
  return unlessLacking(findContent({ disk, metainfo, map, open, warn }, root), ({ message }) =>
    owner.onStateWarning('state_unavailable', `${message}; nothing is remembered for the next start`),
  )
}
