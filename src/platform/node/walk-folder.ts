// Which files a torrent of this file or folder would hold, in the order it would hold them.
import fs from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { compareBytes, encodeUtf8 } from '../../base/bytes.ts'
import { StorageError } from '../../base/errors.ts'
import { toStorageError } from './storage-error.ts'

const OWNER_EXECUTES = 0o100
/** Looks at files between which others get their turn. */
const LOOKS_PER_TURN = 256

export interface FolderFile {
  /** Names from the walked folder down; empty when a single file was walked. */
  readonly path: readonly string[]
  /** Bytes. */
  readonly length: number
  /** Its owner may execute it; false where the system has no such thing (Windows). */
  readonly isExecutable: boolean
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
  let looks = 0

  async function walk(path: readonly string[]): Promise<void> {
    const folder = join(root, ...path)
    if (path.length > maxDepth) {
      throw new StorageError('io_error', `Cannot read ${folder}: more than ${maxDepth} folders deep`, folder)
    }
    for (const name of await namesIn(folder)) {
      const below = [...path, name]
      if (++looks % LOOKS_PER_TURN === 0) await nextTurn()
      const info = look(join(folder, name))
      if (info.isDirectory()) await walk(below)
      else if (info.isFile()) files.push(fileOf(below, info))
      if (files.length > maxFiles) {
        throw new StorageError('io_error', `Cannot read ${root}: it holds more than ${maxFiles} files`, root)
      }
    }
  }

  const info = await stat(root).catch((error: unknown) => {
    throw toStorageError(error, 'read', root)
  })
  if (info.isDirectory()) await walk([])
  else if (info.isFile()) files.push(fileOf([], info))
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

/** At once: going through the event loop takes ten times as long, and there may be hundreds of thousands of files. */
function look(path: string): fs.Stats {
  try {
    return fs.lstatSync(path)
  } catch (error) {
    throw toStorageError(error, 'read', path)
  }
}

function fileOf(path: readonly string[], { size, mode }: fs.Stats): FolderFile {
  return { path, length: size, isExecutable: process.platform !== 'win32' && (mode & OWNER_EXECUTES) !== 0 }
}
