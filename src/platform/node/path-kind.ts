// What is at a path, without following a link that is there.
import { lstat } from 'node:fs/promises'
import type { PathKind } from '../platform.ts'
import { isMissing, toStorageError } from './storage-error.ts'

/** Null where nothing is. Rejects with StorageError. */
export async function kindOf(path: string): Promise<PathKind | null> {
  try {
    const info = await lstat(path)
    if (info.isFile()) return 'file'
    if (info.isDirectory()) return 'folder'
    return info.isSymbolicLink() ? 'link' : 'other'
  } catch (error) {
    if (isMissing(error)) return null
    throw toStorageError(error, 'look at', path)
  }
}
