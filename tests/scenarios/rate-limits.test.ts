// Rate limits among real sessions on simulated machines: what is sent and what arrives, over ten seconds.
import { describe, expect, test } from 'vitest'
import { Session } from '../../src/engine/session/session.ts'
import type { SessionOptions } from '../../src/engine/session/settings.ts'
import type { TorrentOptions } from '../../src/engine/torrent/torrent-api.ts'
import type { Torrent } from '../../src/engine/torrent/torrent.ts'
import { SimContent, Simulator } from '../../src/sim/index.ts'

const KIB = 1024
const MIB = 1024 * KIB
const BLOCK = 16 * KIB
/** 160 Mbit/s each way, and memory for everybody's reads: neither is the limit. */
const MACHINE = { up: 20 * MIB, down: 20 * MIB, queueBytes: MIB, disk: { frameCount: 64 } }
const WINDOW_MS = 10_000

type Limits = Pick<SessionOptions, 'downRate' | 'upRate'>

/** One end of a transfer: a machine with its session, and the torrents of all contents. */
interface End {
  readonly session: Session
  readonly torrents: readonly Torrent[]
}

interface WorldOptions {
  readonly seeds?: number
  readonly leechers?: number
  readonly torrents?: number
  /** Limits of the seeds, or of the leechers: of their session, or of each of their torrents. */
  readonly seedSession?: Limits
  readonly seedTorrent?: Limits
  readonly leecherSession?: Limits
  readonly leecherTorrent?: Limits
  /** Default 256 MiB in pieces of 1 MiB. */
  readonly contentBytes?: number
  readonly pieceBytes?: number
}

/** Leechers know the seeds only, so that what goes from one to the other is all there is. */
class World {
  readonly sim = new Simulator({ seed: 1, delayMs: { min: 10, max: 60 }, segmentBytes: 8192 })
  readonly seeds: End[] = []
  readonly leechers: End[] = []
  readonly dropped: string[] = []
  readonly #contents: readonly SimContent[]

  private constructor({ torrents = 1, contentBytes: files = 256 * MIB, pieceBytes = MIB }: WorldOptions) {
    this.#contents = Array.from({ length: torrents }, (_, i) => {
      return new SimContent({ seed: i + 1, name: `content ${i}`, files, pieceBytes })
    })
  }

  static async open(options: WorldOptions): Promise<World> {
    const { seeds = 1, leechers = 1 } = options
    const world = new World(options)
    const ips = Array.from({ length: seeds }, (_, i) => `10.0.0.${i + 1}`)
    for (const ip of ips) world.seeds.push(await world.#open(ip, [], true, options.seedSession, options.seedTorrent))
    for (let i = 0; i < leechers; i++) {
      const { leecherSession, leecherTorrent } = options
      world.leechers.push(await world.#open(`10.0.1.${i + 1}`, ips, false, leecherSession, leecherTorrent))
    }
    return world
  }

  async #open(ip: string, peers: string[], isSeed: boolean, limits?: Limits, ofTorrent?: Limits): Promise<End> {
    const node = this.sim.node(ip, MACHINE)
    // Those at the other end do not know each other: what they have comes from here.
    const opened = Session.open({ port: 6881, usePex: false, ...limits }, node.platform)
    await this.passes(1)
    const session = await opened
    const options: TorrentOptions = {
      path: '/data',
      peers: peers.map((peer) => `${peer}:6881`),
      useTrackers: false,
      ...ofTorrent,
    }
    const torrents = this.#contents.map((content) => {
      if (isSeed) content.fill(node.disk, '/data')
      const torrent = session.add(content.torrent, options)
      torrent.on('peerDropped', ({ message }) => this.dropped.push(`${ip}: ${message}`))
      return torrent
    })
    return { session, torrents }
  }

  async passes(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + ms })
  }

  /** What all seeds sent and all leechers received within the next ten seconds, per torrent. */
  async flow(ms = WINDOW_MS): Promise<{ sent: number[]; received: number[] }> {
    const before = this.#totals()
    await this.passes(ms)
    const after = this.#totals()
    return {
      sent: after.sent.map((bytes, i) => bytes - before.sent[i]),
      received: after.received.map((bytes, i) => bytes - before.received[i]),
    }
  }

  #totals(): { sent: number[]; received: number[] } {
    return {
      sent: this.#contents.map((_, i) => sum(this.seeds.map(({ torrents }) => torrents[i].stats().uploaded))),
      received: this.#contents.map((_, i) => sum(this.leechers.map(({ torrents }) => torrents[i].stats().downloaded))),
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** Within 5 % over so many seconds from 256 KiB/s on, below that within a block. */
function expectRate(bytes: number, rate: number, ms = WINDOW_MS): void {
  const expected = (rate * ms) / 1000
  const tolerance = rate >= 256 * KIB ? 0.05 * expected : BLOCK
  expect(bytes).toBeGreaterThanOrEqual(expected - tolerance)
  expect(bytes).toBeLessThanOrEqual(expected + tolerance)
}

/** The rate holds at both ends, in two windows one after the other. */
async function expectFlow(world: World, rate: number): Promise<void> {
  for (let window = 0; window < 2; window++) {
    const { sent, received } = await world.flow()
    expectRate(sum(sent), rate)
    expectRate(sum(received), rate)
  }
}

const RATES = [100 * KIB, 256 * KIB, MIB, 4 * MIB]

describe.each(RATES)('a limit of %i bytes per second', (rate) => {
  describe.each([1, 8])('with %i at the other end', (others) => {
    test.each<[string, WorldOptions]>([
      ['of a session for sending', { leechers: others, seedSession: { upRate: rate } }],
      ['of a torrent for sending', { leechers: others, seedTorrent: { upRate: rate } }],
      ['of a session for receiving', { seeds: others, leecherSession: { downRate: rate } }],
      ['of a torrent for receiving', { seeds: others, leecherTorrent: { downRate: rate } }],
    ])('%s is kept', async (_, options) => {
      const world = await World.open(options)
      await world.passes(15_000)
      await expectFlow(world, rate)
      expect(world.dropped).toEqual([])
    })
  })

  test.each<[string, WorldOptions]>([
    ['sending', { leechers: 4, torrents: 2, seedSession: { upRate: rate } }],
    ['receiving', { seeds: 4, torrents: 2, leecherSession: { downRate: rate } }],
  ])('for %s is shared evenly by two torrents', async (_, options) => {
    const world = await World.open(options)
    await world.passes(15_000)
    const { sent, received } = await world.flow()
    expectRate(sum(sent), rate)
    expectRate(sum(received), rate)
    for (const flow of [sent, received])
      expect(Math.abs(flow[0] - flow[1])).toBeLessThanOrEqual(Math.max(2 * BLOCK, 0.05 * sum(flow)))
  })
})

test('all who are served get about the same', async () => {
  const world = await World.open({ leechers: 4, seedSession: { upRate: MIB } })
  await world.passes(15_000)
  const downloaded = (): number[] => world.leechers.map(({ torrents }) => torrents[0].stats().downloaded)
  const before = downloaded()
  await world.passes(20_000)
  const got = downloaded().map((bytes, i) => bytes - before[i])
  // Slots go round among those who have nothing to give: nobody is left out over two rounds of the choker.
  expect(Math.min(...got)).toBeGreaterThan(0.5 * Math.max(...got))
})

describe('a change', () => {
  const changes: [string, number, (world: World, rate: number) => void, WorldOptions][] = []
  for (const rate of [5 * KIB, 256 * KIB, MIB]) {
    changes.push(
      ['of a session, sending', rate, ({ seeds }, up) => seeds[0].session.setRates({ up }), { leechers: 4 }],
      ['of a torrent, sending', rate, ({ seeds }, up) => seeds[0].torrents[0].setRates({ up }), { leechers: 4 }],
      ['of a session, receiving', rate, ({ leechers }, down) => leechers[0].session.setRates({ down }), { seeds: 4 }],
      [
        'of a torrent, receiving',
        rate,
        ({ leechers }, down) => leechers[0].torrents[0].setRates({ down }),
        { seeds: 4 },
      ],
    )
  }

  test.each(changes)('%s, from no limit to %i bytes per second, holds after 3 s', async (_, rate, change, options) => {
    const world = await World.open(options)
    await world.passes(4000)
    const { received } = await world.flow(1000)
    expect(sum(received)).toBeGreaterThan(4 * MIB)
    change(world, rate)
    await world.passes(3000)
    await expectFlow(world, rate)
    change(world, 0)
    await world.passes(3000)
    expect(sum((await world.flow(1000)).received)).toBeGreaterThan(4 * MIB)
    expect(world.dropped).toEqual([])
  })
})

test('a limit for sending does not hold up receiving, nor the other way round', async () => {
  const up = await World.open({ leecherSession: { upRate: KIB } })
  const down = await World.open({ seedSession: { downRate: KIB } })
  for (const world of [up, down]) {
    await world.passes(4000)
    expect(sum((await world.flow(1000)).received)).toBeGreaterThan(4 * MIB)
  }
})

describe.each([KIB, 5 * KIB])('at %i bytes per second', (rate) => {
  test.each<[string, WorldOptions]>([
    ['to one', { seedSession: { upRate: rate } }],
    ['to four', { leechers: 4, seedSession: { upRate: rate } }],
    ['from one', { leecherSession: { downRate: rate } }],
    ['from four', { seeds: 4, leecherSession: { downRate: rate } }],
  ])('whole blocks go %s, and nobody is called silent', async (_, options) => {
    // With pieces of one block, what has been received and is not stored has been sent in vain.
    const world = await World.open({ ...options, contentBytes: 4 * MIB, pieceBytes: BLOCK })
    await world.passes(60_000)
    const { sent, received } = await world.flow(240_000)
    expectRate(sum(sent), rate, 240_000)
    expectRate(sum(received), rate, 240_000)
    expect(world.dropped).toEqual([])
    for (const { torrents } of world.leechers) {
      const { downloaded, left, total } = torrents[0].stats()
      expect(downloaded - (total - left)).toBe(0)
    }
  })
})
