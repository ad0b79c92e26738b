// Keeps the settings of one torrent at one place (torrent-settings.ts) in its state folder, or in memory where there is none.
// Settings that cannot be read never stop a torrent: they are set aside, and it goes on without. Nor do those that cannot be
// written: somebody is told.
import { StateError } from '../../base/errors.ts'
import type { StateFolder } from '../../platform/platform.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { clashingPath } from '../../protocol/metainfo/new-path.ts'
import {
  encodeSettings,
  MAX_SETTINGS_BYTES,
  NO_SETTINGS,
  parseSettings,
  requireMarks,
  type TorrentSettings,
} from './torrent-settings.ts'

export const SETTINGS_NAME = 'settings'

export class SettingsKeeper {
  #current: TorrentSettings
  /** An earlier run has left something, be it that all is as it was at first. */
  readonly isRemembered: boolean
  readonly #folder: StateFolder | null
  readonly #warn: (message: string) => void
  #saving: Promise<void> = Promise.resolve()
  #isClosed = false

  /**
   * Reads what is there.
   * @param folder null: nothing is remembered from one run of the program to the next
   * @param warn is told what could not be read or written, in a line
   * @param earlier what was known when there is no folder
   */
  static async open(
    folder: StateFolder | null,
    metainfo: Metainfo,
    warn: (message: string) => void,
    earlier: TorrentSettings = NO_SETTINGS,
  ): Promise<SettingsKeeper> {
    return new SettingsKeeper(folder, folder ? await read(folder, metainfo, warn) : earlier, warn)
  }

  private constructor(folder: StateFolder | null, found: TorrentSettings, warn: (message: string) => void) {
    this.#folder = folder
    this.isRemembered = found !== NO_SETTINGS
    this.#current = found
    this.#warn = warn
  }

  get current(): TorrentSettings {
    return this.#current
  }

  /**
   * Changes them at once; resolves when they are safe. Never rejects: `warn` is told, and false is the answer.
   * Throws RangeError for marks that are too many or too long.
   */
  save(changes: Partial<TorrentSettings>): Promise<boolean> {
    requireMarks(changes.marks ?? [])
    this.#current = { ...this.#current, ...changes }
    if (this.#isClosed) return Promise.resolve(false)
    const saved = this.#saving.then(() => this.#write())
    this.#saving = saved.then(() => {})
    return saved
  }

  /** Resolves when what was saved is safe, or given up. What is saved later is known to this program alone. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#saving
  }

  async #write(): Promise<boolean> {
    if (!this.#folder) return true
    try {
      await this.#folder.replace(SETTINGS_NAME, encodeSettings(this.#current))
      return true
    } catch (error) {
      this.#warn(`${(error as Error).message}; the torrent's settings are not remembered for the next start`)
      return false
    }
  }
}

/** Two files of one name would destroy each other. */
function requireApart({ names }: TorrentSettings, { files }: Metainfo, path: string): void {
  if (names.size === 0) return
  const paths = files.map(({ isPad, savedAs }, file) => (isPad ? [] : (names.get(file) ?? savedAs.slice(1))))
  if (clashingPath(paths) !== null)
    throw new StateError('not_settings', `Cannot use ${path}: two files have one name`, path)
}

async function read(
  folder: StateFolder,
  metainfo: Metainfo,
  warn: (message: string) => void,
): Promise<TorrentSettings> {
  try {
    const file = await folder.read(SETTINGS_NAME, MAX_SETTINGS_BYTES)
    if (!file) return NO_SETTINGS
    const settings = parseSettings(file.bytes, metainfo, folder.path(SETTINGS_NAME))
    requireApart(settings, metainfo, folder.path(SETTINGS_NAME))
    return settings
  } catch (error) {
    const aside = await folder.setAside(SETTINGS_NAME).catch(() => folder.path(SETTINGS_NAME))
    warn(`${(error as Error).message}; it is kept as ${aside}, and the torrent goes on without its settings`)
    return NO_SETTINGS
  }
}
