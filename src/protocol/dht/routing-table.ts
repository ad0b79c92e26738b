// The nodes that we know, by their distance from us (BEP 5): many far ones in few buckets, few near ones in many.
// What it must weigh: a node that has long been there will stay, so that newcomers never push it out while it answers; one
// owner of addresses must not fill it (one node of each range); and only who has answered us is in it, since anybody can
// claim an address. Pure: who is to be asked whether it is still there is an answer of `toCheck`.
import { addressKey } from '../../base/address.ts'
import { equalBytes } from '../../base/bytes.ts'
import { addressRange } from './address-range.ts'
import type { Contact } from './contact.ts'
import { compareDistance, ID_BITS, idWithPrefix, sharedBits } from './node-id.ts'

export const BUCKET_SIZE = 8
/** A bucket in which nothing has happened for so long is looked into. */
const BUCKET_STALE_MS = 15 * 60_000
/** Who was not heard of for so long is asked. */
const NODE_STALE_MS = 10 * 60_000
/** And sooner, when somebody else waits for its place. */
const CONTESTED_MS = NODE_STALE_MS / 4
/** Failures in a row after which a node is gone. One datagram is lost easily. */
const MAX_FAILURES = 2
/** A node that is being asked whether it is there is not asked again for so long. */
const CHECK_MS = 10_000

interface Entry {
  readonly contact: Contact
  readonly key: string
  readonly range: string | null
  heardAt: number
  checkedAt: number
  failures: number
}

interface Bucket {
  /** Those heard of longest ago first. */
  entries: Entry[]
  /** Have answered once, and wait for a place; the newest last. */
  replacements: Entry[]
  changedAt: number
}

export class RoutingTable {
  readonly ownId: Uint8Array
  /** Bucket i has the nodes that share exactly i bits with us, the last one those that share at least as many. */
  readonly #buckets: Bucket[]
  /** Of the entries, not of replacements. */
  readonly #byAddress = new Map<string, Entry>()
  readonly #ranges = new Set<string>()

  constructor(ownId: Uint8Array, now: number) {
    this.ownId = ownId
    this.#buckets = [newBucket(now)]
  }

  /** Nodes that have answered. */
  get size(): number {
    return this.#byAddress.size
  }

  get contacts(): Contact[] {
    return this.#buckets.flatMap(({ entries }) => entries.map(({ contact }) => contact))
  }

  /** A node has answered a query of ours. */
  answered(contact: Contact, now: number): void {
    if (equalBytes(contact.id, this.ownId)) return
    const known = this.#byAddress.get(addressKey(contact.address))
    if (known !== undefined && equalBytes(known.contact.id, contact.id)) this.#refresh(known, now)
    else {
      // It has begun anew, with another id.
      if (known !== undefined) this.#remove(known, now)
      this.#insert(contact, now)
    }
  }

  /**
   * A node has sent us a query. True when it is unknown and would have a place if it answered: then it should be asked.
   */
  queried(contact: Contact, now: number): boolean {
    const known = this.#byAddress.get(addressKey(contact.address))
    if (known !== undefined) {
      // Anybody could have sent it in its name; but who has answered before and is not known to be gone, is there.
      if (known.failures === 0 && equalBytes(known.contact.id, contact.id)) this.#refresh(known, now)
      return false
    }
    if (equalBytes(contact.id, this.ownId)) return false
    const range = addressRange(contact.address.ip)
    if (range !== null && this.#ranges.has(range)) return false
    const bucket = this.#bucketOf(contact.id)
    return (
      bucket.entries.length < BUCKET_SIZE ||
      this.#canSplit(bucket) ||
      bucket.entries.some(({ failures }) => failures > 0)
    )
  }

  /** A node has not answered. */
  failed(contact: Contact, now: number): void {
    const entry = this.#byAddress.get(addressKey(contact.address))
    if (entry === undefined || ++entry.failures < MAX_FAILURES) return
    const bucket = this.#bucketOf(entry.contact.id)
    // Where nobody waits for its place it may be our own line that is broken.
    if (bucket.replacements.length === 0 && entry.failures < 3 * MAX_FAILURES) return
    this.#remove(entry, now)
    this.#promote(bucket, now)
  }

  /** The nodes closest to `target`, closest first; those that have failed lately come in only where others are missing. */
  closest(target: Uint8Array, count: number): Contact[] {
    const found: Contact[] = []
    const doubtful: Contact[] = []
    for (const group of this.#groupsBy(target)) {
      if (found.length >= count) break
      group.sort((a, b) => compareDistance(target, a.contact.id, b.contact.id))
      for (const { contact, failures } of group) (failures === 0 ? found : doubtful).push(contact)
    }
    return found.length >= count ? found.slice(0, count) : [...found, ...doubtful].slice(0, count)
  }

  /** A node that should be asked whether it is still there: one whose place another one waits for, or one long not heard of. */
  toCheck(now: number): Contact | null {
    let oldest: Entry | null = null
    for (const { entries, replacements } of this.#buckets) {
      for (const entry of entries) {
        const silentMs = now - entry.heardAt
        // Most need not be looked at any further.
        if (entry.failures === 0 && silentMs < CONTESTED_MS) continue
        if (now - entry.checkedAt < CHECK_MS) continue
        const isDue = entry.failures > 0 || silentMs >= NODE_STALE_MS
        // With somebody waiting, the one who was silent longest is asked sooner.
        const isContested = replacements.length > 0 && entry === entries[0]
        if ((isDue || isContested) && (oldest === null || entry.heardAt < oldest.heardAt)) oldest = entry
      }
    }
    if (oldest === null) return null
    oldest.checkedAt = now
    return oldest.contact
  }

  /** A target to look for, because nothing has happened in its part of the table for long; null where all is fresh. */
  toRefresh(now: number, random: Uint8Array): Uint8Array | null {
    for (const [shared, bucket] of this.#buckets.entries()) {
      if (now - bucket.changedAt < BUCKET_STALE_MS) continue
      bucket.changedAt = now
      const target = idWithPrefix(this.ownId, shared, random)
      if (shared === this.#buckets.length - 1) return target
      target[shared >> 3] = (target[shared >> 3] & ~bitMask(shared)) | (~this.ownId[shared >> 3] & bitMask(shared))
      return target
    }
    return null
  }

  #refresh(entry: Entry, now: number): void {
    entry.heardAt = now
    entry.failures = 0
    const { entries } = this.#bucketOf(entry.contact.id)
    entries.splice(entries.indexOf(entry), 1)
    entries.push(entry)
  }

  #insert(contact: Contact, now: number): void {
    const entry: Entry = {
      contact,
      key: addressKey(contact.address),
      range: addressRange(contact.address.ip),
      heardAt: now,
      checkedAt: -Infinity,
      failures: 0,
    }
    let bucket = this.#bucketOf(contact.id)
    // Whoever takes another one's id must wait until that one is gone.
    const namesake = bucket.entries.some(({ contact: { id } }) => equalBytes(id, contact.id))
    const isRangeTaken = entry.range !== null && this.#ranges.has(entry.range)
    if (namesake || isRangeTaken) return
    while (bucket.entries.length >= BUCKET_SIZE && this.#canSplit(bucket)) {
      this.#split(now)
      bucket = this.#bucketOf(contact.id)
    }
    const failed = bucket.entries.find(({ failures }) => failures >= MAX_FAILURES)
    if (bucket.entries.length >= BUCKET_SIZE && failed !== undefined) this.#remove(failed, now)
    if (bucket.entries.length < BUCKET_SIZE) this.#place(entry, bucket, now)
    else this.#keepForLater(entry, bucket)
  }

  #place(entry: Entry, bucket: Bucket, now: number): void {
    bucket.entries.push(entry)
    bucket.changedAt = now
    this.#byAddress.set(entry.key, entry)
    if (entry.range !== null) this.#ranges.add(entry.range)
  }

  #keepForLater(entry: Entry, bucket: Bucket): void {
    const isOther = ({ key, range }: Entry): boolean => key !== entry.key && (range === null || range !== entry.range)
    bucket.replacements = bucket.replacements.filter(isOther).slice(1 - BUCKET_SIZE)
    bucket.replacements.push(entry)
  }

  #remove(entry: Entry, now: number): void {
    const bucket = this.#bucketOf(entry.contact.id)
    bucket.entries = bucket.entries.filter((other) => other !== entry)
    bucket.changedAt = now
    this.#byAddress.delete(entry.key)
    if (entry.range !== null) this.#ranges.delete(entry.range)
  }

  /** The newest of those who wait, unless its range has got a place elsewhere. */
  #promote(bucket: Bucket, now: number): void {
    while (bucket.replacements.length > 0 && bucket.entries.length < BUCKET_SIZE) {
      const entry = bucket.replacements.pop()!
      const isTaken = entry.range !== null && this.#ranges.has(entry.range)
      if (!isTaken && !this.#byAddress.has(entry.key)) this.#place(entry, bucket, now)
    }
  }

  #bucketOf(id: Uint8Array): Bucket {
    return this.#buckets[Math.min(sharedBits(this.ownId, id), this.#buckets.length - 1)]
  }

  #canSplit(bucket: Bucket): boolean {
    return bucket === this.#buckets.at(-1) && this.#buckets.length < ID_BITS
  }

  #split(now: number): void {
    const shared = this.#buckets.length - 1
    const last = this.#buckets[shared]
    const next = newBucket(now)
    this.#buckets.push(next)
    const isNear = ({ contact }: Entry): boolean => sharedBits(this.ownId, contact.id) > shared
    next.entries = last.entries.filter(isNear)
    next.replacements = last.replacements.filter(isNear)
    last.entries = last.entries.filter((entry) => !isNear(entry))
    last.replacements = last.replacements.filter((entry) => !isNear(entry))
    this.#promote(last, now)
    this.#promote(next, now)
  }

  /** All entries in groups of which every member is closer to `target` than any of the groups that follow. */
  *#groupsBy(target: Uint8Array): Generator<Entry[]> {
    const own = Math.min(sharedBits(this.ownId, target), this.#buckets.length - 1)
    yield [...this.#buckets[own].entries]
    yield this.#buckets.slice(own + 1).flatMap(({ entries }) => entries)
    for (let i = own - 1; i >= 0; i--) yield [...this.#buckets[i].entries]
  }
}

function newBucket(now: number): Bucket {
  return { entries: [], replacements: [], changedAt: now }
}

function bitMask(bit: number): number {
  return 0x80 >> (bit & 7)
}
