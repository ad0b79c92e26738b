// Remembers the metadata of a torrent that began as a magnet link, for its next start: the info bytes as they are, in a state folder
// of their own, since the folder of the content can be named only when the metadata is known. A torrent can do without all of it.
import type { StateFolder, StateStore } from '../../platform/platform.ts'

export interface MetadataStoreOptions {
  /** Null: nothing is remembered. */
  readonly state: StateStore | null
  /** Hex of the torrent's infohash. */
  readonly infohash: string
  /** The folder that holds, or will hold, the torrent's file or top folder. */
  readonly path: string
  /** Bytes; larger metadata is not read. */
  readonly maxBytes: number
  /** A line for whoever looks for a fault. */
  readonly warn: (message: string) => void
}

const FILE_NAME = 'metadata'

export class MetadataStore {
  readonly #options: MetadataStoreOptions

  constructor(options: MetadataStoreOptions) {
    this.#options = options
  }

  /** What an earlier run has left, unverified; null: nothing. Never rejects. */
  load(): Promise<Uint8Array | null> {
    return this.#within(async (folder) => {
      const file = await folder.read(FILE_NAME, this.#options.maxBytes)
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

  /** @param work lets the folder go itself, if it does not reject */
  async #within<Result>(work: (folder: StateFolder) => Promise<Result>): Promise<Result | null> {
    const { state, infohash, path, warn } = this.#options
    if (!state) return null
    let folder: StateFolder | null = null
    try {
      folder = await state.open(`${infohash}-metadata`, path)
      return await work(folder)
    } catch (error) {
      await folder?.close().catch(() => {})
      warn(`${(error as Error).message}; the torrent's metadata is not remembered`)
      return null
    }
  }
}
