// The state store of users: a folder with a locked folder in it for each torrent at each place.
//
// What is done when a folder is opened is done at once, not by other threads: it is a handful of calls for small files, each of
// which takes some microseconds, but ten times that by way of a thread pool; and a program may begin with thousands of torrents.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { constants, open, readdir, rename, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StorageError } from '../../base/errors.ts'
import type { StateFile, StateFolder, StateStore } from '../platform.ts'
import { readBootId } from './boot-id.ts'
import { FolderLocks, isLockFile, type Unlock } from './folder-lock.ts'
import { readFully } from './positioned-io.ts'
import { isMissing, toStorageError } from './storage-error.ts'
import { syncFolder, writeFileAtomically } from './write-file.ts'

const { O_APPEND, O_WRONLY } = constants

export class NodeStateStore implements StateStore {
  readonly bootId = readBootId()
  readonly #folder: string
  readonly #locks: FolderLocks

  constructor(folder: string) {
    this.#folder = resolve(folder)
    this.#locks = new FolderLocks(this.#folder)
  }

  async open(name: string, path: string): Promise<StateFolder> {
    const contentPath = realPath(resolve(path))
    const place = createHash('sha256').update(contentPath).digest('hex').slice(0, 16)
    const folderName = `${name}-${place}`
    const folder = join(this.#folder, folderName)
    try {
      // What somebody downloads is nobody else's business.
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw toStorageError(error, 'make', folder)
    }
    return new NodeStateFolder(folder, contentPath, await this.#locks.lock(folderName, contentPath))
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
      return readWhole(path, maxBytes)
    } catch (error) {
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
    this.#unlock()
  }

  async remove(): Promise<void> {
    for (const name of this.#files.keys()) await this.#closeFile(name)
    try {
      for (const name of await readdir(this.#folder)) if (!isLockFile(name)) await rm(this.path(name), { force: true })
    } catch (error) {
      throw toStorageError(error, 'delete', this.#folder)
    } finally {
      this.#unlock()
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

/** Null where there is none. */
function readWhole(path: string, maxBytes: number): StateFile | null {
  // Making an error of what is missing takes longer than looking.
  if (!fs.existsSync(path)) return null
  const file = fs.openSync(path, 'r')
  try {
    const { size, mtimeNs } = fs.fstatSync(file, { bigint: true })
    if (size > maxBytes) throw new StorageError('too_large', `Cannot read ${path}: larger than ${maxBytes} bytes`, path)
    const bytes = new Uint8Array(Number(size))
    return { bytes: bytes.subarray(0, readFully(file, [bytes], 0, path)), mtimeNs }
  } finally {
    fs.closeSync(file)
  }
}

/** Without symbolic links, as far as there is something; what is missing is kept as it is. */
function realPath(path: string): string {
  try {
    return fs.realpathSync.native(path)
  } catch (error) {
    if (dirname(path) === path) return path
    if (!isMissing(error)) throw toStorageError(error, 'use', path)
    return join(realPath(dirname(path)), basename(path))
  }
}
