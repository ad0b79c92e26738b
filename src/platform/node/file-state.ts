// What a file looks like from outside. Times in whole nanoseconds: a number cannot hold them.
import fs from 'node:fs'
import type { FileState } from '../platform.ts'
import { exactStatLater } from './stat-later.ts'
import { isMissing, toStorageError } from './storage-error.ts'

/** Null where there is no file. Throws StorageError. */
export function fileState(path: string): FileState | null {
  try {
    // Making an error of what is missing takes longer than looking.
    const info = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
    return info ? stateFrom(info) : null
  } catch (error) {
    return nullIfMissing(error, path)
  }
}

/** The same without keeping the thread. */
export async function fileStateLater(path: string): Promise<FileState | null> {
  try {
    return stateFrom(await exactStatLater(path))
  } catch (error) {
    return nullIfMissing(error, path)
  }
}

export function stateFrom(info: fs.BigIntStats): FileState | null {
  return info.isFile() ? { size: Number(info.size), mtimeNs: info.mtimeNs } : null
}

function nullIfMissing(error: unknown, path: string): null {
  if (isMissing(error)) return null
  throw toStorageError(error, 'look at', path)
}
