import { expect, test } from 'vitest'
import { ipAddress } from '../../base/address.ts'
import { peerPriority } from './peer-priority.ts'

test.each([
  // BEP 40
  ['123.213.32.10', 0, '98.76.54.32', 0, 0xec2d7224],
  ['123.213.32.10', 0, '123.213.32.234', 0, 0x99568189],
  // libtorrent, test/test_peer_priority.cpp
  ['230.12.123.3', 1234, '230.12.123.3', 300, 0xae8b7034],
  ['230.12.23.1', 1234, '230.12.123.3', 300, 0x21fd5f80],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 1234, 'ffff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 300, 0x59d71f38],
])('%s:%i and %s:%i come to the same, whoever computes it', (ip, port, otherIp, otherPort, priority) => {
  const [a, b] = [ipAddress(ip, port), ipAddress(otherIp, otherPort)]
  expect(peerPriority(a, b)).toBe(priority)
  expect(peerPriority(b, a)).toBe(priority)
})

test('within one network, who has many addresses cannot choose among as many numbers', () => {
  const us = ipAddress('80.1.2.3', 6881)
  const numbers = new Set(
    Array.from({ length: 65_536 }, (_, i) => peerPriority(us, ipAddress(`90.1.${i >> 8}.${i & 255}`, 1))),
  )
  expect(numbers.size).toBe(256)
})

test('IPv4 and IPv6 have no common rank', () => {
  expect(peerPriority(ipAddress('1.2.3.4', 1), ipAddress('2001:db8::1', 1))).toBe(0)
})
