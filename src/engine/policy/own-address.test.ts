import { expect, test } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import { OwnAddress } from './own-address.ts'
import { peerPriority } from './peer-priority.ts'

const REMOTE = ipAddress('90.1.2.3', 6881)
const REMOTE_V6 = ipAddress('2001:db8::1', 6881)
const asIf = (ip: string): number => peerPriority(ipAddress(ip, 6881), REMOTE)

test('as long as nobody has told it, nobody ranks before another', () => {
  const own = new OwnAddress(6881)
  expect(own.priorityOf(REMOTE)).toBe(0)
  own.connectedFrom('')
  own.seenAs('2001:db8::9')
  expect(own.priorityOf(REMOTE)).toBe(0)
  expect(own.priorityOf(REMOTE_V6)).toBeGreaterThan(0)
})

test('the end of our own connections counts until a peer tells better, and then what most tell', () => {
  const own = new OwnAddress(6881)
  own.connectedFrom('192.168.0.2')
  expect(own.priorityOf(REMOTE)).toBe(asIf('192.168.0.2'))
  own.seenAs('80.1.1.1')
  expect(own.priorityOf(REMOTE)).toBe(asIf('80.1.1.1'))
  own.connectedFrom('192.168.0.3')
  own.seenAs('80.2.2.2')
  expect(own.priorityOf(REMOTE)).toBe(asIf('80.1.1.1'))
  own.seenAs('80.2.2.2')
  expect(own.priorityOf(REMOTE)).toBe(asIf('80.2.2.2'))
})

test('any number of different answers is forgotten in time, and the latest majority found again', () => {
  const own = new OwnAddress(6881)
  for (let i = 0; i < 1000; i++) own.seenAs(`70.0.${i >> 8}.${i & 255}`)
  for (let i = 0; i < 3; i++) own.seenAs('80.1.1.1')
  expect(own.priorityOf(REMOTE)).toBe(asIf('80.1.1.1'))
})
