// How much room there is on the file system that holds a folder.
import { statfs } from 'node:fs/promises'
import { toStorageError } from './storage-error.ts'

/** Bytes that this user may still write there; null where the system does not tell. Rejects with StorageError. */
export async function roomIn(folder: string): Promise<number | null> {
  try {
    const { blocks, bavail, bsize } = await statfs(folder)
    return blocks === 0 ? null : bavail * bsize
  } catch (error) {
    throw toStorageError(error, 'use', folder)
  }
}
