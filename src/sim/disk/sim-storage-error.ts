// The simulated disk's errors, worded as the real one words them.
import { StorageError } from '../../base/errors.ts'

/** What can go wrong with a file of a simulated device. */
export type SimStorageCode = keyof typeof ADVICE

const ADVICE = {
  disk_full: 'the disk is full; free some space',
  permission_denied: 'permission denied; check the owner and the access rights',
  read_only: 'the file system is read-only; choose another folder',
  truncated: 'it has become shorter; start again to have it checked',
  changed: 'somebody else has deleted or replaced it; start again to have it checked',
  exists: 'something is there already; move it away, or choose another name',
  not_found: 'there is no such file; was it moved or deleted?',
  not_a_file: 'something else is in the place of the file; move it away',
  name_too_long: 'the name is too long for this file system; choose a shorter folder',
  io_error: 'the device reports an error; check its health and its cable',
  too_many_open_files: 'too many open files; raise the limit (`ulimit -n`)',
  too_large: 'it is larger than it can be',
  disk_closed: 'the disk has been closed',
} as const

/** `action` is a verb: `write`, `read`. */
export function simStorageError(code: SimStorageCode, action: string, path: string): StorageError {
  return new StorageError(code, `Cannot ${action} ${path}: ${ADVICE[code]}`, path)
}
