// The addresses known of one swarm, and which to dial next: bounded, each once, with back-off after failures.
//
// An address is in use (dialled or connected), due, or waiting for its time. Those due stand in the order in which they
// are dialled; when the book is full the one of least promise makes way. No call looks at all of them (but `census`).
// Pure: time is an argument, in milliseconds.
import { type Address, addressKey } from '../../base/address.ts'
import { RankedHeap } from './ranked-heap.ts'

/** Where an address was learnt. `user`: a person named it; `link`: a magnet link did, which may come from anybody. */
export type AddressSource = 'user' | 'link' | 'lsd' | 'incoming' | 'tracker' | 'pex' | 'dht'

/**
 * How a connection ended: in order, after payload had passed; in order, and nothing had; because it failed or the peer
 * broke the rules; because we have nothing for each other; or because we let it go for another.
 */
export type Ending = 'orderly' | 'fruitless' | 'failed' | 'useless' | 'replaced'

interface Entry {
  readonly address: Address
  /** The surest one. */
  source: AddressSource
  /** Somebody has named it who may name peers of a private torrent, be that the surest source or not. */
  isForPrivate: boolean
  /** BEP 40; the greater the better. */
  readonly priority: number
  /** The how-manieth it is. */
  readonly order: number
  /** In a row. */
  failures: number
  /** Connections in a row in which nothing passed. */
  fruitless: number
  /** How the last connection ended; null: it was never dialled. */
  ending: Ending | null
  /** The code of what ended the last connection, when that failed. */
  failedBy: string | null
  /** Not to be dialled before. */
  retryAt: number
  /** Connections there are with it: two for a moment, when both sides dial. */
  uses: number
}

/** The addresses of one swarm, counted. */
export interface BookCensus {
  readonly known: number
  /** Being dialled, or connected. */
  readonly inUse: number
  /** Never dialled so far. */
  readonly untried: number
  /** Those whose last finished connection failed, by the code of what ended it; being dialled again does not change that. */
  readonly failed: ReadonlyMap<string, number>
  /** When the next one that is not in use may be dialled; null without such. */
  readonly nextDialAt: number | null
}

/** Addresses that are never dialled again; beyond that the oldest is forgiven. */
const MAX_BANNED = 1000
const MAX_ADDRESSES = 2000
/** Addresses whose time has come that one call notices: after a long sleep it has come for all of them. */
const MAX_NOTICED = 32
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 600_000
/** An address that a person gave is tried at least this often. */
const MAX_USER_RETRY_MS = 10_000
/** After an orderly end: the peer may have had its reasons. */
const RECONNECT_MS = 15_000
/** Others shall have their turn before one that made way for them. */
const REPLACED_MS = 600_000
/** Between two that both have everything: much must change before they need each other. */
const USELESS_MS = 1_800_000

/** Of a private torrent (BEP 27): where addresses may come from. The others have no business in it. */
const PRIVATE_SOURCES: ReadonlySet<AddressSource> = new Set(['user', 'link', 'tracker'])

/** The surer and the nearer first. A peer that came by itself was there a moment ago; anybody can put anything in the DHT. */
const SOURCE_RANK: Readonly<Record<AddressSource, number>> = {
  user: 0,
  link: 1,
  lsd: 2,
  incoming: 3,
  tracker: 4,
  pex: 5,
  dht: 6,
}

export class PeerBook {
  /** Comparisons made so far: what the book has cost. */
  work = 0
  readonly #entries = new Map<string, Entry>()
  readonly #banned = new Set<string>()
  readonly #due = new RankedHeap<Entry>((a, b) => this.#compare(a, b) < 0)
  readonly #waiting = new RankedHeap<Entry>((a, b) => {
    this.work++
    return a.retryAt < b.retryAt
  })
  /** Those that may make way, the one of least promise first. */
  readonly #replaceable = new RankedHeap<Entry>((a, b) => this.#compare(a, b) > 0)
  #added = 0

  /** @param priority the peer's rank (BEP 40): among equals the greater is dialled first, and kept when the book is full */
  add(address: Address, source: AddressSource, priority = 0): void {
    const key = addressKey(address)
    if (this.#banned.has(key)) return
    const known = this.#entries.get(key)
    if (known) return this.#learnAgain(known, source)
    const entry: Entry = {
      address,
      source,
      isForPrivate: PRIVATE_SOURCES.has(source),
      priority,
      order: this.#added++,
      failures: 0,
      fruitless: 0,
      ending: null,
      failedBy: null,
      retryAt: -Infinity,
      uses: 0,
    }
    if (this.#entries.size >= MAX_ADDRESSES && !this.#makeRoomFor(entry)) return
    this.#entries.set(key, entry)
    this.#putBack(entry)
  }

  /** The address to dial next, in use from now on; null when none is due. */
  next(now: number): Address | null {
    this.#notice(now)
    const entry = this.#due.first
    if (!entry) return null
    this.#use(entry)
    return entry.address
  }

  /** Is somebody due who may well be worth a connection: never tried, or lost through no fault of its own? */
  hasPromising(now: number): boolean {
    this.#notice(now)
    const first = this.#due.first
    return first !== undefined && worth(first) <= Worth.untried
  }

  /** The address that `next` gave is not dialled after all. */
  release(address: Address): void {
    const entry = this.#entries.get(addressKey(address))
    if (entry) this.#unuse(entry)
  }

  /** There is a connection with this address that we did not dial: it is not dialled while that lasts. */
  take(address: Address): void {
    const entry = this.#entries.get(addressKey(address))
    if (entry) this.#use(entry)
  }

  /** The handshake succeeded: earlier failures are forgiven. */
  succeeded(address: Address): void {
    const entry = this.#entries.get(addressKey(address))
    if (!entry) return
    this.#change(entry, () => {
      entry.failures = 0
      entry.failedBy = null
    })
  }

  /**
   * The connection has ended: when may the address be dialled again?
   * @param endedBy stable code of what ended it
   */
  closed(address: Address, ending: Ending, now: number, endedBy = 'closed'): void {
    const entry = this.#entries.get(addressKey(address))
    if (!entry) return
    this.#change(entry, () => {
      entry.uses = Math.max(0, entry.uses - 1)
      entry.ending = ending
      entry.failedBy = ending === 'failed' ? endedBy : null
      // It was we who went away.
      const isOurs = endedBy === 'address_gone'
      if (ending === 'failed' && !isOurs) entry.failures++
      entry.fruitless = ending === 'fruitless' ? entry.fruitless + 1 : 0
      entry.retryAt = isOurs ? now : now + waitAfter(entry)
    })
  }

  /** We want more than before: those who had nothing for us may be dialled at once. Walks over all addresses. */
  recallUseless(): void {
    for (const entry of this.#entries.values())
      if (entry.ending === 'useless') this.#change(entry, () => (entry.retryAt = -Infinity))
  }

  /** Our own address has changed: all but those who were let go may be dialled at once. Walks over all addresses. */
  recallLost(): void {
    for (const entry of this.#entries.values())
      if (worth(entry) !== Worth.letGo) this.#change(entry, () => (entry.retryAt = -Infinity))
  }

  /** Never dial it again; nor take what it sends. */
  ban(address: Address): void {
    const key = addressKey(address)
    const entry = this.#entries.get(key)
    if (entry) this.#forget(entry)
    this.#banned.add(key)
    if (this.#banned.size > MAX_BANNED) this.#banned.delete(this.#banned.values().next().value!)
  }

  /** Whom another book of the same swarm has banned is banned here, too. To be called before anybody is added. */
  adoptBans(book: PeerBook): void {
    for (const key of book.#banned) this.#banned.add(key)
  }

  isBanned(address: Address): boolean {
    return this.#banned.has(addressKey(address))
  }

  /** May it be met in a private torrent: does somebody name it who may? */
  isForPrivate(address: Address): boolean {
    return this.#entries.get(addressKey(address))?.isForPrivate ?? false
  }

  /** Those whose last connection did not fail, in the order in which they were learnt: for another book of the same swarm. */
  *sound(): IterableIterator<Pick<Entry, 'address' | 'source' | 'isForPrivate'>> {
    for (const { address, source, isForPrivate, failures } of this.#entries.values())
      if (failures === 0) yield { address, source, isForPrivate }
  }

  /** For whoever wants to know why nobody is connected: walks over all addresses. */
  census(): BookCensus {
    const failed = new Map<string, number>()
    let [inUse, untried] = [0, 0]
    let nextDialAt: number | null = null
    for (const { uses, ending, failedBy, retryAt } of this.#entries.values()) {
      if (failedBy !== null) failed.set(failedBy, (failed.get(failedBy) ?? 0) + 1)
      if (uses > 0) inUse++
      else {
        if (ending === null) untried++
        nextDialAt = Math.min(nextDialAt ?? Infinity, Math.max(0, retryAt))
      }
    }
    return { known: this.#entries.size, inUse, untried, failed, nextDialAt }
  }

  // ---------------------------------------------------------------- how

  /** Below 0: `a` is dialled before `b`, and kept rather. */
  #compare(a: Entry, b: Entry): number {
    this.work++
    return (
      a.failures - b.failures ||
      Number(b.source === 'user') - Number(a.source === 'user') ||
      worth(a) - worth(b) ||
      SOURCE_RANK[a.source] - SOURCE_RANK[b.source] ||
      b.priority - a.priority ||
      a.order - b.order
    )
  }

  #notice(now: number): void {
    for (let i = 0; i < MAX_NOTICED; i++) {
      const entry = this.#waiting.first
      if (!entry || entry.retryAt > now) return
      this.#waiting.remove(entry)
      this.#due.add(entry)
    }
  }

  /** Heard of again, from a better source perhaps. */
  #learnAgain(entry: Entry, source: AddressSource): void {
    entry.isForPrivate ||= PRIVATE_SOURCES.has(source)
    if (SOURCE_RANK[source] < SOURCE_RANK[entry.source]) this.#change(entry, () => (entry.source = source))
  }

  /** When the newcomer promises no less than some other address, that one is forgotten. */
  #makeRoomFor(newcomer: Entry): boolean {
    const worst = this.#replaceable.first
    const isWorthIt = worst !== undefined && this.#compare({ ...worst, order: 0 }, { ...newcomer, order: 0 }) >= 0
    if (isWorthIt) this.#forget(worst)
    return isWorthIt || newcomer.source === 'user'
  }

  #use(entry: Entry): void {
    this.#change(entry, () => entry.uses++)
  }

  #unuse(entry: Entry): void {
    this.#change(entry, () => (entry.uses = Math.max(0, entry.uses - 1)))
  }

  #change(entry: Entry, change: () => void): void {
    this.#takeOut(entry)
    change()
    this.#putBack(entry)
  }

  #forget(entry: Entry): void {
    this.#takeOut(entry)
    this.#entries.delete(addressKey(entry.address))
  }

  #takeOut(entry: Entry): void {
    this.#due.remove(entry)
    this.#waiting.remove(entry)
    this.#replaceable.remove(entry)
  }

  #putBack(entry: Entry): void {
    if (entry.uses > 0) return
    this.#waiting.add(entry)
    if (entry.source !== 'user') this.#replaceable.add(entry)
  }
}

/** What a further connection may bring, among those with as many failures. */
const Worth = { lost: 0, untried: 1, fruitless: 2, letGo: 3 } as const

function worth({ ending }: Entry): number {
  if (ending === null) return Worth.untried
  if (ending === 'orderly' || ending === 'failed') return Worth.lost
  return ending === 'fruitless' ? Worth.fruitless : Worth.letGo
}

/** How long an address rests after its last connection. */
function waitAfter({ ending, source, failures, fruitless }: Entry): number {
  if (ending === 'useless') return USELESS_MS
  if (ending === 'replaced') return REPLACED_MS
  const doubled = (first: number, times: number): number => Math.min(MAX_RETRY_MS, first * 2 ** Math.min(times, 12))
  const wait = failures > 0 ? doubled(FIRST_RETRY_MS, failures) : doubled(RECONNECT_MS, Math.max(0, fruitless - 1))
  return source === 'user' ? Math.min(wait, MAX_USER_RETRY_MS) : wait
}
