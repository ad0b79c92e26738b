// One peer that says it has a torrent's metadata: which parts it is asked for, how it has answered, and when it is left alone.
// Whose copy it works at, and what to believe, is decided in `metadata-fetch.ts`. Times are in milliseconds.
import type { MetadataCopy } from './metadata-copy.ts'

interface Request {
  readonly askedAt: number
  /** Not counted on any more, but welcome. */
  isOverdue: boolean
}

/** Peers asked for the same part when there is nothing else to ask for. */
const MAX_ASKERS = 2
const TIMEOUT_MS = 5_000
/** Unanswered requests in a row, after which a peer is left alone for a while. */
const MAX_TIMEOUTS = 3
const SILENT_PAUSE_MS = 30_000
const FIRST_REJECT_PAUSE_MS = 5_000
const MAX_REJECT_PAUSE_MS = 60_000
/** A peer that has been left alone so often, and gave nothing in between, is not counted on. */
const MAX_PAUSES = 3

export class MetadataSource<Peer> {
  readonly peer: Peer
  /** Bytes of the metadata, by its own word. */
  readonly size: number
  /** Null: it waits for its turn to make one by itself. */
  copy: MetadataCopy<Peer> | null
  readonly #asked = new Map<number, Request>()
  /** In a row. */
  #timeouts = 0
  #rejects = 0
  /** Requests that it may have under way. */
  #window: number
  /** When that was made one. */
  #narrowedAt = -Infinity
  /** Not to be asked before. */
  #pausedUntil = -Infinity
  /** How often it was left alone since it gave something. */
  #pauses = 0

  constructor(peer: Peer, size: number, copy: MetadataCopy<Peer> | null, window: number) {
    this.peer = peer
    this.size = size
    this.copy = copy
    this.#window = window
  }

  /** Not any more when it had its turns, and gave nothing. */
  get mayGive(): boolean {
    return this.#pauses < MAX_PAUSES
  }

  isPaused(now: number): boolean {
    return now < this.#pausedUntil
  }

  /** Is it asked for this part, or has been, and not answered yet? */
  isAsked(part: number): boolean {
    return this.#asked.has(part)
  }

  /** What to ask it for; -1: nothing. */
  nextPart(): number {
    const { copy } = this
    if (!copy) return -1
    let underWay = 0
    for (const { isOverdue } of this.#asked.values()) if (!isOverdue) underWay++
    if (underWay >= this.#window) return -1
    const free = copy.freePart()
    if (free >= 0) return free
    for (let part = 0; part < copy.partCount; part++) {
      if (copy.lacks(part) && copy.askersOf(part) < MAX_ASKERS && !this.#isCountedOn(part)) return part
    }
    return -1
  }

  ask(part: number, now: number): void {
    this.copy!.ask(part)
    this.#asked.set(part, { askedAt: now, isOverdue: false })
  }

  /** It has given a part that it was asked for. */
  onGiven(part: number): void {
    this.#settle(part)
    this.#timeouts = this.#rejects = this.#pauses = 0
  }

  /** It does not give a part that it was asked for. Returns whether it is left alone from now on. */
  onRefused(part: number, now: number): boolean {
    const { askedAt } = this.#asked.get(part)!
    this.#settle(part)
    // Some answer one request at a time, and refuse the others.
    if (this.#window > 1) [this.#window, this.#narrowedAt] = [1, now]
    if (askedAt <= this.#narrowedAt) return false
    this.#pause(now + Math.min(MAX_REJECT_PAUSE_MS, FIRST_REJECT_PAUSE_MS * 2 ** this.#rejects))
    this.#rejects = Math.min(10, this.#rejects + 1)
    return true
  }

  /** What it does not answer may be asked of others. Returns whether it is left alone from now on. */
  noticeOverdue(now: number): boolean {
    let isSilent = false
    for (const [part, request] of this.#asked) {
      if (request.isOverdue || now - request.askedAt < TIMEOUT_MS) continue
      request.isOverdue = true
      this.copy?.unask(part)
      if (++this.#timeouts < MAX_TIMEOUTS) continue
      this.#timeouts = 0
      this.#pause(now + SILENT_PAUSE_MS)
      isSilent = true
    }
    return isSilent
  }

  /** Nothing is expected of it any more. */
  release(): void {
    for (const part of this.#asked.keys()) this.#settle(part)
  }

  #settle(part: number): void {
    const { isOverdue } = this.#asked.get(part)!
    this.#asked.delete(part)
    if (!isOverdue) this.copy?.unask(part)
  }

  #isCountedOn(part: number): boolean {
    return this.#asked.get(part)?.isOverdue === false
  }

  #pause(until: number): void {
    // Several requests may be overdue at one moment.
    if (until > this.#pausedUntil) this.#pauses++
    this.#pausedUntil = until
  }
}
