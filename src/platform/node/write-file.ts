// Reading and writing whole small files: torrents, settings, state. Not for content; that is the disk's.
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { concatBytes } from '../../base/bytes.ts'
import { StorageError } from '../../base/errors.ts'
import { toStorageError } from './storage-error.ts'

/**
 * Replaces the file, or makes it: whoever reads it, even after a power cut, finds the old content or the new one, never a
 * part. Its folder must exist. Throws StorageError.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw toStorageError(error, 'write', path)
  }
  await syncFolder(dirname(path))
}

/** The whole file, at most `maxBytes` of it: a larger one is StorageError `io_error`, a missing one `not_found`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      if ((await file.stat()).isDirectory()) {
        throw new StorageError('not_a_file', `Cannot read ${path}: it is a folder`, path)
      }
      return await readUpTo(file, path, maxBytes)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw toStorageError(error, 'read', path)
  }
}

/** Does not trust the size that the system tells: it is 0 for pipes and the files of /proc. */
async function readUpTo(file: Awaited<ReturnType<typeof open>>, path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  for (;;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(65_536), 0, 65_536, null)
    if (bytesRead === 0) break
    total += bytesRead
    if (total > maxBytes) throw new StorageError('io_error', `Cannot read ${path}: larger than ${maxBytes} bytes`, path)
    chunks.push(buffer.subarray(0, bytesRead))
  }
  return concatBytes(chunks)
}

/** Makes the new name itself last. Not every system can do that to a folder; the file is whole either way. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch {
    // Windows and some network file systems refuse.
  }
}
