// The embedded HTTP tracker (package subpath `shoal/tracker-server`): for a swarm on one machine, in one house, or in a test.
// Announces and scrapes over IPv4 and IPv6; peers are kept in memory alone. What it answers is decided in `registry.ts`.
import { randomInt } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addressKey, ipAddress, isIpv6, parseIp } from '../base/address.ts'
import { NetworkError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { Registry, type RegistryLimits } from './registry.ts'

export interface TrackerOptions {
  /** IP to listen on. Default: all addresses, of both families where the machine has both. */
  readonly ip?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Receives what may interest whoever looks for a fault. Default: nobody. */
  readonly log?: Log
  /** Bounds of its memory. */
  readonly limits?: RegistryLimits
}

export interface RunningTracker {
  /** Announce URL, as it is reached from this machine. */
  readonly url: string
  readonly port: number
  /** Ends all connections and frees the port. */
  close(): Promise<void>
}

const MAX_HEAD_BYTES = 16 * 1024
const REQUEST_WITHIN_MS = 10_000
const MAX_CONNECTIONS = 1000
const CLEAN_EVERY_MS = 60_000

/** Resolves when it listens. Rejects with NetworkError `address_in_use`, `address_not_available` or the system's code in lower case. */
export async function startTracker(options: TrackerOptions = {}): Promise<RunningTracker> {
  const log = options.log ?? (() => {})
  const registry = new Registry({ below: (limit) => randomInt(limit) }, options.limits)
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: REQUEST_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: REQUEST_WITHIN_MS / 2,
      keepAliveTimeout: REQUEST_WITHIN_MS / 2,
    },
    (request, response) => {
      try {
        serve(registry, request, response, log)
      } catch (error) {
        log({ level: 'error', scope: 'tracker', message: `Cannot answer ${request.url}: ${String(error)}` })
        response.destroy()
      }
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  const ip = await listen(server, options.ip, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const cleaning = setInterval(() => registry.forgetOld(performance.now()), CLEAN_EVERY_MS)
  cleaning.unref()
  const reachedAt = ip === '::' || ip === '0.0.0.0' ? '127.0.0.1' : ip
  return {
    url: `http://${addressKey(ipAddress(reachedAt, port))}/announce`,
    port,
    close: () =>
      new Promise((resolve) => {
        clearInterval(cleaning)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function serve(registry: Registry, request: IncomingMessage, response: ServerResponse, log: Log): void {
  const senderIp = parseIp((request.socket.remoteAddress ?? '').replace(/%.*$/, ''))
  const target = request.url ?? ''
  const isGet = request.method === 'GET'
  const body = senderIp !== null && isGet ? registry.answer(target, senderIp, performance.now()) : null
  log({ level: 'debug', scope: 'tracker', message: `${senderIp} ${request.method} ${target}` })
  if (body === null) response.writeHead(isGet ? 404 : 405, { Connection: 'close' }).end()
  else response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length }).end(body)
}

/** Listens, and returns the IP. Without one, a socket for both families is tried first. */
async function listen(server: Server, ip: string | undefined, port: number): Promise<string> {
  if (ip !== undefined) {
    const canonical = parseIp(ip)
    if (canonical === null) throw new NetworkError('address_not_available', `Cannot listen on ${ip}: not an IP address`)
    await listenOn(server, canonical, port, isIpv6(canonical) && canonical !== '::')
    return canonical
  }
  try {
    await listenOn(server, '::', port, false)
    return '::'
  } catch (error) {
    if ((error as NetworkError).code === 'address_in_use') throw error
    await listenOn(server, '0.0.0.0', port, false)
    return '0.0.0.0'
  }
}

function listenOn(server: Server, ip: string, port: number, ipv6Only: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const codes: Record<string, string> = { EADDRINUSE: 'address_in_use', EADDRNOTAVAIL: 'address_not_available' }
      const system = error.code ?? 'unknown'
      reject(new NetworkError(codes[system] ?? system.toLowerCase(), `Cannot listen on ${ip} port ${port}: ${system}`))
    }
    server.once('error', onError)
    server.listen({ host: ip, port, ipv6Only }, () => {
      server.off('error', onError)
      resolve()
    })
  })
}
