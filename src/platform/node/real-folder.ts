// A folder that is reached without following a symbolic link: for deleting and making things below it, where a link that
// somebody has put there must not lead to other places. On Linux the way is held open step by step, so that not even a folder
// that is replaced meanwhile leads elsewhere; on other systems each step is looked at.
import fs from 'node:fs'
import { join } from 'node:path'
import { isMissing, systemCode } from './storage-error.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants
const HOLDS_FOLDERS = process.platform === 'linux' && fs.existsSync('/proc/self/fd')
/** What systems say of a link, or a file, where a folder is wanted. */
const NO_FOLDER = new Set(['ELOOP', 'ENOTDIR', 'EMLINK'])

export class RealFolder {
  readonly #path: string
  readonly #fd: number | null

  private constructor(path: string, fd: number | null) {
    this.#path = path
    this.#fd = fd
  }

  /** The folder to begin with, which a link may lead to; null where there is none. Throws the system's error. */
  static open(path: string): RealFolder | null {
    try {
      if (HOLDS_FOLDERS) return new RealFolder(path, fs.openSync(path, O_RDONLY | O_DIRECTORY))
      return fs.statSync(path).isDirectory() ? new RealFolder(path, null) : null
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** Where what is called so in this folder can be reached, until it is closed. */
  pathOf(name: string): string {
    return this.#fd === null ? join(this.#path, name) : `/proc/self/fd/${this.#fd}/${name}`
  }

  /** A folder in this one; `missing`, or `other`: a link, or a file. Throws the system's error. */
  enter(name: string): RealFolder | 'missing' | 'other' {
    const path = this.pathOf(name)
    try {
      if (HOLDS_FOLDERS) return new RealFolder(path, fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
      return fs.lstatSync(path).isDirectory() ? new RealFolder(path, null) : 'other'
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT') return 'missing'
      if (NO_FOLDER.has(code)) return 'other'
      throw error
    }
  }

  close(): void {
    if (this.#fd !== null) fs.closeSync(this.#fd)
  }
}
