// Whether the place of a torrent's content can take what is still to come, and whether it is there at all. Both can change while
// nobody writes: a person makes room, or connects a drive again.
import { StorageError } from '../../base/errors.ts'
import { formatBytes } from '../../base/format.ts'
import type { Volume } from '../../platform/platform.ts'

export interface RoomNeeds {
  readonly root: string
  /** Of all files that have content; there may be none. */
  readonly paths: readonly string[]
  /** Bytes that are to be written. */
  readonly left: number
  /** Bytes that are there, verified. */
  readonly had: number
}

/**
 * Null: there is room for the rest, or nobody can tell. Space that the files have been given already, beyond what is verified,
 * counts as room. Rejects with StorageError.
 */
export async function lackOfRoom(volume: Volume, { root, paths, left, had }: RoomNeeds): Promise<StorageError | null> {
  if (left === 0) return null
  const room = await volume.room()
  if (room === null || left <= room) return null
  const given = Math.max(0, (await volume.taken(paths)) - had)
  const lacking = left - given - room
  if (lacking <= 0) return null
  return diskFull(
    root,
    `${formatBytes(lacking)} more are needed (${formatBytes(left)} to come, ${formatBytes(room)} free)`,
  )
}

function diskFull(root: string, why: string): StorageError {
  return new StorageError(
    'disk_full',
    `The disk of ${root} is full: ${why}; it goes on by itself once there is room`,
    root,
  )
}

/**
 * Is the drive gone that the content was on? Its folder is on another file system then, and none of its files is there.
 * Rejects with StorageError.
 * @param marks names of the file system that it was on; none: nothing has been written so far, or nobody knows
 */
export async function isDriveGone(
  volume: Volume,
  marks: readonly string[],
  paths: readonly string[],
): Promise<boolean> {
  if (marks.length === 0 || marks.includes(volume.fileSystem)) return false
  const sizes = await volume.sizes(paths)
  return sizes.every((size) => size < 0)
}

export function driveGone(root: string): StorageError {
  const message = `The drive of ${root} is not connected: none of its files is there; it goes on by itself once they are back`
  return new StorageError('drive_gone', message, root)
}
