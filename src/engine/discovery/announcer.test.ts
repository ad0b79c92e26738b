import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import { addressKey, ipAddress } from '../../base/address.ts'
import { encodeUtf8 } from '../../base/bytes.ts'
import { TrackerError } from '../../base/errors.ts'
import type { AnnounceAnswer, AnnounceRequest, AnnounceResponse } from '../../protocol/tracker/announce.ts'
import { Announcer, type AnnouncerOwner, type TrackerStatus } from './announcer.ts'
import type { AnnounceOptions } from './tracker-clients.ts'

/** How a tracker answers an announce. */
type Answering = (request: AnnounceRequest, options: AnnounceOptions) => Promise<AnnounceAnswer>

function response(fields: Partial<AnnounceResponse> = {}): AnnounceResponse {
  return {
    kind: 'response',
    interval: 1800,
    minInterval: null,
    seeders: 3,
    leechers: 4,
    downloads: null,
    peers: [],
    namedPeers: [],
    warning: null,
    trackerId: null,
    externalIp: null,
    ...fields,
  }
}

/** A tracker that works, over IPv4. */
const works =
  (fields: Partial<AnnounceResponse> = {}): Answering =>
  async (_request, { onAnswer }) => {
    onAnswer?.(response(fields), 4)
    return response(fields)
  }
const refuses =
  (retryInSeconds: number | null = null): Answering =>
  async () => ({ kind: 'refusal', reason: 'not here', retryInSeconds })
const fails: Answering = async () => {
  throw new TrackerError('econnrefused', 'Cannot get http://a: connection refused')
}
/** Says nothing, and fails when it is given up. */
const hangs: Answering = (_request, { signal }) =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new TrackerError('aborted', 'Cannot announce: aborted')))
  })
/** Does not even notice that it is given up. */
const ignoresAll: Answering = () => new Promise(() => {})
const after =
  (clock: FakeClock, ms: number, then: Answering): Answering =>
  (request, options) =>
    new Promise((resolve) => clock.after(ms, () => resolve(then(request, options))))

/**
 * A torrent and its trackers: `tiers` are lists of letters, `trackers` say how each answers (which a test may change).
 * What is announced is written down as `a started`, with the seconds in front: `0 a started`.
 */
function world(
  tiers: string,
  trackers: Record<string, Answering>,
  { clock = new FakeClock(), left = 100, isPrivate = false } = {},
) {
  const announced: string[] = []
  const requests: AnnounceRequest[] = []
  const told: string[] = []
  const figures = { uploaded: 0, downloaded: 0, left }
  /** What announces wait for before it is their turn; null: for nothing. */
  const turns = { held: null as Promise<void> | null }
  const machine = { isCutOff: false }
  const owner: AnnouncerOwner = {
    announceFigures: () => ({ ...figures }),
    onAddresses: (addresses, url) => told.push(`${nameOf(url)} gave ${addresses.map(addressKey).join(' ')}`),
    onTrackerWarning: (url, message) => told.push(`${nameOf(url)} warns: ${message}`),
    onTrackerError: (url, error) => told.push(`${nameOf(url)} failed: ${error.code}`),
    onExternalIp: (ip) => told.push(`we are ${ip}`),
  }
  const announcer = new Announcer(
    {
      platform: {
        clock,
        // Takes the last in every shuffle, so that order stays; no jitter.
        random: {
          below: (limit) => (limit === 1000 ? 0 : limit - 1),
          bytes: (length) => new Uint8Array(length).fill(7),
        },
      },
      clients: {
        get isCutOff() {
          return machine.isCutOff
        },
        announce: async (url, toRequest, options) => {
          if (turns.held !== null) await Promise.race([turns.held, aborted(options.signal)])
          options.onTurn?.()
          const request = toRequest()
          const family = options.family === undefined ? '' : ` over ${options.family}`
          announced.push(`${clock.now() / 1000} ${nameOf(url)} ${request.event ?? 'again'}${family}`)
          requests.push(request)
          return trackers[nameOf(url)](request, options)
        },
      },
      tiers: tiers
        .split(' ')
        .map((tier) => tier.split('').map((name) => (name === '?' ? 'wss://x' : `http://${name}/`))),
      infohash: new Uint8Array(20),
      peerId: encodeUtf8('-SH0100-abcdefghijkl'),
      listenPort: () => 6881,
      isPrivate: () => isPrivate,
    },
    owner,
  )
  return {
    clock,
    announcer,
    announced,
    requests,
    told,
    figures,
    machine,
    trackers,
    turns,
    start: () => announcer.start(clock.now()),
    /** Ticks each second. */
    pass: async (seconds: number, { wanting = false } = {}): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        await clock.pass(1000)
        if (wanting) announcer.wantMore(clock.now())
        announcer.tick(clock.now())
      }
      await clock.pass(0)
    },
    /** What has been announced since the last call. */
    news: (): string[] => announced.splice(0),
    status: (): Record<string, TrackerStatus> =>
      Object.fromEntries(announcer.status().map((status) => [nameOf(status.url), status])),
  }
}

function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new TrackerError('aborted', 'Cannot ask: aborted')))
  })
}

const nameOf = (url: string): string => (url.startsWith('wss') ? '?' : url.charAt(7))

test('the first tracker is told that we have started, with the real figures', async () => {
  const { start, clock, requests, announced, figures } = world('a', { a: works() })
  Object.assign(figures, { uploaded: 1, downloaded: 2, left: 3 })
  start()
  await clock.pass(0)
  expect(announced).toEqual(['0 a started'])
  expect(requests[0]).toMatchObject({ uploaded: 1, downloaded: 2, left: 3, port: 6881, key: 0x07070707, numWant: 100 })
})

test('later announces follow the interval, without an event, with the figures of then', async () => {
  const { start, pass, announced, requests, figures } = world('a', { a: works({ interval: 60 }) })
  start()
  figures.left = 10
  await pass(130)
  expect(announced).toEqual(['0 a started', '60 a again', '120 a again'])
  expect(requests[1].left).toBe(10)
})

test.each([
  [{ interval: 1 }, 30],
  [{ interval: 1_000_000 }, 3600],
  [{ interval: null }, 1800],
  [{ interval: 60, minInterval: 90 }, 90],
  [{ interval: 60, minInterval: 1_000_000 }, 3600],
])('with %j it asks again after %d s', async (fields, seconds) => {
  const { start, clock, status } = world('a', { a: works(fields) })
  start()
  await clock.pass(0)
  expect(status().a.nextAnnounceInMs).toBe(seconds * 1000)
})

test('one tracker that works is enough, in its tier and of all tiers', async () => {
  const { start, pass, announced } = world('ab c', { a: works({ interval: 60 }), b: works(), c: works() })
  start()
  await pass(70)
  expect(announced).toEqual(['0 a started', '60 a again'])
})

test('after a failure the next is asked at once: in the tier, then in the next tier', async () => {
  const { start, clock, announced, told } = world('ab c', { a: fails, b: refuses(), c: works() })
  start()
  await clock.pass(0)
  expect(announced).toEqual(['0 a started', '0 b started', '0 c started'])
  expect(told).toEqual(['a failed: econnrefused', 'b failed: tracker_failure'])
})

test('a tracker that hangs delays the next by 3 s only, and its late answer is still taken', async () => {
  const clock = new FakeClock()
  const late = after(clock, 20_000, works({ peers: [ipAddress('1.2.3.4', 5)] }))
  const { start, pass, announced, told, status } = world('a b c', { a: late, b: hangs, c: works() }, { clock })
  start()
  await pass(21)
  expect(announced).toEqual(['0 a started', '3 b started', '6 c started'])
  expect(told).toEqual(['a gave 1.2.3.4:5'])
  expect(Object.values(status()).map(({ state }) => state)).toEqual(['working', 'announcing', 'working'])
})

test('whoever answers moves to the front of its tier', async () => {
  const { start, clock, announcer } = world('abc d', { a: fails, b: fails, c: works(), d: works() })
  start()
  await clock.pass(0)
  expect(announcer.status().map(({ url, tier }) => `${nameOf(url)}${tier}`)).toEqual(['c0', 'a0', 'b0', 'd1'])
})

test('within a tier the order is left to chance', () => {
  const random = { below: () => 0, bytes: (length: number) => new Uint8Array(length) }
  const announcer = new Announcer(
    {
      platform: { clock: new FakeClock(), random },
      clients: { announce: ignoresAll as never },
      tiers: [['http://a/', 'http://b/', 'http://c/'], ['http://d/']],
      infohash: new Uint8Array(20),
      peerId: new Uint8Array(20),
      listenPort: () => 1,
    },
    {} as AnnouncerOwner,
  )
  expect(announcer.status().map(({ url }) => nameOf(url))).toEqual(['b', 'c', 'a', 'd'])
})

test('a tracker that fails is tried again after growing pauses, and is started anew', async () => {
  const { start, pass, news, status } = world('a', { a: fails })
  start()
  await pass(110)
  expect(news()).toEqual(['0 a started', '15 a started', '45 a started', '105 a started'])
  await pass(6 * 3600)
  expect(status().a).toMatchObject({ state: 'failed', error: 'Cannot get http://a: connection refused' })
  news()
  await pass(1801)
  expect(news().length).toBe(1)
})

test('a first tier that was dead is found again while the second works', async () => {
  const { start, pass, news, trackers, status } = world('a b', { a: fails, b: works() })
  start()
  await pass(10)
  trackers.a = works()
  news()
  await pass(10)
  expect(news()).toEqual(['15 a started'])
  expect(status().a.state).toBe('working')
})

test('when the working tracker fails, the next is asked at once, and it later by itself', async () => {
  const { start, pass, announced, trackers } = world('a b', { a: works({ interval: 60 }), b: works() })
  start()
  await pass(10)
  trackers.a = fails
  await pass(80)
  // It knows us already: no second start.
  expect(announced).toEqual(['0 a started', '60 a again', '60 b started', '75 a again'])
})

test('a refusal may say when to come back, or never to (BEP 31)', async () => {
  const { start, pass, announced, status } = world('ab', { a: refuses(600), b: refuses(Infinity) })
  start()
  await pass(3700)
  expect(announced.filter((line) => line.includes(' b '))).toEqual(['0 b started'])
  expect(announced.filter((line) => line.includes(' a ')).slice(0, 2)).toEqual(['0 a started', '600 a started'])
  expect(status().b).toMatchObject({ state: 'failed', nextAnnounceInMs: null })
  expect(status().b.error).toBe('Cannot announce to b: the tracker says "not here"')
})

test('with another address of ours, those who were asked are asked again, and what was under way is nobody’s failure', async () => {
  const { start, pass, announcer, clock, announced, told, trackers } = world('a b', { a: works(), b: hangs })
  start()
  await pass(20, { wanting: true })
  expect(announced.splice(0)).toEqual(['0 a started', '10 b started'])
  trackers.b = works()
  announcer.onAddressChange(clock.now())
  await pass(1)
  expect(announced).toEqual(['21 a again', '21 b started'])
  expect(told).toEqual([])
})

test('with another address of ours, who has refused or failed is not asked sooner than it said, or at once again and again', async () => {
  const { start, pass, announcer, clock, announced } = world('a b c', {
    a: refuses(600),
    b: refuses(Infinity),
    c: fails,
  })
  start()
  await pass(1)
  for (let second = 1; second < 59; second++) {
    announcer.onAddressChange(clock.now())
    await pass(1)
  }
  const of = (name: string): string[] => announced.filter((line) => line.includes(` ${name} `))
  expect([of('a'), of('b')]).toEqual([['0 a started'], ['0 b started']])
  expect(of('c')).toEqual(['0 c started', '15 c started', '30 c started', '45 c started'])
  await pass(550)
  expect(of('a')).toEqual(['0 a started', '600 a started'])
})

test('a private torrent asks one tracker, however few peers there are, and another one when that fails', async () => {
  const { start, pass, announced, trackers } = world(
    'a b c',
    { a: works(), b: works(), c: works() },
    { isPrivate: true },
  )
  start()
  await pass(600, { wanting: true })
  expect(announced.splice(0).filter((line) => !line.includes(' a '))).toEqual([])
  trackers.a = fails
  await pass(3600, { wanting: true })
  expect(new Set(announced.map((line) => line.split(' ')[1]))).toEqual(new Set(['a', 'b']))
})

test('while nothing can leave nobody is asked; then all who are due, and they are not told of as failed', async () => {
  const { start, pass, announcer, clock, announced, told, machine } = world('a b', { a: hangs, b: works() })
  start()
  await pass(1)
  machine.isCutOff = true
  announcer.onAddressChange(clock.now())
  await pass(60, { wanting: true })
  expect(announced.splice(0)).toEqual(['0 a started'])
  machine.isCutOff = false
  announcer.onAddressChange(clock.now())
  await pass(5)
  expect(announced).toEqual(['62 a started', '65 b started'])
  expect(told).toEqual([])
})

test('a scheme nobody here speaks is reported, once, and never asked', async () => {
  const { start, pass, announced, told, status } = world('? a', { a: works() })
  start()
  await pass(60)
  expect(announced).toEqual(['0 a started'])
  expect(told).toEqual(['? failed: unsupported_scheme'])
  expect(status()['?']).toMatchObject({ state: 'failed', nextAnnounceInMs: null })
})

test('what an answer brings is passed on: addresses, a warning, our IP; the tracker id goes back', async () => {
  const fields = { peers: [ipAddress('1.2.3.4', 5)], warning: 'slow down', externalIp: '9.9.9.9', interval: 60 }
  const { start, pass, told, requests, status } = world('a', { a: works({ ...fields, trackerId: encodeUtf8('id') }) })
  start()
  await pass(1)
  expect(told).toEqual(['a warns: slow down', 'we are 9.9.9.9', 'a gave 1.2.3.4:5'])
  expect(status().a).toMatchObject({ seeders: 3, leechers: 4, tier: 0, error: null })
  await pass(60)
  expect(requests.map(({ trackerId }) => trackerId)).toEqual([null, encodeUtf8('id')])
})

test('completed is said once, to those that saw us start', async () => {
  const { start, pass, news, announcer, figures } = world('ab', { a: fails, b: works({ interval: 60 }) })
  start()
  await pass(5)
  news()
  figures.left = 0
  announcer.announceCompleted()
  announcer.announceCompleted()
  await pass(61)
  expect(news()).toEqual(['5 b completed', '15 a started', '45 a started', '65 b again'])
})

test('completed waits for an announce under way, and is said again when it did not get through', async () => {
  const clock = new FakeClock()
  const { start, pass, announced, announcer, trackers } = world('a', { a: after(clock, 4000, works()) }, { clock })
  start()
  await pass(2)
  announcer.announceCompleted()
  trackers.a = fails
  await pass(3)
  trackers.a = works()
  await pass(40)
  expect(announced).toEqual(['0 a started', '4 a completed', '19 a completed'])
})

test('what was complete at the start is never completed', async () => {
  const { start, pass, announced, announcer } = world('a', { a: works() }, { left: 0 })
  start()
  await pass(5)
  announcer.announceCompleted()
  await pass(5)
  expect(announced).toEqual(['0 a started'])
})

test('whoever wants peers may ask again from the min interval on', async () => {
  const { start, pass, announced } = world('a', { a: works({ minInterval: 40 }) })
  start()
  await pass(100, { wanting: true })
  expect(announced).toEqual(['0 a started', '40 a again', '80 a again'])
})

test('without a min interval two minutes are kept, or the interval where that is shorter', async () => {
  const { start, pass, announced } = world('a', { a: works() })
  start()
  await pass(250, { wanting: true })
  expect(announced).toEqual(['0 a started', '120 a again', '240 a again'])
})

test('a wanted min interval below ten seconds is not believed', async () => {
  const { start, pass, announced } = world('a', { a: works({ minInterval: 0 }) })
  start()
  await pass(25, { wanting: true })
  expect(announced).toEqual(['0 a started', '10 a again', '20 a again'])
})

test('while peers are wanted, further trackers are brought in, one each ten seconds', async () => {
  const { start, pass, announced } = world('ab c', { a: works(), b: works(), c: works() })
  start()
  await pass(60, { wanting: true })
  expect(announced).toEqual(['0 a started', '10 b started', '20 c started'])
})

test('leaving tells all that know us, over each family that they answered on', async () => {
  const both: Answering = async (_request, { onAnswer }) => {
    onAnswer?.(response(), 4)
    onAnswer?.(response(), 6)
    return response()
  }
  const { start, pass, news, announcer, requests } = world('abc d', { a: fails, b: both, c: works(), d: works() })
  start()
  await pass(11, { wanting: true })
  news()
  await announcer.stop()
  expect(news().sort()).toEqual(['11 b stopped over 4', '11 b stopped over 6', '11 c stopped over 4'])
  expect(requests.at(-1)).toMatchObject({ event: 'stopped', numWant: 0 })
})

test.each([
  ['hangs', hangs],
  ['ignores that it is given up', ignoresAll],
])('leaving takes 3 s at most when a tracker %s', async (_what, farewell) => {
  const { start, pass, announcer, clock, trackers } = world('a', { a: works() })
  start()
  await pass(1)
  trackers.a = farewell
  let isOver = false
  const stopped = announcer.stop().then(() => (isOver = true))
  await clock.pass(2999)
  expect(isOver).toBe(false)
  await clock.pass(1)
  await stopped
  expect(clock.pending).toBe(0)
})

test('leaving does not wait for who never answered, unless it was asked a moment ago', async () => {
  const { start, pass, news, announcer } = world('a b', { a: hangs, b: hangs })
  start()
  await pass(4)
  news()
  void announcer.stop()
  expect(news()).toEqual(['4 b stopped'])
})

test('leaving at once, twice, or without having started does no harm', async () => {
  const { announcer, announced, clock } = world('a', { a: works() })
  await announcer.stop()
  announcer.tick(clock.now())
  announcer.wantMore(clock.now())
  announcer.announceCompleted()
  expect(announced).toEqual([])
  announcer.start(clock.now())
  await Promise.all([announcer.stop(), announcer.stop()])
  expect(announced).toEqual(['0 a started', '0 a stopped'])
})

test('after leaving, late answers and errors are no longer heard', async () => {
  const clock = new FakeClock()
  const late = (then: Answering) => after(clock, 5000, then)
  const peers = [ipAddress('1.2.3.4', 5)]
  const { start, announcer, told, announced } = world('a b', { a: late(works({ peers })), b: late(fails) }, { clock })
  start()
  await clock.pass(3500)
  announcer.tick(clock.now())
  const stopped = announcer.stop()
  await clock.pass(60_000)
  await stopped
  announcer.tick(clock.now())
  expect(told).toEqual([])
  expect(announced).toEqual(['0 a started', '3.5 b started', '3.5 b stopped'])
})

test('an announce that waits for its turn says what is true then, and its 3 s begin then', async () => {
  const { start, pass, announced, requests, figures, turns, status } = world('a b', { a: hangs, b: works() })
  let giveTurn = (): void => {}
  turns.held = new Promise((resolve) => (giveTurn = resolve))
  start()
  await pass(20)
  expect(status().a.state).toBe('announcing')
  figures.left = 7
  giveTurn()
  turns.held = null
  await pass(2)
  expect(announced).toEqual(['20 a started'])
  expect(requests[0].left).toBe(7)
  await pass(2)
  expect(announced).toEqual(['20 a started', '23 b started'])
})

test('who leaves before its turn came says nothing', async () => {
  const { start, announcer, announced, turns, clock } = world('a', { a: works() })
  turns.held = new Promise(() => {})
  start()
  await clock.pass(0)
  turns.held = null
  await announcer.stop()
  expect(announced).toEqual([])
})

test('completed that waits for its turn when we leave is said with the farewell', async () => {
  const { start, pass, announcer, news, turns } = world('a', { a: works() })
  start()
  await pass(1)
  news()
  turns.held = new Promise(() => {})
  announcer.announceCompleted()
  turns.held = null
  await announcer.stop()
  expect(news()).toEqual(['1 a completed over 4', '1 a stopped over 4'])
})

test('our IP is told once, and again when the tracker says another one', async () => {
  const { start, pass, told, trackers, status } = world('a', { a: works({ externalIp: '9.9.9.9', interval: 60 }) })
  start()
  await pass(130)
  trackers.a = works({ externalIp: '8.8.8.8', interval: 60 })
  await pass(60)
  expect(told).toEqual(['we are 9.9.9.9', 'we are 8.8.8.8'])
  expect(status().a.externalIp).toBe('8.8.8.8')
})

test('a hundred dead trackers are all tried, and no more than a hundred', async () => {
  const tiers = Array.from({ length: 150 }, () => 'a').join(' ')
  const { start, clock, announced } = world(tiers, { a: fails })
  start()
  await clock.pass(0)
  expect(announced.length).toBe(100)
})

test('without trackers nothing happens', async () => {
  const { start, pass, announced, announcer } = world('', {})
  start()
  await pass(5, { wanting: true })
  await announcer.stop()
  expect(announced).toEqual([])
})
