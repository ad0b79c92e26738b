// One HTTP GET over a simulated connection: what a tracker needs of HTTP/1.1, and no more. Bodies end with the connection.
import { ipAddress, isIpv6 } from '../../base/address.ts'
import { concatBytes, decodeUtf8, encodeUtf8 } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import type { ConnectionHandler, HttpRequest, HttpResponse, Network, Stop } from '../../platform/platform.ts'
import type { Timeline } from '../timeline.ts'

const MAX_HEAD_BYTES = 16_384

export interface HttpParts {
  readonly timeline: Timeline
  readonly network: Pick<Network, 'connect' | 'lookup'>
}

/** Rejects with NetworkError as the real one does: `timed_out`, `aborted`, `response_too_large`, `bad_response`, ... */
export async function httpGet({ timeline, network }: HttpParts, request: HttpRequest): Promise<HttpResponse> {
  const url = parseUrl(request.url)
  const what = `Cannot get ${url.origin}${url.pathname}`
  if (request.signal?.aborted) throw new NetworkError('aborted', `${what}: aborted`)
  const endsAtUs = timeline.nowUs + request.timeoutMs * 1000
  const family = request.localIp === undefined ? 'any' : isIpv6(request.localIp) ? 6 : 4
  const ip = request.remoteIp ?? (await network.lookup(url.hostname, family))[0]
  return new Promise((resolve, reject) => {
    let stopTimer: Stop = () => {}
    const onAbort = (): void => settle(new NetworkError('aborted', `${what}: aborted`))
    const handler = new Receiving(request.maxBytes, what, (outcome) => settle(outcome))
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
    const connection = network.connect(ipAddress(ip, port), { localIp: request.localIp }, handler)
    const settle = (outcome: HttpResponse | Error): void => {
      stopTimer()
      request.signal?.removeEventListener('abort', onAbort)
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
      timeline.promiseSettled()
      connection.close()
    }
    const late = new NetworkError('timed_out', `${what}: no complete answer within ${request.timeoutMs} ms`)
    stopTimer = timeline.at(endsAtUs, () => settle(late))
    request.signal?.addEventListener('abort', onAbort)
    const headers = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${headers.join('')}\r\n`
    connection.write(encodeUtf8(head))
  })
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new NetworkError('unsupported_url', `Cannot get ${text}: not an http or https URL`)
}

/** Gathers an answer until the other side has ended. */
class Receiving implements ConnectionHandler {
  readonly #maxBytes: number
  readonly #what: string
  readonly #settle: (outcome: HttpResponse | Error) => void
  readonly #parts: Uint8Array[] = []
  #received = 0
  #isOver = false

  constructor(maxBytes: number, what: string, settle: (outcome: HttpResponse | Error) => void) {
    this.#maxBytes = maxBytes
    this.#what = what
    this.#settle = settle
  }

  onOpen(): void {}
  onDrain(): void {}

  onBytes(chunk: Uint8Array): void {
    this.#received += chunk.length
    this.#parts.push(chunk.slice())
    if (this.#received > MAX_HEAD_BYTES + this.#maxBytes) this.#end(this.#tooLarge())
  }

  onEnd(): void {
    const whole = concatBytes(this.#parts)
    const response = parseResponse(whole)
    if (!response) this.#end(new NetworkError('bad_response', `${this.#what}: the answer is not HTTP`))
    else this.#end(response.body.length > this.#maxBytes ? this.#tooLarge() : response)
  }

  onClose(error: Error | null): void {
    this.#end(error ?? new NetworkError('bad_response', `${this.#what}: closed without an answer`))
  }

  #tooLarge(): NetworkError {
    return new NetworkError('response_too_large', `${this.#what}: the answer is larger than ${this.#maxBytes} bytes`)
  }

  #end(outcome: HttpResponse | Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#settle(outcome)
  }
}

function parseResponse(bytes: Uint8Array): HttpResponse | null {
  const headEnd = endOfHead(bytes)
  if (headEnd < 0) return null
  const [statusLine, ...lines] = decodeUtf8(bytes.subarray(0, headEnd)).split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]
  if (status === undefined) return null
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { status: Number(status), headers, body: bytes.slice(headEnd + 4) }
}

/** Where the empty line begins that ends the head; -1 while there is none. */
export function endOfHead(bytes: Uint8Array): number {
  for (let at = 0; at + 3 < bytes.length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at
  }
  return -1
}
