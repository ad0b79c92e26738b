import { expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { packAddress } from './sender.ts'

test.each([
  ['1.2.3.4', '01020304'],
  ['255.0.10.200', 'ff000ac8'],
  ['::ffff:1.2.3.4', '01020304'],
  ['2001:db8::1', '20010db8000000000000000000000001'],
  ['fe80::1%eth0', 'fe800000000000000000000000000001'],
])('%s is packed, with the port behind it', (ip, hex) => {
  expect(toHex(packAddress(ip, 0x1ae1)!)).toBe(`${hex}1ae1`)
})

test.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '256.1.1.1', '1.2.3.4 ', 'localhost', ':::', '1.2.3.x'])(
  '"%s" is no IP',
  (ip) => expect(packAddress(ip, 1)).toBe(null),
)
