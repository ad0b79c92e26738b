// Finds peers on the local network (BEP 14), for all torrents of a session: tells the group of each family which of them we take part
// in, every five minutes, and passes on who says the same. Bounded both ways: one datagram a second goes out, and of a flood that
// comes in most is passed over. Which torrents are told of is the session's choice: never a private one.
import { type Address, ipAddress, ipScope, ipToBytes, isIpv6 } from '../../base/address.ts'
import { equalBytes, fromHex, toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Network, UdpSocket } from '../../platform/platform.ts'
import {
  decodeLsd,
  encodeLsd,
  LSD_GROUP_V4,
  LSD_GROUP_V6,
  LSD_PORT,
  type LsdMessage,
  MAX_LSD_INFOHASHES,
} from '../../protocol/lsd/lsd.ts'

export interface LocalDiscoveryOwner {
  /** The torrents to tell of, now: hex of their infohashes. */
  localTorrents(): readonly string[]
  /** Is it one of these? Asked for each that somebody near us names. */
  isLocalTorrent(infohash: string): boolean
  /** Somebody near us takes part in this one. */
  onLocalPeer(infohash: string, address: Address): void
}

export interface LocalDiscoveryOptions {
  readonly network: Pick<Network, 'openUdp' | 'ownAddresses'>
  /** Where we take peers. */
  readonly listenPort: number
  /** Speak and listen on the interface with this IP alone; undefined: as the system chooses. */
  readonly localIp: string | undefined
  /** By which we know our own messages. */
  readonly cookie: string
  readonly log: Log
}

const ANNOUNCE_EVERY_MS = 300_000
const SEND_EVERY_MS = 1_000
/** Datagrams that are read within a second. */
const MAX_HEARD = 50
/** Of an IPv6 address, the part that all on one link share: 64 bits. */
const LINK_BYTES = 8
const NEAR: ReadonlySet<string> = new Set(['loopback', 'private', 'link_local'])

export class LocalDiscovery {
  readonly #options: LocalDiscoveryOptions
  readonly #owner: LocalDiscoveryOwner
  readonly #sockets: { readonly socket: UdpSocket; readonly group: string }[] = []
  /** Torrents told of -> when they are next. */
  readonly #nextAt = new Map<string, number>()
  #sendAt = 0
  #heard = 0
  #isClosed = false

  constructor(options: LocalDiscoveryOptions, owner: LocalDiscoveryOwner) {
    this.#options = options
    this.#owner = owner
  }

  /** Never rejects: a family that cannot be had is done without. */
  async open(): Promise<void> {
    const { localIp } = this.#options
    const groups = [LSD_GROUP_V4, LSD_GROUP_V6].filter(
      (group) => localIp === undefined || isIpv6(group) === isIpv6(localIp),
    )
    await Promise.all(groups.map((group) => this.#join(group)))
  }

  async #join(group: string): Promise<void> {
    const { network, localIp, log } = this.#options
    const ip = isIpv6(group) ? '::' : '0.0.0.0'
    try {
      const socket = await network.openUdp({ ip, port: LSD_PORT, group, interfaceIp: localIp }, (datagram, from) =>
        this.#onMessage(datagram, from),
      )
      if (this.#isClosed) socket.close()
      else this.#sockets.push({ socket, group })
    } catch (error) {
      log({ level: 'info', scope: 'lsd', message: `No local discovery on ${group}: ${(error as Error).message}` })
    }
  }

  tick(now: number): void {
    if (now < this.#sendAt || this.#sockets.length === 0) return
    this.#sendAt = now + SEND_EVERY_MS
    this.#heard = 0
    // Those that have left are forgotten, and told of at once when they are back.
    for (const key of this.#nextAt.keys()) if (!this.#owner.isLocalTorrent(key)) this.#nextAt.delete(key)
    const torrents = this.#owner.localTorrents()
    const due = torrents.filter((key) => now >= (this.#nextAt.get(key) ?? 0)).slice(0, MAX_LSD_INFOHASHES)
    if (due.length === 0) return
    for (const key of due) this.#nextAt.set(key, now + ANNOUNCE_EVERY_MS)
    const { listenPort: port, cookie } = this.#options
    const message = { port, infohashes: due.map((key) => fromHex(key)!), cookie }
    for (const { socket, group } of this.#sockets) socket.send(encodeLsd(message, group), ipAddress(group, LSD_PORT))
  }

  /** We may be in another network: all torrents are told of at the next tick. */
  announceAnew(): void {
    this.#nextAt.clear()
  }

  close(): void {
    this.#isClosed = true
    for (const { socket } of this.#sockets) socket.close()
  }

  /** Who has a global address speaks to the group from that one, as near as it is (RFC 6724). */
  #isNear(ip: string): boolean {
    if (NEAR.has(ipScope(ip))) return true
    return isIpv6(ip) && this.#options.network.ownAddresses().some((own) => areOnOneLink(own, ip))
  }

  #onMessage(datagram: Uint8Array, from: Address): void {
    if (++this.#heard > MAX_HEARD || !this.#isNear(from.ip)) return
    const message = readMessage(datagram)
    if (!message || message.cookie === this.#options.cookie) return
    for (const infohash of message.infohashes.map(toHex)) {
      if (this.#owner.isLocalTorrent(infohash)) this.#owner.onLocalPeer(infohash, ipAddress(from.ip, message.port))
    }
  }
}

/** Of IPv6: do they share the part of their addresses that names one link? */
function areOnOneLink(a: string, b: string): boolean {
  if (!isIpv6(a) || !isIpv6(b)) return false
  return equalBytes(ipToBytes(a)!.subarray(0, LINK_BYTES), ipToBytes(b)!.subarray(0, LINK_BYTES))
}

/** Null: it is none of ours. */
function readMessage(datagram: Uint8Array): LsdMessage | null {
  try {
    return decodeLsd(datagram)
  } catch (error) {
    if (error instanceof FormatError) return null
    throw error
  }
}
