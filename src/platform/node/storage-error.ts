// Turns what node:fs throws into StorageError: a stable code, and one line that says what to do about it.
import { StorageError } from '../../base/errors.ts'

const MEANING: Readonly<Record<string, readonly [code: string, advice: string]>> = {
  ENOSPC: ['disk_full', 'the disk is full; free some space'],
  EDQUOT: ['disk_full', 'the disk quota is used up; free some space'],
  EACCES: ['permission_denied', 'permission denied; check the owner and the access rights'],
  EPERM: ['permission_denied', 'permission denied; check the owner and the access rights'],
  EROFS: ['read_only', 'the file system is read-only; choose another folder'],
  ENOENT: ['not_found', 'there is no such file; was it moved or deleted?'],
  EISDIR: ['not_a_file', 'a folder is in the place of the file; move it away'],
  ENOTDIR: ['not_a_file', 'a file is in the place of a folder; move it away'],
  EEXIST: ['not_a_file', 'a file is in the place of a folder; move it away'],
  EMFILE: ['too_many_open_files', 'too many open files; raise the limit (`ulimit -n`)'],
  ENFILE: ['too_many_open_files', 'the system has too many open files; close some programs'],
  ENAMETOOLONG: ['name_too_long', 'the name is too long for this file system; choose a shorter folder'],
  EFBIG: ['io_error', 'the file system takes no files of this size; choose a folder on another one'],
  EIO: ['io_error', 'the device reports an error; check its health and its cable'],
}

/** `action` is a verb: `write`, `read`. */
export function toStorageError(error: unknown, action: string, path: string): StorageError {
  if (error instanceof StorageError) return error
  const system = systemCode(error)
  const [code, advice] = MEANING[system] ?? ['io_error', error instanceof Error ? error.message : String(error)]
  return new StorageError(code, `Cannot ${action} ${path}: ${advice}`, path)
}

/** The code of a system error (`ENOENT`), or ''. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : ''
}

/** Whether the error says that nothing is at this path. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
