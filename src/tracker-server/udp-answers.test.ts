import { expect, test } from 'vitest'
import { addressKey } from '../base/address.ts'
import type { AnnounceEvent } from '../protocol/tracker/announce.ts'
import {
  decodeUdpResponse,
  encodeUdpRequest,
  type UdpAnnounceRequest,
  type UdpRequest,
  type UdpResponse,
} from '../protocol/tracker/index.ts'
import { ConnectionIds } from './connection-ids.ts'
import { Registry } from './registry.ts'
import { packAddress } from './sender.ts'
import { Traffic } from './traffic.ts'
import { UdpAnswers } from './udp-answers.ts'

const MINUTE = 60_000
const TRANSACTION_ID = 0x12345678
const INFOHASH = new Uint8Array(20).fill(1)

/** A tracker, asked by clients that have a connection id of it. */
class World {
  readonly traffic = new Traffic()
  readonly answers = new UdpAnswers(
    new Registry({ random: { below: () => 0 } }),
    new ConnectionIds(new Uint8Array(32).fill(7)),
    this.traffic,
  )

  ask(request: UdpRequest, ip: string, at = 0): UdpResponse | null {
    const answer = this.answers.answer(encodeUdpRequest(request), ip, at)
    return answer && decodeUdpResponse(answer, packAddress(ip, 0)!.length === 6 ? 4 : 16)
  }

  idOf(ip: string, at = 0): Uint8Array {
    const answer = this.ask({ kind: 'connect', transactionId: TRANSACTION_ID }, ip, at)
    if (answer?.kind !== 'connect') throw new Error('no connection id')
    return answer.connectionId
  }

  announce(ip: string, said: Partial<UdpAnnounceRequest> = {}, at = 0): UdpResponse | null {
    return this.ask(announceOf({ connectionId: this.idOf(ip, at), ...said }), ip, at)
  }

  peers(ip: string, said: Partial<UdpAnnounceRequest> = {}): string[] {
    const answer = this.announce(ip, said)
    if (answer?.kind !== 'announce') throw new Error('no announce answer')
    return answer.peers.map(addressKey)
  }
}

function announceOf(said: Partial<UdpAnnounceRequest>): UdpAnnounceRequest {
  const event: AnnounceEvent = null
  return {
    kind: 'announce',
    transactionId: TRANSACTION_ID,
    connectionId: new Uint8Array(8),
    infohash: INFOHASH,
    peerId: INFOHASH,
    port: 6881,
    uploaded: 0,
    downloaded: 0,
    left: 1,
    event,
    key: 1,
    numWant: -1,
    urlData: '/announce?a=b',
    ...said,
  }
}

test('peers are told of each other within their address family, by the IP they send from', () => {
  const world = new World()
  expect(world.peers('1.1.1.1', { port: 1 })).toEqual([])
  expect(world.peers('2.2.2.2', { port: 2, ip: '6.6.6.6' })).toEqual(['1.1.1.1:1'])
  expect(world.peers('2001:db8::1', { port: 3 })).toEqual([])
  expect(world.peers('2001:db8::2', { port: 4 })).toEqual(['[2001:db8::1]:3'])
  expect(world.peers('::ffff:3.3.3.3', { port: 5 }).length).toBe(2)
  expect(world.announce('1.1.1.1', { port: 1, event: 'stopped' })).toMatchObject({ interval: 120, leechers: 2 + 2 })
  expect(world.traffic.announces).toEqual({ http: 0, udp: 6 })
})

test('as many peers as are asked for, as the tracker gives, and as fit into a packet', () => {
  const world = new World()
  for (let port = 1; port <= 300; port++) {
    world.announce('127.0.0.1', { port, connectionId: world.idOf('127.0.0.1') })
    world.announce('::1', { port, connectionId: world.idOf('::1') })
  }
  const given = (ip: string): number[] =>
    [-1, 0, 7, 1000].map((numWant) => world.peers(ip, { numWant, port: 1 }).length)
  expect(given('127.0.0.1')).toEqual([50, 0, 7, 200])
  expect(given('::1')).toEqual([50, 0, 7, 67])
})

test('a connection id is good for its IP alone, for two to four minutes', () => {
  const world = new World()
  const at = 10.5 * MINUTE
  const connectionId = world.idOf('1.1.1.1', at)
  const isTaken = (ip: string, minutes: number, id = connectionId): boolean =>
    world.announce(ip, { connectionId: id }, at + minutes * MINUTE)?.kind === 'announce'
  expect([0, 1, 2, 4, 5, 60].map((minutes) => isTaken('1.1.1.1', minutes))).toEqual([
    true, true, true, false, false, false,
  ]) // prettier-ignore
  expect(['1.1.1.2', '2001:db8::1', '::ffff:1.1.1.1'].map((ip) => isTaken(ip, 0))).toEqual([false, false, true])
  for (let i = 0; i < 64; i++) {
    const changed = connectionId.slice()
    changed[i >> 3] ^= 1 << (i & 7)
    expect(isTaken('1.1.1.1', 0, changed)).toBe(false)
  }
})

test('a stale connection id is answered by an error, and leaves nothing behind', () => {
  const world = new World()
  const answer = world.announce('1.1.1.1', { connectionId: new Uint8Array(8) })
  expect(answer).toEqual({ kind: 'error', transactionId: TRANSACTION_ID, message: 'Connection id is not valid' })
  expect(world.announce('1.1.1.1')).toMatchObject({ leechers: 1 })
})

test('nobody without a connection id gets more bytes than it sent', () => {
  const world = new World()
  const datagrams = [
    encodeUdpRequest({ kind: 'connect', transactionId: 1 }),
    encodeUdpRequest(announceOf({ urlData: '' })),
    ...[0, 1, 2, 74].map((length) =>
      encodeUdpRequest({
        kind: 'scrape',
        transactionId: 1,
        connectionId: new Uint8Array(8),
        infohashes: Array<Uint8Array>(length).fill(INFOHASH),
      }),
    ),
  ]
  for (const datagram of datagrams) {
    expect(world.answers.answer(datagram, '1.1.1.1', 0)?.length ?? 0).toBeLessThanOrEqual(datagram.length)
  }
})

test('a scrape is answered for each of up to 74 torrents, with zeros for unknown ones', () => {
  const world = new World()
  world.announce('1.1.1.1', { left: 0, event: 'completed' })
  world.announce('2.2.2.2')
  const scrape = (infohashes: Uint8Array[]) =>
    world.ask(
      { kind: 'scrape', transactionId: TRANSACTION_ID, connectionId: world.idOf('1.1.1.1'), infohashes },
      '1.1.1.1',
    )
  expect(scrape([INFOHASH, new Uint8Array(20)])).toEqual({
    kind: 'scrape',
    transactionId: TRANSACTION_ID,
    files: [
      { seeders: 1, leechers: 1, downloads: 1 },
      { seeders: 0, leechers: 0, downloads: 0 },
    ],
  })
  const many = scrape(Array<Uint8Array>(74).fill(INFOHASH))
  expect(many?.kind === 'scrape' && many.files.length).toBe(74)
})

test('what cannot be registered is refused with a reason', () => {
  const world = new World()
  expect(world.announce('1.1.1.1', { port: 0 })).toMatchObject({ kind: 'error', message: 'Cannot announce port 0' })
  expect([...world.traffic.refusals]).toEqual([['bad_request', 1]])
})

test('what is no request, or has no sender, is not answered', () => {
  const world = new World()
  for (const length of [0, 1, 15, 16, 97, 98, 1500]) {
    expect(world.answers.answer(new Uint8Array(length), '1.1.1.1', 0)).toBe(null)
  }
  expect(world.answers.answer(encodeUdpRequest({ kind: 'connect', transactionId: 1 }), 'nowhere', 0)).toBe(null)
  expect(world.traffic.ignored).toBe(8)
})

test('an answer that is still on its way is not overwritten', () => {
  const world = new World()
  const request = encodeUdpRequest(announceOf({ connectionId: world.idOf('1.1.1.1') }))
  const first = world.answers.answer(request, '1.1.1.1', 0)!
  const copy = first.slice()
  world.answers.renewBuffers()
  world.announce('2.2.2.2', { transactionId: 99 })
  expect(first).toEqual(copy)
})
