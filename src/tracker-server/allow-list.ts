// The torrents that a tracker serves, from a file: one infohash a line, 40 hexadecimal digits; empty lines and what follows a "#" do not
// count. The file is looked at every few seconds and read again when it has changed; a change that cannot be read changes nothing.
import { readFile, stat } from 'node:fs/promises'
import { fromHex } from '../base/bytes.ts'
import { FormatError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { infohashKey } from './registry.ts'

const LOOK_EVERY_MS = 2000
const MAX_FILE_BYTES = 64 * 1024 ** 2

/** Keys of the infohashes in a list. Throws FormatError `bad_allow_list`, which names the line. */
export function parseAllowList(text: string): Set<string> {
  const keys = new Set<string>()
  for (const [i, line] of text.split('\n').entries()) {
    const word = line.replace(/#.*/, '').trim()
    if (word === '') continue
    const infohash = word.length === 40 ? fromHex(word) : null
    if (infohash === null) {
      throw new FormatError('bad_allow_list', `Cannot read line ${i + 1}: not an infohash of 40 hexadecimal digits`)
    }
    keys.add(infohashKey(infohash))
  }
  return keys
}

export class AllowList {
  readonly #path: string
  readonly #log: Log
  #keys: ReadonlySet<string>
  #version: string
  #isLooking = false
  /** What was wrong with the file when it was looked at last; null: nothing. */
  #problem: string | null = null
  readonly #timer: NodeJS.Timeout

  private constructor(path: string, log: Log, keys: ReadonlySet<string>, version: string) {
    this.#path = path
    this.#log = log
    this.#keys = keys
    this.#version = version
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  /** Reads the file. Rejects with FormatError `bad_allow_list`, or the system's error when it cannot be read. */
  static async open(path: string, log: Log): Promise<AllowList> {
    const version = await versionOf(path)
    return new AllowList(path, log, await read(path), version)
  }

  get size(): number {
    return this.#keys.size
  }

  /** By `infohashKey`. */
  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** Reads the file again when it has changed. Does not reject. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const version = await versionOf(this.#path)
      if (version !== this.#version) {
        // Known as seen before it is read: what changes meanwhile is read again.
        this.#version = version
        this.#keys = await read(this.#path)
        this.#problem = null
        this.#log({ level: 'info', scope: 'tracker', message: `${this.#path} has changed: ${this.size} torrents` })
      }
    } catch (error) {
      // What is not to be had may come back as it was.
      if (!(error instanceof FormatError)) this.#version = ''
      const { message } = error as Error
      if (message === this.#problem) return
      this.#problem = message
      this.#log({ level: 'warn', scope: 'tracker', message: `Cannot read ${this.#path} again: ${message}` })
    } finally {
      this.#isLooking = false
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

async function versionOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path)
  return `${mtimeMs} ${size} ${ino}`
}

async function read(path: string): Promise<Set<string>> {
  const { size } = await stat(path)
  if (size > MAX_FILE_BYTES) throw new FormatError('bad_allow_list', `Cannot read ${size} bytes: 64 MiB are the most`)
  return parseAllowList(await readFile(path, 'latin1'))
}
