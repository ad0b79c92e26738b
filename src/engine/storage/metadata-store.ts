// Remembers the metadata of a torrent that began as a magnet link, for its next start: the info bytes as they are, in a state folder
// of their own, one for each infohash wherever the content is, which can be named only when the metadata is known. A torrent can do
// without all of it.
import type { StateFolder, StateStore } from '../../platform/platform.ts'
import { MAX_TORRENT_BYTES } from '../../protocol/metainfo/limits.ts'

export interface MetadataStoreOptions {
  /** Null: nothing is remembered. */
  readonly state: StateStore | null
  /** Hex of the torrent's infohash. */
  readonly infohash: string
  /** A line for whoever looks for a fault. */
  readonly warn: (message: string) => void
}

const FILE_NAME = 'metadata'
/** It is the same wherever the content is. */
const NO_CONTENT = '/'

export class MetadataStore {
  readonly #options: MetadataStoreOptions
  /** The end of what was asked for so far. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: MetadataStoreOptions) {
    this.#options = options
  }

  /** What an earlier run has left, unverified; null: nothing. Never rejects. */
  load(): Promise<Uint8Array | null> {
    return this.#within(async (folder) => {
      const file = await folder.read(FILE_NAME, MAX_TORRENT_BYTES)
      if (file) await folder.close()
      // A folder with nothing in it is none.
      else await folder.remove()
      return file?.bytes ?? null
    })
  }

  /** Never rejects: `warn` is told. */
  async save(metadata: Uint8Array): Promise<void> {
    await this.#within(async (folder) => {
      await folder.replace(FILE_NAME, metadata)
      await folder.close()
    })
  }

  /** Never rejects: `warn` is told. */
  async forget(): Promise<void> {
    await this.#within((folder) => folder.remove())
  }

  /** Resolves when all that was asked for has been done. Never rejects. */
  async settled(): Promise<void> {
    await this.#last
  }

  /** One after the other: each has the folder alone. @param work lets it go itself, if it does not reject */
  #within<Result>(work: (folder: StateFolder) => Promise<Result>): Promise<Result | null> {
    const done = this.#last.then(() => this.#alone(work))
    this.#last = done
    return done
  }

  async #alone<Result>(work: (folder: StateFolder) => Promise<Result>): Promise<Result | null> {
    const { state, infohash, warn } = this.#options
    if (!state) return null
    let folder: StateFolder | null = null
    try {
      folder = await state.open(`${infohash}-metadata`, NO_CONTENT)
      return await work(folder)
    } catch (error) {
      await folder?.close().catch(() => {})
      warn(`${(error as Error).message}; the torrent's metadata is not remembered`)
      return null
    }
  }
}
