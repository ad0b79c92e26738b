// An incoming connection before we know which torrent it wants: the first 48 bytes say so (BEP 3).
// After that it stands aside: every call goes on to the peer. What does not open as a plain handshake (an encrypted
// connection, or noise) is closed at once; nobody is blamed, since nobody is known yet.
import { HANDSHAKE_HEAD_BYTES, decodeHandshakeHead, opensAsHandshake } from '../../protocol/wire/index.ts'
import type { Connection, ConnectionHandler } from '../../platform/platform.ts'

export interface GreetingOwner {
  /** Who handles this infohash; null: nobody, the connection is closed. */
  onGreeting(infohash: Uint8Array, connection: Connection): ConnectionHandler | null
  /** The greeting is over, in whatever way. */
  onGreeted(greeting: Greeting): void
}

export class Greeting implements ConnectionHandler {
  readonly openedAt: number
  readonly #connection: Connection
  readonly #owner: GreetingOwner
  readonly #head = new Uint8Array(HANDSHAKE_HEAD_BYTES)
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

  onOpen(): void {}

  onBytes(chunk: Uint8Array): void {
    if (this.#target) return this.#target.onBytes(chunk)
    const taken = Math.min(HANDSHAKE_HEAD_BYTES - this.#length, chunk.length)
    this.#head.set(chunk.subarray(0, taken), this.#length)
    this.#length += taken
    if (!opensAsHandshake(this.#head.subarray(0, this.#length))) return this.close()
    if (this.#length < HANDSHAKE_HEAD_BYTES) return
    const { infohash } = decodeHandshakeHead(this.#head)
    this.#target = this.#owner.onGreeting(infohash, this.#connection)
    if (!this.#target) return this.close()
    this.#owner.onGreeted(this)
    this.#target.onBytes(this.#head)
    if (taken < chunk.length) this.#target.onBytes(chunk.subarray(taken))
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
