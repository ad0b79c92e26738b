// The session's node in the DHT (BEP 5): one for all torrents, on the port that peers dial where it can be had. It finds peers for
// each torrent and announces us, in the order that `dht-search-queue.ts` says; it tells peers of itself and hears of theirs;
// what it knows of the network is remembered. A private torrent has no part in any of it (BEP 27); one of which nobody knows yet
// whether it is, is looked for but not announced.
import type { Address } from '../../base/address.ts'
import { fromHex } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Platform } from '../../platform/platform.ts'
import type { DhtOptions, DhtTask, FamilyStatus } from '../discovery/dht/dht-api.ts'
import { DhtMemory } from '../discovery/dht/dht-memory.ts'
import type { PeerSearchResult } from '../discovery/dht/peer-search.ts'
import { parseRouter, readRouters } from '../discovery/dht/router.ts'
import { DhtNode } from '../discovery/dht-node.ts'
import { DhtSearchQueue, type Sought } from '../discovery/dht-search-queue.ts'
import type { DhtLink } from '../torrent/dht-link.ts'
import type { Torrent } from '../torrent/torrent.ts'
import type { SessionOptions } from './settings.ts'

/** Where the network is entered. */
export type Entrance = Pick<DhtOptions, 'routers' | 'areRoutersMembers'>

/** Throws TypeError for a router that is none. */
export function readEntrance({ dhtRouters }: Pick<SessionOptions, 'dhtRouters'>): Entrance {
  // Those that somebody has set up for their own network are as good as any node of it.
  return { routers: readRouters(dhtRouters), areRoutersMembers: dhtRouters !== undefined }
}

/** As much of a torrent as is needed to look for its peers. */
export type SoughtTorrent = Pick<Torrent, 'infohash' | 'metainfo' | 'state' | 'isPublic' | 'isPrivate' | 'addFound'>

const FIRST_SAVE_MS = 5 * 60_000
const SAVE_EVERY_MS = 30 * 60_000
/** Nodes that one torrent names. */
const MAX_NAMED_NODES = 20
/** Nodes that all of them name before we have one. */
const MAX_NAMED_BEFORE = 200

export class SessionDht implements DhtLink {
  readonly #platform: Platform
  readonly #entrance: Entrance
  readonly #localIp: string | undefined
  readonly #listenPort: number
  readonly #log: Log
  readonly #queue = new DhtSearchQueue<SoughtTorrent>()
  readonly #searches = new Map<SoughtTorrent, DhtTask<readonly PeerSearchResult[]>>()
  /** Nodes that torrents have named before there was one of ours. */
  readonly #named: string[] = []
  #node: DhtNode | null = null
  #memory: DhtMemory | null = null
  /** While there are no others than these, nobody is told of us. */
  readonly #privateOnes = new Set<SoughtTorrent>()
  #saveAt: number
  #opening: Promise<void> | null = null
  #isClosed = false

  /** @param listenPort where peers dial us */
  constructor(
    platform: Platform,
    entrance: Entrance,
    { bind, log = () => {} }: Pick<SessionOptions, 'bind' | 'log'>,
    listenPort: number,
  ) {
    this.#platform = platform
    this.#entrance = entrance
    this.#localIp = bind
    this.#listenPort = listenPort
    this.#log = log
    this.#saveAt = platform.clock.now() + FIRST_SAVE_MS
  }

  /** Never rejects for what network and disk do: without a node, peers are found in other ways. */
  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** One for each network that we are in; empty while it is being opened, and where it cannot be. */
  get status(): FamilyStatus[] {
    return this.#node?.status ?? []
  }

  portFor(ip: string): number | null {
    return this.#node?.port(ip.includes(':') ? 6 : 4) ?? null
  }

  addNode(address: Address): void {
    this.#node?.addNode(address)
  }

  /**
   * A torrent has come, has begun to meet peers, or has turned out to be private: unless it is that, it is looked for soon.
   * @param nodes that it names, `host:port`
   */
  seek(torrent: SoughtTorrent, nodes: readonly string[] = []): void {
    if (torrent.isPrivate) {
      this.forget(torrent)
      this.#privateOnes.add(torrent)
      return
    }
    this.#queue.seek(torrent, this.#platform.clock.now())
    this.#meet(nodes.slice(0, MAX_NAMED_NODES))
  }

  /** It has left. */
  forget(torrent: SoughtTorrent): void {
    this.#privateOnes.delete(torrent)
    this.#queue.forget(torrent)
    this.#searches.get(torrent)?.stop()
  }

  /** Our address has changed, or may have: the machine has slept. All are looked for, and we are announced, anew. */
  onAddressChange(now: number): void {
    this.#queue.onAddressChange(now)
  }

  tick(now: number): void {
    const node = this.#node
    if (node === null) return
    const isQuiet = this.#isForPrivateOnes
    node.isQuiet = isQuiet
    if (isQuiet) return
    node.tick(now)
    if (now >= this.#saveAt) {
      this.#saveAt = now + SAVE_EVERY_MS
      void this.#save(node)
    }
    const next = node.nodes > 0 ? this.#queue.next(now) : null
    if (next !== null) this.#search(node, next)
  }

  /** What it knows is saved. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening
    const node = this.#node
    this.#node = null
    if (node !== null) await this.#save(node)
    node?.close()
    await this.#memory?.close()
  }

  async #open(): Promise<void> {
    const log = this.#log
    this.#memory = await DhtMemory.open(this.#platform.state, log)
    if (this.#isClosed) return
    try {
      this.#node = await DhtNode.open(this.#platform, {
        port: this.#listenPort,
        isAnyPortGood: true,
        bind: this.#localIp,
        ...this.#entrance,
        saved: this.#memory?.saved,
        log,
      })
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      log({ level: 'warn', scope: 'dht', message: `No DHT: ${error.message}` })
      return
    }
    this.#node.isQuiet = this.#isForPrivateOnes
    this.#meet(this.#named.splice(0))
  }

  get #isForPrivateOnes(): boolean {
    return this.#privateOnes.size > 0 && this.#queue.size === 0
  }

  #meet(nodes: readonly string[]): void {
    if (this.#node === null) this.#named.push(...nodes.slice(0, MAX_NAMED_BEFORE - this.#named.length))
    else for (const named of nodes.map(parseRouter)) if (named !== null) void this.#node.addNamedNode(named)
  }

  #search(node: DhtNode, sought: Sought<SoughtTorrent>): void {
    const { torrent } = sought
    const search = node.findPeers(fromHex(torrent.infohash)!, {
      ...(torrent.metainfo !== null && { announce: { port: this.#listenPort } }),
      isSeed: torrent.state === 'seeding',
      onPeers: (peers) => {
        if (this.#queue.has(torrent)) torrent.addFound(peers, 'dht')
      },
    })
    this.#searches.set(torrent, search)
    void search.done.then((results) => {
      if (this.#searches.get(torrent) === search) this.#searches.delete(torrent)
      const hasFound = results.some(({ peers }) => peers > 0)
      this.#queue.ended(sought, hasFound, this.#platform.clock.now())
    })
  }

  async #save(node: DhtNode): Promise<void> {
    if (node.nodes > 0) await this.#memory?.save(node.save())
  }
}
