// The files that a disk thread holds open: at most `limit`, the least recently used one is closed first.
// Nothing here ever shortens a file.
import fs from 'node:fs'
import { dirname, sep } from 'node:path'
import { StorageError } from '../../base/errors.ts'
import { DeviceGuard } from './device-guard.ts'
import { isMissing, systemCode, toStorageError } from './storage-error.ts'

interface OpenFile {
  readonly fd: number
  readonly writable: boolean
}

// Opening a pipe that lies in a file's place must not wait for its other end. (Windows has neither.)
const { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants
const O_NONBLOCK = fs.constants.O_NONBLOCK ?? 0

export class OpenFiles {
  readonly guard = new DeviceGuard()
  readonly #limit: number
  /** Least recently used first. */
  readonly #files = new Map<string, OpenFile>()

  constructor(limit = 256) {
    this.#limit = limit
  }

  /**
   * A descriptor for reading and writing; makes the file and its folders where they are missing. A file that was deleted or
   * replaced since it was opened is `changed`, once: what was written to it before is gone, and who wrote it must know.
   */
  forWriting(path: string): number {
    const held = this.#touch(path)
    if (held && isStale(path, held.fd)) {
      this.close(path)
      throw new StorageError(
        'changed',
        `Cannot write ${path}: somebody else has deleted or replaced it; start again to have it checked`,
        path,
      )
    }
    if (held?.writable) return held.fd
    if (held) this.close(path)
    try {
      return this.#open(path, O_RDWR, true)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw toStorageError(error, 'write', path)
    }
    this.guard.check(path)
    try {
      fs.mkdirSync(dirname(path), { recursive: true })
      return this.#open(path, O_RDWR | O_CREAT, true)
    } catch (error) {
      throw toStorageError(error, 'write', path)
    }
  }

  /** A descriptor that writes at the end of a file that must be there; of the file that is at this path now. */
  forAppending(path: string): number {
    const held = this.#touch(path)
    if (held && !isStale(path, held.fd)) return held.fd
    if (held) this.close(path)
    try {
      return this.#open(path, O_WRONLY | O_APPEND, false)
    } catch (error) {
      throw toStorageError(error, 'write', path)
    }
  }

  /** A descriptor for reading, or null where there is no file. */
  forReading(path: string): number | null {
    const held = this.#touch(path)
    if (held) return held.fd
    try {
      return this.#open(path, O_RDONLY, false)
    } catch (error) {
      if (isMissing(error)) return null
      throw toStorageError(error, 'read', path)
    }
  }

  /** Lets go of a file that was deleted or replaced since it was opened, so that the next use meets what is there now. */
  forgetDeleted(path: string): void {
    const held = this.#files.get(path)
    if (held && isStale(path, held.fd)) this.close(path)
  }

  close(path: string): void {
    const held = this.#files.get(path)
    if (!held) return
    this.#files.delete(path)
    try {
      fs.closeSync(held.fd)
    } catch (error) {
      // Some network file systems report a failed write only here.
      throw toStorageError(error, 'write', path)
    }
  }

  /** Deletes a file, which nobody else holds open. */
  delete(path: string): void {
    this.close(path)
    try {
      fs.rmSync(path, { force: true })
    } catch (error) {
      throw toStorageError(error, 'delete', path)
    }
  }

  /** Makes the folder where it is missing. False: the names are on different file systems. */
  rename(from: string, to: string): boolean {
    this.close(from)
    this.close(to)
    try {
      fs.mkdirSync(dirname(to), { recursive: true })
      fs.renameSync(from, to)
      return true
    } catch (error) {
      if (systemCode(error) === 'EXDEV') return false
      throw toStorageError(error, 'write', to)
    }
  }

  /** Closes the file at `root` and all files below it. */
  closeUnder(root: string): void {
    const folder = root.endsWith(sep) ? root : root + sep
    for (const path of this.#files.keys()) {
      if (path === root || path.startsWith(folder)) this.close(path)
    }
  }

  closeAll(): void {
    for (const path of this.#files.keys()) this.close(path)
  }

  #touch(path: string): OpenFile | undefined {
    const held = this.#files.get(path)
    if (held) {
      this.#files.delete(path)
      this.#files.set(path, held)
    }
    return held
  }

  #open(path: string, flags: number, writable: boolean): number {
    if (this.#files.size >= this.#limit) this.#closeOldest(1)
    let fd: number
    try {
      fd = fs.openSync(path, flags | O_NONBLOCK, 0o666)
    } catch (error) {
      if (systemCode(error) !== 'EMFILE' || this.#files.size === 0) throw error
      // The process has reached its limit: make room out of our own share.
      this.#closeOldest(Math.ceil(this.#files.size / 2))
      fd = fs.openSync(path, flags | O_NONBLOCK, 0o666)
    }
    if (!fs.fstatSync(fd).isFile()) {
      fs.closeSync(fd)
      throw new StorageError('not_a_file', `Cannot open ${path}: something else is in the place of the file`, path)
    }
    this.#files.set(path, { fd, writable })
    return fd
  }

  #closeOldest(count: number): void {
    for (const path of [...this.#files.keys()].slice(0, count)) this.close(path)
  }
}

/** Whether the open file is no longer the one at this path. */
function isStale(path: string, fd: number): boolean {
  const open = fs.fstatSync(fd)
  // Links are the cheap question; some file systems do not count them, so the path has the last word.
  if (open.nlink > 0) return false
  try {
    return fs.statSync(path).ino !== open.ino
  } catch {
    return true
  }
}
