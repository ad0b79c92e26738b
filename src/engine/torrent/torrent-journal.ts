// The journal of a torrent's own files (docs/state.md), in the folder where it is remembered.
import type { Platform, StateFolder, Volume } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { ContentLayout } from '../storage/content-layout.ts'
import { journalGeometry, journalIdentity } from '../storage/journal/journal-geometry.ts'
import { openJournal, type OpenedJournal } from '../storage/journal/open-journal.ts'
import type { RecordsOwner } from './torrent-records.ts'

export interface TorrentJournalOptions {
  readonly platform: Platform
  readonly metainfo: Metainfo
  readonly map: PieceMap
  readonly layout: ContentLayout
  readonly volume: Volume
  /** Belongs to the journal from then on. */
  readonly folder: StateFolder
  readonly isDistrusted: boolean
}

/** Rejects with StorageError. The folder stays the caller's then. */
export function openTorrentJournal(
  { platform, metainfo, map, layout, volume, folder, isDistrusted }: TorrentJournalOptions,
  owner: RecordsOwner,
): Promise<OpenedJournal> {
  return openJournal({
    folder,
    volume,
    isDistrusted,
    identity: journalIdentity(metainfo, map),
    geometry: journalGeometry(metainfo, map, layout.places),
    pathOf: (file) => layout.paths[file] ?? layout.places?.partsPath ?? '',
    bootId: platform.state!.bootId,
    now: () => platform.clock.now(),
    onFailed: (error) => owner.onStorageFailed(error),
    log: (message) => owner.onStateWarning('state_not_trusted', message),
  })
}
