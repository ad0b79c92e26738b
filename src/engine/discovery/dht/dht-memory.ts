// What a node in the DHT remembers from one run to the next: a small file in a folder of its own. Programs that run at the same
// time have a folder each. What cannot be read or written is done without: there are other ways into the network.
import { StateError, StorageError } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import type { StateFolder, StateStore } from '../../../platform/platform.ts'

/** Programs at the same time, at most; more remember nothing. */
const FOLDERS = 4
/** It has nothing to do with any content. */
const NO_CONTENT = '/'
const FILE = 'nodes'
const MAX_BYTES = 32_768

export class DhtMemory {
  /** What the last run has left; undefined: nothing. */
  readonly saved: Uint8Array | undefined
  readonly #folder: StateFolder
  readonly #log: Log

  private constructor(folder: StateFolder, saved: Uint8Array | undefined, log: Log) {
    this.#folder = folder
    this.saved = saved
    this.#log = log
  }

  /** Null: nothing is remembered. Never rejects for what the disk does. */
  static async open(state: StateStore | null, log: Log): Promise<DhtMemory | null> {
    if (state === null) return null
    for (let number = 1; number <= FOLDERS; number++) {
      try {
        const folder = await state.open(`dht-${number}`, NO_CONTENT)
        return new DhtMemory(folder, await readSaved(folder, log), log)
      } catch (error) {
        if (error instanceof StateError && error.code === 'in_use') continue
        tell(error, log)
        return null
      }
    }
    return null
  }

  /** Never rejects for what the disk does. */
  async save(bytes: Uint8Array): Promise<void> {
    try {
      await this.#folder.replace(FILE, bytes)
    } catch (error) {
      tell(error, this.#log)
    }
  }

  close(): Promise<void> {
    return this.#folder.close()
  }
}

async function readSaved(folder: StateFolder, log: Log): Promise<Uint8Array | undefined> {
  try {
    return (await folder.read(FILE, MAX_BYTES))?.bytes
  } catch (error) {
    tell(error, log)
    return undefined
  }
}

function tell(error: unknown, log: Log): void {
  if (!(error instanceof StorageError || error instanceof StateError)) throw error
  log({ level: 'warn', scope: 'dht', message: error.message })
}
