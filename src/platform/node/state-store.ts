// The state store of users: a folder with a locked folder in it for each torrent at each place.
import { createHash } from 'node:crypto'
import { constants, mkdir, open, readdir, realpath, rename, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StorageError } from '../../base/errors.ts'
import type { StateFile, StateFolder, StateStore } from '../platform.ts'
import { readBootId } from './boot-id.ts'
import { isLockFile, lockFolder, type Unlock } from './folder-lock.ts'
import { isMissing, toStorageError } from './storage-error.ts'
import { syncFolder, writeFileAtomically } from './write-file.ts'

const { O_APPEND, O_WRONLY } = constants

export class NodeStateStore implements StateStore {
  readonly bootId = readBootId()
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = resolve(folder)
  }

  async open(name: string, path: string): Promise<StateFolder> {
    const contentPath = await realPath(resolve(path))
    const place = createHash('sha256').update(contentPath).digest('hex').slice(0, 16)
    const folder = join(this.#folder, `${name}-${place}`)
    try {
      // What somebody downloads is nobody else's business.
      await mkdir(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw toStorageError(error, 'make', folder)
    }
    return new NodeStateFolder(folder, contentPath, await lockFolder(folder, contentPath))
  }
}

class NodeStateFolder implements StateFolder {
  readonly contentPath: string
  readonly #folder: string
  readonly #unlock: Unlock
  /** Open for appending. */
  readonly #files = new Map<string, FileHandle>()

  constructor(folder: string, contentPath: string, unlock: Unlock) {
    this.contentPath = contentPath
    this.#folder = folder
    this.#unlock = unlock
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  async read(name: string, maxBytes: number): Promise<StateFile | null> {
    const path = this.path(name)
    try {
      const file = await open(path, 'r')
      try {
        return await readWhole(file, path, maxBytes)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (isMissing(error)) return null
      throw toStorageError(error, 'read', path)
    }
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.#closeFile(name)
    await writeFileAtomically(this.path(name), bytes)
  }

  async append(name: string, bytes: Uint8Array, { sync } = { sync: false }): Promise<void> {
    const path = this.path(name)
    try {
      let file = this.#files.get(name)
      if (!file) this.#files.set(name, (file = await open(path, O_WRONLY | O_APPEND)))
      const { bytesWritten } = await file.write(bytes)
      if (bytesWritten < bytes.length) {
        throw new StorageError('disk_full', `Cannot write ${path}: the disk is full; free some space`, path)
      }
      if (sync) await file.datasync()
    } catch (error) {
      throw toStorageError(error, 'write', path)
    }
  }

  async setAside(name: string): Promise<string> {
    const [path, aside] = [this.path(name), this.path(`${name}.unusable`)]
    await this.#closeFile(name)
    try {
      await rename(path, aside)
    } catch (error) {
      throw toStorageError(error, 'rename', path)
    }
    await syncFolder(this.#folder)
    return aside
  }

  async close(): Promise<void> {
    for (const name of this.#files.keys()) await this.#closeFile(name)
    await this.#unlock()
  }

  async remove(): Promise<void> {
    for (const name of this.#files.keys()) await this.#closeFile(name)
    try {
      for (const name of await readdir(this.#folder)) if (!isLockFile(name)) await rm(this.path(name), { force: true })
    } catch (error) {
      throw toStorageError(error, 'delete', this.#folder)
    } finally {
      await this.#unlock()
    }
    // Somebody may have come to want it in the meantime.
    await rmdir(this.#folder).catch(() => {})
  }

  async #closeFile(name: string): Promise<void> {
    const file = this.#files.get(name)
    this.#files.delete(name)
    await file?.close()
  }
}

/** In as few calls as can be: a session may have thousands of them to read before it begins. */
async function readWhole(file: FileHandle, path: string, maxBytes: number): Promise<StateFile> {
  const { size, mtimeNs } = await file.stat({ bigint: true })
  if (size > maxBytes) throw new StorageError('too_large', `Cannot read ${path}: larger than ${maxBytes} bytes`, path)
  const bytes = new Uint8Array(Number(size))
  let at = 0
  while (at < bytes.length) {
    const { bytesRead } = await file.read(bytes, at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return { bytes: bytes.subarray(0, at), mtimeNs }
}

/** Without symbolic links, as far as there is something; what is missing is kept as it is. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (dirname(path) === path) return path
    if (!isMissing(error)) throw toStorageError(error, 'use', path)
    return join(await realPath(dirname(path)), basename(path))
  }
}
