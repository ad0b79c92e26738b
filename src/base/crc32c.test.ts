import { expect, test } from 'vitest'
import { encodeUtf8 } from './bytes.ts'
import { crc32c } from './crc32c.ts'

// The check value of the catalogue, and vectors of RFC 3720, B.4.
test.each([
  ['the nine digits', encodeUtf8('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(), 0],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
])('of %s', (_, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc)
})
