// Who makes things safe from a power cut, for one device: the thread pool of Node, one call after the other. A thread of the disk
// would take some 60 ms of CPU and 9 MB to start, for a call every few seconds. A device that hangs holds one thread of the pool.
import { StorageError } from '../../base/errors.ts'
import type { FileState } from '../platform.ts'
import { syncFileLater, syncFolderLater } from './sync-file.ts'

export class DiskSync {
  /** Settles when all so far is done; never rejects. */
  #working: Promise<void> = Promise.resolve()
  /** For those who wait. */
  readonly #giveUp = new Set<(error: StorageError) => void>()

  /** The files first: a name is of no use before its content is safe. Rejects with StorageError. */
  sync(files: readonly string[], folders: readonly string[]): Promise<readonly FileState[]> {
    return new Promise((resolve, reject) => {
      this.#giveUp.add(reject)
      this.#working = this.#working
        // Nobody may wait for it any more.
        .then(() => (this.#giveUp.has(reject) ? syncAll(files, folders) : []))
        .then(resolve, reject)
        .finally(() => this.#giveUp.delete(reject))
    })
  }

  /** Waits until all is done, but not longer than `limitMs`; what is not done by then fails with `disk_closed`. */
  async close(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)))
    await Promise.race([this.#working, timeout])
    clearTimeout(timer)
    for (const reject of this.#giveUp) {
      reject(new StorageError('disk_closed', 'Cannot sync: the disk did not answer in time and was closed', ''))
    }
    this.#giveUp.clear()
  }
}

async function syncAll(files: readonly string[], folders: readonly string[]): Promise<FileState[]> {
  const states: FileState[] = []
  for (const file of files) states.push(await syncFileLater(file))
  for (const folder of folders) await syncFolderLater(folder)
  return states
}
