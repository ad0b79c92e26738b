// The other side of `network/http-get.ts`: one request per connection, one answer, and the end.
import { decodeUtf8, encodeUtf8 } from '../../base/bytes.ts'
import type { Connection, ConnectionHandler } from '../../platform/platform.ts'
import { endOfHead } from '../network/http-get.ts'

const MAX_REQUEST_BYTES = 16_384

/** The body that answers a request target (`/announce?...`), or null: not found. */
export type Answer = (target: string, from: string) => Uint8Array | null

export class HttpExchange implements ConnectionHandler {
  readonly #connection: Connection
  readonly #answer: Answer
  #request = new Uint8Array(0)

  constructor(connection: Connection, answer: Answer) {
    this.#connection = connection
    this.#answer = answer
  }

  onOpen(): void {}
  onDrain(): void {}
  onClose(): void {}

  onBytes(chunk: Uint8Array): void {
    const request = new Uint8Array(this.#request.length + chunk.length)
    request.set(this.#request)
    request.set(chunk, this.#request.length)
    this.#request = request
    const headEnd = endOfHead(request)
    if (headEnd >= 0) this.#respond(decodeUtf8(request.subarray(0, headEnd)))
    else if (request.length > MAX_REQUEST_BYTES) this.#connection.close()
  }

  onEnd(): void {
    this.#connection.end()
  }

  #respond(head: string): void {
    const target = /^GET (\S+) HTTP/.exec(head)?.[1]
    const body = target === undefined ? null : this.#answer(target, this.#connection.remote.ip)
    const status = body ? '200 OK' : '404 Not Found'
    this.#connection.write(encodeUtf8(`HTTP/1.1 ${status}\r\nContent-Length: ${body?.length ?? 0}\r\n\r\n`))
    if (body) this.#connection.write(body)
    this.#connection.end()
  }
}
