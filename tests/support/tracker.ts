// An HTTP tracker for tests, apart from src/: it remembers who announced, and can be told to misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bencode } from './bencode.ts'
import type { Stage } from './stage.ts'
import { until } from './wait.ts'

export interface Announce {
  /** Hexadecimal. */
  readonly infohash: string
  readonly port: number
  readonly event: string | null
  readonly uploaded: number
  readonly downloaded: number
  readonly left: number
}

export type TrackerBehaviour = 'honest' | 'nonsense' | 'hanging'

export interface TestTracker {
  readonly url: string
  /** In order. */
  readonly announces: readonly Announce[]
  /** Waits until somebody who listens on `port` has announced. */
  knows(port: number): Promise<void>
}

/** Starts a tracker on loopback that ends with the stage. */
export async function startTracker(stage: Stage, behaviour: TrackerBehaviour = 'honest'): Promise<TestTracker> {
  const announces: Announce[] = []
  const swarms = new Map<string, Set<number>>()

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const announce = readAnnounce(request.url ?? '')
    announces.push(announce)
    if (behaviour === 'hanging') return
    if (behaviour === 'nonsense') {
      response.end(Buffer.from('d8:intervali1800e5:peers6:\x7f\x00\x00\x01', 'latin1'))
      return
    }
    const ports = swarms.get(announce.infohash) ?? new Set<number>()
    swarms.set(announce.infohash, ports)
    if (announce.event === 'stopped') ports.delete(announce.port)
    else ports.add(announce.port)
    const others = [...ports].filter((port) => port !== announce.port)
    const peers = Buffer.concat(others.map((port) => Buffer.from([127, 0, 0, 1, port >> 8, port & 0xff])))
    response.end(bencode({ interval: 5, 'min interval': 1, peers }))
  }

  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`,
    announces,
    async knows(port) {
      await until(`an announce of port ${port}`, () => announces.some((announce) => announce.port === port))
    },
  }
}

function readAnnounce(url: string): Announce {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  // The infohash is 20 raw bytes, percent-encoded: no text in any encoding.
  const raw = /[?&]info_hash=([^&]*)/.exec(url)?.[1] ?? ''
  const bytes = raw.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const number = (name: string): number => Number(query.get(name))
  return {
    infohash: Buffer.from(bytes, 'latin1').toString('hex'),
    port: number('port'),
    event: query.get('event'),
    uploaded: number('uploaded'),
    downloaded: number('downloaded'),
    left: number('left'),
  }
}
