// The embedded tracker (package subpath `shoal/tracker-server`): announces and scrapes over HTTP and UDP, IPv4 and IPv6, on one port
// number. Peers are kept in memory alone. What it knows: `registry.ts`; what it answers: `http-answers.ts`, `udp-answers.ts`.
import { randomBytes, randomInt } from 'node:crypto'
import { addressKey, ipAddress } from '../base/address.ts'
import { encodeUtf8 } from '../base/bytes.ts'
import type { Log } from '../base/log.ts'
import { AllowList } from './allow-list.ts'
import { ConnectionIds } from './connection-ids.ts'
import { HttpAnswers } from './http-answers.ts'
import { HttpServer, type HttpPage } from './http-server.ts'
import type { TrackerLimits } from './limits.ts'
import { openListeners } from './listeners.ts'
import { infohashKey, Registry } from './registry.ts'
import { statisticsOf, statisticsPage, type TrackerStatistics } from './statistics.ts'
import { Traffic } from './traffic.ts'
import { UdpAnswers } from './udp-answers.ts'
import { UdpServer } from './udp-server.ts'

export type { TrackerLimits } from './limits.ts'
export type { TrackerStatistics } from './statistics.ts'

export interface TrackerOptions {
  /** IP to listen on. Default: all addresses, of both families where the machine has both. */
  readonly ip?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Listen for UDP, too. Default true. */
  readonly udp?: boolean
  /** Seconds between two announces of a peer while there are few peers; with more it grows, up to 1800. Default 120. */
  readonly intervalSeconds?: number
  /** A file of the infohashes that are served, one a line; read again whenever it changes. Default: all torrents are served. */
  readonly allowFile?: string
  /**
   * Take the sender's IP of HTTP requests from the last entry of X-Forwarded-For. Only where nobody but a proxy of one's own reaches
   * the tracker, or everybody could register everybody. Default false.
   */
  readonly isBehindProxy?: boolean
  /** Receives what may interest whoever looks for a fault. Default: nobody. */
  readonly log?: Log
  /** Bounds of its memory. */
  readonly limits?: TrackerLimits
}

export interface RunningTracker {
  /** Announce URL over HTTP, as it is reached from this machine. */
  readonly url: string
  /** The same over UDP; null where it does not listen for UDP. */
  readonly udpUrl: string | null
  /** Of HTTP and UDP. */
  readonly port: number
  statistics(): TrackerStatistics
  /** From now on it serves these torrents alone. @param infohashes 20 bytes each */
  serveOnly(infohashes: readonly Uint8Array[]): void
  /** Ends all connections and frees the port. */
  close(): Promise<void>
}

const SWEEP_EVERY_MS = 1000

/**
 * Resolves when it listens. Rejects with NetworkError `address_in_use`, `address_not_available` or the system's code in lower case,
 * FormatError `bad_allow_list`, RangeError for a limit that is none, or the system's error when the allow file cannot be read.
 */
export async function startTracker(options: TrackerOptions = {}): Promise<RunningTracker> {
  const log = options.log ?? (() => {})
  const startedAt = performance.now()
  const allowed = options.allowFile === undefined ? null : await AllowList.open(options.allowFile, log)
  let served: ReadonlySet<string> | null = null
  try {
    const registry = new Registry({
      random: { below },
      limits: options.limits,
      intervalSeconds: options.intervalSeconds,
      isAllowed: (key) => served?.has(key) ?? allowed?.has(key) ?? true,
    })
    const traffic = new Traffic()
    const httpAnswers = new HttpAnswers(registry, traffic)
    const udpAnswers = new UdpAnswers(registry, new ConnectionIds(randomBytes(32)), traffic)
    const statistics = (): TrackerStatistics => statisticsOf(registry, traffic, performance.now() - startedAt)
    const pages: Readonly<Record<string, () => HttpPage>> = {
      '/stats': () => ({ contentType: 'text/html; charset=utf-8', body: encodeUtf8(statisticsPage(statistics())) }),
      '/stats.json': () => ({ contentType: 'application/json', body: encodeUtf8(`${JSON.stringify(statistics())}\n`) }),
    }
    const listeners = await openListeners(options.ip, options.port ?? 0, {
      http: (place) =>
        HttpServer.listen({
          ...place,
          isBehindProxy: options.isBehindProxy ?? false,
          log,
          answer(target, senderIp) {
            const body = httpAnswers.answer(target, senderIp, performance.now())
            if (body !== null) return { contentType: 'text/plain', body }
            return Object.hasOwn(pages, target) ? pages[target]() : null
          },
        }),
      udp: (place) =>
        UdpServer.listen({
          ...place,
          log,
          answer: (datagram, senderIp) => udpAnswers.answer(datagram, senderIp, performance.now()),
          onBufferKept: () => udpAnswers.renewBuffers(),
        }),
      hasUdp: options.udp ?? true,
    })
    const sweeping = setInterval(() => registry.sweep(performance.now()), SWEEP_EVERY_MS)
    sweeping.unref()
    const close = async (): Promise<void> => {
      clearInterval(sweeping)
      allowed?.close()
      await listeners.close()
    }
    let closing: Promise<void> | null = null
    const { port } = listeners
    const authority = addressKey(ipAddress(listeners.reachedAt, port))
    return {
      url: `http://${authority}/announce`,
      udpUrl: (options.udp ?? true) ? `udp://${authority}/announce` : null,
      port,
      statistics,
      serveOnly: (infohashes) => void (served = new Set(infohashes.map(infohashKey))),
      close: () => (closing ??= close()),
    }
  } catch (error) {
    allowed?.close()
    throw error
  }
}

/** Who is drawn for an answer is no secret, so the quick kind of chance will do; the seed of hashes is drawn once, and is one. */
function below(limit: number): number {
  return limit > 2 ** 30 ? randomInt(limit) : Math.floor(Math.random() * limit)
}
