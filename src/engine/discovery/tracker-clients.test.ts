import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import { addressKey, ipAddress, parseAddress } from '../../base/address.ts'
import { encodeUtf8 } from '../../base/bytes.ts'
import { NetworkError, type TrackerError } from '../../base/errors.ts'
import type { AnnounceAnswer, AnnounceRequest } from '../../protocol/tracker/announce.ts'
import { encodeScrapeReply } from '../../protocol/tracker/http-scrape.ts'
import { encodeAnnounceReply, encodeRefusal } from '../../protocol/tracker/http.ts'
import { decodeUdpRequest } from '../../protocol/tracker/udp.ts'
import { queryTrackers } from './query-trackers.ts'
import { scrapeTrackers } from './scrape-trackers.ts'
import { TrackerClients, type TrackerParts } from './tracker-clients.ts'

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

/** What an HTTP tracker does at one of its IPs: peers to give, a refusal, a body, a status, an error, or `hang`. */
type Behaviour =
  | readonly string[]
  | { readonly refusal: string; readonly status?: number }
  | { readonly scraped: Uint8Array }
  | NetworkError
  | 'hang'
  | number

/** A machine with `own` IPs among trackers that behave as drawn, by `host` or `host ip`. */
function world(
  names: Record<string, string[]>,
  behaviours: Record<string, Behaviour>,
  own = ['127.0.0.1', '10.0.0.9', '2001:db8::9'],
) {
  const clock = new FakeClock()
  const asked: string[] = []
  const udpSent: string[] = []
  const lookedUp: string[] = []
  const parts: TrackerParts = {
    clock,
    random: { bytes: (length) => new Uint8Array(length).fill(3) },
    network: {
      ownAddresses: () => own,
      lookup: async (host, family) => {
        lookedUp.push(`${host} ${family}`)
        const ips = (names[host] ?? []).filter((ip) => family === 'any' || ip.includes(':') === (family === 6))
        if (ips.length === 0) throw new NetworkError('name_not_found', `Cannot look up ${host}: no address`)
        return ips
      },
      httpGet: async ({ url, remoteIp, localIp, signal, headers }) => {
        const { host, searchParams } = new URL(url)
        const from = localIp === undefined ? '' : ` from ${localIp}`
        asked.push(`${host} ${remoteIp} ${searchParams.get('event')}${from} as ${headers?.['User-Agent']}`)
        const behaviour = behaviours[`${host} ${remoteIp}`] ?? behaviours[host]
        if (behaviour instanceof NetworkError) throw behaviour
        if (behaviour === 'hang') {
          return new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new NetworkError('aborted', 'Cannot get: aborted')))
          })
        }
        if (typeof behaviour === 'number') return { status: behaviour, headers: {}, body: encodeUtf8('<html>') }
        if ('refusal' in behaviour) {
          return { status: behaviour.status ?? 200, headers: {}, body: encodeRefusal(behaviour.refusal) }
        }
        if ('scraped' in behaviour) return { status: 200, headers: {}, body: behaviour.scraped }
        const peers = behaviour.map((text) => ({ address: parseAddress(text)! }))
        const body = encodeAnnounceReply(
          { interval: 60, seeders: 1, leechers: 1, peers, externalIp: '9.9.9.9' },
          { isCompact: true, withoutPeerIds: true },
        )
        return { status: 200, headers: {}, body }
      },
      openUdp: async ({ ip }) => ({
        ip,
        port: 1,
        send: (datagram, to) => udpSent.push(`${decodeUdpRequest(datagram)!.kind} ${addressKey(to)} from ${ip}`),
        close: () => {},
      }),
    },
  }
  const announce = (
    url: string,
    { localIp, ...options }: { localIp?: string; signal?: AbortSignal; family?: 4 | 6 } = {},
  ) => {
    const heard: string[] = []
    const answer = new TrackerClients(parts, localIp, 'Test').announce(url, REQUEST, {
      ...options,
      onAnswer: (answer, family) => heard.push(`${family}: ${peersOf(answer).join(' ')}`),
    })
    return { answer, heard }
  }
  return { clock, parts, asked, udpSent, lookedUp, announce, clients: () => new TrackerClients(parts) }
}

const peersOf = (answer: AnnounceAnswer): string[] =>
  answer.kind === 'response' ? answer.peers.map(addressKey) : [answer.reason]
const BOTH = { 'a.org': ['1.1.1.1', '2001:db8::1'] }

test('an HTTP tracker is asked over both families, and each answer is heard', async () => {
  const { announce, asked } = world(BOTH, { 'a.org 1.1.1.1': ['5.5.5.5:5'], 'a.org 2001:db8::1': ['[2001:db8::5]:5'] })
  const { answer, heard } = announce('http://a.org/announce')
  expect(peersOf(await answer)).toEqual(['5.5.5.5:5'])
  expect(asked).toEqual(['a.org 1.1.1.1 started as Test', 'a.org 2001:db8::1 started as Test'])
  expect(heard).toEqual(['4: 5.5.5.5:5', '6: [2001:db8::5]:5'])
})

test('an announce looks a name up once, for both families', async () => {
  const { announce, lookedUp } = world(BOTH, { 'a.org': [] })
  await announce('http://a.org/announce').answer
  expect(lookedUp).toEqual(['a.org any'])
})

test('of a UDP tracker with several IPs another one is asked the next time, when one has not answered', async () => {
  const { clients, clock, udpSent } = world({ 'a.org': ['1.1.1.1', '2.2.2.2'] }, {})
  const asking = clients()
  for (let i = 0; i < 3; i++) {
    const answer = asking.announce('udp://a.org:80', REQUEST)
    await Promise.all([clock.pass(106_000), expect(answer).rejects.toMatchObject({ code: 'timed_out' })])
  }
  const ips = udpSent.map((line) => line.split(' ')[1])
  expect([...new Set(ips)]).toEqual(['1.1.1.1:80', '2.2.2.2:80'])
  expect(ips.at(-1)).toBe('1.1.1.1:80')
})

test('a scrape leaves nothing behind at the signal of whoever has asked', async () => {
  const { clients } = world(BOTH, { 'a.org': { scraped: encodeScrapeReply([]) } })
  const controller = new AbortController()
  const listeners = new Set<unknown>()
  const { signal } = controller
  signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener)
  signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener)
  const scrape = clients().scrape('http://a.org/announce', REQUEST.infohash, { signal })
  await expect(scrape).rejects.toMatchObject({ code: 'unknown_torrent' })
  expect(listeners.size).toBe(0)
})

test('a family that hangs does not delay the other', async () => {
  const { announce } = world(BOTH, { 'a.org 1.1.1.1': 'hang', 'a.org 2001:db8::1': ['[2001:db8::5]:5'] })
  expect(peersOf(await announce('http://a.org/').answer)).toEqual(['[2001:db8::5]:5'])
})

test('a family that refuses or fails counts only when the other does no better', async () => {
  const refused = new NetworkError('econnrefused', 'Cannot get: refused')
  const ask = (v4: Behaviour, v6: Behaviour) =>
    world(BOTH, { 'a.org 1.1.1.1': v4, 'a.org 2001:db8::1': v6 }).announce('http://a.org/').answer
  expect(peersOf(await ask(refused, ['[2001:db8::5]:5']))).toEqual(['[2001:db8::5]:5'])
  expect(peersOf(await ask({ refusal: 'no' }, ['[2001:db8::5]:5']))).toEqual(['[2001:db8::5]:5'])
  expect(peersOf(await ask(refused, { refusal: 'no' }))).toEqual(['no'])
  await expect(ask(refused, 500)).rejects.toMatchObject({ name: 'TrackerError', code: 'econnrefused' })
})

test('with a local IP only its family is used, from that IP', async () => {
  const { announce, asked } = world(BOTH, { 'a.org': [] })
  await announce('http://a.org/', { localIp: '10.0.0.9' }).answer
  await announce('http://a.org/', { localIp: '2001:db8::9' }).answer
  expect(asked).toEqual([
    'a.org 1.1.1.1 started from 10.0.0.9 as Test',
    'a.org 2001:db8::1 started from 2001:db8::9 as Test',
  ])
})

test('one family can be asked for', async () => {
  const { announce, asked } = world(BOTH, { 'a.org': [] })
  await announce('http://a.org/', { family: 6 }).answer
  expect(asked).toEqual(['a.org 2001:db8::1 started as Test'])
})

test('a machine without IPv6 to the outside asks over IPv4 only, but a tracker on ::1 is reached', async () => {
  const own = ['127.0.0.1', '::1', 'fe80::1']
  const { announce, asked } = world({ ...BOTH, local: ['127.0.0.1', '::1'] }, { 'a.org': [], local: [] }, own)
  await announce('http://a.org/').answer
  await announce('http://local/').answer
  expect(asked.map((line) => line.split(' ')[1])).toEqual(['1.1.1.1', '127.0.0.1', '::1'])
})

test('peers that are nobody, or ourselves, are left out', async () => {
  const given = ['10.0.0.9:6881', '10.0.0.9:6882', '9.9.9.9:6881', '224.0.0.1:5', '0.0.0.0:5', '5.5.5.5:6881']
  const { announce } = world({ 'a.org': ['1.1.1.1'] }, { 'a.org': given })
  expect(peersOf(await announce('http://a.org/').answer)).toEqual(['10.0.0.9:6882', '5.5.5.5:6881'])
})

test("bound to one IP, this machine's other IPs are not ourselves", async () => {
  const { announce } = world({ 'a.org': ['1.1.1.1'] }, { 'a.org': ['10.0.0.9:6881', '127.0.0.1:6881'] })
  expect(peersOf(await announce('http://a.org/', { localIp: '127.0.0.1' }).answer)).toEqual(['10.0.0.9:6881'])
})

test('a UDP tracker is asked over both families', async () => {
  const { announce, udpSent, clock } = world(BOTH, {})
  const failure = announce('udp://a.org:6969/announce').answer.catch((error: TrackerError) => error)
  await clock.pass(105_000)
  expect(udpSent.slice(0, 2)).toEqual(['connect 1.1.1.1:6969 from 0.0.0.0', 'connect [2001:db8::1]:6969 from ::'])
  expect(await failure).toMatchObject({ name: 'TrackerError', code: 'timed_out' })
})

test.each([
  ['wss://a.org/', 'unsupported_scheme'],
  ['ftp://a.org/', 'unsupported_scheme'],
  ['nonsense', 'bad_url'],
  ['', 'bad_url'],
  ['udp://a.org/announce', 'bad_url'],
  ['udp://a.org:0/', 'bad_url'],
  ['http://unknown.org/', 'name_not_found'],
])('%j fails with %s', async (url, code) => {
  const { announce } = world(BOTH, {})
  await expect(announce(url).answer).rejects.toMatchObject({ name: 'TrackerError', code })
})

test('a status of failure is an error, unless a refusal comes with it', async () => {
  const names = { 'a.org': ['1.1.1.1'] }
  await expect(world(names, { 'a.org': 404 }).announce('http://a.org/').answer).rejects.toMatchObject({
    code: 'http_status',
    message: 'Cannot announce to a.org: HTTP status 404',
  })
  const refusing = world(names, { 'a.org': { refusal: 'unknown torrent', status: 400 } })
  expect(peersOf(await refusing.announce('http://a.org/').answer)).toEqual(['unknown torrent'])
})

test('a signal ends it', async () => {
  const controller = new AbortController()
  const { announce } = world(BOTH, { 'a.org': 'hang' })
  const { answer } = announce('http://a.org/', { signal: controller.signal })
  controller.abort()
  await expect(answer).rejects.toMatchObject({ code: 'aborted' })
})

test('a query asks all trackers at once, says which failed, and leaves those that answered', async () => {
  const names = { 'a.org': ['1.1.1.1'], 'b.org': ['2.2.2.2'], 'c.org': ['3.3.3.3'], 'd.org': ['4.4.4.4'] }
  const { parts, clock, asked } = world(names, {
    'a.org': ['5.5.5.5:5', '6.6.6.6:6', '7.7.7.7:1'],
    'b.org': ['5.5.5.5:5'],
    'c.org': 'hang',
    'd.org': { refusal: 'closed' },
  })
  const urls = ['http://a.org/', 'http://b.org/', 'http://c.org/', 'http://d.org/', 'wss://e.org/', 'http://a.org/']
  const result = queryTrackers(parts, {
    trackers: urls,
    infohash: REQUEST.infohash,
    peerId: REQUEST.peerId,
    totalSize: 100,
    timeoutMs: 5000,
  })
  await clock.pass(5000)
  expect(await result).toEqual({
    peers: ['5.5.5.5:5', '6.6.6.6:6'],
    trackers: [
      { url: 'http://a.org/', externalIp: '9.9.9.9' },
      { url: 'http://b.org/', externalIp: '9.9.9.9' },
      { url: 'http://c.org/', error: 'Cannot announce to http://c.org/: no answer within 5000 ms' },
      { url: 'http://d.org/', error: 'the tracker says "closed"' },
      { url: 'wss://e.org/', error: 'Cannot announce to wss://e.org/: trackers over wss are not supported' },
    ],
  })
  const stopped = asked.filter((line) => line.includes('stopped')).map((line) => line.split(' ')[0])
  expect(stopped.sort()).toEqual(['a.org', 'b.org'])
  expect(clock.pending).toBe(0)
})

test('a query is bound in time also by a tracker that hangs at the farewell', async () => {
  const names = { 'a.org': ['1.1.1.1'] }
  const behaviours: Record<string, Behaviour> = { 'a.org': ['5.5.5.5:5'] }
  const { parts, clock } = world(names, behaviours)
  const result = queryTrackers(parts, {
    trackers: ['http://a.org/'],
    infohash: REQUEST.infohash,
    peerId: REQUEST.peerId,
    totalSize: 100,
  })
  const hang: Behaviour = 'hang'
  const original = parts.network.httpGet
  Object.assign(parts.network, {
    httpGet: (request: Parameters<typeof original>[0]) => {
      if (request.url.includes('stopped')) behaviours['a.org'] = hang
      return original(request)
    },
  })
  await clock.pass(2000)
  expect(await result).toEqual({
    peers: [addressKey(ipAddress('5.5.5.5', 5))],
    trackers: [{ url: 'http://a.org/', externalIp: '9.9.9.9' }],
  })
})

test('an IP that cannot be ours is not taken for it', async () => {
  const { parts, clients } = world({ 'a.org': ['1.1.1.1'] }, { 'a.org': ['5.5.5.5:5'] })
  const saying = async (externalIp: string) => {
    const body = encodeAnnounceReply(
      { interval: 60, seeders: 1, leechers: 1, peers: [], externalIp },
      { isCompact: true, withoutPeerIds: true },
    )
    Object.assign(parts.network, { httpGet: async () => ({ status: 200, headers: {}, body }) })
    const answer = await clients().announce('http://a.org/', REQUEST)
    return answer.kind === 'response' ? answer.externalIp : null
  }
  expect(await saying('9.9.9.9')).toBe('9.9.9.9')
  for (const ip of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1']) expect(await saying(ip)).toBe(null)
})

test('a scrape asks all trackers at once, and says what each knows or why it does not', async () => {
  const figures = { seeders: 3, leechers: 2, downloads: 100 }
  const none = { seeders: null, leechers: null, downloads: null }
  const other = new Uint8Array(20).fill(2)
  const scraped = encodeScrapeReply([[REQUEST.infohash, figures]])
  const letters = ['a', 'b', 'c', 'd', 'e', 'f']
  const names = Object.fromEntries(letters.map((letter) => [`${letter}.org`, ['1.1.1.1', '2001:db8::1']]))
  const { clients, clock, asked } = world(names, {
    'a.org 1.1.1.1': 'hang',
    'a.org': { scraped },
    'b.org': { scraped: encodeScrapeReply([[other, figures]]) },
    'c.org': 'hang',
    'd.org': { refusal: 'closed', status: 403 },
    'e.org': 404,
  })
  const urls = letters.map((letter) => `http://${letter}.org/announce`)
  const trackers = [...urls.slice(0, 5), 'http://f.org/tracker', urls[0], 'udp://f.org:1']
  const result = scrapeTrackers(clients(), clock, { trackers, infohash: REQUEST.infohash })
  await clock.pass(10_000)
  expect(await result).toEqual([
    { url: trackers[0], ...figures, error: null },
    { url: trackers[1], ...none, error: 'Cannot scrape b.org: it does not know the torrent' },
    { url: trackers[2], ...none, error: 'Cannot scrape http://c.org/announce: no answer within 10000 ms' },
    { url: trackers[3], ...none, error: 'the tracker says "closed"' },
    { url: trackers[4], ...none, error: 'Cannot scrape e.org: HTTP status 404' },
    { url: trackers[5], ...none, error: 'Cannot scrape f.org: its URL does not say where' },
    { url: trackers[7], ...none, error: 'Cannot scrape udp://f.org:1: no answer within 10000 ms' },
  ])
  // Nobody has announced anything.
  expect(asked.every((line) => line.split(' ')[2] === 'null')).toBe(true)
  expect(clock.pending).toBe(0)
})
