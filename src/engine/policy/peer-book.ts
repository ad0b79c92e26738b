// The addresses known of one swarm, and which to dial next: bounded, each once, with back-off after failures.
// Pure: time is an argument, in milliseconds.
import { type Address, addressKey } from '../../base/address.ts'

/** Where an address was learnt: a person's own choice is tried harder. */
export type AddressSource = 'user' | 'tracker'

/** How a connection ended: in order; because it failed or the peer broke the rules; or because we have nothing for each other. */
export type Ending = 'orderly' | 'failed' | 'useless'

interface Entry {
  readonly address: Address
  readonly source: AddressSource
  failures: number
  /** The code of what ended the last connection, when that failed. */
  failedBy: string | null
  /** Not to be dialled before. */
  retryAt: number
  isInUse: boolean
}

/** The addresses of one swarm, counted. */
export interface BookCensus {
  readonly known: number
  /** Being dialled, or connected. */
  readonly inUse: number
  /** Never dialled so far. */
  readonly untried: number
  /** Those whose last connection failed and that are not in use, by the code of what ended it. */
  readonly failed: ReadonlyMap<string, number>
  /** When the next one that is not in use may be dialled; null without such. */
  readonly nextDialAt: number | null
}

/** Addresses that are never dialled again; beyond that the oldest is forgiven. */
const MAX_BANNED = 1000
/** Addresses kept; beyond that the one that failed most often makes way. */
const MAX_ADDRESSES = 2000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 600_000
/** An address that a person gave is tried at least this often. */
const MAX_USER_RETRY_MS = 10_000
/** After an orderly end: the peer may have had its reasons. */
const RECONNECT_MS = 15_000
/** Between two that both have everything: much must change before they need each other. */
const USELESS_MS = 1_800_000

export class PeerBook {
  readonly #entries = new Map<string, Entry>()
  readonly #banned = new Set<string>()

  get size(): number {
    return this.#entries.size
  }

  add(address: Address, source: AddressSource): void {
    const key = addressKey(address)
    if (this.#entries.has(key) || this.#banned.has(key)) return
    if (this.#entries.size >= MAX_ADDRESSES && !this.#makeRoom()) return
    this.#entries.set(key, { address, source, failures: 0, failedBy: null, retryAt: 0, isInUse: false })
  }

  /** The address to dial next, in use from now on; null when none is due. */
  next(now: number): Address | null {
    let best: Entry | null = null
    for (const entry of this.#entries.values()) {
      if (entry.isInUse || entry.retryAt > now) continue
      if (!best || entry.failures < best.failures) best = entry
      if (best.failures === 0) break
    }
    if (!best) return null
    best.isInUse = true
    return best.address
  }

  /** The address that `next` gave is not dialled after all. */
  release(address: Address): void {
    const entry = this.#entries.get(addressKey(address))
    if (entry) entry.isInUse = false
  }

  /** The handshake succeeded: earlier failures are forgiven. */
  succeeded(address: Address): void {
    const entry = this.#entries.get(addressKey(address))
    if (entry) entry.failures = 0
  }

  /**
   * The connection has ended: when may the address be dialled again?
   * @param endedBy stable code of what ended it
   */
  closed(address: Address, ending: Ending, now: number, endedBy = 'closed'): void {
    const entry = this.#entries.get(addressKey(address))
    if (!entry) return
    entry.isInUse = false
    entry.failedBy = ending === 'failed' ? endedBy : null
    if (ending === 'failed') entry.failures++
    if (ending === 'useless') entry.retryAt = now + USELESS_MS
    else {
      const backOff = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(entry.failures, 12))
      const wait = entry.failures > 0 ? backOff : RECONNECT_MS
      entry.retryAt = now + (entry.source === 'user' ? Math.min(wait, MAX_USER_RETRY_MS) : wait)
    }
  }

  /** Never dial it again; nor take what it sends. */
  ban(address: Address): void {
    const key = addressKey(address)
    this.#entries.delete(key)
    this.#banned.add(key)
    if (this.#banned.size > MAX_BANNED) this.#banned.delete(this.#banned.values().next().value!)
  }

  isBanned(address: Address): boolean {
    return this.#banned.has(addressKey(address))
  }

  /** For whoever wants to know why nobody is connected: walks over all addresses. */
  census(): BookCensus {
    const failed = new Map<string, number>()
    let [inUse, untried] = [0, 0]
    let nextDialAt: number | null = null
    for (const entry of this.#entries.values()) {
      if (entry.isInUse) {
        inUse++
        continue
      }
      if (entry.retryAt === 0) untried++
      if (entry.failedBy !== null) failed.set(entry.failedBy, (failed.get(entry.failedBy) ?? 0) + 1)
      nextDialAt = Math.min(nextDialAt ?? Infinity, entry.retryAt)
    }
    return { known: this.#entries.size, inUse, untried, failed, nextDialAt }
  }

  #makeRoom(): boolean {
    let worst: [string, Entry] | null = null
    for (const candidate of this.#entries) {
      const [, entry] = candidate
      if (entry.isInUse || entry.source === 'user') continue
      if (!worst || entry.failures > worst[1].failures) worst = candidate
    }
    return worst !== null && this.#entries.delete(worst[0])
  }
}
