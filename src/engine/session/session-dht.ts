// The session's node in the DHT (BEP 5): one for all torrents, on the port that peers dial where it can be had. It finds peers for
// each torrent and announces us, a few searches at a time, so that thousands of torrents do not burst; it tells peers of
// itself and hears of theirs; what it knows of the network is remembered. A private torrent has no part in any of it
// (BEP 27); one of which nobody knows yet whether it is, is looked for but not announced.
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

interface Sought {
  readonly torrent: SoughtTorrent
  readonly nodes: readonly string[]
  /** When it is looked for next. */
  nextAt: number
  /** Then, when nobody is found. */
  againMs: number
  task: DhtTask<readonly PeerSearchResult[]> | null
}

const MAX_SEARCHES = 4
/** From the start of one search to that of the next. */
const START_EVERY_MS = 500
/** Who announces is remembered for half an hour at least. */
const SEARCH_EVERY_MS = 15 * 60_000
/** When nobody was found: sooner at first. */
const SEARCH_AGAIN_MS = 15_000
/** It is not meeting peers at this time. */
const NOT_NOW_MS = 60_000
const FIRST_SAVE_MS = 5 * 60_000
const SAVE_EVERY_MS = 30 * 60_000
/** Nodes that one torrent names. */
const MAX_NAMED_NODES = 20

export class SessionDht implements DhtLink {
  readonly #platform: Platform
  readonly #entrance: Entrance
  readonly #localIp: string | undefined
  readonly #listenPort: number
  readonly #log: Log
  readonly #sought = new Map<string, Sought>()
  #node: DhtNode | null = null
  #memory: DhtMemory | null = null
  /** While there are no others than these, nobody is told of us. */
  readonly #privateOnes = new Set<SoughtTorrent>()
  #searches = 0
  #lookAt = 0
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
    const nextAt = this.#platform.clock.now()
    const before = this.#sought.get(torrent.infohash)
    if (before?.torrent === torrent) Object.assign(before, { nextAt, againMs: SEARCH_AGAIN_MS })
    else this.#sought.set(torrent.infohash, { torrent, nodes, nextAt, againMs: SEARCH_AGAIN_MS, task: null })
    this.#lookAt = 0
    this.#meet(nodes)
  }

  /** It has left. */
  forget(torrent: SoughtTorrent): void {
    this.#privateOnes.delete(torrent)
    const sought = this.#sought.get(torrent.infohash)
    if (sought?.torrent !== torrent) return
    sought.task?.stop()
    this.#sought.delete(torrent.infohash)
  }

  tick(now: number): void {
    const node = this.#node
    if (node === null || (this.#privateOnes.size > 0 && this.#sought.size === 0)) return
    node.tick(now)
    if (now >= this.#saveAt) {
      this.#saveAt = now + SAVE_EVERY_MS
      void this.#save(node)
    }
    if (now < this.#lookAt || node.nodes === 0) return
    this.#lookAt = now + START_EVERY_MS
    const next = this.#searches < MAX_SEARCHES ? this.#nextDue(now) : null
    if (next !== null) this.#search(node, next, now)
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
    for (const { nodes } of this.#sought.values()) this.#meet(nodes)
  }

  #meet(nodes: readonly string[]): void {
    for (const text of nodes.slice(0, MAX_NAMED_NODES)) {
      const named = parseRouter(text)
      if (named !== null) void this.#node?.addNamedNode(named)
    }
  }

  #nextDue(now: number): Sought | null {
    let next: Sought | null = null
    for (const sought of this.#sought.values()) {
      if (sought.task === null && sought.nextAt <= now && (next === null || sought.nextAt < next.nextAt)) next = sought
    }
    return next
  }

  #search(node: DhtNode, sought: Sought, now: number): void {
    const { torrent } = sought
    if (!torrent.isPublic) {
      sought.nextAt = now + NOT_NOW_MS
      return
    }
    const isCurrent = (): boolean => this.#sought.get(torrent.infohash) === sought
    sought.nextAt = now + SEARCH_EVERY_MS
    sought.task = node.findPeers(fromHex(torrent.infohash)!, {
      ...(torrent.metainfo !== null && { announce: { port: this.#listenPort } }),
      isSeed: torrent.state === 'seeding',
      onPeers: (peers) => {
        if (isCurrent()) torrent.addFound(peers, 'dht')
      },
    })
    this.#searches++
    void sought.task.done.then((results) => {
      this.#searches--
      sought.task = null
      const isAlone = torrent.state !== 'seeding' && results.every(({ peers }) => peers === 0)
      if (!isAlone) return
      sought.nextAt = Math.min(sought.nextAt, this.#platform.clock.now() + sought.againMs)
      sought.againMs = Math.min(2 * sought.againMs, SEARCH_EVERY_MS)
    })
  }

  async #save(node: DhtNode): Promise<void> {
    if (node.nodes > 0) await this.#memory?.save(node.save())
  }
}
