// A connection of a bound network: it ends when its local address is not used any more.
import { addressKey, type Address } from '../../base/address.ts'
import type { NetworkError } from '../../base/errors.ts'
import type { Clock, Connection, ConnectionHandler } from '../platform.ts'
import type { Follower } from './following-socket.ts'
import { familyOf, sourceGone, type Sources } from './sources.ts'

/** Stands between a connection and whoever handles it, to know when it has ended. */
export class HeldConnection implements ConnectionHandler, Follower {
  /** Set as soon as there is one. */
  connection: Connection | null = null
  readonly #localIp: string
  readonly #handler: ConnectionHandler
  readonly #onEnded: (held: HeldConnection) => void
  #cutOff: NetworkError | null = null

  constructor(localIp: string, handler: ConnectionHandler, onEnded: (held: HeldConnection) => void) {
    this.#localIp = localIp
    this.#handler = handler
    this.#onEnded = onEnded
  }

  follow(sources: Sources): void {
    if (sources[familyOf(this.#localIp)]?.ip === this.#localIp || !this.connection || this.#cutOff) return
    this.#cutOff = sourceGone(`Lost the connection to ${addressKey(this.connection.remote)}`, this.#localIp)
    this.connection.close()
  }

  onOpen(): void {
    this.#handler.onOpen()
  }

  onBytes(chunk: Uint8Array): void {
    this.#handler.onBytes(chunk)
  }

  onDrain(): void {
    this.#handler.onDrain()
  }

  onEnd(): void {
    this.#handler.onEnd()
  }

  onClose(error: Error | null): void {
    this.#onEnded(this)
    this.#handler.onClose(this.#cutOff ?? error)
  }
}

/** A connection that there cannot be: its handler hears of that a moment later, as of any failure. */
export function refusedConnection(
  remote: Address,
  error: NetworkError,
  handler: ConnectionHandler,
  clock: Pick<Clock, 'after'>,
): Connection {
  const nothing = (): void => {}
  clock.after(0, () => handler.onClose(error))
  return {
    remote,
    localIp: '',
    queuedBytes: 0,
    bytesReceived: 0,
    bytesSent: 0,
    write: nothing,
    cork: nothing,
    uncork: nothing,
    end: nothing,
    close: nothing,
  }
}
