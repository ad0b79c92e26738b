// What a torrent remembers from one run to the next: opened with the torrent, when the platform has a place for it.
// Only the torrent's own files are remembered, not what somebody fetches of it to other places.
import { toHex } from '../../base/bytes.ts'
import { StateError, type StorageError } from '../../base/errors.ts'
import type { Platform, StateFolder, StateStore, Volume } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { ContentLayout } from '../storage/content-layout.ts'
import { journalGeometry } from '../storage/journal/journal-geometry.ts'
import { openJournal, type OpenedJournal } from '../storage/journal/open-journal.ts'

export interface JournalOwner {
  /** What was written since the last good sync may be lost: the torrent must stop. */
  onStorageFailed(error: StorageError): void
  /** It goes on, but somebody should know. */
  onStateWarning(code: string, message: string): void
}

export interface TorrentJournalOptions {
  readonly platform: Platform
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly layout: ContentLayout
  readonly volume: Volume
}

/**
 * Null where nothing can be remembered: a torrent can do without. Rejects with StateError `in_use` when the same content is
 * open elsewhere: two that write the same files would undo each other's work.
 */
export async function openTorrentJournal(
  { platform, metainfo, map, layout, volume }: TorrentJournalOptions,
  owner: JournalOwner,
): Promise<OpenedJournal | null> {
  const { state, clock } = platform
  const folder = state && (await openFolder(state, metainfo, layout, owner))
  if (!folder) return null
  try {
    return await openJournal({
      folder,
      volume,
      identity: {
        infohash: metainfo.infohashV1!,
        pieceCount: map.pieceCount,
        pieceLength: map.nominalPieceLength,
        fileCount: layout.paths.length + 1,
      },
      geometry: journalGeometry(metainfo, map, layout.places),
      paths: [...layout.paths, layout.places?.partsPath ?? ''],
      bootId: state.bootId,
      now: () => clock.now(),
      onFailed: (error) => owner.onStorageFailed(error),
      log: (message) => owner.onStateWarning('state_not_trusted', message),
    })
  } catch (error) {
    await folder.close()
    throw error
  }
}

async function openFolder(
  state: StateStore,
  metainfo: Metainfo,
  layout: ContentLayout,
  owner: JournalOwner,
): Promise<StateFolder | null> {
  try {
    return await state.open(toHex(metainfo.infohashV1!), layout.root)
  } catch (error) {
    if (error instanceof StateError && error.code === 'in_use') throw error
    owner.onStateWarning('state_unavailable', `${(error as Error).message}; nothing is remembered for the next start`)
    return null
  }
}
