import { expect, test } from 'vitest'
import { printable, printableJson } from './printable.ts'

test('an escape sequence loses its escape', () => {
  expect(printable('\u001b[2Jgone\u009b31m')).toBe('\ufffd[2Jgone\ufffd31m')
})

test('a line break becomes a space, so that a name stays on its line', () => {
  expect(printable('one\r\ntwo\tthree')).toBe('one  two three')
})

test('what reverses or hides text is replaced', () => {
  expect(printable('txt.\u202eexe \u2066a\u2069 \u200bb\ufeff')).toBe('txt.\ufffdexe \ufffda\ufffd \ufffdb\ufffd')
})

test('half a surrogate pair is replaced, a whole one is kept', () => {
  expect(printable('\ud83d \u{1f600}')).toBe('\ufffd \u{1f600}')
})

test('letters of any script are kept', () => {
  const text = 'Ærøskøbing 別の世界 मराठी שלום'
  expect(printable(text)).toBe(text)
})

test('JSON holds no control character, and reads back as it was', () => {
  const value = { name: 'a\u001b[0m\u009b1m\u202e\u2028\u007f' }
  const text = printableJson(value)
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/)
  expect(JSON.parse(text)).toEqual(value)
})
