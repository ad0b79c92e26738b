// A web server on a machine of the simulated world: it serves files in parts, over connections that it keeps, and misbehaves as
// a test tells it to.
import { decodeUtf8, encodeUtf8 } from '../../src/base/bytes.ts'
import type { Connection, ConnectionHandler } from '../../src/platform/platform.ts'
import type { SimNode } from '../../src/sim/index.ts'

export interface WebRequest {
  /** As it was sent. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  /** First byte and the one after the last; null where no range was asked for. */
  readonly range: { readonly from: number; readonly to: number } | null
  readonly fromIp: string
}

export interface WebAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Of the body so many bytes are sent, and then nothing. */
  readonly stallsAfter?: number
  /** The connection is closed after it, though nothing says so. */
  readonly closes?: boolean
}

export class SimWebServer {
  readonly url: string
  readonly requests: WebRequest[] = []
  /** Connections so far. */
  met = 0

  /** @param answer null: nothing is said at all */
  constructor(node: SimNode, answer: (request: WebRequest) => WebAnswer | null, port = 80) {
    this.url = `http://${node.ip}:${port}`
    void node.platform.network.listen({ ip: node.ip, port }, (connection) => {
      this.met++
      return new Talk(connection, (request) => {
        this.requests.push(request)
        return answer(request)
      })
    })
  }

  /** Bytes asked for so far. */
  get bytesAsked(): number {
    return this.requests.reduce((sum, { range }) => sum + (range ? range.to - range.from : 0), 0)
  }
}

/** What a sound server answers: files by their targets. */
export function serveFiles(files: ReadonlyMap<string, Uint8Array>): (request: WebRequest) => WebAnswer {
  return ({ target, range }) => {
    const file = files.get(target)
    if (!file) return { status: 404 }
    if (!range) return { status: 200, body: file }
    const headers = { 'Content-Range': `bytes ${range.from}-${range.to - 1}/${file.length}` }
    return { status: 206, headers, body: file.subarray(range.from, range.to) }
  }
}

class Talk implements ConnectionHandler {
  readonly #connection: Connection
  readonly #answer: (request: WebRequest) => WebAnswer | null
  #text = ''
  #isStalled = false

  constructor(connection: Connection, answer: (request: WebRequest) => WebAnswer | null) {
    this.#connection = connection
    this.#answer = answer
  }

  onBytes(chunk: Uint8Array): void {
    this.#text += decodeUtf8(chunk)
    for (let end = this.#text.indexOf('\r\n\r\n'); end >= 0; end = this.#text.indexOf('\r\n\r\n')) {
      const [first, ...lines] = this.#text.slice(0, end).split('\r\n')
      this.#text = this.#text.slice(end + 4)
      if (this.#isStalled) continue
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
      )
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
      this.#send(
        this.#answer({
          target: first.split(' ')[1],
          headers,
          range: range ? { from: Number(range[1]), to: Number(range[2]) + 1 } : null,
          fromIp: this.#connection.remote.ip,
        }),
      )
    }
  }

  #send(answer: WebAnswer | null): void {
    this.#isStalled = answer === null || answer.stallsAfter !== undefined
    if (answer === null) return
    const body = answer.body ?? new Uint8Array(0)
    const fields = Object.entries({ 'Content-Length': String(body.length), ...answer.headers })
    const head = [`HTTP/1.1 ${answer.status} X`, ...fields.map(([name, value]) => `${name}: ${value}`)]
    this.#connection.write(encodeUtf8(`${head.join('\r\n')}\r\n\r\n`))
    if (body.length > 0) this.#connection.write(body.slice(0, answer.stallsAfter))
    if (answer.closes) this.#connection.end()
  }

  onEnd(): void {
    this.#connection.end()
  }

  onOpen(): void {}
  onDrain(): void {}
  onClose(): void {}
}
