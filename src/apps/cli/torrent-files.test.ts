import { describe, expect, test } from 'vitest'
import { fakeMetainfo } from '../../../tests/support/fake-cli.ts'
import { parseFileChoice, parsePriorities } from './options/file-choice.ts'
import { numberedFiles, prioritiesOf, renderFiles, type Wishes } from './torrent-files.ts'

const album = fakeMetainfo('Album', {
  'cover.jpg': 100_000,
  'CD 1/01 Intro.flac': 20_000_000,
  'CD 1/02 Song, one.flac': 30_000_000,
  'CD 2/01 Outro.flac': 1000,
  'CD 2/notes/a.txt': 0,
})
// Padding has no number, and no name for people.
const padded = {
  ...album,
  files: album.files.toSpliced(1, 0, { ...album.files[0], savedAs: ['Album', '.pad', '0'], isPad: true }),
}

const chosen = (wishes: Wishes, metainfo = album): string => prioritiesOf(metainfo, wishes).join(' ')
const only = (...texts: string[]): Wishes => ({ only: texts.map(parseFileChoice) })
const wanted = (...texts: string[]): string =>
  numberedFiles(album)
    .filter(({ index }) => prioritiesOf(album, only(...texts))[index] !== 'skip')
    .map(({ number }) => number)
    .join(' ')

describe('files are meant', () => {
  test.each([
    ['2', '2'],
    ['1,3-5', '1 3 4 5'],
    ['*.flac', '2 3 4'],
    ['*.FLAC', '2 3 4'],
    ['01*', '2 4'],
    ['CD 1', '2 3'],
    ['CD ?/01*', '2 4'],
    ['CD 2/*', '4 5'],
    ['**/a.txt', '5'],
    ['CD 2/**.txt', '5'],
    ['./CD 2/', '4 5'],
    ['*song, one*', '3'],
    ['cover.jpg', '1'],
  ])('by %s', (text, numbers) => {
    expect(wanted(text)).toBe(numbers)
  })

  test('by several choices together', () => {
    expect(wanted('1', '*Outro*')).toBe('1 4')
  })

  test('literally, where a pattern could be a regular expression', () => {
    for (const text of ['cover+jpg', '(cover|x).jpg', 'cover.jp[g]', 'c.ver.jpg'])
      expect(() => wanted(text)).toThrow(`No file matches ${text}: this torrent has 5 files`)
  })
})

describe('priorities', () => {
  test('all are normal, but for those that are named; the later ones prevail', () => {
    expect(chosen({ priorities: parsePriorities('high:2,low:3-5,skip:*.txt') })).toBe('normal high low low skip')
  })

  test('add to what --only names', () => {
    expect(chosen({ ...only('2'), priorities: parsePriorities('low:1') })).toBe('low normal skip skip skip')
  })

  test('count files without padding', () => {
    expect(chosen(only('2'), padded)).toBe('skip skip normal skip skip skip')
  })

  test('a pattern may have a comma', () => {
    expect(chosen({ priorities: parsePriorities('high:*Song, one*,low:1') })).toBe('low normal high normal normal')
  })
})

describe('what there is not', () => {
  test.each([
    ['6', 'There is no file 6: this torrent has 5 files; see them with --list-files'],
    ['0', 'There is no file 0: this torrent has 5 files'],
    ['4-9', 'There is no file 9: this torrent has 5 files'],
    ['*.mkv', 'No file matches *.mkv: this torrent has 5 files; see them with --list-files'],
  ])('%s', (text, message) => {
    expect(() => wanted(text)).toThrow(message)
  })

  test('a torrent of one file says so', () => {
    expect(() => prioritiesOf(fakeMetainfo('a.iso', { 'a.iso': 5 }), only('2'))).toThrow('this torrent has one file;')
  })

  test('a choice that leaves nothing is refused', () => {
    expect(() => chosen({ priorities: parsePriorities('skip:1-5') })).toThrow('No file is left to download')
  })

  test.each(['', '5-3'])('%j is no choice of files', (text) => {
    expect(() => parseFileChoice(text)).toThrow(/^Give/)
  })

  test.each(['2', 'urgent:2', 'high:', 'high'])('%j is no priority', (text) => {
    expect(() => parsePriorities(text)).toThrow(/^Give one of skip, low, normal, high with its files/)
  })
})

test('a list shows numbers, sizes and paths in columns, and no control characters', () => {
  const small = Array.from({ length: 8 }, (_, i): [string, number] => [`f${i}`, 1])
  const metainfo = fakeMetainfo('x', { 'a\u001B[2J': 5, 'b/c': 118 * 2 ** 20, ...Object.fromEntries(small) })
  const lines = renderFiles(numberedFiles(metainfo))
  expect(lines[0]).toMatch(/^ 1 {2}5 bytes {2}a/)
  expect(lines[0]).not.toContain('\u001B')
  expect(lines[1]).toBe(' 2  118 MiB  b/c')
  expect(lines[9]).toMatch(/^10 +1 byte {2}f7$/)
})
