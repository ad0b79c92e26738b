// Items that others have put here (BEP 44). What must hold: memory is bounded (a thousand items of 1,000 bytes and some), a
// mutable item never goes back to an older number, and what is not put again is forgotten.
// Signatures have been checked before; a value is found under its own target, and nowhere else.
import { equalBytes } from '../../base/bytes.ts'
import { addressRange } from './address-range.ts'
import { itemTarget, type Item } from './item.ts'
import { ERROR_CAS_MISMATCH, ERROR_OLD_SEQ } from './krpc.ts'
import { compareDistance, idKey } from './node-id.ts'

/** Owners put their items again each hour. */
const ITEM_LIFE_MS = 2 * 60 * 60_000
const SWEEP_MS = 60_000

export interface StoredItemsLimits {
  /** Default 1,000. */
  readonly maxItems?: number
  /** Items put by one range of addresses. Default 50. */
  readonly maxOfRange?: number
}

/** Put it is, or why not: the number of an error of BEP 44, or `full`. */
export type PutResult = 'stored' | 'full' | typeof ERROR_CAS_MISMATCH | typeof ERROR_OLD_SEQ

interface StoredItem {
  readonly target: Uint8Array
  readonly item: Item
  /** Who has put it first; null: exempt. */
  readonly range: string | null
  readonly putAt: number
}

export class StoredItems {
  readonly #ownId: () => Uint8Array
  readonly #limits: Required<StoredItemsLimits>
  readonly #items = new Map<string, StoredItem>()
  #sweptAt = 0

  /** @param ownId where we are: what is closest to it is kept when there is too much */
  constructor(ownId: () => Uint8Array, limits: StoredItemsLimits = {}) {
    this.#ownId = ownId
    this.#limits = { maxItems: 1000, maxOfRange: 50, ...limits }
  }

  get size(): number {
    return this.#items.size
  }

  get(target: Uint8Array): Item | null {
    return this.#items.get(idKey(target))?.item ?? null
  }

  /** @param cas the number of the value that is to be replaced; null: any lower one */
  put(item: Item, cas: bigint | null, fromIp: string, now: number): PutResult {
    const target = itemTarget(item)
    const key = idKey(target)
    const stored = this.#items.get(key)
    const refusal = stored === undefined ? null : refusalOf(item, stored.item, cas)
    if (refusal !== null) return refusal
    const range = stored === undefined ? addressRange(fromIp) : stored.range
    if (stored === undefined && !this.#mayTake(target, range)) return 'full'
    this.#items.set(key, { target, item, range, putAt: now })
    return 'stored'
  }

  /** Forgets what nobody has put for two hours. Cheap to call often. */
  tick(now: number): void {
    if (now - this.#sweptAt < SWEEP_MS) return
    this.#sweptAt = now
    for (const [key, { putAt }] of this.#items) if (now - putAt >= ITEM_LIFE_MS) this.#items.delete(key)
  }

  #mayTake(target: Uint8Array, range: string | null): boolean {
    const { maxItems, maxOfRange } = this.#limits
    const all = [...this.#items.values()]
    if (range !== null && all.filter((other) => other.range === range).length >= maxOfRange) return false
    if (all.length < maxItems) return true
    const ownId = this.#ownId()
    const farthest = all.reduce((far, { target }) => (compareDistance(ownId, target, far) > 0 ? target : far), target)
    return this.#items.delete(idKey(farthest))
  }
}

function refusalOf(item: Item, stored: Item, cas: bigint | null): PutResult | null {
  if (item.kind === 'immutable' || stored.kind === 'immutable') return null
  if (cas !== null && cas !== stored.seq) return ERROR_CAS_MISMATCH
  if (item.seq < stored.seq) return ERROR_OLD_SEQ
  // The same again keeps it alive; another value under the same number does not replace it.
  return item.seq > stored.seq || equalBytes(item.value, stored.value) ? null : ERROR_OLD_SEQ
}
