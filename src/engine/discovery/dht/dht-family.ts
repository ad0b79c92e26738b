// Our node in one of the two networks, IPv4 or IPv6 (BEP 32): its socket, its id, its table, and what it keeps for others. It
// answers, keeps its table fresh, and runs lookups; what they are for is the business of whoever starts them.
import { addressKey, type Address } from '../../../base/address.ts'
import { FormatError } from '../../../base/errors.ts'
import type { Platform, UdpSocket } from '../../../platform/platform.ts'
import {
  BUCKET_SIZE,
  decodeKrpc,
  encodeKrpc,
  ExternalAddress,
  familyOf,
  ID_BYTES,
  isSecureId,
  Lookup,
  NetworkSize,
  QueryLimiter,
  Responder,
  RoutingTable,
  secureId,
  type Contact,
  type DhtAnswer,
  type DhtRequest,
  type Family,
  type Found,
  type KrpcError,
  type KrpcMessage,
  type KrpcQuery,
  type KrpcResponse,
  type LookupOptions,
  type SavedFamily,
} from '../../../protocol/dht/index.ts'
import { DhtExchange, type QuestionHandler } from './dht-exchange.ts'
import { runLookup, type Asker, type LookupHandler } from './run-lookup.ts'
import { isUsableAddress } from './usable-address.ts'

export type DhtPlatform = Pick<Platform, 'clock' | 'random' | 'network'>

export interface DhtFamilyOptions {
  readonly family: Family
  /** What was remembered of an earlier run. */
  readonly saved: SavedFamily | undefined
  readonly isReadOnly: boolean
  readonly maxAskedPerSecond: number
  readonly maxAnsweredPerSecond: number
  /** Nodes of the other family, for those who ask for both. */
  readonly closestOf: (target: Uint8Array, family: Family) => readonly Contact[]
}

export interface SearchOptions extends LookupOptions {
  /** Nodes to begin with, beside those of the table. */
  readonly contacts?: readonly Contact[]
  /** The same, of whom only the address is known. */
  readonly addresses?: readonly Address[]
}

/** Addresses without an id, to begin with: routers, what peers and torrents name. */
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

export class DhtFamily implements Asker {
  readonly family: Family
  readonly size = new NetworkSize()
  readonly #platform: DhtPlatform
  readonly #options: DhtFamilyOptions
  readonly #external = new ExternalAddress()
  readonly #limiter: QueryLimiter
  readonly #responder: Responder
  #table: RoutingTable
  #exchange: DhtExchange | null = null
  #socket: UdpSocket | null = null
  /** Known from earlier: asked when we join. */
  #remembered: readonly Contact[]
  #named: Address[] = []
  #routers: readonly Address[] = []
  #newcomers: Contact[] = []
  #maintainedAt = -Infinity
  #joinAt = -Infinity
  #joinAgainMs = JOIN_AGAIN_MS
  #exploreAt = Infinity
  #exploreAgainMs = EXPLORE_AGAIN_MS
  #isJoining = false
  #hasJoined = false

  constructor(platform: DhtPlatform, options: DhtFamilyOptions) {
    const { clock, random } = platform
    const now = clock.now()
    this.family = options.family
    this.#platform = platform
    this.#options = options
    this.#remembered = options.saved?.contacts ?? []
    this.#table = new RoutingTable(options.saved?.id ?? random.bytes(ID_BYTES), now)
    this.#limiter = new QueryLimiter({ maxPerSecond: options.maxAnsweredPerSecond })
    this.#responder = new Responder(
      {
        family: this.family,
        ownId: () => this.id,
        closest: options.closestOf,
        randomBytes: (length) => random.bytes(length),
        randomBelow: (limit) => random.below(limit),
      },
      now,
    )
  }

  get id(): Uint8Array {
    return this.#table.ownId
  }

  /** Where we listen; null before `open`. */
  get local(): Pick<UdpSocket, 'ip' | 'port'> | null {
    return this.#socket
  }

  /** Nodes that have answered and are in the table. */
  get nodes(): number {
    return this.#table.size
  }

  /** Where others see us; null while they have not agreed. */
  get externalIp(): string | null {
    return this.#external.ip
  }

  get stored(): { readonly infohashes: number; readonly peers: number; readonly items: number } {
    const { peers, items } = this.#responder
    return { infohashes: peers.infohashCount, peers: peers.size, items: items.size }
  }

  get isOpen(): boolean {
    return this.#exchange !== null
  }

  /** What is worth remembering: our id, and the nodes that have answered; before there are any, those of the last time. */
  get saved(): SavedFamily {
    const { contacts } = this.#table
    return { id: this.id, contacts: contacts.length > 0 ? contacts : this.#remembered }
  }

  /** Rejects with NetworkError when the address cannot be had. */
  async open(ip: string, port: number): Promise<void> {
    const { network, random, clock } = this.#platform
    this.#socket = await network.openUdp({ ip, port }, (datagram, from) => this.#onDatagram(datagram, from))
    this.#exchange = new DhtExchange(this.#socket, {
      clock,
      random,
      ownId: () => this.id,
      isReadOnly: this.#options.isReadOnly,
      maxPerSecond: this.#options.maxAskedPerSecond,
    })
  }

  close(): void {
    const exchange = this.#exchange
    this.#exchange = null
    exchange?.close()
  }

  /** A node that somebody names: a peer (PORT message), a torrent. It is asked soon. */
  addNode(address: Address): void {
    const isNew = !this.#named.some((named) => addressKey(named) === addressKey(address))
    if (isNew && this.#named.length < MAX_NAMED) this.#named.push(address)
  }

  /** Well-known nodes: asked only while nobody else is known, and never part of the table, which would burden them. */
  setRouters(addresses: readonly Address[]): void {
    this.#routers = addresses
  }

  /** The nodes of the table that are closest to `target`. */
  closest(target: Uint8Array, count = BUCKET_SIZE): Contact[] {
    return this.#table.closest(target, count)
  }

  /** Time has passed: a few times a second. */
  tick(now: number): void {
    if (this.#exchange === null) return
    this.#exchange.tick(now)
    if (this.#named.length > 0) this.#check(this.#named.shift()!)
    if (this.#newcomers.length > 0) this.#check(this.#newcomers.shift()!.address)
    if (now - this.#maintainedAt >= MAINTAIN_MS) this.#maintain(now)
  }

  /** Asks one node. The handler is called later, once. */
  ask(to: Address, request: DhtRequest, handler: QuestionHandler): void {
    this.#exchange?.ask(to, request, {
      onSlow: () => handler.onSlow?.(),
      onReply: (response) => {
        this.#onReply(response, to)
        handler.onReply(response)
      },
      onFailure: (reason, error) => handler.onFailure(reason, error),
    })
  }

  /** Looks for the nodes closest to `target`. Stopping the lookup ends it at the next answer. */
  search(target: Uint8Array, handler: LookupHandler, options: SearchOptions = {}): Lookup {
    const known = [...this.closest(target, 2 * BUCKET_SIZE), ...(options.contacts ?? [])]
    const lookup = new Lookup(target, known, options)
    runLookup(this, lookup, handler, options.addresses ?? [])
    return lookup
  }

  usableNodes({ nodes = [] }: DhtAnswer, teller: Address): Contact[] {
    return nodes.filter(({ address }) => familyOf(address.ip) === this.family && isUsableAddress(address, teller.ip))
  }

  onTimeout(contact: Contact): void {
    this.#table.failed(contact, this.#platform.clock.now())
  }

  // ---------------------------------------------------------------- what others send

  #onDatagram(datagram: Uint8Array, from: Address): void {
    const message = readMessage(datagram)
    if (message === null || this.#exchange === null) return
    if (message.kind === 'response' || message.kind === 'error') this.#exchange.receive(message, from)
    else this.#answer(message, from)
  }

  #answer(message: Exclude<KrpcMessage, KrpcResponse | KrpcError>, from: Address): void {
    const now = this.#platform.clock.now()
    if (this.#options.isReadOnly || !this.#limiter.mayAnswer(from.ip, now)) return
    if (message.kind === 'bad_query') {
      this.#socket!.send(encodeKrpc({ ...message, kind: 'error' }), from)
      return
    }
    this.#socket!.send(encodeKrpc(this.#responder.answer(message, from, now)), from)
    if (!message.isReadOnly) this.#meet(message, from, now)
  }

  /** Whoever asks may be worth knowing, once it has answered. */
  #meet({ id }: KrpcQuery, address: Address, now: number): void {
    if (!this.#isWelcome(id, address) || this.#newcomers.length >= MAX_NEWCOMERS) return
    const isWaiting = this.#newcomers.some((newcomer) => addressKey(newcomer.address) === addressKey(address))
    if (!isWaiting && this.#table.queried({ id, address }, now)) this.#newcomers.push({ id, address })
  }

  #onReply({ id, externalAddress }: KrpcResponse, address: Address): void {
    const isRouter = this.#routers.some((router) => addressKey(router) === addressKey(address))
    if (!isRouter && this.#isWelcome(id, address)) this.#table.answered({ id, address }, this.#platform.clock.now())
    if (externalAddress === null || familyOf(externalAddress.ip) !== this.family) return
    this.#external.vote(address.ip, externalAddress.ip)
    const ip = this.#external.ip
    if (ip !== null && !isSecureId(this.id, ip)) this.#takeId(secureId(ip, this.#platform.random.bytes(ID_BYTES)))
  }

  /** Whose id does not belong to its address may not know its address yet: it will do while there is nobody else. */
  #isWelcome(id: Uint8Array, { ip }: Address): boolean {
    return this.#table.size < BUCKET_SIZE || isSecureId(id, ip)
  }

  /** We have another place in the network from now on. Whom we know we still know. */
  #takeId(id: Uint8Array): void {
    const now = this.#platform.clock.now()
    const { contacts } = this.#table
    this.#table = new RoutingTable(id, now)
    for (const contact of contacts) this.#table.answered(contact, now)
    this.search(id, findNode(id))
  }

  // ---------------------------------------------------------------- upkeep

  #maintain(now: number): void {
    this.#maintainedAt = now
    this.#responder.tick(now)
    const due = this.#table.toCheck(now)
    if (due !== null) this.#check(due.address, due)
    const isWanted = !this.#hasJoined || this.#table.size < BUCKET_SIZE
    if (isWanted && !this.#isJoining && now >= this.#joinAt) this.#join()
    const target = this.#table.toRefresh(now, this.#platform.random.bytes(ID_BYTES))
    if (target !== null) this.#explore(target)
    else if (now >= this.#exploreAt) this.#exploreAgain(now)
  }

  #exploreAgain(now: number): void {
    this.#explore(this.#platform.random.bytes(ID_BYTES))
    this.#exploreAt = now + this.#exploreAgainMs
    this.#exploreAgainMs = Math.min(2 * this.#exploreAgainMs, EXPLORE_AGAIN_MOST_MS)
  }

  /** Is it there? Its answer finds its own way into the table. `contact`: one of the table's. */
  #check(address: Address, contact?: Contact): void {
    this.ask(
      address,
      { method: 'ping' },
      {
        onReply: ({ id }) => {
          const isLonely = this.#table.size <= BUCKET_SIZE
          if (isLonely && contact === undefined)
            this.search(this.id, findNode(this.id), { contacts: [{ id, address }] })
        },
        onFailure: (reason) => {
          if (contact !== undefined && reason === 'timed_out') this.onTimeout(contact)
        },
      },
    )
  }

  /** Finds our place in the network: whoever is close to us, and some of all that are not. */
  #join(): void {
    const contacts = this.#remembered
    const isForgotten = contacts.length + this.#table.size < BUCKET_SIZE
    const addresses = [...this.#named.splice(0), ...(isForgotten ? this.#routers : [])]
    if (contacts.length + this.#table.size + addresses.length === 0) return
    this.#isJoining = true
    const onEnd = (): void => {
      this.#isJoining = false
      this.#hasJoined = this.#table.size > 0
      this.#joinAgainMs =
        this.#table.size >= BUCKET_SIZE ? JOIN_AGAIN_MS : Math.min(2 * this.#joinAgainMs, JOIN_AGAIN_MOST_MS)
      const now = this.#platform.clock.now()
      this.#joinAt = now + this.#joinAgainMs
      this.#exploreAt = Math.min(this.#exploreAt, now + this.#exploreAgainMs)
      // What was remembered has led nowhere: the routers are asked the next time.
      if (!this.#hasJoined) this.#remembered = []
      else for (let i = 0; i < FIRST_LOOKUPS; i++) this.#explore(this.#platform.random.bytes(ID_BYTES))
    }
    this.search(this.id, { ...findNode(this.id), onEnd }, { contacts, addresses })
  }

  /** Looks at a part of the network, for the table and for an idea of its size. */
  #explore(target: Uint8Array): void {
    const onEnd = (lookup: Lookup): void => this.size.add(target, contactsOf(lookup.closest()))
    this.search(target, { ...findNode(target), onEnd })
  }
}

function findNode(target: Uint8Array): LookupHandler {
  return { request: { method: 'find_node', target, want: [] }, onEnd: () => {} }
}

function contactsOf(found: readonly Found[]): Contact[] {
  return found.map(({ contact }) => contact)
}

/** Null for what is no message. */
function readMessage(datagram: Uint8Array): KrpcMessage | null {
  try {
    return decodeKrpc(datagram)
  } catch (error) {
    if (error instanceof FormatError) return null
    throw error
  }
}
