// One TCP connection as the engine sees it (the contract is in ../platform.ts), over a node:net socket.
// Bytes arrive in one of two ways:
// - 'shared': the system reads into ONE buffer of this thread and every connection consumes it on the spot. Half the CPU of
//   the other way, because nothing is allocated per read;
// - 'events': the socket's 'data' events, for runtimes where a socket cannot be made to do the former.
import type net from 'node:net'
import { addressKey, ipAddress, parseIp, type Address } from '../../base/address.ts'
import type { Connection, ConnectionHandler } from '../platform.ts'
import { toNetworkError } from './network-error.ts'

export type Receiving = 'shared' | 'events'

/** Larger reads mean fewer calls; beyond 1 MiB the processor's caches no longer hold the chunk until it is consumed. */
const RECEIVE_BYTES = 1 << 20

let receiveBuffer: Uint8Array<ArrayBuffer> | null = null

interface PendingWrite {
  readonly bytes: number
  readonly onTaken: (() => void) | undefined
}

export class TcpConnection implements Connection {
  readonly remote: Address
  localIp = ''
  bytesReceived = 0
  readonly #socket: net.Socket
  readonly #receiving: Receiving
  #handler: ConnectionHandler | null = null
  /** Written and not yet taken, oldest first from `#firstPending`. */
  #pending: PendingWrite[] = []
  #firstPending = 0
  #bytesWritten = 0
  #bytesTaken = 0
  #ended = false
  #closed = false
  #error: Error | null = null

  readonly #openEvent: 'connect' | 'secureConnect'

  /**
   * @param makeSocket is given the `onread` option that the socket must have, or undefined when it is to emit events
   * @param openEvent after which the socket may be used
   */
  constructor(
    remote: Address,
    receiving: Receiving,
    makeSocket: (onread?: net.OnReadOpts) => net.Socket,
    openEvent: 'connect' | 'secureConnect' = 'connect',
  ) {
    this.remote = remote
    this.#receiving = receiving
    this.#openEvent = openEvent
    if (receiving === 'events') this.#socket = makeSocket()
    else {
      receiveBuffer ??= new Uint8Array(RECEIVE_BYTES)
      const { buffer } = receiveBuffer
      this.#socket = makeSocket({
        buffer: receiveBuffer,
        callback: (length) => {
          this.#receive(new Uint8Array(buffer, 0, length))
          return true
        },
      })
    }
    this.#socket.on('error', (error) => {
      const what = this.localIp === '' ? 'Cannot connect to' : 'Lost the connection to'
      if (!this.#closed) this.#error ??= toNetworkError(error, `${what} ${addressKey(remote)}`)
    })
    this.#readLocalIp()
  }

  /** From here on the handler is called. */
  start(handler: ConnectionHandler): void {
    this.#handler = handler
    const socket = this.#socket
    if (this.localIp === '') {
      socket.on(this.#openEvent, () => {
        this.#readLocalIp()
        if (!this.#closed) this.#guard(() => handler.onOpen())
      })
    }
    if (this.#receiving === 'events') {
      // A plain Uint8Array, as in the other way of receiving: Buffer's `slice` would be no copy.
      socket.on('data', (data: Buffer) =>
        this.#receive(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length)),
      )
    }
    socket.on('end', () => {
      if (!this.#closed) this.#guard(() => handler.onEnd())
    })
    socket.on('close', () => {
      this.#settleCounts()
      this.#closed = true
      this.#guard(() => handler.onClose(this.#error))
    })
    socket.resume()
  }

  get queuedBytes(): number {
    return this.#bytesWritten - this.#bytesTaken
  }

  get bytesSent(): number {
    return this.#bytesTaken
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    if (this.#closed || this.#ended) return
    this.#bytesWritten += bytes.length
    this.#pending.push({ bytes: bytes.length, onTaken })
    // One callback for all writes: Node then reports those that the system took at once in a single tick.
    this.#socket.write(bytes, this.#onWritten)
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  end(): void {
    if (this.#closed || this.#ended) return
    this.#ended = true
    this.#socket.end()
  }

  close(): void {
    if (this.#closed) return
    // What the system took in this very turn is known to the stream already, while our callbacks are still to come.
    this.#bytesTaken = this.#bytesWritten - this.#socket.writableLength
    this.#settleCounts()
    this.#closed = true
    this.#socket.destroy()
  }

  /** Node calls this once per write, in order, never inside `write`. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error || this.#closed) return
    const write = this.#pending[this.#firstPending++]
    this.#bytesTaken += write.bytes
    this.#forgetTaken()
    this.#guard(() => write.onTaken?.())
    if (this.#pending.length === 0 && !this.#closed) this.#guard(() => this.#handler?.onDrain())
  }

  #receive(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length
    if (this.#closed) return
    try {
      this.#handler?.onBytes(chunk)
    } catch (error) {
      this.#fail(error)
    }
  }

  #guard(callHandler: () => void): void {
    try {
      callHandler()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A handler that throws is a bug of ours: it costs this connection, not the process. */
  #fail(error: unknown): void {
    this.#error ??= error instanceof Error ? error : new Error(String(error))
    this.close()
  }

  #forgetTaken(): void {
    if (this.#firstPending === this.#pending.length) {
      this.#pending.length = 0
      this.#firstPending = 0
    } else if (this.#firstPending >= 1024) {
      this.#pending = this.#pending.slice(this.#firstPending)
      this.#firstPending = 0
    }
  }

  /** What is still queued when a connection ends is lost: neither queued nor sent. */
  #settleCounts(): void {
    this.#bytesWritten = this.#bytesTaken
    this.#pending.length = 0
    this.#firstPending = 0
  }

  #readLocalIp(): void {
    this.localIp = canonicalIp(this.#socket.localAddress) ?? ''
  }
}

/** The address at the other end of an accepted socket, or null when it has gone already. */
export function remoteAddress(socket: net.Socket): Address | null {
  const ip = canonicalIp(socket.remoteAddress)
  return ip === null || socket.remotePort === undefined ? null : ipAddress(ip, socket.remotePort)
}

/** Node adds the zone (`%eth0`) to link-local addresses; mapped IPv4 becomes IPv4. */
function canonicalIp(text: string | undefined): string | null {
  return text === undefined ? null : parseIp(text.split('%', 1)[0])
}
