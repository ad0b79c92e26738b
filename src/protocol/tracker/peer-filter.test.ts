import { expect, test } from 'vitest'
import { addressKey, ipAddress } from '../../base/address.ts'
import { filterPeers, isDialable } from './peer-filter.ts'

test.each(['1.2.3.4', '127.0.0.1', '10.0.0.1', '169.254.1.1', '::1', 'fd00::1', '2001:db8::1'])(
  '%s is dialable',
  (ip) => {
    expect(isDialable(ipAddress(ip, 6881))).toBe(true)
  },
)

test.each(['0.0.0.0', '0.1.2.3', '::', '224.0.0.1', '239.1.1.1', 'ff02::1', '255.255.255.255', '240.0.0.1'])(
  '%s is nobody',
  (ip) => {
    expect(isDialable(ipAddress(ip, 6881))).toBe(false)
  },
)

test('port 0 and impossible ports are nobody', () => {
  expect([0, -1, 65_536].map((port) => isDialable(ipAddress('1.2.3.4', port)))).toEqual([false, false, false])
})

test('our own address is left out, but not another port of ours nor our port elsewhere; each comes once', () => {
  const given = [
    ipAddress('10.0.0.1', 6881),
    ipAddress('::1', 6881),
    ipAddress('10.0.0.1', 6882),
    ipAddress('10.0.0.2', 6881),
    ipAddress('10.0.0.2', 6881),
    ipAddress('255.255.255.255', 1),
  ]
  expect(filterPeers(given, ['10.0.0.1', '::1'], 6881).map(addressKey)).toEqual(['10.0.0.1:6882', '10.0.0.2:6881'])
})
