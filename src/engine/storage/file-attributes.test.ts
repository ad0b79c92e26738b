import { expect, test } from 'vitest'
import { bencode, type Bencodable } from '../../../tests/support/bencode.ts'
import type { FileAttributes } from '../../platform/platform.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { contentLayout } from './content-layout.ts'
import { fileAttributes } from './file-attributes.ts'

type Listed = readonly [path: string, attr?: string, target?: string]

/** What is applied of these files; `a -> b` is a link at a to b, as the torrent has it. */
function attributes(files: readonly Listed[], skipped: readonly string[] = []): FileAttributes {
  const list = files.map(([path, attr, target]): Record<string, Bencodable> => ({
    path: path.split('/'),
    length: target === undefined ? 1 : 0,
    ...(attr === undefined ? {} : { attr }),
    ...(target === undefined ? {} : { 'symlink path': target.split('/') }),
  }))
  const info = { name: 'content', 'piece length': 16_384, files: list, pieces: new Uint8Array(20) }
  const metainfo = parseTorrent(bencode({ info }))
  const layout = contentLayout(metainfo, new PieceMap(metainfo), { path: '/d' })
  return fileAttributes(metainfo, layout, (file) => skipped.includes(files[file][0]))
}

/** `path -> target` of each link. */
const links = (files: readonly Listed[]): string[] =>
  attributes(files).links.map(({ path, target }) => `${path.replace('/d/content/', '')} -> ${target}`)

test('executable are the files that the torrent says it of, if they are wanted and stored', () => {
  const found = attributes(
    [['bin/run', 'x'], ['bin/skipped', 'x'], ['hidden', 'hx'], ['.pad/1', 'px'], ['read me']],
    ['bin/skipped'],
  )
  expect(found).toEqual({ executables: ['/d/content/bin/run', '/d/content/hidden'], links: [] })
})

test('a link leads to a file or folder of the torrent, from its own folder on', () => {
  const found = links([
    ['a/b/file'],
    ['top', 'l', 'a/b/file'],
    ['a/near', 'l', 'a/b/file'],
    ['a/b/beside', 'l', 'a/b/file'],
    ['c/d/far', 'l', 'a/b/file'],
    ['c/folder', 'l', 'a/b'],
    ['chain', 'l', 'top'],
  ])
  expect(found).toEqual([
    'top -> a/b/file',
    'a/near -> b/file',
    'a/b/beside -> file',
    'c/d/far -> ../../a/b/file',
    'c/folder -> ../a/b',
    'chain -> top',
  ])
})

test('one that leads out of the torrent, to nothing, or in circles is not made', () => {
  const found = links([
    ['a/file'],
    ['missing', 'l', 'a/none'],
    ['up', 'l', '../../etc/passwd'],
    ['absolute', 'l', '/etc/passwd'],
    ['itself', 'l', 'itself'],
    ['a/above', 'l', 'a'],
    ['a/top', 'l', '.'],
    ['dots', 'l', '..'],
  ])
  expect(found).toEqual([])
})

test('a name that had to be changed is found under its new one', () => {
  expect(links([['a:b'], ['link', 'l', 'a:b']])).toEqual(['link -> a_b'])
})

test('a skipped link is not made', () => {
  expect(attributes([['file'], ['link', 'l', 'file']], ['link']).links).toEqual([])
})
