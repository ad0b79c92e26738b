// An incoming connection before we know which torrent it wants: the first 48 bytes say so (BEP 3).
// After that it stands aside: every call goes on to the peer. What does not open as a plain handshake (an encrypted
// connection, or noise) is closed at once; nobody is blamed, since nobody is known yet. Who comes while the torrent is
// still looking at its files waits.
import { concatBytes } from '../../base/bytes.ts'
import { HANDSHAKE_HEAD_BYTES, decodeHandshakeHead, opensAsHandshake } from '../../protocol/wire/index.ts'
import type { Connection, ConnectionHandler } from '../../platform/platform.ts'

/** `later`: that torrent is not ready to meet peers yet, and soon will be. */
export type GreetingAnswer = ConnectionHandler | 'later' | null

export interface GreetingOwner {
  /** Who handles this infohash; null: nobody, the connection is closed. */
  onGreeting(infohash: Uint8Array, connection: Connection): GreetingAnswer
  /** The greeting is over, in whatever way. */
  onGreeted(greeting: Greeting): void
}

/** What a peer may say before it is listened to: its handshake, what it has of a torrent of 500,000 pieces, and some more. */
const MAX_WAITING_BYTES = 131_072

export class Greeting implements ConnectionHandler {
  readonly openedAt: number
  readonly #connection: Connection
  readonly #owner: GreetingOwner
  /** All that was said so far: part of a handshake's head, and more only while the torrent is not ready. */
  #said: Uint8Array[] = []
  #length = 0
  #target: ConnectionHandler | null = null

  constructor(connection: Connection, owner: GreetingOwner, now: number) {
    this.#connection = connection
    this.#owner = owner
    this.openedAt = now
  }

  close(): void {
    this.#connection.close()
    this.#owner.onGreeted(this)
  }

  /** A torrent has become ready: perhaps the one that this peer asks for. */
  askAgain(): void {
    if (this.#length >= HANDSHAKE_HEAD_BYTES) this.#ask()
  }

  onOpen(): void {}

  onBytes(chunk: Uint8Array): void {
    if (this.#target) return this.#target.onBytes(chunk)
    const isWaiting = this.#length >= HANDSHAKE_HEAD_BYTES
    this.#said.push(chunk.slice())
    this.#length += chunk.length
    if (isWaiting) {
      if (this.#length > MAX_WAITING_BYTES) this.close()
      return
    }
    if (!opensAsHandshake(this.#head())) return this.close()
    if (this.#length >= HANDSHAKE_HEAD_BYTES) this.#ask()
  }

  #head(): Uint8Array {
    return concatBytes(this.#said).subarray(0, HANDSHAKE_HEAD_BYTES)
  }

  #ask(): void {
    const { infohash } = decodeHandshakeHead(this.#head())
    const answer = this.#owner.onGreeting(infohash, this.#connection)
    if (answer === 'later') return
    if (!answer) return this.close()
    this.#target = answer
    this.#owner.onGreeted(this)
    answer.onBytes(concatBytes(this.#said))
    this.#said = []
  }

  onDrain(): void {
    this.#target?.onDrain()
  }

  onEnd(): void {
    if (this.#target) this.#target.onEnd()
    else this.close()
  }

  onClose(error: Error | null): void {
    if (this.#target) this.#target.onClose(error)
    else this.#owner.onGreeted(this)
  }
}
