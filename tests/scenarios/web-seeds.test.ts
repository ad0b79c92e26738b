// Web seeds in real sessions on simulated machines: beside peers, instead of them, and against them.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/base/bytes.ts'
import { Session } from '../../src/engine/session/session.ts'
import type { SessionOptions } from '../../src/engine/session/settings.ts'
import type { TorrentOptions, WebSeedInfo } from '../../src/engine/torrent/torrent-api.ts'
import type { Torrent } from '../../src/engine/torrent/torrent.ts'
import { SimContent, type SimContentOptions, type SimNode, Simulator } from '../../src/sim/index.ts'
import { type Bencodable, bencode } from '../support/bencode.ts'
import { serveFiles, SimWebServer, type WebAnswer, type WebRequest } from '../support/sim-web-server.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** 160 Mbit/s each way: nobody's line is the limit, unless it is said. */
const LINE = { up: 20 * MIB, down: 20 * MIB, queueBytes: MIB, disk: { slotCount: 64, frameCount: 16 } }
const SLOW = { ...LINE, up: MIB }

type Answer = (request: WebRequest, sound: WebAnswer) => WebAnswer | null

/** One content, web servers and peers that have it, and one who downloads it. */
class World {
  readonly sim = new Simulator({ seed: 1, content: 'bytes', delayMs: { min: 10, max: 40 }, segmentBytes: 8192 })
  readonly content: SimContent
  readonly servers: SimWebServer[] = []
  readonly #serverNodes: SimNode[] = []
  readonly dropped: string[] = []
  readonly warnings: string[] = []
  torrent!: Torrent
  session!: Session
  doneAtMs: number | null = null
  readonly #files: ReadonlyMap<string, Uint8Array>
  readonly #peers: string[] = []
  readonly #downloader: SimNode

  constructor(files: SimContentOptions['files'] = 16 * MIB, pieceBytes = 256 * KIB) {
    this.content = new SimContent({ kind: 'bytes', files, pieceBytes })
    this.#files = filesOf(this.content, files)
    this.#downloader = this.sim.node('10.0.0.1', LINE)
  }

  server(answer: Answer = (_, sound) => sound, line = LINE): string {
    const sound = serveFiles(this.#files)
    const node = this.sim.node(`10.0.1.${this.servers.length + 1}`, line)
    const server = new SimWebServer(node, (request) => answer(request, sound(request)))
    this.servers.push(server)
    this.#serverNodes.push(node)
    return `${server.url}/`
  }

  async peer(line = LINE): Promise<void> {
    const node = this.sim.node(`10.0.2.${this.#peers.length + 1}`, line)
    const session = await this.#open(node)
    this.content.fill(node.disk, '/data')
    session.add(this.content.torrent, { path: '/data', useTrackers: false })
    this.#peers.push(`${node.ip}:6881`)
  }

  async download(
    webSeeds: readonly string[],
    torrent: Partial<TorrentOptions> = {},
    limits: SessionOptions = {},
    file: Uint8Array = this.content.torrent,
  ): Promise<void> {
    this.session = await this.#open(this.#downloader, limits)
    const options = { path: '/data', useTrackers: false, peers: this.#peers, webSeeds, ...torrent }
    this.torrent = this.session.add(file, options)
    this.torrent.on('peerDropped', ({ message }) => this.dropped.push(message))
    this.torrent.on('warning', ({ code }) => this.warnings.push(code))
    this.torrent.on('done', () => (this.doneAtMs = this.sim.nowMs))
  }

  /** How long it takes, in seconds. */
  async untilDone(): Promise<number> {
    const startedAtMs = this.sim.nowMs
    await this.sim.run({ until: () => this.doneAtMs !== null, limitMs: 600_000 })
    if (!this.content.isComplete(this.#downloader.disk, '/data')) throw new Error('It has completed with wrong data')
    return (this.doneAtMs! - startedAtMs) / 1000
  }

  async passes(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + ms })
  }

  /** The downloader reaches no server any more. */
  cutOff(): void {
    this.sim.partition([this.#downloader], this.#serverNodes)
  }

  webSeed(index = 0): WebSeedInfo {
    const { url } = this.servers[index]
    return this.torrent.webSeeds().find((seed) => seed.url.startsWith(url))!
  }

  /** Of the downloader, to anybody. */
  get connections(): number {
    return this.#downloader.connections
  }

  /** Payload that came twice or in vain, as a part of the content. */
  get wasted(): number {
    return this.torrent.stats().downloaded / this.content.totalBytes - 1
  }

  async #open(node: SimNode, limits: SessionOptions = {}): Promise<Session> {
    const opened = Session.open({ port: 6881, ...limits }, node.platform)
    await this.passes(1)
    return opened
  }
}

/** What a web server has, by the targets of requests. */
function filesOf(content: SimContent, files: SimContentOptions['files']): Map<string, Uint8Array> {
  const blocks = Array.from({ length: Math.ceil(content.totalBytes / (16 * KIB)) }, (_, i) => content.block(i).slice())
  const whole = concatBytes(blocks)
  if (typeof files === 'number') return new Map([['/content', whole]])
  let offset = 0
  return new Map(
    files.map(({ path, length }) => [`/content/${path}`, whole.subarray(offset, (offset += length))] as const),
  )
}

/** A torrent as somebody else's program may write it. */
function torrentOf(name: string, files: readonly Bencodable[], whole: Buffer, pieceBytes: number): Uint8Array {
  const pieces = Array.from({ length: Math.ceil(whole.length / pieceBytes) }, (_, i) =>
    createHash('sha1')
      .update(whole.subarray(pieceBytes * i, pieceBytes * (i + 1)))
      .digest(),
  )
  return bencode({ info: { files, name, 'piece length': pieceBytes, pieces: Buffer.concat(pieces) } })
}

describe('without peers', () => {
  test('a web seed alone gives everything, by far fewer requests than there are pieces', async () => {
    const world = new World()
    await world.download([world.server()])
    await world.untilDone()
    expect(world.servers[0].bytesAsked).toBe(16 * MIB)
    expect(world.servers[0].requests.length).toBeLessThan(64 / 2)
    expect(world.webSeed()).toMatchObject({ state: 'idle', downloaded: 16 * MIB, error: null })
    expect(world.warnings).toEqual([])
    await world.passes(1000)
    expect(world.connections).toBe(0)
  })

  test('files of any size are joined over pieces; those that are empty are not asked for', async () => {
    const files = [300_000, 1, 0, 16 * KIB, 5 * MIB + 17, 262_144, 0, 99].map((length, i) => ({
      path: `folder/${i}.bin`,
      length,
    }))
    const world = new World(files)
    await world.download([world.server()])
    await world.untilDone()
    expect(world.servers[0].requests.some(({ target }) => /2\.bin|6\.bin/.test(target))).toBe(false)
    expect(world.servers[0].bytesAsked).toBe(world.content.totalBytes)
  })

  test('what is skipped is not fetched, but for the pieces that it shares with others', async () => {
    const files = ['a', 'b', 'c'].map((path) => ({ path, length: 4 * MIB + 1000 }))
    const world = new World(files)
    await world.download([world.server()], { files: { 1: 'skip' } })
    await world.sim.run({ until: () => world.doneAtMs !== null, limitMs: 60_000 })
    const bytesOf = (name: string): number =>
      world.servers[0].requests
        .filter(({ target }) => target === `/content/${name}`)
        .reduce((sum, { range }) => sum + range!.to - range!.from, 0)
    expect([bytesOf('a'), bytesOf('c')]).toEqual([4 * MIB + 1000, 4 * MIB + 1000])
    expect(bytesOf('b')).toBeLessThan(2 * 256 * KIB)
  })

  test('a file with a name that no URL can have is left to others, and the rest comes in full', async () => {
    const length = 4 * MIB
    const list = [['a'], ['AC/DC'], ['..', 'x'], ['b']].map((path) => ({ length, path }))
    const whole = Buffer.alloc(4 * length, 'contents')
    const world = new World()
    const served = new Map(['a', 'b'].map((name) => [`/odd/${name}`, whole.subarray(0, length)] as const))
    const server = new SimWebServer(world.sim.node('10.0.9.1', LINE), serveFiles(served))
    await world.download([server.url], {}, {}, torrentOf('odd', list, whole, 65_536))
    await world.passes(10_000)
    expect(world.torrent.files().map(({ done }) => done)).toEqual([length, 0, 0, length])
    const { downloaded, left } = world.torrent.stats()
    expect([downloaded, left]).toEqual([2 * length, 2 * length])
    expect(server.bytesAsked).toBe(2 * length)
    expect(world.warnings).toEqual([])
  })

  test('a server that can have none of the files is given up, and not asked', async () => {
    const world = new World()
    const server = new SimWebServer(world.sim.node('10.0.9.1', LINE), () => ({ status: 404 }))
    const whole = Buffer.alloc(65_536)
    await world.download([server.url], {}, {}, torrentOf('..', [{ length: 65_536, path: ['a'] }], whole, 65_536))
    await world.passes(1000)
    expect([server.met, world.warnings]).toEqual([0, ['web_seed_no_url']])
  })

  test('padding is not asked for', async () => {
    const bytes = (seed: number): Buffer => Buffer.alloc(100_000, `content ${seed}`)
    const pad = (length: number) => ({ attr: 'p', length, path: ['.pad', String(length)] })
    const list = [
      { length: 100_000, path: ['a'] },
      pad(31_072),
      pad(131_072),
      { length: 100_000, path: ['b'] },
      pad(62_144),
      { length: 100_000, path: ['c'] },
    ]
    const whole = Buffer.concat(list.map((file, i) => ('attr' in file ? Buffer.alloc(file.length) : bytes(i))))
    const files = list.flatMap(({ path }, i) =>
      'attr' in list[i] ? [] : [[`/padded/${path.join('/')}`, bytes(i)] as const],
    )
    const world = new World()
    const server = new SimWebServer(world.sim.node('10.0.9.1', LINE), serveFiles(new Map(files)))
    await world.download([server.url], {}, {}, torrentOf('padded', list, whole, 65_536))
    await world.sim.run({ until: () => world.doneAtMs !== null, limitMs: 60_000 })
    expect(server.bytesAsked).toBe(300_000)
    expect(server.requests.every(({ target }) => ['/padded/a', '/padded/b', '/padded/c'].includes(target))).toBe(true)
  })

  test('several servers share the work, and send nothing twice', async () => {
    const world = new World(16 * MIB)
    await world.download([world.server(undefined, SLOW), world.server(undefined, SLOW)])
    const seconds = await world.untilDone()
    expect(seconds).toBeLessThan(12)
    expect(world.wasted).toBeLessThan(0.02)
    for (const server of world.servers) expect(server.bytesAsked).toBeGreaterThan(5 * MIB)
  })

  test('a limit for receiving is kept', async () => {
    const world = new World()
    await world.download([world.server()], {}, { downRate: MIB })
    await world.passes(5000)
    const before = world.torrent.stats().downloaded
    await world.passes(8000)
    expect((world.torrent.stats().downloaded - before) / (8 * MIB)).toBeCloseTo(1, 1)
    world.session.setRates({ down: 256 * KIB })
    await world.passes(3000)
    const slow = world.torrent.stats().downloaded
    await world.passes(8000)
    expect((world.torrent.stats().downloaded - slow) / (2 * MIB)).toBeCloseTo(1, 1)
  })

  test('a server that is too busy is asked again when it says, and not before', async () => {
    const world = new World()
    let isBusy = true
    await world.download([
      world.server((_, sound) => (isBusy ? { status: 503, headers: { 'Retry-After': '60' } } : sound)),
    ])
    await world.passes(30_000)
    expect(world.webSeed()).toMatchObject({ state: 'waiting', error: 'http_503' })
    expect(world.torrent.diagnose()[0]).toMatchObject({ code: 'web_seed_waiting', error: 'http_503' })
    expect(world.servers[0].requests.length).toBe(1)
    isBusy = false
    expect(await world.untilDone()).toBeGreaterThan(28)
  })

  test.each(['onAddressChange', 'onSuspended'] as const)(
    'with another network (%s) all are asked at once',
    async (event) => {
      const world = new World()
      await world.download([world.server()])
      world.cutOff()
      await world.passes(300_000)
      expect(world.webSeed().retryMs).toBeGreaterThan(60_000)
      world.sim.heal()
      world.torrent[event](world.sim.nowMs)
      expect(await world.untilDone()).toBeLessThan(10)
    },
  )

  test('a server without the file is given up, and the download says so', async () => {
    const world = new World()
    await world.download([world.server(() => ({ status: 404 }))])
    await world.passes(60_000)
    expect(world.servers[0].requests.length).toBe(1)
    expect(world.warnings).toEqual(['web_seed_http_404'])
    expect(world.torrent.diagnose()[0]).toMatchObject({ code: 'web_seed_gone', error: 'http_404' })
  })

  test('a server that lacks one file, or has another one in its place, gives the others', async () => {
    for (const wrong of [{ status: 404 }, { status: 200, body: new Uint8Array(5) }]) {
      const world = new World(['a', 'b', 'c'].map((path) => ({ path, length: 4 * MIB })))
      await world.download([world.server((request, sound) => (request.target.endsWith('b') ? wrong : sound))])
      await world.passes(30_000)
      expect(world.torrent.stats().left).toBe(4 * MIB)
      expect(world.torrent.files().map(({ done }) => done)).toEqual([4 * MIB, 0, 4 * MIB])
    }
  })
})

describe('beside peers', () => {
  test('a mixture is faster than either alone, and hardly anything comes twice', async () => {
    const alone = new World(16 * MIB)
    await alone.download([alone.server(undefined, SLOW)])
    const peerAlone = new World(16 * MIB)
    await peerAlone.peer(SLOW)
    await peerAlone.download([])
    const mixed = new World(16 * MIB)
    await mixed.peer(SLOW)
    await mixed.download([mixed.server(undefined, SLOW)])
    const sooner = Math.min(await alone.untilDone(), await peerAlone.untilDone())
    expect(await mixed.untilDone()).toBeLessThan(0.65 * sooner)
    expect(mixed.wasted).toBeLessThan(0.03)
  })

  test('a server that lies is found out and left, and nobody else is blamed', async () => {
    const world = new World(16 * MIB)
    for (let i = 0; i < 3; i++) await world.peer(SLOW)
    const lie: Answer = (_, sound) => ({
      ...sound,
      body: sound.body?.map((byte, i) => (i % 50_000 === 7 ? byte ^ 1 : byte)),
    })
    await world.download([world.server(lie), world.server(undefined, SLOW)])
    await world.untilDone()
    expect(world.webSeed(0)).toMatchObject({ state: 'gone', error: 'corrupt_data' })
    expect(world.webSeed(1)).toMatchObject({ state: 'idle', error: null })
    expect(world.warnings).toEqual(['web_seed_corrupt_data'])
    expect(world.dropped).toEqual([])
    expect(world.servers[0].bytesAsked).toBeLessThan(12 * MIB)
  })

  test('a server that stalls holds nothing up', async () => {
    const stall: Answer = (request, sound) => (request.range!.from > 0 ? { ...sound, stallsAfter: 20_000 } : sound)
    const without = new World(16 * MIB)
    const world = new World(16 * MIB)
    for (const each of [without, world]) await each.peer({ ...LINE, up: MIB })
    await without.download([])
    await world.download([world.server(stall)])
    const seconds = await without.untilDone()
    expect(await world.untilDone()).toBeLessThan(seconds + 5)
    expect(world.dropped).toEqual([])
  })

  test('nothing is asked of it any more when all is here', async () => {
    const world = new World(4 * MIB)
    await world.peer()
    await world.download([world.server()])
    await world.untilDone()
    const { length } = world.servers[0].requests
    await world.passes(60_000)
    expect(world.servers[0].requests.length).toBe(length)
    expect(world.torrent.stats()).toMatchObject({ state: 'seeding', webSeeds: 0 })
  })
})

test('useWebSeeds: false asks none', async () => {
  const world = new World()
  await world.download([world.server()], { useWebSeeds: false })
  await world.passes(10_000)
  expect(world.servers[0].met).toBe(0)
  expect(world.torrent.webSeeds()).toEqual([])
})
