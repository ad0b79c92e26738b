// Which files a torrent of this file or folder would hold, in the order it would hold them.
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareBytes, encodeUtf8 } from '../../base/bytes.ts'
import { StorageError } from '../../base/errors.ts'
import { toStorageError } from './storage-error.ts'

export interface FolderFile {
  /** Names from the walked folder down; empty when a single file was walked. */
  readonly path: readonly string[]
  /** Bytes. */
  readonly length: number
}

export interface WalkLimits {
  /** Folders below the one walked. Default 100. */
  readonly maxDepth?: number
  /** Default 1,000,000. */
  readonly maxFiles?: number
}

/**
 * All regular files at and below `root`, hidden and empty ones included; names sort by their UTF-8 bytes, so that the order is
 * the same on every system. Symbolic links below `root` are left out, because they may lead out of the folder or in circles
 * (`root` itself may be one), and so is whatever is neither file nor folder.
 * Throws StorageError, with `io_error` when a limit is exceeded.
 */
export async function walkFolder(root: string, limits: WalkLimits = {}): Promise<FolderFile[]> {
  const { maxDepth = 100, maxFiles = 1_000_000 } = limits
  const files: FolderFile[] = []

  async function walk(path: readonly string[]): Promise<void> {
    const folder = join(root, ...path)
    if (path.length > maxDepth) {
      throw new StorageError('io_error', `Cannot read ${folder}: more than ${maxDepth} folders deep`, folder)
    }
    for (const name of await namesIn(folder)) {
      const below = [...path, name]
      const info = await look(join(root, ...below))
      if (info.isDirectory()) await walk(below)
      else if (info.isFile()) files.push({ path: below, length: info.size })
      if (files.length > maxFiles) {
        throw new StorageError('io_error', `Cannot read ${root}: it holds more than ${maxFiles} files`, root)
      }
    }
  }

  const info = await look(root, stat)
  if (info.isDirectory()) await walk([])
  else if (info.isFile()) files.push({ path: [], length: info.size })
  else throw new StorageError('not_a_file', `Cannot read ${root}: it is neither a file nor a folder`, root)
  return files
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).map((name) => ({ name, bytes: encodeUtf8(name) }))
    return names.sort((a, b) => compareBytes(a.bytes, b.bytes)).map(({ name }) => name)
  } catch (error) {
    throw toStorageError(error, 'read', folder)
  }
}

async function look(path: string, how: typeof lstat = lstat) {
  try {
    return await how(path)
  } catch (error) {
    throw toStorageError(error, 'read', path)
  }
}
