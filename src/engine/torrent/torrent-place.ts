// Where the content of one torrent is: as the application asked, then as a run has found it, and after each move. Whoever calls sees
// to it that nothing has it open.
import { toHex } from '../../base/bytes.ts'
import type { RemovedTree } from '../../platform/platform.ts'
import { type ContentLocation, contentRoot, locationOf } from '../storage/content-layout.ts'
import { type ContentMove, moveContent } from '../storage/content-move.ts'
import { lockContent, removeContent } from '../storage/content-removal.ts'
import { MetadataStore } from '../storage/metadata-store.ts'
import { NO_SETTINGS, type TorrentSettings } from '../storage/torrent-settings.ts'
import type { TorrentOptions } from './torrent-api.ts'
import type { TorrentContent } from './torrent-content.ts'
import type { TorrentParts } from './torrent-parts.ts'
import type { TorrentInternals, TorrentSurroundings } from './torrent-surroundings.ts'

export class TorrentPlace {
  /** Its metadata, where it began with a magnet link. */
  readonly metadata: MetadataStore
  readonly #options: TorrentOptions & TorrentInternals
  readonly #around: TorrentSurroundings
  #location: ContentLocation
  #settings = NO_SETTINGS

  constructor(infohash: Uint8Array, options: TorrentOptions & TorrentInternals, around: TorrentSurroundings) {
    this.#options = this.#location = options
    this.#around = around
    const warn = (message: string): void => around.log({ level: 'info', scope: 'state', message })
    this.metadata = new MetadataStore({ state: around.platform.state, infohash: toHex(infohash), warn })
  }

  /** As far as it is known. */
  get location(): ContentLocation {
    return this.#location
  }

  /** What is fetched lies somewhere else than the torrent says, or is not all of it. */
  get isElsewhere(): boolean {
    return this.#options.layout !== undefined || this.#options.pieces !== undefined
  }

  /** The torrent's file or top folder: where it is, or will be made. */
  pathOf({ metainfo }: TorrentContent): string {
    return contentRoot(metainfo, this.#location)
  }

  /** A run has it open. */
  foundBy({ layout }: TorrentParts): void {
    if (!this.isElsewhere) this.#location = locationOf(layout.root)
  }

  /**
   * What is known of the torrent's settings, where none are remembered.
   * @param parts of the last run; null when it did not come so far
   */
  settingsAfter(parts: TorrentParts | null): TorrentSettings {
    this.#settings = parts?.settings.current ?? this.#settings
    return this.#settings
  }

  /** Rejects as `moveContent` does; then all is as it was. */
  async move(
    { metainfo, map }: TorrentContent,
    move: Pick<ContentMove, 'to' | 'earlier' | 'onProgress' | 'isStopped' | 'warn'>,
  ): Promise<void> {
    await moveContent({ ...move, platform: this.#around.platform, metainfo, map, from: this.#location })
    this.#location = move.to
  }

  /**
   * Deletes what is on disk of it, and what is remembered. Rejects as `Torrent.remove` does.
   * @param content null: only its infohash is known
   */
  async delete(content: TorrentContent | null, parts: TorrentParts | null): Promise<RemovedTree> {
    const { platform } = this.#around
    await this.metadata.forget()
    if (!content) return { files: 0, bytes: 0, kept: [] }
    const { metainfo, map } = content
    const foreign = this.#options.layout?.(map)
    if (foreign) return removeContent(platform, { layout: foreign, folder: null })
    const earlier = this.settingsAfter(parts)
    const locked = await lockContent({ platform, metainfo, map, location: this.#location, earlier })
    return removeContent(platform, locked)
  }
}
