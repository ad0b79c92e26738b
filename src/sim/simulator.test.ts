// The world itself: names, datagrams, HTTP, trackers, clocks, and the end of a run.
import { expect, test } from 'vitest'
import { ipAddress } from '../base/address.ts'
import type { HttpRequest, HttpResponse, Platform } from '../platform/platform.ts'
import { Simulator, type NatKind, type SimNode } from './index.ts'

/** Runs until the promise is settled. */
async function settled<Value>(sim: Simulator, promise: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  let outcome: PromiseSettledResult<Value>[] | null = null
  void Promise.allSettled([promise]).then((outcomes) => (outcome = outcomes))
  await sim.run({ until: () => outcome !== null })
  return outcome![0]
}

async function value<Value>(sim: Simulator, promise: Promise<Value>): Promise<Value> {
  const outcome = await settled(sim, promise)
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

test('names are looked up by family, and unknown ones are not found', async () => {
  const sim = new Simulator({ seed: 1 })
  sim.addName('tracker.example', '10.0.0.9', '2001:db8::9')
  const { network } = sim.node('10.0.0.1').platform
  expect(await value(sim, network.lookup('Tracker.Example', 'any'))).toEqual(['10.0.0.9', '2001:db8::9'])
  expect(await value(sim, network.lookup('tracker.example', 6))).toEqual(['2001:db8::9'])
  expect(await value(sim, network.lookup('[2001:db8::1]', 'any'))).toEqual(['2001:db8::1'])
  for (const name of ['other.example', '10.0.0.1'])
    expect(await settled(sim, network.lookup(name, 6))).toMatchObject({ reason: { code: 'name_not_found' } })
  sim.addName('tracker.example')
  expect(await settled(sim, network.lookup('tracker.example', 4))).toMatchObject({ reason: { code: 'name_not_found' } })
})

async function udpPair(nat?: NatKind): Promise<{ sim: Simulator; log: string[]; send: (from: 'a' | 'b') => void }> {
  const sim = new Simulator({ seed: 1 })
  const nodes = { a: sim.node('10.0.0.1'), b: sim.node('10.0.0.2', { nat }) }
  const log: string[] = []
  const open = (name: 'a' | 'b'): ReturnType<Platform['network']['openUdp']> =>
    nodes[name].platform.network.openUdp({ ip: '0.0.0.0', port: 5000 }, (bytes, from) =>
      log.push(`${name} got ${bytes.length} from ${from.ip}`),
    )
  const sockets = { a: await value(sim, open('a')), b: await value(sim, open('b')) }
  const other = { a: '10.0.0.2', b: '10.0.0.1' }
  return { sim, log, send: (from) => sockets[from].send(new Uint8Array(7), ipAddress(other[from], 5000)) }
}

test('datagrams go both ways', async () => {
  const { sim, log, send } = await udpPair()
  send('a')
  send('b')
  await sim.run({ untilMs: sim.nowMs + 1000 })
  expect(log.toSorted()).toEqual(['a got 7 from 10.0.0.2', 'b got 7 from 10.0.0.1'])
})

test('datagrams to a machine behind a router arrive once it has sent something itself', async () => {
  const { sim, log, send } = await udpPair('port_restricted')
  send('a')
  await sim.run({ untilMs: sim.nowMs + 1000 })
  expect(log).toEqual([])
  send('b')
  await sim.run({ untilMs: sim.nowMs + 1000 })
  send('a')
  await sim.run({ untilMs: sim.nowMs + 1000 })
  expect(log).toEqual(['a got 7 from 10.0.0.2', 'b got 7 from 10.0.0.1'])
})

test('a port is had by one, until it is closed; a machine has only its own addresses', async () => {
  const sim = new Simulator({ seed: 1 })
  const { network } = sim.node('10.0.0.1').platform
  const open = (ip: string, port = 5000): ReturnType<typeof network.openUdp> => network.openUdp({ ip, port }, () => {})
  const socket = await value(sim, open('0.0.0.0'))
  expect(await settled(sim, open('10.0.0.1'))).toMatchObject({ reason: { code: 'address_in_use' } })
  expect(await settled(sim, open('10.0.0.2'))).toMatchObject({ reason: { code: 'address_not_available' } })
  expect(await settled(sim, open('::'))).toMatchObject({ reason: { code: 'eafnosupport' } })
  expect((await value(sim, open('10.0.0.1', 0))).port).toBeGreaterThan(32_767)
  socket.close()
  expect((await value(sim, open('10.0.0.1'))).port).toBe(5000)
})

const INFOHASH = '%01'.repeat(20)

function announce(node: SimNode, url: string, more: Partial<HttpRequest> = {}): Promise<HttpResponse> {
  const target = `${url}?info_hash=${INFOHASH}&peer_id=${'a'.repeat(20)}&port=6881&left=1&compact=1`
  return node.platform.network.httpGet({ url: target, timeoutMs: 5000, maxBytes: 10_000, ...more })
}

test('a tracker tells whoever comes later of those who came before', async () => {
  const sim = new Simulator({ seed: 1 })
  const tracker = sim.tracker('10.0.0.9')
  sim.addName('tracker.example', '10.0.0.9')
  const nodes = [1, 2].map((i) => sim.node(`10.0.0.${i}`))
  const answers: string[] = []
  for (const node of nodes) {
    const { status, body } = await value(sim, announce(node, tracker.httpUrl('tracker.example')))
    expect(status).toBe(200)
    answers.push([...body].map((byte) => String.fromCharCode(byte)).join(''))
  }
  expect(answers[0]).toContain('5:peers0:')
  expect(answers[1]).toContain('5:peers6:\n\0\0\x01\x1a\xe1')
  tracker.refusal = 'Go away'
  const { body } = await value(sim, announce(nodes[0], tracker.httpUrl()))
  expect(String.fromCharCode(...body)).toContain('Go away')
  expect(tracker.announces).toBe(3)
})

test('HTTP fails as it does in earnest', async () => {
  const sim = new Simulator({ seed: 1 })
  const home = sim.node('10.0.0.9')
  const tracker = sim.tracker(home)
  const node = sim.node('10.0.0.1')
  const code = async (url: string, more: Partial<HttpRequest> = {}): Promise<unknown> => {
    const outcome = await settled(sim, announce(node, url, more))
    return outcome.status === 'rejected' ? (outcome.reason as { code: unknown }).code : outcome.value.status
  }
  expect(await code(tracker.httpUrl())).toBe(200)
  expect(await code('http://10.0.0.9:6969/elsewhere')).toBe(404)
  expect(await code('http://10.0.0.9:1/announce')).toBe('econnrefused')
  expect(await code('http://nowhere.example/announce')).toBe('name_not_found')
  expect(await code('ftp://10.0.0.9/announce')).toBe('unsupported_url')
  expect(await code(tracker.httpUrl(), { maxBytes: 5 })).toBe('response_too_large')
  expect(await code(tracker.httpUrl(), { signal: AbortSignal.abort() })).toBe('aborted')
  home.goSilent()
  const before = sim.nowMs
  expect(await code(tracker.httpUrl())).toBe('timed_out')
  expect(Math.round(sim.nowMs - before)).toBe(5000)
})

test('clocks show virtual time: intervals, delays, dates', async () => {
  const sim = new Simulator({ seed: 1 })
  const { clock } = sim.node('10.0.0.1').platform
  const log: string[] = []
  const stop = clock.every(100, () => log.push(`tick ${clock.now()}`))
  clock.after(250, () => {
    log.push(`after ${clock.now()}`)
    stop()
  })
  await sim.run({ untilMs: 1000 })
  expect(log).toEqual(['tick 100', 'tick 200', 'after 250'])
  expect(new Date(clock.wall()).toISOString()).toBe('2025-01-01T00:00:01.000Z')
})

test('a run that cannot reach its end says so, with the seed', async () => {
  const sim = new Simulator({ seed: 77 })
  await expect(sim.run({ until: () => false })).rejects.toThrow(/nothing is left that could happen \(seed 77/)
  const busy = new Simulator({ seed: 77 })
  busy.node('10.0.0.1').platform.clock.every(100, () => {})
  await expect(busy.run({ until: () => false, limitMs: 5000 })).rejects.toThrow(/not within 5000 ms \(seed 77/)
  expect(busy.nowMs).toBe(5000)
})

test('two machines cannot have one address', () => {
  const sim = new Simulator({ seed: 1 })
  sim.node('10.0.0.1')
  expect(() => sim.node('10.0.0.1')).toThrow(TypeError)
})
