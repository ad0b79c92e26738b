// Peers of a torrent in one of the two networks, and the announcement that we are one (BEP 5, 33).
import { addressKey, type Address } from '../../../base/address.ts'
import { estimateMembers, FILTER_BYTES, joinFilters, type DhtAnswer, type Found } from '../../../protocol/dht/index.ts'
import type { DhtFamily } from './dht-family.ts'
import { ThoroughSearch, type SearchOutcome } from './thorough-search.ts'
import { isUsableAddress } from './usable-address.ts'

/** Peers of one search that are told. */
const MAX_PEERS = 2000

export interface Announcement {
  /** The port that peers are to dial; `implied`: the one that our datagrams are seen to come from. */
  readonly port: number | 'implied'
}

export interface PeerSearchOptions {
  readonly infohash: Uint8Array
  /** Null: we only look. */
  readonly announce: Announcement | null
  /** We have everything: peers who have, too, are of no use to us, and are told that we are one. */
  readonly isSeed: boolean
  /** The size of the swarm is to be estimated. */
  readonly isScrape: boolean
  /** Is told of new peers as they are found. */
  onPeers(peers: readonly Address[]): void
  onEnd(result: PeerSearchResult): void
}

export interface PeerSearchResult extends SearchOutcome {
  /** Different ones that were told. */
  readonly peers: number
  /** Nodes that have taken the announcement. */
  readonly announcedTo: number
  /** Null where nobody has counted. */
  readonly swarm: { readonly seeds: number; readonly peers: number } | null
}

export class PeerSearch {
  readonly #family: DhtFamily
  readonly #options: PeerSearchOptions
  readonly #search: ThoroughSearch
  readonly #told = new Set<string>()
  #filters: { readonly seeds: Uint8Array; readonly peers: Uint8Array } | null = null
  #announcedTo = 0
  #isStopped = false

  constructor(family: DhtFamily, options: PeerSearchOptions) {
    const { infohash, isSeed: noSeeds, isScrape } = options
    this.#family = family
    this.#options = options
    this.#search = new ThoroughSearch(family, infohash, {
      request: { method: 'get_peers', infohash, want: [], noSeeds, isScrape },
      onAnswer: ({ address }, answer) => this.#onAnswer(answer, address.ip),
      onEnd: (outcome) => this.#announce(outcome),
    })
  }

  start(): void {
    this.#search.start()
  }

  /** Nobody is told of anything any more, but `onEnd` still comes. */
  stop(): void {
    this.#isStopped = true
    this.#search.stop()
  }

  #onAnswer({ peers = [], filters }: DhtAnswer, teller: string): void {
    if (filters !== undefined) {
      this.#filters ??= { seeds: new Uint8Array(FILTER_BYTES), peers: new Uint8Array(FILTER_BYTES) }
      joinFilters(this.#filters.seeds, filters.seeds)
      joinFilters(this.#filters.peers, filters.peers)
    }
    const fresh: Address[] = []
    for (const peer of peers) {
      const key = addressKey(peer)
      if (this.#told.size >= MAX_PEERS || this.#told.has(key) || !isUsableAddress(peer, teller)) continue
      this.#told.add(key)
      fresh.push(peer)
    }
    if (fresh.length > 0 && !this.#isStopped) this.#options.onPeers(fresh)
  }

  #announce(outcome: SearchOutcome): void {
    const { announce } = this.#options
    const willing = announce === null || this.#isStopped ? [] : outcome.holders.filter(({ token }) => token !== null)
    let open = 1
    const closeOne = (): void => {
      if (--open === 0) this.#end(outcome)
    }
    for (const found of willing) {
      if (!this.#family.isOpen) break
      open++
      this.#announceTo(found, announce!, closeOne)
    }
    closeOne()
  }

  #announceTo({ contact, token }: Found, { port }: Announcement, onOver: () => void): void {
    const { infohash, isSeed } = this.#options
    const place = port === 'implied' ? null : port
    this.#family.ask(
      contact.address,
      { method: 'announce_peer', infohash, port: place, token: token!, isSeed },
      {
        onReply: () => {
          this.#announcedTo++
          onOver()
        },
        onFailure: onOver,
      },
    )
  }

  #end(outcome: SearchOutcome): void {
    const filters = this.#filters
    const swarm = filters && { seeds: estimateMembers(filters.seeds), peers: estimateMembers(filters.peers) }
    this.#options.onEnd({ ...outcome, peers: this.#told.size, announcedTo: this.#announcedTo, swarm })
  }
}
