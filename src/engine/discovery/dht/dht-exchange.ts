// Questions of our own and their answers, over one UDP socket. What must hold: an answer counts only when both its sender and
// its transaction id are those asked; every question ends; and we never send more than so many a second, whatever we are made
// to look for. There is no timer: `tick` says that time has passed.
import { addressKey, type Address } from '../../../base/address.ts'
import { concatBytes } from '../../../base/bytes.ts'
import type { Clock, Random, UdpSocket } from '../../../platform/platform.ts'
import {
  encodeKrpc,
  idKey,
  TokenBucket,
  type DhtRequest,
  type KrpcError,
  type KrpcResponse,
} from '../../../protocol/dht/index.ts'

/** Then others may be asked meanwhile. */
const SLOW_MS = 1000
const TIMEOUT_MS = 5000
/** Questions that wait until they may be sent. */
const MAX_WAITING = 2000
const TRANSACTION_BYTES = 4

export interface QuestionHandler {
  onReply(response: KrpcResponse): void
  onSlow?(): void
  /** `timed_out`; `refused`: with an error, which is an answer after all; `not_sent`: there was too much to do. */
  onFailure(reason: 'timed_out' | 'refused' | 'not_sent', error: KrpcError | null): void
}

export interface ExchangeParts {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'bytes'>
  readonly ownId: () => Uint8Array
  /** Questions say that we answer none ourselves (BEP 43). */
  readonly isReadOnly: boolean
  /** Questions per second, at most. */
  readonly maxPerSecond: number
}

interface Question {
  readonly to: Address
  readonly request: DhtRequest
  readonly handler: QuestionHandler
  /** When it was sent; before, when it began to wait. */
  since: number
  isSlow: boolean
}

export class DhtExchange {
  readonly #parts: ExchangeParts
  readonly #socket: UdpSocket
  readonly #bucket: TokenBucket
  /** By transaction id; asked longest ago first. */
  readonly #asked = new Map<string, Question>()
  #waiting: Question[] = []

  constructor(socket: UdpSocket, parts: ExchangeParts) {
    this.#socket = socket
    this.#parts = parts
    this.#bucket = new TokenBucket(parts.maxPerSecond)
  }

  /** Questions without an answer yet. */
  get pending(): number {
    return this.#asked.size + this.#waiting.length
  }

  /** The handler is called later, once. */
  ask(to: Address, request: DhtRequest, handler: QuestionHandler): void {
    const question = { to, request, handler, since: this.#parts.clock.now(), isSlow: false }
    if (this.#waiting.length === 0 && this.#bucket.take(question.since)) this.#send(question)
    else this.#waiting.push(question)
  }

  /** What was asked for has come, or was refused. True when it was for one of our questions. */
  receive(message: KrpcResponse | KrpcError, from: Address): boolean {
    const key = idKey(message.transaction)
    const question = this.#asked.get(key)
    if (question === undefined || addressKey(question.to) !== addressKey(from)) return false
    this.#asked.delete(key)
    if (message.kind === 'response') question.handler.onReply(message)
    else question.handler.onFailure('refused', message)
    return true
  }

  tick(now: number): void {
    for (const [key, question] of this.#asked) {
      const age = now - question.since
      // All that follow were asked later.
      if (age < SLOW_MS) break
      if (age >= TIMEOUT_MS) {
        this.#asked.delete(key)
        question.handler.onFailure('timed_out', null)
      } else if (!question.isSlow) {
        question.isSlow = true
        question.handler.onSlow?.()
      }
    }
    this.#sendWaiting(now)
  }

  /** Every question fails. */
  close(): void {
    const questions = [...this.#asked.values(), ...this.#waiting]
    this.#asked.clear()
    this.#waiting = []
    this.#socket.close()
    for (const { handler } of questions) handler.onFailure('not_sent', null)
  }

  #sendWaiting(now: number): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const [i, question] of waiting.entries()) {
      const isTooMany = waiting.length - i > MAX_WAITING
      if (isTooMany || now - question.since >= TIMEOUT_MS) question.handler.onFailure('not_sent', null)
      else if (this.#bucket.take(now)) this.#send(question)
      else this.#waiting.push(question)
    }
  }

  #send(question: Question): void {
    const { clock, random, ownId, isReadOnly } = this.#parts
    let transaction = random.bytes(TRANSACTION_BYTES)
    while (this.#asked.has(idKey(transaction))) transaction = concatBytes([transaction.subarray(1), random.bytes(1)])
    question.since = clock.now()
    this.#asked.set(idKey(transaction), question)
    const query = { kind: 'query', transaction, id: ownId(), isReadOnly, request: question.request } as const
    this.#socket.send(encodeKrpc(query), question.to)
  }
}
