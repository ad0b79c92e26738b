import { expect, test } from 'vitest'
import { formatBytes, formatCount, formatDuration, formatRate } from './format.ts'

test.for([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1024, '1.00 KiB'],
  [12.5 * 1024 ** 2, '12.5 MiB'],
  [629 * 1024 ** 2, '629 MiB'],
  [1023.7 * 1024 ** 2, '1.00 GiB'],
  [9.999 * 1024, '10.0 KiB'],
  [99.97 * 1024, '100 KiB'],
  [2 ** 53, '8.00 PiB'],
] as const)('%d bytes are shown as %s, in three digits', ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('a rate is bytes per second', () => {
  expect(formatRate(3.1 * 1024 ** 2)).toBe('3.10 MiB/s')
})

test.for([
  [0.4, '0 s'],
  [59.4, '59 s'],
  [59.5, '1 min 00 s'],
  [125, '2 min 05 s'],
  [3720, '1 h 02 min'],
  [90_000, '1 d 01 h'],
] as const)('%d s are shown as %s', ([seconds, text]) => {
  expect(formatDuration(seconds)).toBe(text)
})

test('one is singular, all else plural', () => {
  expect([0, 1, 2].map((count) => formatCount(count, 'peer'))).toEqual(['0 peers', '1 peer', '2 peers'])
})
