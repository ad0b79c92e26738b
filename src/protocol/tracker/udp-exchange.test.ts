import { expect, test } from 'vitest'
import { decodeUdpRequest, encodeUdpResponse, type UdpResponse } from './udp.ts'
import { UdpExchange, type UdpConnection, type UdpExchangeOptions } from './udp-exchange.ts'

const ID = new Uint8Array(8).fill(7)

/** A scrape (the shortest request) with transaction ids 1, 2, 3...; what it sends is shown as `connect 1` or `scrape 2`. */
function exchange(options: Partial<UdpExchangeOptions> = {}) {
  let lastId = 0
  const machine = new UdpExchange(
    (connectionId, transactionId) => ({ kind: 'scrape', transactionId, connectionId, infohashes: [] }),
    { ipLength: 4, newTransactionId: () => ++lastId, ...options },
  )
  const poll = (seconds: number): string | null => {
    const datagram = machine.poll(seconds * 1000)
    const request = datagram && decodeUdpRequest(datagram)
    return request && `${request.kind} ${request.transactionId}`
  }
  const receive = (response: UdpResponse, seconds: number): UdpResponse | null =>
    machine.receive(encodeUdpResponse(response, 4), seconds * 1000)
  return { machine, poll, receive }
}

const connected = (transactionId: number): UdpResponse => ({ kind: 'connect', transactionId, connectionId: ID })
const scraped = (transactionId: number): UdpResponse => ({ kind: 'scrape', transactionId, files: [] })
const refused = (transactionId: number): UdpResponse => ({ kind: 'error', transactionId, message: 'no' })
const kept = (expiresInSeconds: number): UdpConnection => ({ id: ID, expiresAt: expiresInSeconds * 1000 })

/** When something is sent, in seconds, as long as nobody answers. */
function sendingTimes(machine: UdpExchange): number[] {
  const times: number[] = []
  for (let now = 0; !machine.isGivenUp; now = machine.nextAt) if (machine.poll(now)) times.push(now / 1000)
  return times
}

test('connects, then asks', () => {
  const { machine, poll, receive } = exchange()
  expect(poll(0)).toBe('connect 1')
  expect(receive(connected(1), 1)).toBe(null)
  expect(poll(1)).toBe('scrape 2')
  expect(receive(scraped(2), 2)).toEqual(scraped(2))
  expect(machine.connection).toEqual({ id: ID, expiresAt: 61_000 })
})

test('nothing is sent before its time', () => {
  const { machine, poll } = exchange()
  poll(0)
  expect(machine.nextAt).toBe(15_000)
  expect(poll(14.9)).toBe(null)
  expect(poll(15)).toBe('connect 1')
})

test('without an answer it waits 15 x 2^n seconds, n up to 8, then gives up', () => {
  expect(sendingTimes(exchange().machine)).toEqual([0, 15, 45, 105, 225, 465, 945, 1905, 3825])
  const { machine } = exchange()
  sendingTimes(machine)
  expect(machine.poll(1e9)).toBe(null)
})

test('a caller may give up earlier', () => {
  const { machine } = exchange({ maxWaits: 3 })
  expect(sendingTimes(machine)).toEqual([0, 15, 45])
})

test('an announce that times out connects anew once its connection id is too old (the example of BEP 15)', () => {
  const { poll, receive } = exchange()
  expect(poll(0)).toBe('connect 1')
  receive(connected(1), 0)
  expect(poll(1)).toBe('scrape 2')
  expect(poll(16)).toBe('scrape 2')
  expect(poll(46)).toBe('scrape 2')
  expect(poll(106)).toBe('connect 3')
  receive(connected(3), 106)
  expect(poll(107)).toBe('scrape 4')
  expect(poll(226)).toBe(null)
  expect(poll(227)).toBe('connect 5')
})

test('a tracker that connects but never answers is given up like a silent one', () => {
  const { machine, receive } = exchange({ maxWaits: 4 })
  let asked = 0
  for (let now = 0; !machine.isGivenUp; now = machine.nextAt === -Infinity ? now : machine.nextAt) {
    const datagram = machine.poll(now)
    const request = datagram && decodeUdpRequest(datagram)
    if (request?.kind === 'connect') receive(connected(request.transactionId), now / 1000)
    else if (request) asked++
  }
  expect(asked).toBe(4)
})

test('a kept connection id saves connecting, while it lasts', () => {
  expect(exchange({ connection: kept(10) }).poll(9)).toBe('scrape 1')
  expect(exchange({ connection: kept(10) }).poll(10)).toBe('connect 1')
})

test('a tracker that has forgotten a kept connection id is connected to anew, once', () => {
  const { poll, receive } = exchange({ connection: kept(60) })
  expect(poll(0)).toBe('scrape 1')
  expect(receive(refused(1), 1)).toBe(null)
  expect(poll(1)).toBe('connect 2')
  receive(connected(2), 2)
  expect(poll(2)).toBe('scrape 3')
  expect(receive(refused(3), 3)).toEqual(refused(3))
})

test('an error ends the exchange, also one that answers the connect', () => {
  const { poll, receive } = exchange()
  poll(0)
  expect(receive(refused(1), 1)).toEqual(refused(1))
})

test('a late answer to the first copy of a question counts', () => {
  const { poll, receive } = exchange({ connection: kept(60) })
  poll(0)
  poll(15)
  expect(receive(scraped(1), 16)).toEqual(scraped(1))
})

test('wrong transaction ids, answers out of turn and damaged ones are ignored', () => {
  const { machine, poll, receive } = exchange()
  expect(receive(connected(1), 0)).toBe(null)
  poll(0)
  expect(receive(connected(2), 1)).toBe(null)
  expect(receive(scraped(1), 1)).toBe(null)
  expect(machine.receive(new Uint8Array(7), 1000)).toBe(null)
  expect(machine.connection).toBe(null)
  receive(connected(1), 1)
  poll(1)
  expect(receive(connected(2), 2)).toBe(null)
  expect(receive(scraped(2), 2)).toEqual(scraped(2))
})
