// How a node keeps its place in one of the two networks. It enters by nodes of an earlier run, by those that somebody names,
// and by routers where all that is not enough; it asks newcomers, and those long not heard of, whether they are there; and it
// looks at parts of the network that it has not seen for long. Time comes with `tick`.
import { addressKey, type Address } from '../../../base/address.ts'
import type { Clock, Random } from '../../../platform/platform.ts'
import {
  BUCKET_SIZE,
  ID_BYTES,
  type Contact,
  type DhtRequest,
  type Lookup,
  type LookupOptions,
  type NetworkSize,
  type RoutingTable,
} from '../../../protocol/dht/index.ts'
import type { QuestionHandler } from './dht-exchange.ts'
import type { LookupHandler } from './run-lookup.ts'

export interface SearchOptions extends LookupOptions {
  /** Nodes to begin with, beside those of the table. */
  readonly contacts?: readonly Contact[]
  /** The same, of whom only the address is known. */
  readonly addresses?: readonly Address[]
}

/** Whose place it is. */
export interface UpkeepOwner {
  /** Another one, once we have taken another id. */
  readonly table: RoutingTable
  readonly size: NetworkSize
  ask(to: Address, request: DhtRequest, handler: QuestionHandler): void
  search(target: Uint8Array, handler: LookupHandler, options?: SearchOptions): Lookup
  onTimeout(contact: Contact): void
}

export interface UpkeepParts {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'bytes'>
  /** Nodes of an earlier run. */
  readonly remembered: readonly Contact[]
  /** Looks up well-known nodes. Called only when too few others are known, and again when it has found none. */
  readonly findRouters: () => Promise<readonly Address[]>
}

/** Addresses without an id, to begin with: what peers and torrents name. */
const MAX_NAMED = 100
/** Nodes that have asked us, and are to be asked whether they answer. */
const MAX_NEWCOMERS = 32
const MAINTAIN_MS = 5000
/** A table with few nodes is filled again after this, then after twice as long, and so on. */
const JOIN_AGAIN_MS = 15_000
const JOIN_AGAIN_MOST_MS = 300_000
/** Lookups for targets that nobody could know, when we have come: they fill the table and tell how large the network is. */
const FIRST_LOOKUPS = 4
/** Another such lookup follows after this, then after twice as long, and so on: what we found may have been a small beginning. */
const EXPLORE_AGAIN_MS = 30_000
const EXPLORE_AGAIN_MOST_MS = 600_000

export class DhtUpkeep {
  readonly #owner: UpkeepOwner
  readonly #parts: UpkeepParts
  /** Nodes of a time when all was well. */
  #remembered: readonly Contact[]
  readonly #named: Address[] = []
  readonly #newcomers: Address[] = []
  #routers: readonly Address[] = []
  #isFindingRouters = false
  #maintainedAt = -Infinity
  #joinedAt = -Infinity
  #joinAt = -Infinity
  #joinAgainMs = JOIN_AGAIN_MS
  #exploreAt = Infinity
  #exploreAgainMs = EXPLORE_AGAIN_MS
  #isJoining = false
  #hasJoined = false
  /** Those remembered have led nowhere. */
  #isForgotten = false

  constructor(owner: UpkeepOwner, parts: UpkeepParts) {
    this.#owner = owner
    this.#parts = parts
    this.#remembered = parts.remembered
  }

  /** Nodes by which the network can be found again. */
  get worthRemembering(): readonly Contact[] {
    const { contacts } = this.#owner.table
    if (contacts.length >= BUCKET_SIZE) return contacts
    const keys = new Set(contacts.map(({ address }) => addressKey(address)))
    return [...contacts, ...this.#remembered.filter(({ address }) => !keys.has(addressKey(address)))]
  }

  /** A node that somebody names: a peer (PORT message), a torrent. It is asked soon. */
  addNode(address: Address): void {
    if (!isAmong(this.#named, address) && this.#named.length < MAX_NAMED) this.#named.push(address)
    if (this.#isLonely) this.#joinAt = Math.min(this.#joinAt, this.#joinedAt + JOIN_AGAIN_MS)
  }

  /** A node that has asked us, and would have a place in the table if it answered. */
  addNewcomer(address: Address): void {
    if (this.#newcomers.length < MAX_NEWCOMERS && !isAmong(this.#newcomers, address)) this.#newcomers.push(address)
  }

  /** It has looked for its place, and found somebody. */
  get hasJoined(): boolean {
    return this.#hasJoined
  }

  isRouter(address: Address): boolean {
    return isAmong(this.#routers, address)
  }

  /** Time has passed: a few times a second. */
  tick(now: number): void {
    const due = this.#newcomers.shift()
    if (due !== undefined) this.#check(due)
    if (now - this.#maintainedAt >= MAINTAIN_MS) this.#maintain(now)
    const named = this.#named.shift()
    if (named !== undefined) this.#check(named)
  }

  get #isLonely(): boolean {
    return this.#owner.table.size < BUCKET_SIZE
  }

  #maintain(now: number): void {
    this.#maintainedAt = now
    const { table } = this.#owner
    const due = table.toCheck(now)
    if (due !== null) this.#check(due.address, due)
    if ((!this.#hasJoined || this.#isLonely) && !this.#isJoining && now >= this.#joinAt) this.#join(now)
    const target = table.toRefresh(now, this.#parts.random.bytes(ID_BYTES))
    if (target !== null) this.#owner.search(target, findNode(target))
    else if (now >= this.#exploreAt) this.#exploreAgain(now)
  }

  #exploreAgain(now: number): void {
    this.#exploreAt = now + this.#exploreAgainMs
    this.#exploreAgainMs = Math.min(2 * this.#exploreAgainMs, EXPLORE_AGAIN_MOST_MS)
    this.#explore()
    if (!this.#isLonely) this.#remembered = this.#owner.table.contacts
  }

  /** Is it there? Its answer finds its own way into the table. `contact`: one of the table's. */
  #check(address: Address, contact?: Contact): void {
    this.#owner.ask(
      address,
      { method: 'ping' },
      {
        onReply: ({ id }) => {
          const { table } = this.#owner
          if (contact === undefined && this.#isLonely)
            this.#owner.search(table.ownId, findNode(table.ownId), { contacts: [{ id, address }] })
        },
        onFailure: (reason) => {
          if (contact !== undefined && reason === 'timed_out') this.#owner.onTimeout(contact)
        },
      },
    )
  }

  /** Finds our place in the network: whoever is close to us, and some of all that are not. */
  #join(now: number): void {
    this.#joinAt = now + this.#joinAgainMs
    this.#joinAgainMs = Math.min(2 * this.#joinAgainMs, JOIN_AGAIN_MOST_MS)
    const { table } = this.#owner
    const contacts = this.#remembered
    const needsRouters = this.#isForgotten || contacts.length + table.size < BUCKET_SIZE
    if (needsRouters && this.#routers.length === 0) void this.#findRouters()
    const addresses = [...this.#named.splice(0), ...(needsRouters ? this.#routers : [])]
    if (contacts.length + table.size + addresses.length === 0) return
    this.#joinedAt = now
    this.#isJoining = true
    const onEnd = (): void => this.#onJoined(needsRouters)
    const target = table.ownId
    this.#owner.search(target, { ...findNode(target), onEnd }, { contacts, addresses })
  }

  #onJoined(usedRouters: boolean): void {
    const now = this.#parts.clock.now()
    this.#isJoining = false
    this.#hasJoined = this.#owner.table.size > 0
    this.#isForgotten = !this.#hasJoined
    if (!this.#hasJoined) {
      if (!usedRouters) this.#joinAt = now
      return
    }
    if (!this.#isLonely) this.#joinAgainMs = JOIN_AGAIN_MS
    this.#exploreAt = Math.min(this.#exploreAt, now + this.#exploreAgainMs)
    for (let i = 0; i < FIRST_LOOKUPS; i++) this.#explore()
  }

  async #findRouters(): Promise<void> {
    if (this.#isFindingRouters) return
    this.#isFindingRouters = true
    this.#routers = await this.#parts.findRouters()
    this.#isFindingRouters = false
    if (this.#routers.length === 0) return
    this.#joinAt = -Infinity
    this.#maintainedAt = -Infinity
  }

  /** Looks at some part of the network, for the table and for an idea of its size. */
  #explore(): void {
    const target = this.#parts.random.bytes(ID_BYTES)
    const onEnd = (lookup: Lookup): void => {
      const closest = lookup.closest().map(({ contact }) => contact)
      this.#owner.size.add(target, closest)
    }
    this.#owner.search(target, { ...findNode(target), onEnd })
  }
}

export function findNode(target: Uint8Array): LookupHandler {
  return { request: { method: 'find_node', target, want: [] }, onEnd: () => {} }
}

function isAmong(addresses: readonly Address[], address: Address): boolean {
  const key = addressKey(address)
  return addresses.some((each) => addressKey(each) === key)
}
