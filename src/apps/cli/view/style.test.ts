import { expect, test } from 'vitest'
import { styleFor } from './style.ts'

const terminal = { isTTY: true }

test('a terminal gets colours', () => {
  expect(styleFor(terminal, {}).good('x')).toBe('\u001b[32mx\u001b[39m')
})

test.for([
  ['NO_COLOR', terminal, { NO_COLOR: '1' }],
  ['a dumb terminal', terminal, { TERM: 'dumb' }],
  ['a pipe', { isTTY: false }, {}],
] as const)('%s gets none', ([, stream, env]) => {
  expect(styleFor(stream, env).good('x')).toBe('x')
})

test('an empty NO_COLOR says nothing', () => {
  expect(styleFor(terminal, { NO_COLOR: '' }).good('x')).not.toBe('x')
})

test.for([
  [{}, true],
  [{ LANG: 'de_DE.UTF-8' }, true],
  [{ LANG: 'de_DE.ISO-8859-1' }, false],
  [{ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, false],
  [{ LC_ALL: '', LC_CTYPE: 'C.utf8', LANG: 'C' }, true],
] as const)('the locale %o allows block characters: %s', ([env, unicode]) => {
  expect(styleFor(terminal, env).unicode).toBe(unicode)
})
