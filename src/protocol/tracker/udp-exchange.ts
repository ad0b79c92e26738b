// One request to a UDP tracker, from the first datagram to the answer: connect, then ask, and again when nothing comes
// (BEP 15: after 15 x 2^n seconds, n counting the waits that were in vain, to 8). A state machine without clock or socket:
// the caller sends what `poll` returns, brings what arrives, and calls again at `nextAt`.
// What must hold: a connection id is used for 60 s only, so a long wait may have to connect anew; an answer counts only with
// the transaction id of the question under way; a tracker that has forgotten our connection id is asked for a new one, once.
import type { IpLength } from '../../base/address.ts'
import { decodeUdpResponse, encodeUdpRequest, type UdpRequest, type UdpResponse } from './udp.ts'

const FIRST_WAIT_MS = 15_000
const MAX_DOUBLINGS = 8
/** How long a client may use a connection id. */
export const CONNECTION_LIFETIME_MS = 60_000

export interface UdpConnection {
  /** 8 bytes. */
  readonly id: Uint8Array
  /** In the time of the caller's clock, milliseconds. */
  readonly expiresAt: number
}

export interface UdpExchangeOptions {
  /** Of the socket's address family. */
  readonly ipLength: IpLength
  /** A connection id from an earlier exchange with the same endpoint. */
  readonly connection?: UdpConnection | null
  /** 32 unpredictable bits: with the sender's address they are all that tells a tracker's answer from a forged one. */
  readonly newTransactionId: () => number
  /** Waits in vain until the tracker is given up. Default 9: all of BEP 15's schedule, more than two hours. */
  readonly maxWaits?: number
}

/** The request proper, once a connection id is there. */
export type AskWith = (connectionId: Uint8Array, transactionId: number) => UdpRequest

export class UdpExchange {
  /** Null until the tracker gave one; worth keeping for the next exchange. */
  connection: UdpConnection | null
  /** When `poll` has something to do again, in the time of the caller's clock. */
  nextAt = -Infinity
  /** The waits are used up: nothing more is sent. */
  isGivenUp = false
  readonly #options: UdpExchangeOptions
  readonly #askWith: AskWith
  /** What is waited for, or null when the next step has to be sent yet. */
  #underWay: { readonly kind: 'connect' | 'ask'; readonly transactionId: number } | null = null
  /** That question is out, and its answer is awaited until `nextAt`. */
  #isWaiting = false
  #waitsInVain = 0
  #mayReconnect: boolean

  constructor(askWith: AskWith, options: UdpExchangeOptions) {
    this.#askWith = askWith
    this.#options = options
    this.connection = options.connection ?? null
    this.#mayReconnect = this.connection !== null
  }

  /** The transaction id that an answer must carry now; null before the first `poll`. */
  get transactionId(): number | null {
    return this.#underWay?.transactionId ?? null
  }

  /** The datagram to be sent now, or null. */
  poll(now: number): Uint8Array | null {
    if (this.isGivenUp || now < this.nextAt) return null
    if (this.#isWaiting) this.#waitsInVain++
    if (this.#waitsInVain >= (this.#options.maxWaits ?? MAX_DOUBLINGS + 1)) {
      this.isGivenUp = true
      this.nextAt = Infinity
      return null
    }
    this.#isWaiting = true
    this.nextAt = now + FIRST_WAIT_MS * 2 ** Math.min(this.#waitsInVain, MAX_DOUBLINGS)
    if (this.connection !== null && now >= this.connection.expiresAt) this.connection = null
    // A question that is repeated keeps its transaction id, so that a late answer to its first copy counts.
    const kind = this.connection === null ? 'connect' : 'ask'
    if (this.#underWay?.kind !== kind) this.#underWay = { kind, transactionId: this.#options.newTransactionId() }
    const { transactionId } = this.#underWay
    return encodeUdpRequest(
      this.connection === null ? { kind: 'connect', transactionId } : this.#askWith(this.connection.id, transactionId),
    )
  }

  /**
   * A datagram from the tracker's own address. Returns the answer that ends the exchange (also an error is one), or null: it was
   * none, or a step on the way; then `poll` again.
   */
  receive(datagram: Uint8Array, now: number): UdpResponse | null {
    const response = decodeUdpResponse(datagram, this.#options.ipLength)
    if (response === null || this.#underWay === null || response.transactionId !== this.#underWay.transactionId)
      return null
    if (this.#underWay.kind === 'connect') {
      if (response.kind === 'error') return response
      if (response.kind !== 'connect') return null
      this.connection = { id: response.connectionId, expiresAt: now + CONNECTION_LIFETIME_MS }
      this.#mayReconnect = false
      this.#stepOn()
      return null
    }
    if (response.kind === 'connect') return null
    if (response.kind === 'error' && this.#mayReconnect) {
      // The connection id was an old one, and the tracker may have been started anew since.
      this.connection = null
      this.#mayReconnect = false
      this.#stepOn()
      return null
    }
    return response
  }

  /** The next datagram goes out at once. The waits in vain stay counted, or a tracker that answers half would keep us for ever. */
  #stepOn(): void {
    this.#isWaiting = false
    this.nextAt = -Infinity
  }
}
