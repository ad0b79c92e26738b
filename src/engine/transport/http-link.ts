// A connection to a web server that is kept for several requests: they are sent at once, and answered in their order. Bytes of
// answers are passed on as they come, as views. It knows nothing of redirects, ranges and patience: its user does.
import { type Address, addressKey } from '../../base/address.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, ConnectOptions, Network } from '../../platform/platform.ts'
import { type HttpHead, ResponseDecoder } from '../../protocol/http/index.ts'

/** Who hears of the answers. Not called any more after `close()`. */
export interface HttpLinkOwner {
  onOpen(): void
  onHead(head: HttpHead): void
  /** A view that is valid during the call. */
  onBody(bytes: Uint8Array): void
  /** The answer to the oldest request is complete. */
  onComplete(): void
  /** The connection ended, or what came was not HTTP. What has not been answered will not be. Called once, and as the last. */
  onEnded(error: NetworkError): void
}

export class HttpLink implements ConnectionHandler {
  /** The other side was reached. */
  hasOpened = false
  /** Answers that were completed. */
  answers = 0
  /** Requests that are not answered to the end. */
  pending = 0
  readonly address: Address
  readonly #owner: HttpLinkOwner
  readonly #connection: Connection
  readonly #decoder: ResponseDecoder
  #isClosed = false

  /** Dials. */
  constructor(network: Pick<Network, 'connect'>, address: Address, options: ConnectOptions, owner: HttpLinkOwner) {
    this.address = address
    this.#owner = owner
    this.#decoder = new ResponseDecoder({
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => owner.onBody(bytes),
      onComplete: (isLast) => this.#onComplete(isLast),
    })
    this.#connection = network.connect(address, options, this)
  }

  /** Nothing can be asked over it any more. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @param request as `encodeGet` makes it */
  ask(request: Uint8Array): void {
    this.pending++
    this.#connection.write(request)
  }

  /** The owner is not called any more. */
  close(): void {
    this.#isClosed = true
    this.#decoder.stop()
    this.#connection.close()
  }

  #onHead(head: HttpHead): void {
    if (this.pending === 0) throw new NetworkError('bad_response', 'The server answers what it was not asked')
    this.#owner.onHead(head)
  }

  #onComplete(isLast: boolean): void {
    this.pending--
    this.answers++
    const left = this.pending
    if (isLast) this.close()
    this.#owner.onComplete()
    if (isLast && left > 0) this.#owner.onEnded(this.#error('the server closed the connection after an answer'))
  }

  #end(error: NetworkError): void {
    if (this.#isClosed) return
    this.close()
    this.#owner.onEnded(error)
  }

  #error(reason: string): NetworkError {
    return new NetworkError('closed', `Lost the connection to ${addressKey(this.address)}: ${reason}`)
  }

  /** Whatever the other side sends costs no more than this connection. */
  #guarded(take: () => void): void {
    try {
      take()
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      this.#end(error)
    }
  }

  // ---------------------------------------------------------------- what the connection reports

  onOpen(): void {
    this.hasOpened = true
    if (!this.#isClosed) this.#owner.onOpen()
  }

  onBytes(chunk: Uint8Array): void {
    if (!this.#isClosed) this.#guarded(() => this.#decoder.push(chunk))
  }

  onDrain(): void {}

  onEnd(): void {
    this.#guarded(() => this.#decoder.end())
    this.#end(this.#error('closed by the server'))
  }

  onClose(error: Error | null): void {
    this.#end(error instanceof NetworkError ? error : this.#error(error?.message ?? 'closed by the server'))
  }
}
