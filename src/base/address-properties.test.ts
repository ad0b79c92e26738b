import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressKey,
  bytesToIp,
  decodeCompactAddresses,
  encodeCompactAddresses,
  ipToBytes,
  isIpv6,
  parseAddress,
  parseIp,
} from './address.ts'

const ipBytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
const port = fc.integer({ min: 1, max: 65_535 })

test('whatever the bytes of an IP are, its text is canonical and leads back to them', () => {
  fc.assert(
    fc.property(ipBytes, (bytes) => {
      const ip = bytesToIp(bytes)
      expect(parseIp(ip)).toBe(ip)
      expect(bytesToIp(ipToBytes(ip)!)).toBe(ip)
    }),
  )
})

test('whatever the address is, its key leads back to it', () => {
  fc.assert(
    fc.property(ipBytes, port, (bytes, port) => {
      const address = { kind: 'ip' as const, ip: bytesToIp(bytes), port }
      expect(parseAddress(addressKey(address))).toEqual(address)
    }),
  )
})

test('compact records of one family come back as they were written', () => {
  const addresses = fc.array(fc.record({ kind: fc.constant('ip' as const), ip: ipBytes.map(bytesToIp), port }))
  fc.assert(
    fc.property(addresses, fc.constantFrom(4 as const, 16 as const), (addresses, ipLength) => {
      const ofFamily = addresses.filter(({ ip }) => isIpv6(ip) === (ipLength === 16))
      expect(decodeCompactAddresses(encodeCompactAddresses(addresses, ipLength), ipLength)).toEqual(ofFamily)
    }),
  )
})
