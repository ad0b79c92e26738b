// How many queries we answer: of one sender, so that nobody can have all of us or use us against others, and of all. Both are
// buckets that fill with time. A sender is an IPv4 address, or a whole range of IPv6, where one machine has addresses without
// number. Local networks have no limit of their own.
import { isIpv6 } from '../../base/address.ts'
import { addressRange } from './address-range.ts'

const PER_SECOND = 10
const BURST = 50
/** Senders that are remembered, at most; whoever is forgotten begins with a full bucket. */
const MAX_SENDERS = 2000
/** After so long any bucket is full: whoever was silent meanwhile need not be remembered. */
const FULL_AFTER_MS = (1000 * BURST) / PER_SECOND

interface Bucket {
  level: number
  filledAt: number
}

export interface QueryLimits {
  /** Queries per second of all senders together. Default 500. */
  readonly maxPerSecond?: number
}

export class QueryLimiter {
  readonly #all: TokenBucket
  readonly #senders = new Map<string, Bucket>()

  constructor({ maxPerSecond = 500 }: QueryLimits = {}) {
    this.#all = new TokenBucket(maxPerSecond)
  }

  /** Whether a query from this IP is to be answered. */
  mayAnswer(ip: string, now: number): boolean {
    return this.#mayAsk(ip, now) && this.#all.take(now)
  }

  #mayAsk(ip: string, now: number): boolean {
    const range = addressRange(ip)
    if (range === null) return true
    const sender = isIpv6(ip) ? range : ip
    const known = this.#senders.get(sender)
    const level =
      known === undefined ? BURST : Math.min(BURST, known.level + ((now - known.filledAt) * PER_SECOND) / 1000)
    // Taken out first, so that those who were silent longest stand in front.
    this.#senders.delete(sender)
    this.#senders.set(sender, { level: Math.max(0, level - 1), filledAt: now })
    for (const [oldest, { filledAt }] of this.#senders) {
      if (this.#senders.size <= MAX_SENDERS && now - filledAt < FULL_AFTER_MS) break
      this.#senders.delete(oldest)
    }
    return level >= 1
  }
}

/** Lets through so many per second, and as many at once after a pause. */
export class TokenBucket {
  readonly #perSecond: number
  #level: number
  #filledAt = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#level = perSecond
  }

  take(now: number): boolean {
    this.#level = Math.min(this.#perSecond, this.#level + ((now - this.#filledAt) * this.#perSecond) / 1000)
    this.#filledAt = now
    if (this.#level < 1) return false
    this.#level--
    return true
  }
}
