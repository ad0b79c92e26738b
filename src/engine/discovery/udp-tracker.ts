// UDP trackers (BEP 15) of a whole session: one socket per address family, which all exchanges share.
// What must hold: an answer counts only when both its sender and its transaction id are those asked, so that nobody who
// cannot read our packets can forge one; every exchange ends. When to send what is decided in `protocol/tracker/udp-exchange.ts`.
import { addressKey, isIpv6, type Address } from '../../base/address.ts'
import { viewOf } from '../../base/bytes.ts'
import { NetworkError, TrackerError } from '../../base/errors.ts'
import type { Clock, Network, Random, Stop, UdpSocket } from '../../platform/platform.ts'
import type { AnnounceAnswer, AnnounceRefusal, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import type { UdpResponse } from '../../protocol/tracker/udp.ts'
import { type AskWith, UdpExchange, type UdpConnection } from '../../protocol/tracker/udp-exchange.ts'
import type { ScrapeAnswer } from './scrape-answer.ts'

export interface UdpTrackerParts {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly random: Pick<Random, 'bytes'>
  readonly network: Pick<Network, 'openUdp'>
}

/** 15 + 30 + 60 s: then the announcer's own back-off is the better judge. */
const MAX_WAITS = 3
const MAX_KEPT_CONNECTIONS = 1000

interface Pending {
  readonly exchange: UdpExchange
  readonly socket: UdpSocket
  readonly to: Address
  readonly settle: (outcome: UdpResponse | Error) => void
  /** Under which it stands in `#pending`. */
  transactionId: number | null
  stopTimer: Stop
}

export class UdpTrackers {
  readonly #parts: UdpTrackerParts
  readonly #localIp: string | undefined
  readonly #sockets = new Map<4 | 6, Promise<UdpSocket>>()
  /** By transaction id. */
  readonly #pending = new Map<number, Pending>()
  /** By address key: connection ids that may still be good. */
  readonly #connections = new Map<string, UdpConnection>()
  #isClosed = false

  /** Everything is sent from `localIp` where it is given. */
  constructor(parts: UdpTrackerParts, localIp?: string) {
    this.#parts = parts
    this.#localIp = localIp
  }

  /**
   * Announces to the tracker at `to`; `urlData` is path and query of its URL (BEP 41).
   * Rejects with NetworkError `timed_out`, `aborted`, or what kept the socket from opening.
   */
  async announce(
    to: Address,
    urlData: string,
    request: AnnounceRequest,
    signal?: AbortSignal,
  ): Promise<AnnounceAnswer> {
    const response = await this.#exchange(to, signal, (connectionId, transactionId) => ({
      ...request,
      kind: 'announce',
      transactionId,
      connectionId,
      urlData,
    }))
    return toAnnounceAnswer(response, to)
  }

  /** Asks the tracker at `to` how large a swarm is. Rejects likewise. */
  async scrape(to: Address, infohash: Uint8Array, signal?: AbortSignal): Promise<ScrapeAnswer> {
    const response = await this.#exchange(to, signal, (connectionId, transactionId) => ({
      kind: 'scrape',
      transactionId,
      connectionId,
      infohashes: [infohash],
    }))
    if (response.kind === 'error') return toRefusal(response.message)
    if (response.kind !== 'scrape' || response.files.length === 0) throw unfitting(to, 'a scrape')
    return { kind: 'response', figures: response.files[0] }
  }

  /** Ends what is under way with `aborted`. */
  close(): void {
    this.#isClosed = true
    for (const pending of this.#pending.values()) pending.settle(aborted(pending.to))
    for (const socket of this.#sockets.values()) void socket.then((socket) => socket.close()).catch(() => {})
    this.#sockets.clear()
  }

  #socket(family: 4 | 6): Promise<UdpSocket> {
    if (this.#isClosed) return Promise.reject(new NetworkError('aborted', 'Cannot open a UDP socket: closing'))
    let socket = this.#sockets.get(family)
    if (socket === undefined) {
      const ip = this.#localIp ?? (family === 6 ? '::' : '0.0.0.0')
      socket = this.#parts.network.openUdp({ ip, port: 0 }, (datagram, from) => this.#onDatagram(datagram, from))
      this.#sockets.set(family, socket)
      // What failed once is tried again at the next announce.
      socket.catch(() => this.#sockets.delete(family))
    }
    return socket
  }

  async #exchange(to: Address, signal: AbortSignal | undefined, askWith: AskWith): Promise<UdpResponse> {
    const socket = await this.#socket(isIpv6(to.ip) ? 6 : 4)
    if (this.#isClosed || signal?.aborted) throw aborted(to)
    const exchange = new UdpExchange(askWith, {
      ipLength: isIpv6(to.ip) ? 16 : 4,
      connection: this.#connections.get(addressKey(to)) ?? null,
      newTransactionId: () => this.#newTransactionId(),
      maxWaits: MAX_WAITS,
    })
    return this.#run(exchange, socket, to, signal)
  }

  #run(exchange: UdpExchange, socket: UdpSocket, to: Address, signal?: AbortSignal): Promise<UdpResponse> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => pending.settle(aborted(to))
      const pending: Pending = {
        exchange,
        socket,
        to,
        transactionId: null,
        stopTimer: () => {},
        settle: (outcome) => {
          pending.stopTimer()
          signal?.removeEventListener('abort', onAbort)
          if (pending.transactionId !== null) this.#pending.delete(pending.transactionId)
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        },
      }
      signal?.addEventListener('abort', onAbort)
      this.#pump(pending)
    })
  }

  /** Sends what is due, and comes back when more is. */
  #pump(pending: Pending): void {
    const { exchange, socket, to } = pending
    const now = this.#parts.clock.now()
    const datagram = exchange.poll(now)
    if (exchange.isGivenUp) {
      pending.settle(new NetworkError('timed_out', `Cannot ask udp://${addressKey(to)}: no answer`))
      return
    }
    if (exchange.transactionId !== pending.transactionId) {
      if (pending.transactionId !== null) this.#pending.delete(pending.transactionId)
      pending.transactionId = exchange.transactionId
      if (pending.transactionId !== null) this.#pending.set(pending.transactionId, pending)
    }
    pending.stopTimer()
    pending.stopTimer = this.#parts.clock.after(Math.max(0, exchange.nextAt - now), () => this.#pump(pending))
    if (datagram !== null) socket.send(datagram, to)
  }

  #onDatagram(datagram: Uint8Array, from: Address): void {
    if (this.#isClosed || datagram.length < 8) return
    const pending = this.#pending.get(viewOf(datagram).getUint32(4))
    if (pending === undefined || addressKey(pending.to) !== addressKey(from)) return
    const response = pending.exchange.receive(datagram, this.#parts.clock.now())
    this.#keepConnection(addressKey(from), pending.exchange.connection)
    if (response === null) this.#pump(pending)
    else pending.settle(response)
  }

  #keepConnection(key: string, connection: UdpConnection | null): void {
    // Taken out first, so that the oldest stand in front.
    this.#connections.delete(key)
    if (connection === null) return
    this.#connections.set(key, connection)
    for (const oldest of this.#connections.keys()) {
      if (this.#connections.size <= MAX_KEPT_CONNECTIONS) break
      this.#connections.delete(oldest)
    }
  }

  #newTransactionId(): number {
    let id = viewOf(this.#parts.random.bytes(4)).getUint32(0)
    while (this.#pending.has(id)) id = (id + 1) >>> 0
    return id
  }
}

function aborted(to: Address): NetworkError {
  return new NetworkError('aborted', `Cannot ask udp://${addressKey(to)}: aborted`)
}

function unfitting(from: Address, question: string): TrackerError {
  return new TrackerError('bad_response', `Cannot read the answer of udp://${addressKey(from)}: not to ${question}`)
}

function toRefusal(reason: string): AnnounceRefusal {
  return { kind: 'refusal', reason, retryInSeconds: null }
}

function toAnnounceAnswer(response: UdpResponse, from: Address): AnnounceAnswer {
  if (response.kind === 'error') return toRefusal(response.message)
  if (response.kind !== 'announce') throw unfitting(from, 'an announce')
  const { interval, seeders, leechers, peers } = response
  return {
    kind: 'response',
    interval,
    minInterval: null,
    seeders,
    leechers,
    downloads: null,
    peers,
    namedPeers: [],
    warning: null,
    trackerId: null,
    externalIp: null,
  }
}
