// What the system tells of the file system that holds a folder.
import type { StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { ExistingFolder } from './nearest-existing.ts'
import { toStorageError } from './storage-error.ts'

/** The same for two folders of one file system, while the machine runs; another one for those of different ones. */
export async function fileSystemName({ folder, device }: ExistingFolder): Promise<string> {
  const { type } = await statfsOf(folder)
  return `${device}/${type.toString(16)}`
}

/** Bytes that this user may still write there; null where the system does not tell. */
export async function roomIn(folder: string): Promise<number | null> {
  const { blocks, bavail, bsize } = await statfsOf(folder)
  return blocks === 0 ? null : bavail * bsize
}

async function statfsOf(folder: string): Promise<StatsFs> {
  try {
    return await statfs(folder)
  } catch (error) {
    throw toStorageError(error, 'use', folder)
  }
}
