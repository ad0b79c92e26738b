// The state store of one life of a node. Its files lie on the node's devices like all others: a power cut loses, tears and
// reorders what was not synced. Whoever had opened a folder has lost it when the node dies.
import { encodeUtf8, toHex } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'
import { StateError } from '../../base/errors.ts'
import type { StateFile, StateFolder, StateStore } from '../../platform/platform.ts'
import type { SimDevice } from '../disk/sim-device.ts'
import type { SimDisk } from '../disk/sim-disk.ts'
import { simStorageError } from '../disk/sim-storage-error.ts'
import { stateOn } from '../disk/sim-volume.ts'

export class SimState implements StateStore {
  readonly bootId: string
  readonly #disk: SimDisk
  readonly #folder: string
  readonly #open = new Set<string>()

  /** @param folder where all of it lies */
  constructor(disk: SimDisk, bootId: string, folder: string) {
    this.bootId = bootId
    this.#disk = disk
    this.#folder = folder
  }

  async open(name: string, path: string): Promise<StateFolder> {
    const key = `${name}-${toHex(sha1(encodeUtf8(path)).subarray(0, 8))}`
    const folder = `${this.#folder}/${key}`
    if (this.#open.has(key)) {
      throw new StateError('in_use', `Cannot use ${path}: this torrent is open there already`, folder)
    }
    this.#open.add(key)
    return new SimStateFolder(this.#disk, folder, path, () => this.#open.delete(key))
  }
}

class SimStateFolder implements StateFolder {
  readonly contentPath: string
  readonly #disk: SimDisk
  readonly #folder: string
  readonly #device: SimDevice
  readonly #onClose: () => void

  constructor(disk: SimDisk, folder: string, contentPath: string, onClose: () => void) {
    this.contentPath = contentPath
    this.#disk = disk
    this.#folder = folder
    this.#device = disk.device(folder)
    this.#onClose = onClose
  }

  path(name: string): string {
    return `${this.#folder}/${name}`
  }

  read(name: string, maxBytes: number): Promise<StateFile | null> {
    const path = this.path(name)
    return this.#do(path, () => {
      this.#device.requireReadable(path)
      const file = this.#device.isUnplugged ? null : this.#device.files.find(path)
      if (!file) return null
      if (file.length > maxBytes) throw simStorageError('too_large', 'read', path)
      const bytes = new Uint8Array(file.length)
      file.read(0, bytes)
      return { bytes, mtimeNs: stateOn(this.#device, path)!.mtimeNs }
    })
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.path(name)
    const temporary = `${path}.tmp`
    const { files } = this.#device
    await this.#do(path, () => {
      this.#device.requireWritable(path)
      if (files.has(temporary)) files.remove(temporary)
      files.write(temporary, files.make(temporary, 'bytes'), 0, bytes.length, bytes)
      files.sync(temporary)
    })
    await this.#do(path, () => {
      this.#device.requireWritable(path)
      files.rename(temporary, path)
      files.sync(this.#folder)
    })
  }

  append(name: string, bytes: Uint8Array, { sync } = { sync: false }): Promise<void> {
    const path = this.path(name)
    return this.#do(path, () => {
      this.#device.requireWritable(path)
      this.#device.files.append(path, bytes)
      if (sync) this.#device.files.sync(path)
    })
  }

  setAside(name: string): Promise<string> {
    const [path, aside] = [this.path(name), this.path(`${name}.unusable`)]
    return this.#do(path, () => {
      this.#device.requireWritable(path)
      this.#device.files.rename(path, aside)
      this.#device.files.sync(this.#folder)
      return aside
    })
  }

  async close(): Promise<void> {
    this.#onClose()
  }

  async remove(): Promise<void> {
    try {
      await this.#do(this.#folder, () => {
        this.#device.requireWritable(this.#folder)
        this.#device.files.remove(this.#folder)
      })
    } finally {
      this.#onClose()
    }
  }

  #do<Result>(path: string, work: () => Result): Promise<Result> {
    return this.#disk.do(this.#device, path, 0, work)
  }
}
