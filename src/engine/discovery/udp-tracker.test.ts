import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import { addressKey, ipAddress, type Address } from '../../base/address.ts'
import { encodeUtf8, viewOf } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import type { AnnounceRequest } from '../../protocol/tracker/announce.ts'
import { decodeUdpRequest, encodeUdpResponse, type UdpRequest, type UdpResponse } from '../../protocol/tracker/udp.ts'
import { UdpTrackers } from './udp-tracker.ts'

const TRACKER = ipAddress('1.1.1.1', 6969)
const TRACKER6 = ipAddress('2001:db8::1', 6969)
const ID = new Uint8Array(8).fill(9)
const REQUEST: AnnounceRequest = {
  infohash: new Uint8Array(20).fill(1),
  peerId: encodeUtf8('-SH0100-abcdefghijkl'),
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 1,
  event: 'started',
  key: 1,
  numWant: 50,
}

/** A network on which every datagram of ours is noted, and the test says what comes back. */
function world({ localIp }: { localIp?: string } = {}) {
  const clock = new FakeClock()
  const sent: { readonly request: UdpRequest; readonly to: Address }[] = []
  const opened: string[] = []
  const closed: string[] = []
  let canOpen = true
  let deliver: (datagram: Uint8Array, from: Address) => void = () => {}
  let chance = 0
  const trackers = new UdpTrackers(
    {
      clock,
      random: {
        bytes: (length) => {
          const bytes = new Uint8Array(length)
          viewOf(bytes).setUint32(0, ++chance)
          return bytes
        },
      },
      network: {
        openUdp: async ({ ip }, onMessage) => {
          if (!canOpen) throw new NetworkError('eafnosupport', 'Cannot open a UDP socket')
          opened.push(ip)
          deliver = onMessage
          return {
            ip,
            port: 1,
            send: (datagram, to) => sent.push({ request: decodeUdpRequest(datagram)!, to }),
            close: () => closed.push(ip),
          }
        },
      },
    },
    localIp,
  )
  const answer = (response: UdpResponse, from = TRACKER): void =>
    deliver(encodeUdpResponse(response, from.ip.includes(':') ? 16 : 4), from)
  /** What was sent since the last call. */
  const news = (): UdpRequest[] => sent.splice(0).map(({ request }) => request)
  return {
    clock,
    trackers,
    sent,
    opened,
    closed,
    answer,
    news,
    receive: (bytes: Uint8Array, from = TRACKER): void => deliver(bytes, from),
    forbidSockets: (forbidden: boolean) => (canOpen = !forbidden),
    announce: (to = TRACKER, signal?: AbortSignal) => trackers.announce(to, '/announce', REQUEST, signal),
    /** Answers the connect that was sent last. */
    connect: async (from = TRACKER) => {
      await clock.pass(0)
      const [{ transactionId }] = news()
      answer({ kind: 'connect', transactionId, connectionId: ID }, from)
      return news()[0]
    },
  }
}

const announced = (transactionId: number, peers: readonly Address[] = []): UdpResponse => ({
  kind: 'announce',
  transactionId,
  interval: 1800,
  leechers: 2,
  seeders: 3,
  peers,
})

test('connects, announces with the URL data, and hands over the answer', async () => {
  const { announce, connect, answer, clock } = world()
  const result = announce()
  const request = await connect()
  expect(request).toMatchObject({ ...REQUEST, kind: 'announce', connectionId: ID, urlData: '/announce' })
  answer(announced(request.transactionId, [ipAddress('5.5.5.5', 5)]))
  expect(await result).toMatchObject({
    kind: 'response',
    interval: 1800,
    seeders: 3,
    leechers: 2,
    peers: [ipAddress('5.5.5.5', 5)],
  })
  expect(clock.pending).toBe(0)
})

test('a lost datagram is sent again after 15, then 30 s; after 105 s the tracker is given up', async () => {
  const { announce, sent, clock } = world()
  const failure = announce().catch((error: NetworkError) => error)
  await clock.pass(14_999)
  expect(sent.length).toBe(1)
  await clock.pass(1)
  expect(sent.length).toBe(2)
  await clock.pass(30_000)
  expect(sent.length).toBe(3)
  await clock.pass(60_000)
  expect(await failure).toMatchObject({ name: 'NetworkError', code: 'timed_out' })
  expect([sent.length, clock.pending]).toEqual([3, 0])
})

test('a connection id is used again for 60 s, by other torrents too', async () => {
  const { announce, connect, answer, news, clock } = world()
  const first = announce()
  answer(announced((await connect()).transactionId))
  await first
  await clock.pass(59_000)
  void announce()
  await clock.pass(0)
  const [second] = news()
  expect(second.kind).toBe('announce')
  answer(announced(second.transactionId))
  await clock.pass(2000)
  void announce().catch(() => {})
  await clock.pass(0)
  expect(news()[0].kind).toBe('connect')
})

test('only the tracker that was asked is heard, and only with the transaction id asked with', async () => {
  const { announce, connect, answer, receive, clock } = world()
  let isOver = false
  const result = announce().finally(() => (isOver = true))
  const { transactionId } = await connect()
  answer(announced(transactionId), ipAddress('1.1.1.1', 6970))
  answer(announced(transactionId), ipAddress('6.6.6.6', 6969))
  answer(announced(transactionId + 1))
  receive(new Uint8Array(3))
  receive(encodeUtf8('some noise of more than twenty bytes'))
  await clock.pass(0)
  expect(isOver).toBe(false)
  answer(announced(transactionId))
  await result
})

test('announces at the same time share one socket and keep apart', async () => {
  const { announce, answer, news, opened, clock, sent } = world()
  const [a, b] = [announce(TRACKER), announce(ipAddress('2.2.2.2', 80))]
  await clock.pass(0)
  expect(opened).toEqual(['0.0.0.0'])
  expect(sent.map(({ to }) => addressKey(to))).toEqual(['1.1.1.1:6969', '2.2.2.2:80'])
  const [toA, toB] = news()
  expect(toA.transactionId).not.toBe(toB.transactionId)
  answer({ kind: 'error', transactionId: toB.transactionId, message: 'full' }, ipAddress('2.2.2.2', 80))
  expect(await b).toEqual({ kind: 'refusal', reason: 'full', retryInSeconds: null })
  answer({ kind: 'connect', transactionId: toA.transactionId, connectionId: ID })
  answer(announced(news()[0].transactionId))
  expect(await a).toMatchObject({ kind: 'response' })
})

test('over IPv6 there is a socket of its own, and peers have 18 bytes', async () => {
  const { announce, connect, answer, opened } = world()
  const result = announce(TRACKER6)
  const { transactionId } = await connect(TRACKER6)
  answer(announced(transactionId, [ipAddress('2001:db8::5', 5)]), TRACKER6)
  expect(await result).toMatchObject({ peers: [ipAddress('2001:db8::5', 5)] })
  expect(opened).toEqual(['::'])
})

test('with a local IP everything leaves from it', async () => {
  const { announce, opened, clock } = world({ localIp: '10.0.0.7' })
  void announce().catch(() => {})
  await clock.pass(0)
  expect(opened).toEqual(['10.0.0.7'])
})

test('a signal ends an announce at any stage, and leaves nothing behind', async () => {
  const { announce, clock, receive } = world()
  const controller = new AbortController()
  const code = (signal: AbortSignal) => announce(TRACKER, signal).catch((error: NetworkError) => error.code)
  const underWay = code(controller.signal)
  await clock.pass(1000)
  controller.abort()
  expect(await underWay).toBe('aborted')
  expect(await code(controller.signal)).toBe('aborted')
  expect(clock.pending).toBe(0)
  receive(encodeUdpResponse({ kind: 'connect', transactionId: 1, connectionId: ID }, 4))
})

test('closing ends what is under way and closes the sockets, also those about to open', async () => {
  const { announce, trackers, clock, closed } = world()
  const code = (to: Address) => announce(to).catch((error: NetworkError) => error.code)
  const underWay = code(TRACKER)
  await clock.pass(0)
  const opening = code(TRACKER6)
  trackers.close()
  expect(await Promise.all([underWay, opening])).toEqual(['aborted', 'aborted'])
  expect(await code(TRACKER)).toBe('aborted')
  expect(closed.sort()).toEqual(['0.0.0.0', '::'])
})

test('a socket that cannot be opened fails that announce, and the next tries again', async () => {
  const { announce, connect, answer, forbidSockets } = world()
  forbidSockets(true)
  await expect(announce()).rejects.toMatchObject({ code: 'eafnosupport' })
  forbidSockets(false)
  const result = announce()
  answer(announced((await connect()).transactionId))
  expect(await result).toMatchObject({ kind: 'response' })
})

test('an answer of another kind is bad_response', async () => {
  const { announce, connect, answer } = world()
  const result = announce()
  const { transactionId } = await connect()
  answer({ kind: 'scrape', transactionId, files: [] })
  await expect(result).rejects.toMatchObject({ name: 'TrackerError', code: 'bad_response' })
})

test('a scrape shares connection ids with announces, and hands over the figures', async () => {
  const { trackers, announce, connect, answer, news, clock } = world()
  const announcing = announce()
  answer(announced((await connect()).transactionId))
  await announcing
  const scraping = trackers.scrape(TRACKER, REQUEST.infohash)
  await clock.pass(0)
  const [request] = news()
  expect(request).toMatchObject({ kind: 'scrape', connectionId: ID, infohashes: [REQUEST.infohash] })
  const files = [{ seeders: 5, downloads: 10, leechers: 3 }]
  answer({ kind: 'scrape', transactionId: request.transactionId, files })
  expect(await scraping).toEqual({ kind: 'response', figures: files[0] })
})

test('a scrape that is refused, or answered with something else', async () => {
  const { trackers, connect, answer, news, clock } = world()
  const refused = trackers.scrape(TRACKER, REQUEST.infohash)
  answer({ kind: 'error', transactionId: (await connect()).transactionId, message: 'no scrapes here' })
  expect(await refused).toEqual({ kind: 'refusal', reason: 'no scrapes here', retryInSeconds: null })
  for (const response of [announced(0), { kind: 'scrape', files: [] } as const]) {
    const failure = trackers.scrape(TRACKER, REQUEST.infohash).catch((error: Error) => error)
    await clock.pass(0)
    const [{ transactionId }] = news()
    answer({ ...response, transactionId } as UdpResponse)
    expect(await failure).toMatchObject({ name: 'TrackerError', code: 'bad_response' })
  }
})
