// When to tell people that a download is slow, and why: when nothing has come for a while, of the content or, before that, of the
// metadata, or when something holds it up that they can change. What the cause is, the torrent says.
import type { Cause } from '../../index.ts'
import type { EngineTorrent } from './engine.ts'

/** Why a download is slow, as it is shown. */
export interface Slowness {
  /** No content has come for ten seconds or more. */
  readonly isStalled: boolean
  readonly code: Cause['code']
  /** May quote a stranger. */
  readonly message: string
}

/** How often `look` is to be called, in milliseconds. */
export const LOOK_EVERY_MS = 2_000
/** A pause is no stall, and what comes and goes is no cause. */
const PATIENCE_MS = 10_000
/** Worth telling while data flows: the disk, or an option that was given. */
const WORTH_TELLING: ReadonlySet<Cause['code']> = new Set(['disk_silent', 'disk_slow', 'memory_short', 'down_limit'])

type WatchedTorrent = Pick<EngineTorrent, 'stats' | 'diagnose' | 'metadataProgress'>

export class SlownessWatch {
  /** What is shown now; null while all is well. */
  current: Slowness | null = null
  readonly #torrent: WatchedTorrent
  /** Bytes: of metadata, and then of content. */
  #downloaded = 0
  /** When some came last. */
  #movedAt: number
  /** What was found last, and since when. */
  #found: Slowness | null = null
  #foundAt: number

  constructor(torrent: WatchedTorrent, now: number) {
    this.#torrent = torrent
    this.#movedAt = this.#foundAt = now
  }

  /** @returns whether there is something new to tell: another cause, or none any more */
  look(now: number): boolean {
    const found = this.#find(now)
    if (!isSame(found, this.#found)) this.#foundAt = now
    this.#found = found
    const before = this.current
    // Ten seconds of silence have been patience enough; a cause that replaces another must last.
    const isRipe = now - this.#foundAt >= PATIENCE_MS || (found?.isStalled === true && !before?.isStalled)
    if (found === null || isSame(found, before) || isRipe) this.current = found
    return !isSame(this.current, before)
  }

  #find(now: number): Slowness | null {
    const { state, downloaded } = this.#torrent.stats()
    const isFetchingMetadata = state === 'fetching_metadata'
    const got = isFetchingMetadata ? (this.#torrent.metadataProgress?.done ?? 0) : downloaded
    if (got !== this.#downloaded || !(isFetchingMetadata || state === 'downloading')) this.#movedAt = now
    this.#downloaded = got
    if (state === 'parked') return this.#tellCause(true)
    const isStalled = now - this.#movedAt >= PATIENCE_MS
    if (isFetchingMetadata) return isStalled ? this.#tellCause(true) : null
    if (state !== 'downloading') return null
    const found = this.#tellCause(isStalled)
    return found && (isStalled || WORTH_TELLING.has(found.code)) ? found : null
  }

  #tellCause(isStalled: boolean): Slowness | null {
    const [cause] = this.#torrent.diagnose()
    return cause ? { isStalled, code: cause.code, message: cause.message } : null
  }
}

/** Figures change all the time, and are no news. */
function isSame(a: Slowness | null, b: Slowness | null): boolean {
  return a?.code === b?.code && a?.isStalled === b?.isStalled
}
