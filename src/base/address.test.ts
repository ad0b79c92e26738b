import { assert, ipV4, ipV6, oneof, property } from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressKey,
  bytesToIp,
  decodeCompactAddresses,
  encodeCompactAddresses,
  ipAddress,
  ipScope,
  ipToBytes,
  parseAddress,
  parseIp,
} from './address.ts'
import { fromHex, toHex } from './bytes.ts'

test('an IP has one canonical text', () => {
  expect(parseIp('127.0.0.1')).toBe('127.0.0.1')
  expect(parseIp('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1')
  expect(parseIp('1:0:0:2:0:0:0:3')).toBe('1:0:0:2::3')
  expect(parseIp('1:0:0:2:3:0:0:4')).toBe('1::2:3:0:0:4')
  expect(parseIp('0:0:0:0:0:0:0:0')).toBe('::')
  expect(parseIp('::ffff:1.2.3.4')).toBe('1.2.3.4')
  expect(parseIp('::ffff:102:304')).toBe('1.2.3.4')
})

test('text that is no IP is refused', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'fe80::1%eth0',
  ])
    expect([text, parseIp(text)]).toEqual([text, null])
})

test('every IP survives the way to bytes and back', () => {
  assert(
    property(oneof(ipV4(), ipV6()), (text) => {
      const canonical = parseIp(text)!
      expect(bytesToIp(ipToBytes(canonical)!)).toBe(canonical)
    }),
  )
})

test('an address needs a port from 1 to 65535, and brackets around IPv6', () => {
  expect(parseAddress('1.2.3.4:6881')).toEqual(ipAddress('1.2.3.4', 6881))
  expect(parseAddress('[::1]:1')).toEqual(ipAddress('::1', 1))
  for (const text of ['1.2.3.4:0', '1.2.3.4:65536', '1.2.3.4', '::1:6881', 'example.org:80', '[::1]'])
    expect([text, parseAddress(text)]).toEqual([text, null])
  expect(addressKey(ipAddress('::1', 80))).toBe('[::1]:80')
})

test.each([
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['127.9.9.9', 'loopback'],
  ['::1', 'loopback'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.1', 'global'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['fd00::1', 'private'],
  ['fec0::1', 'private'],
  ['169.254.1.1', 'link_local'],
  ['fe80::1', 'link_local'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['240.0.0.1', 'reserved'],
  ['1.1.1.1', 'global'],
  ['2606:4700::1111', 'global'],
  ['64:ff9b::a00:1', 'private'],
  ['2002:7f00:1::', 'loopback'],
])('%s is %s', (ip, scope) => {
  expect(ipScope(ip)).toBe(scope)
})

test('compact records are read whole: no port 0, no peer made of a partial record, no more than asked', () => {
  const two = fromHex('010203041ae1090807062010')!
  expect(decodeCompactAddresses(two, 4).map(addressKey)).toEqual(['1.2.3.4:6881', '9.8.7.6:8208'])
  expect(decodeCompactAddresses(two.subarray(0, 11), 4).map(addressKey)).toEqual(['1.2.3.4:6881'])
  expect(decodeCompactAddresses(two, 4, 1).map(addressKey)).toEqual(['1.2.3.4:6881'])
  expect(decodeCompactAddresses(fromHex('010203040000')!, 4)).toEqual([])
  const mapped = fromHex('00000000000000000000ffff010203041ae1')!
  expect(decodeCompactAddresses(mapped, 16).map(addressKey)).toEqual(['1.2.3.4:6881'])
})

test('compact records of one family leave out the other', () => {
  const addresses = [ipAddress('1.2.3.4', 6881), ipAddress('2001:db8::1', 258)]
  expect(toHex(encodeCompactAddresses(addresses, 4))).toBe('010203041ae1')
  expect(toHex(encodeCompactAddresses(addresses, 16))).toBe('20010db80000000000000000000000010102')
})
