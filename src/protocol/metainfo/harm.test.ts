// Torrents that are made to cost more than they weigh.
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../base/errors.ts'
import { encode, type BencodeInput } from '../bencode/index.ts'
import { parseTorrent } from './torrent-file.ts'

const FILE = { '': { length: 1, 'pieces root': new Uint8Array(32).fill(1) } }

function v2Torrent(tree: BencodeInput): Uint8Array {
  return encode({ info: { 'file tree': tree, 'meta version': 2, name: 'a', 'piece length': 16_384 } })
}

function refusal(torrent: Uint8Array): FormatError {
  try {
    parseTorrent(torrent)
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test('a torrent of 50,000 files and 100,000 trackers is none of them', () => {
  const files = Array.from({ length: 50_000 }, (_, i) => ({
    attr: 'x',
    length: 1,
    md5sum: 'm',
    mtime: i,
    path: ['a', `${i}`],
  }))
  const trackers = Array.from({ length: 100_000 }, (_, i) => [`udp://tracker.example:${i}`])
  const info = { files, name: 'a', 'piece length': 65_536, pieces: new Uint8Array(20) }
  const metainfo = parseTorrent(encode({ 'announce-list': trackers, info }))
  expect([metainfo.files.length, metainfo.trackers.length]).toEqual([50_000, 1_000])
})

test('files below a hundred folders are refused when their paths outgrow the torrent', () => {
  const files = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [`f${i}`, { '': { length: 0 } }]))
  let tree: BencodeInput = { ...files, z: FILE }
  for (let level = 0; level < 90; level++) tree = { a: tree }
  const torrent = v2Torrent(tree)
  expect(torrent.length).toBeLessThan(700_000)
  expect(refusal(torrent)).toMatchObject({ code: 'too_many_files' })
})

describe('a message is short, however long the path that it tells of', () => {
  const long = 'n'.repeat(100_000)
  const v1 = { name: 'a', 'piece length': 16_384, pieces: new Uint8Array(20) }
  const torrents: [what: string, torrent: Uint8Array][] = [
    ['no dictionary in the tree', v2Torrent({ [long]: 1 })],
    ['a file and a folder', v2Torrent({ [long]: { ...FILE, b: FILE } })],
    ['no root', v2Torrent({ [long]: { '': { length: 1 } } })],
    ['no layer', encode({ info: { 'file tree': { [long]: { '': { ...FILE[''], length: 20_000 } } }, 'meta version': 2, name: 'a', 'piece length': 16_384 }, 'piece layers': {} })], // prettier-ignore
    ['no length', encode({ info: { ...v1, files: [{ path: [long, long] }] } })],
    ['many elements', encode({ info: { ...v1, files: [{ path: Array<string>(90).fill('element') }] } })],
    ['two lists', encode({ info: { ...v1, 'file tree': { b: FILE }, files: [{ length: 1, path: [long] }], 'meta version': 2 } })], // prettier-ignore
  ]
  test.each(torrents)('%s', (_, torrent) => {
    expect(refusal(torrent).message.length).toBeLessThan(400)
  })
})
