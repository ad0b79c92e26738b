// 10,000 torrents in one session: what their trackers, and the router at home, get to see of it.
import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import type { AnnounceAnswer, AnnounceEvent, AnnounceResponse } from '../../protocol/tracker/announce.ts'
import { MAX_PER_SECOND, MAX_UNANSWERED, MAX_UNANSWERED_LEAVING } from './announce-queue.ts'
import { Announcer } from './announcer.ts'
import { MAX_LEAVING_PER_HOST, MAX_PER_SECOND_AND_HOST, MAX_UNANSWERED_PER_HOST } from './host-line.ts'
import { PacedTrackers } from './paced-trackers.ts'
import type { AnnounceOptions } from './tracker-clients.ts'

const TORRENTS = 10_000
const ANSWER: AnnounceResponse = {
  kind: 'response',
  interval: 1800,
  minInterval: null,
  seeders: 0,
  leechers: 1,
  downloads: null,
  peers: [],
  namedPeers: [],
  warning: null,
  trackerId: null,
  externalIp: null,
}

interface Sent {
  readonly at: number
  readonly host: string
  readonly event: AnnounceEvent
  readonly torrent: number
}

/** Trackers that answer after so many milliseconds; `dead.example` never does. */
class World {
  readonly clock = new FakeClock()
  readonly sent: Sent[] = []
  readonly announcers: Announcer[] = []
  readonly underWay = new Map<string, number>()
  mostUnderWay = 0
  mostUnderWayAtHost = 0
  readonly #answersAfterMs: number
  readonly #trackers: PacedTrackers

  constructor(answersAfterMs: number) {
    this.#answersAfterMs = answersAfterMs
    const announce = (
      url: string,
      request: { infohash: Uint8Array; event: AnnounceEvent },
      options?: AnnounceOptions,
    ) => this.#announce(url, request, options)
    const clients = {
      announce,
      isCutOff: false,
      scrape: () => Promise.reject(new Error('not here')),
      onAddressChange: () => {},
      close: () => {},
    }
    this.#trackers = new PacedTrackers(clients, this.clock)
  }

  #announce(url: string, request: { infohash: Uint8Array; event: AnnounceEvent }, options: AnnounceOptions = {}) {
    const host = new URL(url).hostname
    const torrent = new DataView(request.infohash.buffer).getUint32(0)
    this.sent.push({ at: this.clock.now(), host, event: request.event, torrent })
    this.#count(host, 1)
    return new Promise<AnnounceAnswer>((resolve, reject) => {
      const end = (settle: () => void): void => {
        stopTimer()
        this.#count(host, -1)
        settle()
      }
      const ms = host === 'dead.example' ? 105_000 : this.#answersAfterMs
      const stopTimer = this.clock.after(ms, () =>
        end(() => {
          if (host === 'dead.example') return reject(new Error('no answer'))
          options.onAnswer?.(ANSWER, 4)
          resolve(ANSWER)
        }),
      )
      options.signal?.addEventListener('abort', () => end(() => reject(new Error('aborted'))), { once: true })
    })
  }

  #count(host: string, change: number): void {
    const here = (this.underWay.get(host) ?? 0) + change
    this.underWay.set(host, here)
    this.mostUnderWayAtHost = Math.max(this.mostUnderWayAtHost, here)
    const all = [...this.underWay.values()].reduce((sum, count) => sum + count, 0)
    this.mostUnderWay = Math.max(this.mostUnderWay, all)
  }

  add(tiers: readonly (readonly string[])[]): void {
    const infohash = new Uint8Array(20)
    new DataView(infohash.buffer).setUint32(0, this.announcers.length)
    const random = { below: () => 0, bytes: (length: number) => new Uint8Array(length) }
    const announcer = new Announcer(
      {
        platform: { clock: this.clock, random },
        clients: this.#trackers,
        tiers,
        infohash,
        peerId: new Uint8Array(20),
        listenPort: () => 6881,
      },
      {
        announceFigures: () => ({ uploaded: 0, downloaded: 0, left: 1 }),
        onAddresses: () => {},
        onTrackerWarning: () => {},
        onTrackerError: () => {},
        onExternalIp: () => {},
      },
    )
    this.announcers.push(announcer)
    announcer.start(this.clock.now())
  }

  async pass(seconds: number): Promise<void> {
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      await this.clock.pass(100)
      const now = this.clock.now()
      // Seldom: ten thousand of them take their time, and nothing here depends on seconds.
      if (tenth % 100 === 0) for (const announcer of this.announcers) announcer.tick(now)
      this.#trackers.tick(now)
    }
  }

  /** Announces within one second at most, of those that are not farewells. */
  mostWithinASecond(host?: string): number {
    const times = this.sent
      .filter((sent) => (host === undefined || sent.host === host) && sent.event !== 'stopped')
      .map(({ at }) => at)
    let most = 0
    let first = 0
    for (const [i, at] of times.entries()) {
      while (at - times[first] >= 1000) first++
      most = Math.max(most, i - first + 1)
    }
    return most
  }

  torrents(event: AnnounceEvent, host?: string): number {
    return new Set(this.sent.filter((one) => one.event === event && (host ?? one.host) === one.host).map((one) => one.torrent)).size // prettier-ignore
  }
}

test('10,000 torrents at two trackers do not burst, nobody starves, and the newest is announced at once', async () => {
  const world = new World(80)
  for (let i = 0; i < TORRENTS; i++) world.add([[`http://${i % 2 === 0 ? 'a' : 'b'}.example/announce`]])
  await world.pass(60)
  world.add([['http://a.example/announce']])
  await world.pass(1)
  const added = world.sent.find(({ torrent }) => torrent === TORRENTS)
  expect(added?.at).toBeLessThanOrEqual(60_200)
  await world.pass(240)
  expect(world.torrents('started')).toBe(TORRENTS + 1)
  // Each is asked again in its time: spread as they were at first.
  await world.pass(1800)
  expect(world.torrents(null)).toBe(TORRENTS + 1)
  const perSecond = [world.mostWithinASecond('a.example'), world.mostWithinASecond('b.example')]
  console.log(
    `10,000 torrents at two trackers: at most ${Math.max(...perSecond)} announces a second to one of them, ` +
      `${world.mostWithinASecond()} to both; ${world.mostUnderWayAtHost} and ${world.mostUnderWay} under way; ` +
      `the one added last after ${added!.at - 60_000} ms; all after ${(startedBy(world) / 1000).toFixed(0)} s`,
  )
  expect(Math.max(...perSecond)).toBeLessThanOrEqual(MAX_PER_SECOND_AND_HOST)
  expect(world.mostWithinASecond()).toBeLessThanOrEqual(MAX_PER_SECOND)
  expect(world.mostUnderWayAtHost).toBeLessThanOrEqual(MAX_UNANSWERED_PER_HOST)
  expect(world.mostUnderWay).toBeLessThanOrEqual(MAX_UNANSWERED)

  const before = world.clock.now()
  const leaving = Promise.all(world.announcers.map((announcer) => announcer.stop()))
  await world.pass(3)
  await leaving
  const told = world.torrents('stopped')
  console.log(`Leaving: ${told} of ${TORRENTS + 1} farewells within ${world.clock.now() - before} ms`)
  expect(told).toBeGreaterThan(3000)
  // None begins when time is up.
  const leftAt = world.sent.filter(({ event, at }) => event === 'stopped' && at - before >= 2900).length
  expect(leftAt).toBeLessThanOrEqual(2 * MAX_LEAVING_PER_HOST * 3)
  expect(world.mostUnderWay).toBeLessThanOrEqual(MAX_UNANSWERED_LEAVING)
  expect(world.mostUnderWayAtHost).toBeLessThanOrEqual(MAX_LEAVING_PER_HOST)
}, 120_000)

test('10,000 torrents whose first tracker is dead all come to the second, and the dead one is spared', async () => {
  const world = new World(80)
  for (let i = 0; i < TORRENTS; i++) world.add([['http://dead.example/announce'], ['http://b.example/announce']])
  await world.pass(560)
  expect(world.torrents('started', 'b.example')).toBe(TORRENTS)
  expect(world.mostUnderWayAtHost).toBeLessThanOrEqual(MAX_UNANSWERED_PER_HOST)
  const toDead = world.sent.filter(({ host }) => host === 'dead.example').length
  console.log(`A dead first tracker: asked ${toDead} times in 560 s; all 10,000 at the second`)
  expect(toDead).toBeLessThanOrEqual((560 / 105 + 1) * MAX_UNANSWERED_PER_HOST)
}, 120_000)

function startedBy(world: World): number {
  return Math.max(...world.sent.filter(({ event }) => event === 'started').map(({ at }) => at))
}
