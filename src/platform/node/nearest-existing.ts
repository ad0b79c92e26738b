// Where a path leads that may not exist yet.
import { dirname, resolve } from 'node:path'
import { statLater } from './stat-later.ts'
import { isMissing, toStorageError } from './storage-error.ts'

export interface ExistingFolder {
  readonly folder: string
  /** The number of its device, which the path is on or will be. */
  readonly device: number
}

/** Of the folders that lead to `path` the last that exists. Rejects with StorageError. */
export async function nearestExisting(path: string): Promise<ExistingFolder> {
  let at = resolve(path)
  for (;;) {
    try {
      const info = await statLater(at)
      return { folder: info.isDirectory() ? at : dirname(at), device: info.dev }
    } catch (error) {
      if (!isMissing(error) || dirname(at) === at) throw toStorageError(error, 'use', path)
      at = dirname(at)
    }
  }
}
