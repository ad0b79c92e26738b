// One end of a TCP connection, as the engine sees it (the contract is in src/platform/platform.ts).
import { addressKey, type Address } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler } from '../../platform/platform.ts'
import type { TimeTarget } from '../timeline.ts'
import type { Host, HostStream } from './host.ts'
import type { Medium } from './medium.ts'
import type { PipeSender, TcpPipe } from './tcp-pipe.ts'
import type { PipeReceiver } from './tcp-receiver.ts'

export class TcpStream implements Connection, HostStream, PipeSender, PipeReceiver, TimeTarget {
  readonly remote: Address
  localIp = ''
  bytesReceived = 0
  readonly #medium: Medium
  readonly #host: Host
  readonly #life: number
  #out!: TcpPipe
  /** Sends a reset to the other side. */
  #sendReset!: () => void
  #handler: ConnectionHandler | null = null
  /** An incoming connection: hands it to whoever listens. */
  #onFirstBytes: (() => void) | null = null
  #isClosed = false
  #hasEnded = false
  #hasReceivedEnd = false
  #isCloseTold = false
  #error: Error | null = null

  constructor(medium: Medium, host: Host, remote: Address) {
    this.#medium = medium
    this.#host = host
    this.#life = host.life
    this.remote = remote
  }

  /** To be called once, right after construction: the direction in which this end sends, and how it resets the other. */
  attach(out: TcpPipe, sendReset: () => void): void {
    this.#out = out
    this.#sendReset = sendReset
  }

  // ---------------------------------------------------------------- for the engine

  get queuedBytes(): number {
    return this.#out.queuedBytes
  }

  get bytesSent(): number {
    return this.#out.bytesTaken
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    if (!this.#isClosed && !this.#hasEnded) this.#out.write(bytes, onTaken)
  }

  cork(): void {
    this.#out.cork()
  }

  uncork(): void {
    this.#out.uncork()
  }

  end(): void {
    if (this.#isClosed || this.#hasEnded) return
    this.#hasEnded = true
    this.#out.end()
    this.#finishIfDone()
  }

  close(): void {
    if (this.#isClosed) return
    this.#out.abandon()
    this.#close(null)
  }

  // ---------------------------------------------------------------- for the handshake

  get isDead(): boolean {
    return this.#isClosed || this.#host.life !== this.#life
  }

  /** From here on the handler is called. */
  start(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  /** An incoming connection is there, but not yet handed over: `accept` does so, at the latest before the first bytes. */
  awaitFirstBytes(accept: () => void): void {
    this.#onFirstBytes = accept
  }

  /** Hands an incoming connection over, once. */
  accept(): void {
    const accept = this.#onFirstBytes
    this.#onFirstBytes = null
    if (!this.isDead) accept?.()
  }

  open(localIp: string, handshakeUs: number): void {
    if (this.isDead) return
    this.localIp = localIp
    this.#host.addStream(this)
    this.#out.open(handshakeUs)
  }

  resetOther(): void {
    this.#sendReset()
  }

  tellOpen(): void {
    if (!this.isDead) this.#guard(() => this.#handler?.onOpen())
  }

  fail(error: Error): void {
    if (this.isDead) return
    this.#out.stop()
    this.#close(error)
  }

  // ---------------------------------------------------------------- what the pipes report

  prepareForBytes(): boolean {
    this.accept()
    return !this.isDead
  }

  onBytes(chunk: Uint8Array): boolean {
    this.bytesReceived += chunk.length
    try {
      this.#handler?.onBytes(chunk)
    } catch (error) {
      this.#fault(error)
    }
    return !this.#isClosed
  }

  onEnd(): void {
    if (this.isDead) return
    this.#hasReceivedEnd = true
    this.#guard(() => this.#handler?.onEnd())
    this.#finishIfDone()
  }

  onTaken(callbacks: readonly (() => void)[], hasDrained: boolean): void {
    for (const onTaken of callbacks) {
      if (this.#isClosed) return
      this.#guard(onTaken)
    }
    // A callback may have written more.
    if (!hasDrained || this.#isClosed || this.queuedBytes > 0) return
    this.#guard(() => this.#handler?.onDrain())
    this.#finishIfDone()
  }

  onGaveUp(): void {
    this.fail(new NetworkError('etimedout', `Lost the connection to ${addressKey(this.remote)}: timed out`))
  }

  /** The other side knows of no such connection, or wants no more of it. */
  onPacket(): void {
    const error = `Lost the connection to ${addressKey(this.remote)}: connection reset by the other side`
    if (this.#isClosed) this.#out.stop()
    else this.fail(new NetworkError('econnreset', error))
  }

  // ---------------------------------------------------------------- the end

  onTime(): void {
    if (this.#isCloseTold || this.#host.life !== this.#life) return
    this.#isCloseTold = true
    this.#guard(() => this.#handler?.onClose(this.#error))
    this.#handler = null
  }

  #finishIfDone(): void {
    if (this.#hasEnded && this.#hasReceivedEnd && this.queuedBytes === 0 && !this.#isClosed) this.#close(null)
  }

  #close(error: Error | null): void {
    this.#isClosed = true
    this.#host.removeStream(this)
    this.#error ??= error
    this.#medium.timeline.plan(0, this, 0)
  }

  #guard(callHandler: () => void): void {
    try {
      callHandler()
    } catch (error) {
      this.#fault(error)
    }
  }

  /** A handler that throws is a bug of its owner: it costs this connection, not the simulation. */
  #fault(error: unknown): void {
    this.#error ??= error instanceof Error ? error : new Error(String(error))
    this.close()
  }
}
