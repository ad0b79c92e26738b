// Which torrent is looked for next in the DHT, and when. Pure figures; `session-dht.ts` acts on them.
//
// What it weighs:
// - However many torrents there are, there is no burst: so many searches at a time, and a pause from one's start to the next's.
// - Where they cannot all be looked for as often as they should, turns alternate between whoever needs it most and whoever has
//   waited longest. The most in need is the one that has just come (a person has probably just added it, and looks at it), then one
//   that is incomplete and has found nobody, then any that is incomplete. So the newest hardly waits, and nobody waits for ever.
// - Who does not meet peers at this time has no turn, and takes none.

/** As much of a torrent as matters here. */
export interface Searchable {
  readonly infohash: string
  /** It meets peers, and may be told of to everybody. */
  readonly isPublic: boolean
  readonly state: string
}

export interface Sought<T> {
  readonly torrent: T
  /** When it is looked for next. */
  nextAt: number
  /** Then, when nobody is found. */
  againMs: number
  /** It has not been looked for since it was sought. */
  isNew: boolean
  isUnderWay: boolean
}

/** At a time. */
export const MAX_SEARCHES = 10
/** From the start of one search to that of the next: some 50 questions, of the 100 that a node asks in a second. */
export const START_EVERY_MS = 500
/** Who announces is remembered for half an hour at least. */
export const SEARCH_EVERY_MS = 15 * 60_000
/** When nobody was found: sooner at first. */
const SEARCH_AGAIN_MS = 15_000

export class DhtSearchQueue<T extends Searchable> {
  /** By infohash; those sought last stand last. */
  readonly #sought = new Map<string, Sought<T>>()
  #underWay = 0
  #startAt = -Infinity
  /** All are looked through no more often than searches may start. */
  #lookAt = -Infinity
  #isNeediestNext = true

  get size(): number {
    return this.#sought.size
  }

  has(torrent: T): boolean {
    return this.#sought.get(torrent.infohash)?.torrent === torrent
  }

  /** It has come, or has begun to meet peers: it is looked for soon. */
  seek(torrent: T, now: number): void {
    const { infohash } = torrent
    const before = this.#sought.get(infohash)
    const sought = before?.torrent === torrent ? before : { torrent, isUnderWay: false }
    this.#sought.delete(infohash)
    this.#sought.set(infohash, Object.assign(sought, { nextAt: now, againMs: SEARCH_AGAIN_MS, isNew: true }))
    this.#lookAt = -Infinity
  }

  /** It has left, or must not be looked for. */
  forget(torrent: T): void {
    if (this.has(torrent)) this.#sought.delete(torrent.infohash)
  }

  /** Our address has changed: where others know us by the former one, and who is there now, is to be found out anew. */
  onAddressChange(now: number): void {
    for (const sought of this.#sought.values()) {
      sought.nextAt = Math.min(sought.nextAt, now)
      sought.againMs = SEARCH_AGAIN_MS
    }
    this.#lookAt = -Infinity
  }

  /** Whom to look for now; null when nobody. The caller begins at once, and says when it has ended. */
  next(now: number): Sought<T> | null {
    if (this.#underWay >= MAX_SEARCHES || now < this.#startAt || now < this.#lookAt) return null
    this.#lookAt = now + START_EVERY_MS
    const next = this.#isNeediestNext ? this.#first(now, compareNeed) : this.#first(now, compareWaiting)
    if (next === null) return null
    this.#isNeediestNext = !this.#isNeediestNext
    this.#startAt = now + START_EVERY_MS
    this.#underWay++
    return Object.assign(next, { isUnderWay: true, isNew: false, nextAt: now + SEARCH_EVERY_MS })
  }

  /** A search is over. `hasFound`: there was somebody. */
  ended(sought: Sought<T>, hasFound: boolean, now: number): void {
    this.#underWay--
    sought.isUnderWay = false
    if (hasFound || isComplete(sought)) {
      sought.againMs = SEARCH_AGAIN_MS
      return
    }
    sought.nextAt = Math.min(sought.nextAt, now + sought.againMs)
    sought.againMs = Math.min(2 * sought.againMs, SEARCH_EVERY_MS)
  }

  /** Of those whose time has come. */
  #first(now: number, compare: (a: Sought<T>, b: Sought<T>) => number): Sought<T> | null {
    let first: Sought<T> | null = null
    for (const sought of this.#sought.values()) {
      if (sought.isUnderWay || sought.nextAt > now || !sought.torrent.isPublic) continue
      if (first === null || compare(sought, first) < 0) first = sought
    }
    return first
  }
}

function isComplete({ torrent }: Sought<Searchable>): boolean {
  return torrent.state === 'seeding'
}

function compareWaiting(a: Sought<Searchable>, b: Sought<Searchable>): number {
  return a.nextAt - b.nextAt
}

/** Of new ones the later comes first, and they are compared in the order in which they came; of others whoever has waited longest. */
function compareNeed(a: Sought<Searchable>, b: Sought<Searchable>): number {
  const byRank = rankOf(a) - rankOf(b)
  if (byRank !== 0) return byRank
  return a.isNew ? -1 : compareWaiting(a, b)
}

function rankOf(sought: Sought<Searchable>): number {
  if (sought.isNew) return 0
  if (isComplete(sought)) return 3
  return sought.againMs > SEARCH_AGAIN_MS ? 1 : 2
}
