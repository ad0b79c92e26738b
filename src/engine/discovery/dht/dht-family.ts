// Our node in one of the two networks, IPv4 or IPv6 (BEP 32): its socket, its id, its table, and what it keeps for others. It
// answers, and runs lookups; what they are for is the business of whoever starts them. That it keeps its place is the business
// of `dht-upkeep.ts`.
import type { Address } from '../../../base/address.ts'
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
  type KrpcError,
  type KrpcMessage,
  type KrpcQuery,
  type KrpcResponse,
  type SavedFamily,
} from '../../../protocol/dht/index.ts'
import { DhtExchange, type QuestionHandler } from './dht-exchange.ts'
import { DhtUpkeep, findNode, type SearchOptions, type UpkeepOwner } from './dht-upkeep.ts'
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
  /** Looks up well-known nodes of this family; asked for only when too few others are known. */
  readonly findRouters: () => Promise<readonly Address[]>
  readonly areRoutersMembers: boolean
}

export class DhtFamily implements Asker, UpkeepOwner {
  readonly family: Family
  readonly size = new NetworkSize()
  readonly #platform: DhtPlatform
  readonly #options: DhtFamilyOptions
  readonly #external = new ExternalAddress()
  readonly #limiter: QueryLimiter
  readonly #responder: Responder
  readonly #upkeep: DhtUpkeep
  #table: RoutingTable
  #exchange: DhtExchange | null = null
  #socket: UdpSocket | null = null
  /** Whatever is sent to it is left aside. */
  isQuiet = false

  constructor(platform: DhtPlatform, options: DhtFamilyOptions) {
    const { clock, random } = platform
    const now = clock.now()
    this.family = options.family
    this.#platform = platform
    this.#options = options
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
    const { findRouters, saved } = options
    this.#upkeep = new DhtUpkeep(this, { clock, random, findRouters, remembered: saved?.contacts ?? [] })
  }

  get table(): RoutingTable {
    return this.#table
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

  get hasJoined(): boolean {
    return this.#upkeep.hasJoined
  }

  get isOpen(): boolean {
    return this.#exchange !== null
  }

  /** What is worth remembering: our id, and nodes by which the network can be found again. */
  get saved(): SavedFamily {
    return { id: this.id, contacts: this.#upkeep.worthRemembering }
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
    this.#upkeep.addNode(address)
  }

  /** The nodes of the table that are closest to `target`. */
  closest(target: Uint8Array, count = BUCKET_SIZE): Contact[] {
    return this.#table.closest(target, count)
  }

  /** Time has passed: a few times a second. */
  tick(now: number): void {
    if (this.#exchange === null) return
    this.#exchange.tick(now)
    this.#responder.tick(now)
    this.#upkeep.tick(now)
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
    // Where some are to be avoided, those next to them are needed.
    const count = (options.isAvoided === undefined ? 2 : 8) * BUCKET_SIZE
    const known = [...this.closest(target, count), ...(options.contacts ?? [])]
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
    if (this.isQuiet) return
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
    if (this.#isWelcome(id, address) && this.#table.queried({ id, address }, now)) this.#upkeep.addNewcomer(address)
  }

  #onReply({ id, externalAddress }: KrpcResponse, address: Address): void {
    // It would burden well-known nodes to have them in everybody's table.
    const isMember = this.#options.areRoutersMembers || !this.#upkeep.isRouter(address)
    const isWanted = isMember && this.#isWelcome(id, address)
    if (isWanted) this.#table.answered({ id, address }, this.#platform.clock.now())
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
