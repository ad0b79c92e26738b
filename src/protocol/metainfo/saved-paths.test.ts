import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeUtf8 } from '../../base/bytes.ts'
import { savedName, savedPaths } from './saved-paths.ts'

const LONG = 'x'.repeat(300)

describe('a name', () => {
  const cases: [name: string, saved: string, why: string][] = [
    ['Some film (1999) [720p].mkv', 'Some film (1999) [720p].mkv', 'is ordinary'],
    ['.hidden', '.hidden', 'begins with a dot'],
    ['日本語 – ü.txt', '日本語 – ü.txt', 'is in any script'],
    ['👩‍👩‍👧.png', '👩‍👩‍👧.png', 'is joined of several signs'],
    ['', '', 'is empty'],
    ['.', '', 'is the folder itself'],
    ['..', '', 'is the folder above'],
    ['...', '', 'is dots, which Windows drops'],
    [' . ', '', 'is dots and spaces'],
    ['\u200b', '', 'cannot be seen'],
    ['.\u200d.', '', 'is the folder above with something invisible'],
    ['/', '', 'is a separator'],
    ['/etc/passwd', 'etc_passwd', 'is an absolute path'],
    ['../../up', '.._.._up', 'is a path that leads out'],
    ['a/../b', 'a_.._b', 'is a path'],
    ['\\\\server\\share', 'server_share', 'is a path on a server'],
    ['C:\\Windows', 'C__Windows', 'begins with a drive'],
    ['C:', 'C_', 'is a drive'],
    ['file:stream', 'file_stream', 'names a stream of a file'],
    ['what?*<>|".txt', 'what______.txt', 'has what Windows forbids'],
    ['a\0b\nc\x7fd\x85e', 'a_b_c_d_e', 'has control characters'],
    ['a\u2028b', 'a_b', 'has a line separator'],
    ['a\ufffdb\uffff', 'a_b_', 'has what is no text'],
    ['a\ud800b', 'a_b', 'has half a character'],
    ['name. . ', 'name', 'ends with dots and spaces'],
    [' name', ' name', 'begins with a space'],
    ['CON', '_CON', 'is a device'],
    ['nul.txt', '_nul.txt', 'is a device with an extension'],
    ['Com1.tar.gz', '_Com1.tar.gz', 'is a port'],
    ['LPT¹', '_LPT¹', 'is a port in superscript'],
    ['aux .c', '_aux .c', 'is a device with a space'],
    ['CON:', 'CON_', 'is a device with a colon'],
    ['console', 'console', 'only begins like a device'],
    ['com10', 'com10', 'is beyond the ports'],
    ['photo\u202egpj.exe', 'photogpj.exe', 'is turned around on display'],
    ['a\u2066b\u2069', 'ab', 'is isolated on display'],
    [`${LONG}.mkv`, `${'x'.repeat(251)}.mkv`, 'is too long, and keeps its extension'],
    [`${LONG}.${LONG}`, LONG.slice(0, 255), 'is too long, with no real extension'],
    ['é'.repeat(200), 'é'.repeat(127), 'is too long in bytes'],
    ['😀'.repeat(100) + '.txt', '😀'.repeat(62) + '.txt', 'is too long in characters of four bytes'],
    [`a${' '.repeat(300)}b`, 'a', 'is too long, and blank where it is cut'],
    [`${'.'.repeat(300)}b`.padEnd(400, 'b'), '_', 'is too long, and nothing where it is cut'],
  ]
  for (const [name, saved, why] of cases) {
    test(`that ${why} is saved as ${JSON.stringify(saved.slice(0, 40))}`, () => {
      expect(savedName(name, true)).toBe(saved)
      expect(savedName(saved, true)).toBe(saved)
    })
  }

  test('of millions of characters takes no longer than it must', () => {
    for (const run of ['.', ' ', '/', '\\', '\u202e', '?']) {
      expect(savedName(`${run.repeat(1_000_000)}x${run.repeat(1_000_000)}x`, true).length).toBeLessThanOrEqual(255)
    }
  })

  test('of a folder has no extension to keep', () => {
    expect(savedName(`${LONG}.mkv`, false)).toBe('x'.repeat(255))
  })
})

describe('among several files', () => {
  const cases: [why: string, files: string[], saved: string[]][] = [
    ['ordinary paths stay', ['a/b/c', 'a/d', 'e'], ['a/b/c', 'a/d', 'e']],
    [
      'what leads out or nowhere is left out',
      ['../../a', './b/../c', '', '..', 'd/.'],
      ['a', 'b/c', '_', '_.1', 'd/_'],
    ],
    [
      'the second of a name gets a suffix before its extension',
      ['a.txt', 'a.txt', 'b/a.txt'],
      ['a.txt', 'a.1.txt', 'b/a.txt'],
    ],
    [
      'a made-up name never takes one that is in the torrent',
      ['a', 'a', 'a.1', 'a', 'A.2'],
      ['a', 'a.3', 'a.1', 'a.4', 'A.2'],
    ],
    ['case makes no difference', ['README', 'readme', 'Readme'], ['README', 'readme.1', 'Readme.2']],
    ['nor does normalisation', ['\u00e9', 'e\u0301'], ['\u00e9', 'e\u0301.1']],
    ['nor do letters with several small forms', ['straße', 'STRASSE', 'ſtrasse'], ['straße', 'STRASSE.1', 'ſtrasse.2']],
    ['nor does what cannot be seen', ['ab', 'a\u200bb'], ['ab', 'a\u200bb.1']],
    ['nor does what clean-up removes', ['a?', 'a*', 'a_', 'b.', 'b'], ['a_', 'a_.1', 'a_.2', 'b', 'b.1']],
    ['folders that differ by nothing else are one', ['Art/a', 'art/b', 'ART/A'], ['Art/a', 'Art/b', 'Art/A.1']],
    ['a file gives way to a folder of its name', ['a', 'a/b', 'A'], ['a.1', 'a/b', 'A.2']],
    ['a dot file has no extension', ['.x', '.X'], ['.x', '.X.1']],
  ]
  for (const [why, files, saved] of cases) test(`in a torrent, ${why}`, () => expect(save(files)).toEqual(saved))

  test('over-long names get their suffix within the limit', () => {
    const files = [`${LONG}1.txt`, `${LONG}2.txt`, `${LONG}3.txt`]
    expect(save(files)).toEqual([`${'x'.repeat(251)}.txt`, `${'x'.repeat(243)}.1.txt`, `${'x'.repeat(243)}.2.txt`])
  })

  test('a path that is too deep ends in the last folder that fits', () => {
    const deep = Array.from({ length: 500 }, () => 'folder')
    const { paths } = savedPaths(
      'top',
      [
        [...deep, 'a'],
        [...deep, 'more', 'a'],
      ].map(real),
    )
    expect(paths[0].slice(-2)).toEqual(['folder', 'a'])
    expect(paths[1].slice(-2)).toEqual(['folder', 'a.1'])
    expect(encodeUtf8(paths[1].join('/')).length).toBeLessThanOrEqual(900)
  })

  test('pad files take no name from others', () => {
    const { paths } = savedPaths('top', [
      { lenientPath: ['a'], isPad: true },
      { lenientPath: ['a'], isPad: false },
      { lenientPath: ['.pad', '0'], isPad: false },
    ])
    expect(paths).toEqual([
      ['top', '.pad.1', '0'],
      ['top', 'a'],
      ['top', '.pad', '0'],
    ])
  })

  test('a path of the torrent is found where it was saved', () => {
    const saved = savedPaths('top', [['A?', 'CON'], ['b']].map(real))
    expect(saved.locate(['A?', 'con'])).toEqual(['A_', '_CON'])
    expect(saved.locate(['..', 'a*'])).toEqual(['A_'])
    expect(saved.locate(['b', 'c'])).toEqual(['b', 'c'])
    expect(saved.locate(['..'])).toEqual([])
  })

  test('forty thousand names that are made to collide all get a path', () => {
    const stem = 'y'.repeat(250)
    const cut = 'y'.repeat(247)
    const files = [
      ...Array.from({ length: 10_000 }, (_, i) => [`${cut}.${i + 1}`]),
      ...Array.from({ length: 30_000 }, (_, i) => [`${stem}${i}${i}${i}`]),
    ]
    const { paths } = savedPaths('top', files.map(real))
    expect(new Set(paths.map((path) => path.join('/'))).size).toBe(40_000)
  })
})

test('no path ever leaves the folder, is illegal anywhere, or meets another', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'a',
      'A',
      'b',
      '.',
      '..',
      '/',
      '\\',
      ':',
      'CON',
      'é',
      'e\u0301',
      'ß',
      'ss',
      '\u200b',
      '\u202e',
      ' ',
      '.1',
      '.txt',
      LONG,
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const element = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''))
  const file = fc.record({ lenientPath: fc.array(element, { maxLength: 5 }), isPad: fc.boolean() })
  fc.assert(
    fc.property(fc.array(file, { maxLength: 30 }), (files) => {
      const { paths } = savedPaths('top', files)
      expect(savedPaths('top', files).paths).toEqual(paths)
      const comparable = paths.map((path) => path.map((name) => name.normalize('NFC').toLowerCase()))
      const taken = new Set(comparable.map((path) => path.join('/')))
      expect(taken.size).toBe(paths.length)
      const folders = comparable.flatMap((path) => path.slice(1).map((_, i) => path.slice(0, i + 1).join('/')))
      expect(folders.filter((folder) => taken.has(folder))).toEqual([])
      for (const path of paths) {
        expect(path[0]).toBe('top')
        expect(encodeUtf8(path.join('/')).length).toBeLessThanOrEqual(1000)
        for (const name of path) expectLegal(name)
      }
    }),
    { numRuns: 500 },
  )
})

function save(files: readonly string[]): string[] {
  const { paths } = savedPaths(
    'top',
    files.map((file) => real(file.split('/'))),
  )
  return paths.map((path) => path.slice(1).join('/'))
}

function real(lenientPath: readonly string[]): { lenientPath: readonly string[]; isPad: boolean } {
  return { lenientPath, isPad: false }
}

function expectLegal(name: string): void {
  expect(encodeUtf8(name).length).toBeLessThanOrEqual(255)
  expect(name).not.toMatch(/^$|[. ]$|[\p{Cc}\p{Cs}<>:"/\\|?*\u202a-\u202e\u2066-\u2069]/u)
  expect(name).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$)/i)
}
