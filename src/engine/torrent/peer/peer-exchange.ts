// Tells peers of each other (BEP 11): each hears, once a minute at most, who has come and who has gone since it was told last; what
// they tell goes to whoever wants addresses. All of it is hearsay: bounded, and nobody from the internet is believed about machines
// on our own network. Never for private torrents: there is none then.
import { type Address, addressKey, type IpScope, ipScope } from '../../../base/address.ts'
import { PeerError } from '../../../base/errors.ts'
import { decodePex, encodePex, MAX_PEX_PEERS, type PexPeer } from '../../../protocol/wire/index.ts'

/** A connected peer, as the exchange sees it. */
export interface ExchangePeer {
  readonly address: Address
  /** Where others can dial it; null when nobody knows. */
  readonly dialAddress: Address | null
  readonly isIncoming: boolean
  readonly isUploadOnly: boolean
  readonly takesPex: boolean
  sendPex(payload: Uint8Array): void
}

export interface PeerExchangeOptions<Peer> {
  /** Those that are connected. */
  readonly peers: () => Iterable<Peer>
  readonly onAddress: (address: Address) => void
  /** We have everything that we want: whoever wants nothing either is of no use. */
  readonly isSeed: () => boolean
}

interface Acquaintance {
  /** What it was told and still holds. */
  readonly told: Map<string, Address>
  nextAt: number
  lastHeardAt: number
  /** Messages that came too soon after that. */
  hasty: number
}

const SEND_EVERY_MS = 60_000
/** How often it is looked whose time has come. */
const LOOK_EVERY_MS = 1_000
/** Messages sooner than this after the last one are passed over: clocks differ, and so do clients. */
export const HEAR_EVERY_MS = 20_000
const MAX_HASTY = 30
const LOCAL: ReadonlySet<IpScope> = new Set(['loopback', 'private', 'link_local'])
const NOT_DIALABLE: ReadonlySet<IpScope> = new Set(['unspecified', 'multicast', 'broadcast', 'reserved'])

export class PeerExchange<Peer extends ExchangePeer> {
  readonly #options: PeerExchangeOptions<Peer>
  readonly #known = new Map<Peer, Acquaintance>()
  #lookAt = 0

  constructor(options: PeerExchangeOptions<Peer>) {
    this.#options = options
  }

  tick(now: number): void {
    if (now < this.#lookAt) return
    this.#lookAt = now + LOOK_EVERY_MS
    const due = [...this.#options.peers()].filter((peer) => peer.takesPex && now >= this.#of(peer).nextAt)
    if (due.length === 0) return
    const dialable = this.#dialable()
    for (const peer of due) this.#tell(peer, dialable, now)
  }

  /** Throws PeerError for what is no message, and for too many. */
  onMessage(peer: Peer, payload: Uint8Array, now: number): void {
    const acquaintance = this.#of(peer)
    const { added } = decodePex(payload)
    if (now - acquaintance.lastHeardAt < HEAR_EVERY_MS) {
      if (++acquaintance.hasty > MAX_HASTY) throw new PeerError('pex_flood', 'The peer tells of others without measure')
      return
    }
    acquaintance.lastHeardAt = now
    acquaintance.hasty = 0
    for (const address of usefulAddresses(added, peer.address, this.#options.isSeed())) this.#options.onAddress(address)
  }

  /** The peer is gone. */
  forget(peer: Peer): void {
    this.#known.delete(peer)
  }

  #of(peer: Peer): Acquaintance {
    let acquaintance = this.#known.get(peer)
    if (!acquaintance) {
      acquaintance = { told: new Map(), nextAt: -Infinity, lastHeardAt: -Infinity, hasty: 0 }
      this.#known.set(peer, acquaintance)
    }
    return acquaintance
  }

  #dialable(): Map<string, PexPeer> {
    const dialable = new Map<string, PexPeer>()
    for (const { dialAddress, isIncoming, isUploadOnly } of this.#options.peers()) {
      if (!dialAddress) continue
      const flags = {
        prefersEncryption: false,
        isUploadOnly,
        hasUtp: false,
        hasHolepunch: false,
        isReachable: !isIncoming,
      }
      dialable.set(addressKey(dialAddress), { address: dialAddress, flags })
    }
    return dialable
  }

  #tell(peer: Peer, dialable: ReadonlyMap<string, PexPeer>, now: number): void {
    const acquaintance = this.#of(peer)
    const { told } = acquaintance
    const own = peer.dialAddress && addressKey(peer.dialAddress)
    const added: PexPeer[] = []
    for (const [key, other] of dialable) {
      if (added.length >= MAX_PEX_PEERS) break
      if (key !== own && !told.has(key) && mayHear(peer.address, other.address)) added.push(other)
    }
    const dropped = [...told].filter(([key]) => !dialable.has(key)).slice(0, MAX_PEX_PEERS)
    if (added.length === 0 && dropped.length === 0) return
    for (const [key] of dropped) told.delete(key)
    for (const { address } of added) told.set(addressKey(address), address)
    acquaintance.nextAt = now + SEND_EVERY_MS
    peer.sendPex(encodePex({ added, dropped: dropped.map(([, address]) => address) }))
  }
}

/** Machines of our own network are of no use to the internet, and none of its business. */
function mayHear(listener: Address, subject: Address): boolean {
  return LOCAL.has(ipScope(listener.ip)) || !LOCAL.has(ipScope(subject.ip))
}

/** What of a message is worth dialling: at most 50, and from the internet nothing on our own network. */
export function usefulAddresses(added: readonly PexPeer[], teller: Address, isSeed: boolean): Address[] {
  return added
    .filter(({ address, flags }) => {
      if (isSeed && flags.isUploadOnly) return false
      return !NOT_DIALABLE.has(ipScope(address.ip)) && mayHear(teller, address)
    })
    .slice(0, MAX_PEX_PEERS)
    .map(({ address }) => address)
}
