import { describe, expect, test } from 'vitest'
import { bencode, type Bencodable } from '../../../tests/support/bencode.ts'
import type { Metainfo } from '../../protocol/metainfo/metainfo.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { type ContentLocation, contentLayout, singlePieceLayout } from './content-layout.ts'

const PIECE = 16_384

interface TestFile {
  readonly path: string
  readonly length: number
  readonly isPad?: boolean
}

function folder(files: readonly TestFile[]): Metainfo {
  const total = files.reduce((sum, file) => sum + file.length, 0)
  return torrent({
    files: files.map(({ path, length, isPad }) => ({ path: path.split('/'), length, ...(isPad ? { attr: 'p' } : {}) })),
    pieces: new Uint8Array(20 * Math.ceil(total / PIECE)),
  })
}

function torrent(info: Record<string, Bencodable>): Metainfo {
  return parseTorrent(bencode({ info: { name: 'content', 'piece length': PIECE, ...info } }))
}

const layoutOf = (metainfo: Metainfo, location: ContentLocation) =>
  contentLayout(metainfo, new PieceMap(metainfo), location)

const single = torrent({ length: 20_000, pieces: new Uint8Array(40) })
const several = folder([
  { path: 'a', length: 10_000 },
  { path: 'empty', length: 0 },
  { path: 'sub/b', length: 20_000 },
])

describe('where the content is', () => {
  test('a torrent of one file is that file in the folder', () => {
    const layout = layoutOf(single, { path: '/downloads' })
    expect(layout.root).toBe('/downloads/content')
    expect(layout.files).toEqual([{ path: '/downloads/content', length: 20_000 }])
  })

  test('a torrent of several files is a folder in the folder; empty files are among them', () => {
    const layout = layoutOf(several, { path: '/downloads' })
    expect(layout.root).toBe('/downloads/content')
    expect(layout.files).toEqual([
      { path: '/downloads/content/a', length: 10_000 },
      { path: '/downloads/content/empty', length: 0 },
      { path: '/downloads/content/sub/b', length: 20_000 },
    ])
  })

  test('under another name, the file or the top folder alone is called differently', () => {
    expect(layoutOf(single, { path: '/d', name: 'renamed' }).files[0].path).toBe('/d/renamed')
    const layout = layoutOf(several, { path: '/d', name: 'renamed' })
    expect(layout.root).toBe('/d/renamed')
    expect(layout.files[2].path).toBe('/d/renamed/sub/b')
  })

  test.each([
    ['/', '/content'],
    ['/d/', '/d/content'],
    ['/d//', '/d/content'],
    ['.', './content'],
    [String.raw`C:\d`, String.raw`C:\d/content`],
    ['C:\\d\\', String.raw`C:\d/content`],
  ])('the folder may be written %s', (path, root) => {
    expect(layoutOf(single, { path }).root).toBe(root)
  })
})

describe('where a part of a piece lies', () => {
  test('in each file that it touches, in order, and never in an empty one', () => {
    const { spans } = layoutOf(several, { path: '/d' })
    expect(spans(0, 0, PIECE)).toEqual([
      { path: '/d/content/a', offset: 0, length: 10_000 },
      { path: '/d/content/sub/b', offset: 0, length: 6384 },
    ])
    expect(spans(1, 100, 200)).toEqual([{ path: '/d/content/sub/b', offset: 6484, length: 200 }])
    expect(spans(1, 0, 13_616)).toEqual([{ path: '/d/content/sub/b', offset: 6384, length: 13_616 }])
  })

  test('a pad file is zeros without a path, and no file of its own', () => {
    const padded = folder([
      { path: 'a', length: 10_000 },
      { path: '.pad/6384', length: 6384, isPad: true },
      { path: 'b', length: 5 },
    ])
    const layout = layoutOf(padded, { path: '/d' })
    expect(layout.files.map((file) => file.path)).toEqual(['/d/content/a', '/d/content/b'])
    expect(layout.spans(0, 9_000, 7_384)).toEqual([
      { path: '/d/content/a', offset: 9_000, length: 1_000 },
      { path: '', offset: 0, length: 6384 },
    ])
  })

  test('one piece alone lies in a file of its own, from its first byte on', () => {
    const layout = singlePieceLayout(new PieceMap(single), 1, '/tmp/piece')
    expect(layout.files).toEqual([{ path: '/tmp/piece', length: 20_000 - PIECE }])
    expect(layout.spans(1, 100, 50)).toEqual([{ path: '/tmp/piece', offset: 100, length: 50 }])
  })
})
