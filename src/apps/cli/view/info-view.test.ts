import { expect, test } from 'vitest'
import type { TorrentFacts } from '../../../index.ts'
import { renderInfo } from './info-view.ts'
import { plainStyle } from './style.ts'

type File = NonNullable<TorrentFacts['files']>[number]

const file = (path: string, length: number, others: Partial<File> = {}): File => ({
  path: path.split('/').slice(1),
  saved_as: path.split('/'),
  length,
  ...others,
})

function facts(others: Partial<TorrentFacts>): TorrentFacts {
  return {
    infohash_v1: 'ab'.repeat(20),
    infohash_v2: null,
    name: 'x',
    saved_name: 'x',
    piece_length: 16_384,
    pieces_v1: 1,
    pieces_v2: null,
    files: [file('x', 1)],
    file_count: 1,
    v2_files: null,
    v2_file_count: null,
    total_size: 1,
    content_size: 1,
    trackers: [],
    webseeds: [],
    url_list_raw: null,
    httpseeds: [],
    nodes: [],
    private: false,
    comment: null,
    created_by: null,
    creation_date: null,
    source: null,
    piece_layers: null,
    info_dict: null,
    select_only: null,
    peers: [],
    ...others,
  }
}

const render = (others: Partial<TorrentFacts>): string[] => renderInfo(facts(others), plainStyle())

test('a small torrent of one file has no tree', () => {
  expect(render({})).toEqual([
    'Name        x',
    `Infohash    ${'ab'.repeat(20)}`,
    'Size        1 byte in 1 file',
    'Pieces      1 of 16 KiB',
  ])
})

test('each folder is named once, in the order of the files; padding is not shown', () => {
  const files = [
    file('x/a/b/one', 1),
    file('x/.pad/7', 7, { attr: 'p' }),
    file('x/a/b/two', 2),
    file('x/a/three', 3),
    file('x/c/link', 0, { attr: 'l', symlink: ['a', 'three'] }),
  ]
  const lines = render({ files })
  expect(lines.slice(lines.indexOf('') + 1)).toEqual([
    'x/',
    '  a/',
    '    b/',
    '      one  1 byte',
    '      two  2 bytes',
    '    three  3 bytes',
    '  c/',
    '    link  link to a/three',
  ])
  expect(lines).toContain('Size        1 byte in 4 files')
})

test('a long tree is cut, and says so', () => {
  const lines = render({ files: Array.from({ length: 5000 }, (_, i) => file(`x/${i}`, 1)) })
  expect(lines.length).toBeLessThan(60)
  expect(lines.at(-1)).toMatch(/^and \d+ more files \(--json shows all\)$/)
})

test('long lists are cut, and say so', () => {
  const lines = render({ trackers: Array.from({ length: 30 }, (_, i) => [`udp://t${i}:1`, `udp://b${i}:1`]) })
  expect(lines).toContain('Trackers    udp://t0:1, udp://b0:1')
  expect(lines.at(-1)).toBe('            and 21 more (--json shows all)')
})

test('nothing in it can play tricks with the terminal', () => {
  const evil = 'a\u001b[2J\u202e\u009b1m\nb'
  const text = render({
    name: evil,
    saved_name: evil.slice(1),
    trackers: [[evil]],
    webseeds: [evil],
    nodes: [[evil, 1]],
    peers: [evil],
    comment: evil,
    created_by: evil,
    source: evil,
    files: [file(`${evil}/${evil}/${evil}`, 1), file(`${evil}/y`, 0, { symlink: [evil] })],
  })
  for (const line of text) {
    // oxlint-disable-next-line no-control-regex -- control characters are what it is about
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  }
})

test('a name that is cleaned up is shown both ways', () => {
  expect(render({ name: 'con', saved_name: 'con_' }).slice(0, 2)).toEqual(['Name        con', 'Saved as    con_'])
})

test('a hybrid shows both infohashes', () => {
  expect(render({ infohash_v2: 'cd'.repeat(32) })).toContain(`            ${'cd'.repeat(32)} (v2)`)
})

test('a date that is none is left out', () => {
  expect(render({ creation_date: 1e20, created_by: 'me' })).toContain('Created     by me')
  expect(render({ creation_date: 0 })).toContain('Created     1970-01-01 00:00:00 UTC')
})
