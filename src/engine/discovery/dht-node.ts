// Our node in the distributed hash table (BEP 5, 32, 33, 42, 43, 44, 51): one for all torrents, in the networks of IPv4 and
// IPv6. It joins them by nodes remembered from the last run, by those that torrents and peers name, and by routers; it finds
// peers and announces us, gets and puts items, and answers others. Time comes with `tick`: there is no timer in here.
// What a private torrent must not do (BEP 27) is the business of whoever starts a search.
import { ipAddress, ipScope, parseIp, type Address } from '../../base/address.ts'
import { FormatError, NetworkError } from '../../base/errors.ts'
import {
  decodeSavedNodes,
  encodeSavedNodes,
  familyOf,
  itemTarget,
  type Contact,
  type DhtAnswer,
  type DhtRequest,
  type Family,
  type Item,
  type KrpcResponse,
  type Lookup,
  type SampleAnswer,
  type SavedNodes,
} from '../../protocol/dht/index.ts'
import type { DhtOptions, DhtTask, FamilyStatus, FindPeersOptions, PutOptions, Router } from './dht/dht-api.ts'
import { DhtFamily, type DhtPlatform } from './dht/dht-family.ts'
import { ItemSearch, type ItemSearchResult } from './dht/item-search.ts'
import { PeerSearch, type PeerSearchResult } from './dht/peer-search.ts'

const DEFAULT_ASKED_PER_SECOND = 100
const DEFAULT_ANSWERED_PER_SECOND = 500
const ANY_IP = { 4: '0.0.0.0', 6: '::' } as const

export class DhtNode {
  readonly #platform: DhtPlatform
  readonly #options: DhtOptions
  readonly #families = new Map<Family, DhtFamily>()
  #isClosed = false

  private constructor(platform: DhtPlatform, options: DhtOptions, saved: SavedNodes) {
    this.#platform = platform
    this.#options = options
    const families = options.bind === undefined ? ([4, 6] as const) : [familyOf(options.bind)]
    for (const family of families) {
      this.#families.set(
        family,
        new DhtFamily(platform, {
          family,
          saved: saved.get(family),
          isReadOnly: options.isReadOnly ?? false,
          maxAskedPerSecond: options.maxAskedPerSecond ?? DEFAULT_ASKED_PER_SECOND,
          maxAnsweredPerSecond: options.maxAnsweredPerSecond ?? DEFAULT_ANSWERED_PER_SECOND,
          closestOf: (target, family) => this.#families.get(family)?.closest(target) ?? [],
          findRouters: () => this.#findRouters(family),
          areRoutersMembers: options.areRoutersMembers ?? false,
        }),
      )
    }
  }

  /** Begins to listen. Rejects with NetworkError when the address cannot be had in any family. */
  static async open(platform: DhtPlatform, options: DhtOptions = {}): Promise<DhtNode> {
    const node = new DhtNode(platform, options, restore(options))
    await node.#open()
    return node
  }

  /** One for each network that we are in. */
  get status(): FamilyStatus[] {
    return [...this.#families.values()].map((family) => ({
      family: family.family,
      id: family.id,
      address: ipAddress(family.local!.ip, family.local!.port),
      hasJoined: family.hasJoined,
      nodes: family.nodes,
      externalIp: family.externalIp,
      networkSize: family.size.estimate,
      stored: family.stored,
    }))
  }

  /** The UDP port of a family, for PORT messages to peers; null where we are not in that network. */
  port(family: Family): number | null {
    return this.#families.get(family)?.local?.port ?? null
  }

  /** Nodes of both tables. */
  get nodes(): number {
    return [...this.#families.values()].reduce((count, { nodes }) => count + nodes, 0)
  }

  /** Says nothing to anybody, though others still know of us: neither answers, nor takes anything in. Not to be ticked meanwhile. */
  set isQuiet(isQuiet: boolean) {
    for (const family of this.#families.values()) family.isQuiet = isQuiet
  }

  /** Time has passed: to be called a few times a second. */
  tick(now: number): void {
    for (const family of this.#families.values()) family.tick(now)
  }

  /** A node that a peer names (PORT message). It is asked whether it is there. */
  addNode(address: Address): void {
    this.#families.get(familyOf(address.ip))?.addNode(address)
  }

  /**
   * A node that a torrent names. Who has made it may be anybody on the internet, who must not make us send anything into the local
   * network: addresses of that are left out, unless the whole DHT is one of our own.
   */
  async addNamedNode({ host, port }: Router): Promise<void> {
    const isOwnNetwork = this.#options.areRoutersMembers ?? false
    for (const address of await this.#lookUp(host, port)) {
      if (isOwnNetwork || ipScope(address.ip) === 'global') this.addNode(address)
    }
  }

  /** Finds peers of a torrent in all networks that we are in, and announces us where asked. */
  findPeers(infohash: Uint8Array, options: FindPeersOptions = {}): DhtTask<readonly PeerSearchResult[]> {
    const { announce = null, isSeed = false, isScrape = false, onPeers = () => {} } = options
    return this.#inAll(
      (family, onEnd) => new PeerSearch(family, { infohash, announce, isSeed, isScrape, onPeers, onEnd }),
    )
  }

  /** Gets an item. `salt`: that of a mutable one. */
  getItem(target: Uint8Array, salt: Uint8Array = new Uint8Array(0)): DhtTask<readonly ItemSearchResult[]> {
    return this.#inAll((family, onEnd) => new ItemSearch(family, { target, salt, item: null, cas: null, onEnd }))
  }

  /** Puts an item where others will look for it. It is kept for two hours. */
  putItem(item: Item, { cas }: PutOptions = {}): DhtTask<readonly ItemSearchResult[]> {
    const salt = item.kind === 'mutable' ? item.salt : new Uint8Array(0)
    const target = itemTarget(item)
    return this.#inAll((family, onEnd) => new ItemSearch(family, { target, salt, item, cas: cas ?? null, onEnd }))
  }

  /** The nodes closest to `target`, in each network. */
  findNodes(target: Uint8Array): Promise<readonly Contact[]> {
    const request: DhtRequest = { method: 'find_node', target, want: [] }
    const task = this.#inAll<readonly Contact[]>((family, onEnd) => ({
      start: () =>
        void family.search(target, {
          request,
          onEnd: (lookup) => onEnd(lookup.closest().map(({ contact }) => contact)),
        }),
      stop: () => {},
    }))
    return task.done.then((found) => found.flat())
  }

  /** Asks the nodes on the way to `target` for infohashes that they have (BEP 51). */
  sampleInfohashes(target: Uint8Array, onSample: (from: Contact, sample: SampleAnswer) => void): DhtTask<unknown> {
    const request: DhtRequest = { method: 'sample_infohashes', target, want: [] }
    return this.#inAll<null>((family, onEnd) => {
      let lookup: Lookup | null = null
      const onAnswer = (from: Contact, { samples }: DhtAnswer): void => {
        if (samples !== undefined) onSample(from, samples)
      }
      const start = (): void => {
        lookup = family.search(target, { request, onAnswer, onEnd: () => onEnd(null) })
      }
      return { start, stop: () => lookup?.stop() }
    })
  }

  /** Asks one node. Rejects with NetworkError `timed_out`, `refused`, or `not_sent`. */
  ask(address: Address, request: DhtRequest): Promise<KrpcResponse> {
    return new Promise((resolve, reject) => {
      const fail = (code: string, why: string): void =>
        reject(new NetworkError(code, `Cannot ask ${address.ip}, port ${address.port}: ${why}`))
      const family = this.#families.get(familyOf(address.ip))
      if (family === undefined || this.#isClosed) return fail('not_sent', 'we are not in its network')
      family.ask(address, request, {
        onReply: resolve,
        onFailure: (reason, error) =>
          fail(reason, error === null ? 'no answer' : `it says ${error.code} ${error.message}`),
      })
    })
  }

  /** What is worth remembering until the next run: some 13 KiB at most. */
  save(): Uint8Array {
    return encodeSavedNodes(new Map([...this.#families].map(([family, { saved }]) => [family, saved])))
  }

  /** Ends everything; what is under way comes to its end. */
  close(): void {
    this.#isClosed = true
    for (const family of this.#families.values()) family.close()
  }

  async #open(): Promise<void> {
    let failure: unknown = null
    for (const [number, family] of this.#families) {
      try {
        await this.#openFamily(family, this.#options.bind ?? ANY_IP[number])
      } catch (error) {
        failure = error
        this.#families.delete(number)
      }
    }
    if (this.#families.size === 0) throw failure
  }

  async #openFamily(family: DhtFamily, ip: string): Promise<void> {
    const { port, isAnyPortGood = false } = this.#options
    try {
      await family.open(ip, port ?? this.port(4) ?? 0)
    } catch (error) {
      if (!isAnyPortGood || !(error instanceof NetworkError) || error.code !== 'address_in_use') throw error
      await family.open(ip, 0)
    }
  }

  async #findRouters(family: Family): Promise<Address[]> {
    const found = await Promise.all((this.#options.routers ?? []).map(({ host, port }) => this.#lookUp(host, port)))
    return found.flat().filter(({ ip }) => familyOf(ip) === family)
  }

  /** Nobody is told of a name that nobody knows, except by the log. */
  async #lookUp(host: string, port: number): Promise<readonly Address[]> {
    try {
      const ips = parseIp(host) === null ? await this.#platform.network.lookup(host, 'any') : [parseIp(host)!]
      return ips.map((ip) => ipAddress(ip, port))
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      this.#options.log?.({ level: 'info', scope: 'dht', message: error.message })
      return []
    }
  }

  #inAll<Result>(make: (family: DhtFamily, onEnd: (result: Result) => void) => Search): DhtTask<readonly Result[]> {
    const searches: Search[] = []
    const ends = [...this.#families.values()].map(
      (family) =>
        new Promise<Result>((resolve) => {
          const search = make(family, resolve)
          searches.push(search)
          search.start()
        }),
    )
    return {
      done: Promise.all(ends),
      stop: () => {
        for (const search of searches) search.stop()
      },
    }
  }
}

interface Search {
  start(): void
  stop(): void
}

function restore({ saved, log }: DhtOptions): SavedNodes {
  if (saved === undefined) return new Map()
  try {
    return decodeSavedNodes(saved)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    log?.({ level: 'warn', scope: 'dht', message: error.message })
    return new Map()
  }
}
