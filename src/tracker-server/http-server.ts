// The HTTP side of the tracker: connections, time limits, and what is asked of them.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAddress, parseIp } from '../base/address.ts'
import type { Log } from '../base/log.ts'
import { ConnectionCounts } from './connection-counts.ts'
import { listenError, type Listener, type Place } from './listeners.ts'

const MAX_HEAD_BYTES = 16 * 1024
const REQUEST_WITHIN_MS = 10_000
const MAX_CONNECTIONS = 4000
/** Clients behind one router may come at once. */
const MAX_CONNECTIONS_PER_SOURCE = 100

export interface HttpPage {
  readonly contentType: string
  readonly body: Uint8Array
}

export interface HttpServerOptions extends Place {
  /** Believe what a proxy says of the sender, the last entry of X-Forwarded-For. */
  readonly isBehindProxy: boolean
  readonly log: Log
  /** What answers a GET, or null for a path that does not exist. */
  answer(target: string, senderIp: string): HttpPage | null
}

export class HttpServer implements Listener {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** Rejects with NetworkError `address_in_use`, `address_not_available` or the system's code in lower case. */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const { ip, port, bothFamilies } = options
    const server = createServer(
      {
        maxHeaderSize: MAX_HEAD_BYTES,
        headersTimeout: REQUEST_WITHIN_MS,
        requestTimeout: REQUEST_WITHIN_MS,
        connectionsCheckingInterval: REQUEST_WITHIN_MS / 2,
        keepAliveTimeout: REQUEST_WITHIN_MS,
      },
      (request, response) => serve(options, request, response),
    )
    server.maxConnections = MAX_CONNECTIONS
    // A proxy's connections are everybody's.
    if (!options.isBehindProxy) boundSources(server)
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, ip, port))
      server.once('error', onError)
      server.listen({ host: ip, port, ipv6Only: !bothFamilies }, () => {
        server.off('error', onError)
        server.on('error', (error) =>
          options.log({ level: 'error', scope: 'tracker', message: `HTTP server: ${error.message}` }),
        )
        resolve()
      })
    })
    return new HttpServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

function boundSources(server: Server): void {
  const counts = new ConnectionCounts(MAX_CONNECTIONS_PER_SOURCE)
  server.on('connection', (socket) => {
    const onClose = counts.add(socket.remoteAddress ?? '')
    if (onClose === null) socket.destroy()
    else socket.once('close', onClose)
  })
}

function serve(options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const target = request.url ?? ''
  try {
    // Nobody here has a use for the date.
    response.sendDate = false
    const isGet = request.method === 'GET'
    const senderIp = senderOf(request, options.isBehindProxy)
    const page = isGet && senderIp !== null ? options.answer(target, senderIp) : null
    if (page === null) {
      // Reads no body, if there is one: the connection ends.
      response.writeHead(isGet ? 404 : 405, { Connection: 'close' }).end()
      return
    }
    const { contentType, body } = page
    response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': body.length })
    // As text, a byte for each character, the body goes out in one write together with the head; as bytes, in two parts.
    response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1')
  } catch (error) {
    options.log({ level: 'error', scope: 'tracker', message: `Cannot answer ${target}: ${String(error)}` })
    response.destroy()
  }
}

/** Canonical, or null. */
function senderOf(request: IncomingMessage, isBehindProxy: boolean): string | null {
  const forwarded = isBehindProxy ? request.headers['x-forwarded-for'] : undefined
  // The last entry is the one that the proxy itself has added; the others may be anybody's invention.
  const last = forwarded === undefined ? undefined : String(forwarded).split(',').at(-1)!.trim()
  if (last === undefined) return parseIp((request.socket.remoteAddress ?? '').replace(/%.*$/, ''))
  // Some proxies write the port, too.
  return parseIp(last.replace(/^\[(.*)\]$/, '$1')) ?? parseAddress(last)?.ip ?? null
}
