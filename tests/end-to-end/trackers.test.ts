// Trackers over real sockets: our announcer with our own tracker, with opentracker over HTTP and UDP, and with trackers that
// misbehave. No torrent is downloaded here; what counts is who is told of whom, and when.
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { addressKey } from '../../src/base/address.ts'
import { encodeUtf8, toHex } from '../../src/base/bytes.ts'
import { Announcer } from '../../src/engine/discovery/announcer.ts'
import { PacedTrackers } from '../../src/engine/discovery/paced-trackers.ts'
import { queryTrackers } from '../../src/engine/discovery/query-trackers.ts'
import { scrapeTrackers } from '../../src/engine/discovery/scrape-trackers.ts'
import { TrackerClients } from '../../src/engine/discovery/tracker-clients.ts'
import { nodeClock } from '../../src/platform/node/clock.ts'
import { httpGet } from '../../src/platform/node/http.ts'
import { lookup, ownAddresses } from '../../src/platform/node/lookup.ts'
import { nodeRandom } from '../../src/platform/node/random.ts'
import { openUdp } from '../../src/platform/node/udp.ts'
import { startTracker } from '../../src/tracker-server/index.ts'
import { freePort, listening } from '../support/ports.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/wait.ts'

const platform = { clock: nodeClock, random: nodeRandom, network: { httpGet, openUdp, lookup, ownAddresses } }
const INFOHASH = nodeRandom.bytes(20)
const ENCODED_INFOHASH = toHex(INFOHASH).replace(/../g, '%$&')
const QUERY = { infohash: INFOHASH, peerId: encodeUtf8('-SH0100-asking000000'), totalSize: 1000, localIp: '127.0.0.1' }

/** A client that announces itself with `port`, and keeps what it was told. */
class Client {
  readonly found = new Set<string>()
  readonly errors: string[] = []
  readonly figures = { uploaded: 0, downloaded: 0, left: 1000 }
  readonly announcer: Announcer
  readonly #trackers = new PacedTrackers(new TrackerClients(platform, '127.0.0.1'), nodeClock)
  readonly #stopTicking: () => void

  constructor(stage: Stage, tiers: readonly (readonly string[])[], port: number, left = 1000) {
    this.figures.left = left
    this.announcer = new Announcer(
      {
        platform,
        clients: this.#trackers,
        tiers,
        infohash: INFOHASH,
        peerId: encodeUtf8(`-SH0100-${String(port).padStart(12, '0')}`),
        listenPort: () => port,
      },
      {
        announceFigures: () => ({ ...this.figures }),
        onAddresses: (addresses) => addresses.forEach((address) => this.found.add(addressKey(address))),
        onTrackerWarning: () => {},
        onTrackerError: (_url, error) => this.errors.push(error.code),
        onExternalIp: () => {},
      },
    )
    this.announcer.start(nodeClock.now())
    this.#stopTicking = nodeClock.every(100, () => {
      this.announcer.tick(nodeClock.now())
      this.#trackers.tick(nodeClock.now())
    })
    stage.onEnd(() => this.leave())
  }

  async leave(): Promise<void> {
    this.#stopTicking()
    await this.announcer.stop()
    this.#trackers.close()
  }

  async finds(peer: string): Promise<void> {
    await until(`${peer} is found (errors: ${this.errors.join()})`, () => this.found.has(peer), 20_000)
  }

  async works(): Promise<void> {
    await until('a tracker works', () => this.announcer.status().some(({ state }) => state === 'working'), 20_000)
  }
}

async function serve(stage: Stage, listener: RequestListener): Promise<string> {
  return bound(stage, createServer(listener))
}

async function bound(stage: Stage, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => {
    server.close()
    if ('closeAllConnections' in server) (server as ReturnType<typeof createServer>).closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`
}

async function ownTracker(stage: Stage): Promise<string> {
  const tracker = await startTracker({ ip: '127.0.0.1', port: 0 })
  stage.onEnd(() => tracker.close())
  return tracker.url
}

test('two clients find each other through our own tracker, until one leaves', async (context) => {
  const stage = openStage(context)
  const url = await ownTracker(stage)
  const first = new Client(stage, [[url]], 1001)
  await first.works()
  const second = new Client(stage, [[url]], 1002)
  await second.finds('127.0.0.1:1001')
  const ask = () => queryTrackers(platform, { ...QUERY, trackers: [url] })
  expect([...(await ask()).peers].sort()).toEqual(['127.0.0.1:1001', '127.0.0.1:1002'])
  await first.leave()
  expect((await ask()).peers).toEqual(['127.0.0.1:1002'])
})

test.runIf(ownAddresses().includes('::1'))(
  'a tracker with both families is announced to over both',
  async (context) => {
    const stage = openStage(context)
    const tracker = await startTracker({})
    stage.onEnd(() => tracker.close())
    // A name that stands for both of the tracker's addresses.
    const ips = { 4: ['127.0.0.1'], 6: ['::1'], any: ['127.0.0.1', '::1'] }
    const both = {
      ...platform,
      network: { ...platform.network, lookup: async (_: string, family: 4 | 6 | 'any') => ips[family] },
    }
    const url = `http://both.test:${tracker.port}/announce`
    const seen: string[] = []
    const clients = new TrackerClients(both)
    const request = {
      ...QUERY,
      port: 1003,
      uploaded: 0,
      downloaded: 0,
      left: 1,
      event: 'started',
      key: 1,
      numWant: 9,
    } as const
    await clients.announce(url, request, { onAnswer: (_answer, family) => seen.push(String(family)) })
    await until('both families answer', () => seen.length === 2)
    const { peers } = await queryTrackers(platform, { ...QUERY, trackers: [tracker.url] })
    expect([...peers].sort()).toEqual(['127.0.0.1:1003', '[::1]:1003'])
    clients.close()
  },
)

describe('opentracker', () => {
  const isInstalled = (() => {
    try {
      execFileSync('opentracker', ['-h'], { stdio: 'ignore' })
      return true
    } catch (error) {
      // It has no option that only tells its version: being there is enough.
      return (error as NodeJS.ErrnoException).code !== 'ENOENT'
    }
  })()
  if (!isInstalled && process.env.SHOAL_REQUIRE_CLIENTS !== '1') {
    process.stderr.write('Real clients not found on this machine: opentracker\n')
  }

  /** Debian's build serves only torrents on its list. As root it locks itself into its folder and becomes nobody. */
  async function start(stage: Stage): Promise<number> {
    const folder = stage.folder('opentracker')
    const isRoot = process.getuid?.() === 0
    chmodSync(stage.root, 0o755)
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, 'list'), `${toHex(INFOHASH)}\n`)
    const port = String(await freePort())
    const list = isRoot ? '/list' : join(folder, 'list')
    const argv = ['opentracker', '-i', '127.0.0.1', '-p', port, '-P', port, '-w', list, '-u', 'nobody', '-d', folder]
    await listening(stage.start('opentracker', argv), Number(port))
    // It reads its list beside its other work, and refuses everybody until then.
    await until('opentracker knows the torrent', async () => {
      const url = `http://127.0.0.1:${port}/announce?info_hash=${ENCODED_INFOHASH}&peer_id=${'x'.repeat(20)}&port=1&event=stopped`
      return !(await (await fetch(url)).text()).includes('failure')
    })
    return Number(port)
  }

  test.runIf(isInstalled || process.env.SHOAL_REQUIRE_CLIENTS === '1').for(['http', 'udp'])(
    'knows us, and tells others of us, over %s',
    async (scheme, context) => {
      const stage = openStage(context)
      const port = await start(stage)
      const url = `${scheme}://127.0.0.1:${port}/announce`
      const seeder = new Client(stage, [[url]], 2001, 0)
      await seeder.works()
      const leecher = new Client(stage, [[url]], 2002)
      await leecher.finds('127.0.0.1:2001')
      const [status] = leecher.announcer.status()
      expect(status).toMatchObject({ state: 'working', seeders: 1, leechers: 1, error: null })

      leecher.figures.left = 0
      leecher.announcer.announceCompleted()
      await until('the download is counted as complete', async () => {
        const [completed] = await scrape(port)
        return completed === 1
      })
      await seeder.leave()
      const clients = new TrackerClients(platform, '127.0.0.1')
      stage.onEnd(() => clients.close())
      const sizes = await scrapeTrackers(clients, nodeClock, { trackers: [url], infohash: INFOHASH })
      expect(sizes).toEqual([{ url, seeders: 1, leechers: 0, downloads: 1, error: null }])
      const { peers, trackers } = await queryTrackers(platform, { ...QUERY, trackers: [url] })
      expect(trackers).toEqual([{ url }])
      expect(peers).toEqual(['127.0.0.1:2002'])
    },
  )

  async function scrape(port: number): Promise<number[]> {
    const text = await (await fetch(`http://127.0.0.1:${port}/scrape?info_hash=${ENCODED_INFOHASH}`)).text()
    return [...text.matchAll(/10:downloadedi(\d+)e/g)].map((match) => Number(match[1]))
  }
})

describe('a tracker in the first tier that misbehaves does not keep us from the second', () => {
  const misbehaving: [what: string, start: (stage: Stage) => Promise<string>, code: string | null][] = [
    ['answers nonsense', (stage) => serve(stage, (_request, response) => response.end('<html>')), 'bad_response'],
    [
      'answers damaged peers',
      (stage) => serve(stage, (_request, response) => response.end('d5:peers99:x')),
      'bad_response',
    ],
    ['answers an error', (stage) => serve(stage, (_request, response) => response.writeHead(503).end()), 'http_status'],
    ['answers without end', (stage) => serve(stage, endless), 'response_too_large'],
    ['answers a bomb', (stage) => serve(stage, bomb), 'response_too_large'],
    [
      'speaks no HTTP',
      (stage) =>
        bound(
          stage,
          createTcpServer((socket) => socket.end('\0\r\n\r\n')),
        ),
      'bad_response',
    ],
    ['hangs', (stage) => serve(stage, () => {}), null],
    ['is silent over UDP', silentUdp, null],
    ['is dead', async () => `http://127.0.0.1:${await freePort()}/announce`, 'econnrefused'],
    ['redirects in a circle', (stage) => serve(stage, circle), 'too_many_redirects'],
    ['has a scheme of its own', async () => 'wss://127.0.0.1/announce', 'unsupported_scheme'],
  ]

  const endless: RequestListener = (_request, response) => {
    const more = (): void => {
      while (response.write(new Uint8Array(65_536)));
    }
    response.on('drain', more)
    more()
  }
  // Made once: making it takes as long as a busy machine likes, and a tracker that keeps us waiting is passed over.
  const bombBytes = gzipSync(new Uint8Array(64 * 2 ** 20))
  const bomb: RequestListener = (_request, response) => {
    response.setHeader('Content-Encoding', 'gzip')
    response.end(bombBytes)
  }
  const circle: RequestListener = (request, response) => {
    response.writeHead(302, { Location: request.url }).end()
  }
  async function silentUdp(stage: Stage): Promise<string> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    stage.onEnd(() => socket.close())
    return `udp://127.0.0.1:${socket.address().port}/announce`
  }

  test.for(misbehaving)('one that %s', async ([, start, code], context) => {
    const stage = openStage(context)
    const good = await ownTracker(stage)
    await new Client(stage, [[good]], 3001).works()
    const client = new Client(stage, [[await start(stage)], [good]], 3002)
    await client.finds('127.0.0.1:3001')
    expect(client.errors).toEqual(code === null ? [] : [code])
    const before = performance.now()
    await client.leave()
    // Leaving has to fit into the 5 s in which the command ends, whatever trackers do.
    expect(performance.now() - before).toBeLessThan(5000)
  })
})

test('redirects are followed to the tracker', async (context) => {
  const stage = openStage(context)
  const good = await ownTracker(stage)
  await new Client(stage, [[good]], 4001).works()
  const url = await serve(stage, (request, response) => {
    response.writeHead(307, { Location: good + request.url!.slice('/announce'.length) }).end()
  })
  const client = new Client(stage, [[url]], 4002)
  await client.finds('127.0.0.1:4001')
  expect(client.errors).toEqual([])
})

test('an answer in gzip is understood', async (context) => {
  const stage = openStage(context)
  const body = gzipSync(Buffer.from('d8:intervali60e5:peers6:\x7f\0\0\x01\x13\x89e', 'latin1'))
  const url = await serve(stage, (request, response) => {
    expect(request.headers['accept-encoding']).toContain('gzip')
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(body)
  })
  const client = new Client(stage, [[url]], 5002)
  await client.finds('127.0.0.1:5001')
  expect(client.errors).toEqual([])
})
