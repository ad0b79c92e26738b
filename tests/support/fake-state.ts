// A folder of state that lies in the memory of a FakeDisk, where the disk's journal entries go, too.
import { StorageError } from '../../src/base/errors.ts'
import type { StateFile, StateFolder } from '../../src/platform/platform.ts'
import type { FakeDisk } from './fake-disk.ts'

export class FakeStateFolder implements StateFolder {
  readonly contentPath = '/d'
  /** What was done: `append journal`, with ` sync` where it was made safe. */
  readonly log: string[] = []
  isClosed = false
  /** All writing is refused with this code; null: none is. */
  failure: string | null = null
  readonly #disk: FakeDisk

  constructor(disk: FakeDisk) {
    this.#disk = disk
  }

  path(name: string): string {
    return `/state/${name}`
  }

  async read(name: string, maxBytes: number): Promise<StateFile | null> {
    const file = this.#disk.files.get(this.path(name))
    if (file && file.length > maxBytes) throw new StorageError('too_large', `Cannot read ${name}: too large`, name)
    return file ? { bytes: file.slice(), mtimeNs: 0n } : null
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#write(name, `replace ${name}`, bytes)
  }

  async append(name: string, bytes: Uint8Array, { sync } = { sync: false }): Promise<void> {
    const before = this.#disk.files.get(this.path(name)) ?? new Uint8Array(0)
    this.#write(name, `append ${name}${sync ? ' sync' : ''}`, Buffer.concat([before, bytes]))
  }

  async setAside(name: string): Promise<string> {
    const aside = this.path(`${name}.unusable`)
    this.#write(`${name}.unusable`, `set aside ${name}`, this.#disk.files.get(this.path(name))!)
    this.#disk.files.delete(this.path(name))
    return aside
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  async remove(): Promise<void> {
    for (const path of this.#disk.files.keys()) if (path.startsWith(this.path(''))) this.#disk.files.delete(path)
    this.isClosed = true
  }

  #write(name: string, what: string, bytes: Uint8Array): void {
    if (this.failure) throw new StorageError(this.failure, `Cannot write ${name}: ${this.failure}`, name)
    this.log.push(what)
    this.#disk.files.set(this.path(name), Uint8Array.from(bytes))
  }
}
