// A tracker of the simulated world, over HTTP and UDP, through the codec that the real ones are asked with. Scenarios may
// have it refuse, or fall silent (its node does that).
import { ipAddress, isIpv6, type Address } from '../../base/address.ts'
import { equalBytes, toHex } from '../../base/bytes.ts'
import { TrackerError } from '../../base/errors.ts'
import type { Network, Random, UdpSocket } from '../../platform/platform.ts'
import {
  decodeUdpRequest,
  encodeAnnounceReply,
  encodeRefusal,
  encodeUdpResponse,
  parseAnnounceQuery,
  type AnnounceEvent,
  type UdpAnnounceRequest,
  type UdpResponse,
} from '../../protocol/tracker/index.ts'
import { HttpExchange } from './http-server.ts'
import { Swarm } from './swarm.ts'

export interface SimTrackerOptions {
  /** For both HTTP and UDP. Default 6969. */
  readonly port?: number
  /** What clients are asked to wait between two announces. Default 120. */
  readonly intervalSeconds?: number
  /** The least that clients must wait. Default 10. */
  readonly minIntervalSeconds?: number
  /** Peers that it names in an answer, however few are asked for. Default: as many as are asked for, 200 at most. */
  readonly peersPerAnswer?: number
}

const DEFAULT_PEERS = 50
const MAX_PEERS = 200

interface Announce {
  readonly infohash: Uint8Array
  readonly address: Address
  readonly peerId: Uint8Array
  readonly isSeeder: boolean
  readonly event: AnnounceEvent
  readonly wanted: number
}

interface Told {
  readonly seeders: number
  readonly leechers: number
  readonly peers: readonly Address[]
}

export class SimTracker {
  readonly port: number
  /** Why it refuses all announces; null (the default): it does not. */
  refusal: string | null = null
  /** Announces answered or refused. */
  announces = 0
  readonly #ip: string
  readonly #random: Random
  readonly #options: SimTrackerOptions
  readonly #connectionId: Uint8Array
  /** By infohash in hexadecimal. */
  readonly #swarms = new Map<string, Swarm>()

  constructor(ip: string, random: Random, options: SimTrackerOptions) {
    this.#ip = ip
    this.#random = random
    this.#options = options
    this.#connectionId = random.bytes(8)
    this.port = options.port ?? 6969
  }

  /** Peers registered now, over all torrents. */
  get peers(): number {
    let peers = 0
    for (const { size } of this.#swarms.values()) peers += size
    return peers
  }

  /** Announce URL over HTTP. `host`: a name that stands for it, instead of its IP. */
  httpUrl(host?: string): string {
    return `http://${this.#authority(host)}/announce`
  }

  /** Announce URL over UDP. */
  udpUrl(host?: string): string {
    return `udp://${this.#authority(host)}/announce`
  }

  /** Knows a peer that has never announced itself. It need not exist. */
  know(infohash: Uint8Array, address: Address): void {
    this.#swarmOf(infohash).put({ address, peerId: new Uint8Array(20), isSeeder: false, announcedAt: 0 })
  }

  #authority(host: string | undefined): string {
    return `${host ?? (isIpv6(this.#ip) ? `[${this.#ip}]` : this.#ip)}:${this.port}`
  }

  /** Begins to answer on its node's network. */
  async open(network: Network): Promise<void> {
    const place = { ip: this.#ip, port: this.port }
    let socket: UdpSocket | null = null
    await Promise.all([
      network.listen(place, (connection) => new HttpExchange(connection, (target, from) => this.#http(target, from))),
      network
        .openUdp(place, (datagram, from) => socket?.send(...this.#udp(datagram, from)))
        .then((opened) => (socket = opened)),
    ])
  }

  #http(target: string, from: string): Uint8Array | null {
    if (!target.startsWith('/announce')) return null
    try {
      const query = parseAnnounceQuery(target)
      const { infohash, event, peerId } = query
      const address = ipAddress(from, query.port)
      const wanted = query.numWant ?? DEFAULT_PEERS
      const told = this.#announce({ infohash, event, address, peerId, isSeeder: query.left === 0, wanted })
      if (!told) return encodeRefusal(this.refusal!)
      const peers = told.peers.map((address) => ({ address }))
      const { intervalSeconds: interval = 120, minIntervalSeconds: minInterval = 10 } = this.#options
      return encodeAnnounceReply({ ...told, interval, minInterval, peers, externalIp: from }, query)
    } catch (error) {
      if (!(error instanceof TrackerError)) throw error
      return encodeRefusal(error.message)
    }
  }

  /** The answer, and where it goes; what is no request gets an empty one. */
  #udp(datagram: Uint8Array, from: Address): [Uint8Array, Address] {
    const request = decodeUdpRequest(datagram)
    const { transactionId = 0 } = request ?? {}
    const encode = (response: UdpResponse): [Uint8Array, Address] => [
      encodeUdpResponse(response, isIpv6(from.ip) ? 16 : 4),
      from,
    ]
    if (request?.kind === 'connect') return encode({ kind: 'connect', transactionId, connectionId: this.#connectionId })
    if (request?.kind !== 'announce' || !equalBytes(request.connectionId, this.#connectionId))
      return encode({ kind: 'error', transactionId, message: 'unknown connection id' })
    const told = this.#announce(announceOf(request, from))
    if (!told) return encode({ kind: 'error', transactionId, message: this.refusal! })
    return encode({ kind: 'announce', transactionId, interval: this.#options.intervalSeconds ?? 120, ...told })
  }

  /** Null: refused. */
  #announce({ infohash, address, peerId, isSeeder, event, wanted }: Announce): Told | null {
    this.announces++
    if (this.refusal !== null) return null
    const swarm = this.#swarmOf(infohash)
    if (event === 'stopped') swarm.remove(address)
    else swarm.put({ address, peerId, isSeeder, announcedAt: 0 })
    const limit = event === 'stopped' ? 0 : (this.#options.peersPerAnswer ?? Math.min(wanted, MAX_PEERS))
    const { seeders, leechers } = swarm
    const peers = swarm.draw(limit, address, isSeeder, this.#random).map((peer) => peer.address)
    return { seeders, leechers, peers }
  }

  #swarmOf(infohash: Uint8Array): Swarm {
    const key = toHex(infohash)
    let swarm = this.#swarms.get(key)
    if (!swarm) this.#swarms.set(key, (swarm = new Swarm()))
    return swarm
  }
}

function announceOf(request: UdpAnnounceRequest, from: Address): Announce {
  const { infohash, event, peerId, port, left, numWant } = request
  const wanted = numWant < 0 ? DEFAULT_PEERS : numWant
  return { infohash, event, peerId, address: ipAddress(from.ip, port), isSeeder: left === 0, wanted }
}
