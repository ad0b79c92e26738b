// The answers of the UDP tracker (BEP 15; options of BEP 41 are read and do not matter): a datagram and its sender's IP in, a datagram out.
// Without sockets. A sender that has not shown that it receives what is sent to it gets no more bytes than it sent.
import { TrackerError } from '../base/errors.ts'
import { viewOf } from '../base/bytes.ts'
import {
  ANNOUNCE_HEAD_LENGTH,
  decodeUdpRequest,
  encodeUdpResponse,
  writeUdpAnnounceHead,
  type UdpAnnounceRequest,
  type UdpScrapeRequest,
} from '../protocol/tracker/index.ts'
import type { ConnectionIds } from './connection-ids.ts'
import type { Registry } from './registry.ts'
import { packAddress } from './sender.ts'
import { familyOf } from './swarm.ts'
import type { Traffic } from './traffic.ts'

/** No datagram is cut into fragments on its way: 1500 bytes of Ethernet over IPv4; over IPv6, the 1280 that every link has. */
const MAX_DATAGRAM = { ipv4: 1500 - 28, ipv6: 1280 - 48 }
const UNKNOWN_TORRENT = { seeders: 0, leechers: 0, downloads: 0 }

export class UdpAnswers {
  readonly #registry: Registry
  readonly #ids: ConnectionIds
  readonly #traffic: Traffic
  /** By address family. */
  #buffers: readonly [AnswerBuffer, AnswerBuffer] = newBuffers()

  constructor(registry: Registry, ids: ConnectionIds, traffic: Traffic) {
    this.#registry = registry
    this.#ids = ids
    this.#traffic = traffic
  }

  /** What to send back to the sender, valid until the next call, or null. `now` in milliseconds. */
  answer(datagram: Uint8Array, senderIp: string, now: number): Uint8Array | null {
    const sender = packAddress(senderIp, 0)
    const request = sender === null ? null : decodeUdpRequest(datagram)
    if (sender === null || request === null) return this.#ignore()
    const { transactionId } = request
    if (request.kind === 'connect') {
      this.#traffic.connects++
      return encodeUdpResponse({ kind: 'connect', transactionId, connectionId: this.#ids.issue(sender, now) }, 4)
    }
    if (!this.#ids.isValid(request.connectionId, sender, now)) {
      // Tells a client whose id is too old to get a new one at once.
      const answer = this.#refuse(transactionId, 'stale_id', 'Connection id is not valid')
      return answer.length <= datagram.length ? answer : this.#ignore()
    }
    try {
      return request.kind === 'announce' ? this.#announce(request, sender, now) : this.#scrape(request)
    } catch (error) {
      if (!(error instanceof TrackerError)) throw error
      return this.#refuse(transactionId, error.code, error.message)
    }
  }

  /** The buffer of the last answer is still in use: takes another one from now on. */
  renewBuffers(): void {
    this.#buffers = newBuffers()
  }

  #announce(request: UdpAnnounceRequest, sender: Uint8Array, now: number): Uint8Array {
    const { transactionId, port, numWant, infohash, peerId, event } = request
    if (port === 0) throw new TrackerError('bad_request', 'Cannot announce port 0')
    sender[sender.length - 2] = port >> 8
    sender[sender.length - 1] = port
    const family = familyOf(sender)
    const wanted = numWant < 0 ? null : numWant
    const isSeeder = request.left === 0
    const announce = { infohash, address: sender, peerId, isSeeder, event, wanted, bothFamilies: false }
    const { interval, leechers, seeders, peers } = this.#registry.announce(announce, now)
    this.#traffic.announces.udp++
    const { bytes, view } = this.#buffers[family]
    writeUdpAnnounceHead(view, { transactionId, interval, leechers, seeders })
    return bytes.subarray(0, peers[family].pack(bytes, ANNOUNCE_HEAD_LENGTH))
  }

  #scrape({ transactionId, infohashes }: UdpScrapeRequest): Uint8Array {
    this.#traffic.scrapes.udp++
    const files = infohashes.map((infohash) => this.#registry.scrape(infohash) ?? UNKNOWN_TORRENT)
    return encodeUdpResponse({ kind: 'scrape', transactionId, files }, 4)
  }

  #refuse(transactionId: number, code: string, message: string): Uint8Array {
    this.#traffic.refused(code)
    return encodeUdpResponse({ kind: 'error', transactionId, message }, 4)
  }

  #ignore(): null {
    this.#traffic.ignored++
    return null
  }
}

interface AnswerBuffer {
  readonly bytes: Uint8Array
  /** Of the same bytes. */
  readonly view: DataView
}

function newBuffers(): readonly [AnswerBuffer, AnswerBuffer] {
  return [newBuffer(MAX_DATAGRAM.ipv4), newBuffer(MAX_DATAGRAM.ipv6)]
}

function newBuffer(length: number): AnswerBuffer {
  const bytes = new Uint8Array(length)
  return { bytes, view: viewOf(bytes) }
}
