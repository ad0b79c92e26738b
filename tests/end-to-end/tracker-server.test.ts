// Our tracker, asked by strangers: npm's bittorrent-tracker through a whole life over HTTP and UDP, and the announces of each real
// client that is installed. `trackers.test.ts` asks it by our own client.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ownAddresses } from '../../src/platform/node/lookup.ts'
import { startTracker, type RunningTracker } from '../../src/tracker-server/index.ts'
import { clients, clientsRequired } from '../support/clients/all.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import type { Program } from '../support/program.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/wait.ts'

const INTEROP = new URL('../interop/', import.meta.url)
const SCRIPT = fileURLToPath(new URL('tracker-client.mjs', INTEROP))
const isInstalled = existsSync(new URL('node_modules/bittorrent-tracker/package.json', INTEROP))
const INFOHASH = 'c4'.repeat(20)

async function ownTracker(stage: Stage, ip?: string): Promise<RunningTracker> {
  const tracker = await startTracker({ ip })
  stage.onEnd(() => tracker.close())
  return tracker
}

/** One client of npm's bittorrent-tracker. Each command waits for what it has to lead to. */
class NpmClient {
  readonly #said: Record<string, unknown>[] = []
  readonly #program: Program
  #seen = 0

  constructor(stage: Stage, url: string, port: number) {
    const onLine = (line: string, stream: string): void => {
      if (stream === 'stdout') this.#said.push(JSON.parse(line) as Record<string, unknown>)
    }
    this.#program = stage.start(`bittorrent-tracker ${port}`, [process.execPath, SCRIPT, url, INFOHASH, String(port)], {
      onLine,
    })
  }

  async say(command: string, answer = 'update'): Promise<Record<string, unknown>> {
    this.#program.say(command)
    const found = await this.#program.until(`${answer} after ${command}`, () => {
      return this.#said.slice(this.#seen).find(({ event }) => event === answer)
    })
    this.#seen = this.#said.length
    return found
  }

  async isToldOf(address: string): Promise<void> {
    await this.#program.until(`peer ${address}`, () => this.#said.some((line) => line.address === address))
  }

  get troubles(): unknown[] {
    return this.#said.filter(({ event }) => event === 'error' || event === 'warning')
  }
}

const hosts = ['127.0.0.1', ...(ownAddresses().includes('::1') ? ['[::1]'] : [])]

describe.skipIf(!isInstalled && !clientsRequired)("npm's bittorrent-tracker", () => {
  test.for(['http', 'udp'].flatMap((scheme) => hosts.map((host) => [scheme, host] as const)))(
    'starts, completes, scrapes and stops over %s at %s',
    async ([scheme, host], context) => {
      // Its UDP client sends over IPv4 alone.
      if (scheme === 'udp' && host !== '127.0.0.1') return context.skip()
      const stage = openStage(context)
      const { port } = await ownTracker(stage)
      const url = `${scheme}://${host}:${port}/announce`
      const [first, second] = [new NpmClient(stage, url, 1001), new NpmClient(stage, url, 1002)]
      expect(await first.say('start')).toMatchObject({ complete: 0, incomplete: 1 })
      expect(await second.say('start')).toMatchObject({ complete: 0, incomplete: 2 })
      await second.isToldOf(`${host}:1001`)
      expect(await first.say('complete')).toMatchObject({ complete: 1, incomplete: 1 })
      expect(await second.say('scrape', 'scrape')).toMatchObject({ complete: 1, incomplete: 1, downloaded: 1 })
      await first.say('update')
      await first.isToldOf(`${host}:1002`)
      await first.say('stop')
      expect(await second.say('scrape', 'scrape')).toMatchObject({ complete: 0, incomplete: 1, downloaded: 1 })
      expect([...first.troubles, ...second.troubles]).toEqual([])
    },
  )
})

describe('a seeder registers itself', () => {
  const payload = Payload.file('one file', 1 << 20)
  const torrent = makeTorrent(payload, 64 * 1024)
  for (const client of clients) {
    // aria2 asks UDP trackers only with a DHT node of its own; rTorrent's settings in these tests keep it to HTTP.
    const onlyHttp = client.name === 'aria2' || client.name === 'rtorrent'
    for (const scheme of onlyHttp ? (['http'] as const) : (['http', 'udp'] as const)) {
      test.skipIf(client.found() === null && !clientsRequired)(
        `${client.name}, over ${scheme}`,
        { timeout: client.patienceMs },
        async (context) => {
          const stage = openStage(context)
          const tracker = await ownTracker(stage, '127.0.0.1')
          const folder = stage.folder('complete')
          payload.write(folder)
          const url = scheme === 'http' ? tracker.url : tracker.udpUrl!
          const file = stage.torrentFile(torrent, [url])
          const port = await freePort()
          const seeder = await client.startSeeder({ stage, torrent: file, folder, port })
          await seeder.ready()
          await until(
            `${client.name} is registered as a seeder`,
            () => tracker.statistics().peers.seeders === 1,
            client.patienceMs,
          )
          expect(tracker.statistics()).toMatchObject({ torrents: 1, peers: { ipv4: 1, ipv6: 0 }, refusals: {} })
          expect(tracker.statistics().announces[scheme]).toBeGreaterThan(0)
        },
      )
    }
  }
})
