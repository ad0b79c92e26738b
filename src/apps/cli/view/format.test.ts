import { expect, test } from 'vitest'
import { formatPercent, formatRound } from './format.ts'

test('a piece length is a round number', () => {
  expect([16_384, 1024 ** 2, 1.5 * 1024 ** 2].map(formatRound)).toEqual(['16 KiB', '1 MiB', '1.50 MiB'])
})

test('a percentage is rounded down: 100 % means all', () => {
  expect(formatPercent(9_999_999, 10_000_000)).toBe('99.9 %')
  expect(formatPercent(10, 10)).toBe('100 %')
  expect(formatPercent(0, 10)).toBe('0.0 %')
})

test('of nothing, all is there', () => {
  expect(formatPercent(0, 0)).toBe('100 %')
})
