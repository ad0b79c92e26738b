// Trouble with the disk that may pass by itself: which it is, and whether it has passed.
import { StorageError, type StateError } from '../../base/errors.ts'
import type { Disk } from '../../platform/platform.ts'
import { driveGone, isDriveGone, lackOfRoom } from '../storage/content-place.ts'
import type { TorrentParts } from './torrent-parts.ts'

/** What a drive that is pulled out may look like at first. */
const SUSPICIOUS: ReadonlySet<string> = new Set(['not_found', 'io_error', 'changed', 'truncated', 'read_only'])

/**
 * Null: a person must act. Else what is waited for, in words that say what it takes.
 * @param parts null: the run had not come so far
 */
export async function passingTrouble(
  error: StorageError | StateError,
  parts: TorrentParts | null,
  disk: Disk,
): Promise<StorageError | null> {
  if (!(error instanceof StorageError)) return null
  if (error.code === 'disk_full') return (parts && (await wordsForLack(parts))) ?? error
  if (error.code === 'drive_gone') return parts ? driveGone(parts.layout.root) : error
  return parts && SUSPICIOUS.has(error.code) && (await hasLostDrive(parts, disk)) ? driveGone(parts.layout.root) : null
}

/** Null: there is room for what is to come. Rejects with StorageError. */
export function roomLacking({ layout, download }: TorrentParts): Promise<StorageError | null> {
  const { volume, wantedBytes, bytesLeft } = download
  const { root } = layout
  return lackOfRoom(volume, { root, paths: pathsOf(layout), left: bytesLeft, had: wantedBytes - bytesLeft })
}

/** The disk has said already that it is full; where it cannot tell by how much, its own words have to do. */
async function wordsForLack(parts: TorrentParts): Promise<StorageError | null> {
  try {
    return await roomLacking(parts)
  } catch {
    return null
  }
}

async function hasLostDrive({ layout, download }: TorrentParts, disk: Disk): Promise<boolean> {
  try {
    const volume = await disk.openVolume(layout.root)
    return await isDriveGone(volume, [download.volume.fileSystem], pathsOf(layout))
  } catch {
    // Not even a look at it is answered.
    return true
  }
}

function pathsOf({ files }: TorrentParts['layout']): string[] {
  return files.map(({ path }) => path)
}
