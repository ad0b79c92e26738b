import { expect, test } from 'vitest'
import { displayWidth, fitWidth } from './display-width.ts'

test.for([
  ['plain', 5],
  ['Ærø', 3],
  ['世界', 4],
  ['한글', 4],
  ['e\u0301', 1],
  ['\u{1f600}', 2],
  ['█▌·', 3],
  ['', 0],
] as const)('%s takes %d columns', ([text, columns]) => {
  expect(displayWidth(text)).toBe(columns)
})

test('a text that fits is left as it is', () => {
  expect(fitWidth('debian.iso', 10)).toBe('debian.iso')
})

test('a long name keeps its beginning and its end', () => {
  expect(fitWidth('debian-12.5.0-amd64-netinst.iso', 15)).toBe('debian-…nst.iso')
})

test('wide characters are counted as wide', () => {
  const fitted = fitWidth('世界世界世界世界.mkv', 10)
  expect(fitted).toBe('世界….mkv')
  expect(displayWidth(fitted)).toBeLessThanOrEqual(10)
})

test('no width is too small', () => {
  for (let columns = 0; columns < 5; columns++) {
    expect(displayWidth(fitWidth('世界 and more', columns))).toBeLessThanOrEqual(columns)
  }
})
