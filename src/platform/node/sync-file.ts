// Making files and names safe from a power cut. An error is final: the system forgets it once it has told it, and the data that
// it could not write with it, so asking again would succeed and mean nothing.
import fs from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { StorageError } from '../../base/errors.ts'
import type { FileState } from '../platform.ts'
import { stateFrom } from './file-state.ts'
import { systemCode, toStorageError } from './storage-error.ts'

// Windows syncs only what may be written.
const OPEN_FLAGS = process.platform === 'win32' ? 'r+' : 'r'
/** What systems say whose folders cannot be synced: Windows, and some network file systems. */
const UNABLE = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EACCES', 'EPERM', 'EBADF'])

/**
 * Content, size and time of change of the file; all three, because the time is what tells later that nobody else has changed
 * it. Returns its state just before: at least that is safe. Throws StorageError.
 */
export function syncFile(path: string): FileState {
  return withOpen(path, OPEN_FLAGS, (fd) => {
    const state = stateFrom(fs.fstatSync(fd, { bigint: true }))
    if (!state) throw new StorageError('not_a_file', `Cannot sync ${path}: something else is in its place`, path)
    fs.fsyncSync(fd)
    return state
  })
}

function withOpen<Result>(path: string, flags: string, use: (fd: number) => Result): Result {
  try {
    const fd = fs.openSync(path, flags)
    try {
      return use(fd)
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    throw toStorageError(error, 'sync', path)
  }
}

/** The same as `syncFile`, without keeping the thread. */
export async function syncFileLater(path: string): Promise<FileState> {
  try {
    return await withOpenLater(path, OPEN_FLAGS, async (file) => {
      const state = stateFrom(await file.stat({ bigint: true }))
      if (!state) throw new StorageError('not_a_file', `Cannot sync ${path}: something else is in its place`, path)
      await file.sync()
      return state
    })
  } catch (error) {
    throw toStorageError(error, 'sync', path)
  }
}

/** The names in the folder. Systems that cannot do it are left alone: they have their own ways. Rejects with StorageError. */
export async function syncFolderLater(path: string): Promise<void> {
  try {
    await withOpenLater(path, 'r', (folder) => folder.sync())
  } catch (error) {
    if (!UNABLE.has(systemCode(error))) throw toStorageError(error, 'sync', path)
  }
}

async function withOpenLater<Result>(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}
