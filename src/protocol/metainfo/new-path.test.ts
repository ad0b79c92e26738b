import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clashingPath, newName, newPath } from './new-path.ts'
import { savedName } from './saved-paths.ts'

describe('a new path', () => {
  test('of ordinary names stays as it is', () => {
    expect(newPath('Season 1/Episode – 01.mkv')).toEqual(['Season 1', 'Episode – 01.mkv'])
  })

  test('is cleaned as those in torrents are', () => {
    expect(newPath('what?/CON')).toEqual(['what_', '_CON'])
    expect(newPath('a. /b')).toEqual(['a', 'b'])
  })

  const refused = [
    '',
    '/',
    '/etc/passwd',
    '..',
    '../a',
    'a/../b',
    'a/./b',
    'a//b',
    'a/',
    '\\\\server\\a',
    'C:\\a',
    '\u200b',
  ]
  for (const text of [...refused, 'é'.repeat(500), 'a/'.repeat(150) + 'b']) {
    test(`${JSON.stringify(text.slice(0, 20))} is refused`, () => {
      expect(() => newPath(text)).toThrow(expect.objectContaining({ name: 'FormatError', code: 'bad_name' }))
    })
  }

  test('says in one line what was wrong', () => {
    expect(() => newPath('a\n/..')).toThrow(/^Cannot use the name "\.\.": nothing that can be a name is left of it$/)
  })

  test('is refused, or consists of names that need no cleaning, and is then kept', () => {
    const text = fc
      .array(fc.constantFrom('a', 'B', '/', '.', ' ', '?', 'é', '\\', 'nul', '\0', '😀'))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (input) => {
        let path: string[]
        try {
          path = newPath(input)
        } catch {
          return
        }
        for (const [i, name] of path.entries()) expect(savedName(name, i === path.length - 1)).toBe(name)
        expect(newPath(path.join('/'))).toEqual(path)
      }),
    )
  })
})

test('a new name is one name', () => {
  expect(newName('a?', false)).toBe('a_')
  expect(() => newName('a/b', true)).toThrow(expect.objectContaining({ code: 'bad_name' }))
  expect(() => newName('..', true)).toThrow(expect.objectContaining({ code: 'bad_name' }))
})

describe('paths clash', () => {
  const clash = (...paths: string[]): number | null =>
    clashingPath(paths.map((path) => (path === '' ? [] : path.split('/'))))

  test('when they are the same, on some file system', () => {
    expect(clash('a', 'b', 'a')).toBe(2)
    expect(clash('a/b', 'A/B')).toBe(1)
    expect(clash('\u00e9', 'e\u0301')).toBe(1)
  })

  test("when one is the other's folder, whichever comes first", () => {
    expect(clash('a/b', 'a')).toBe(1)
    expect(clash('a', 'a/b')).toBe(1)
    expect(clash('a', 'A/b/c')).toBe(1)
  })

  test('not when they only share a folder, or are those of nobody', () => {
    expect(clash('a/b', 'a/c', 'b', '', '', 'ab')).toBeNull()
  })
})
