import { expect, test } from 'vitest'
import { keyToBytes } from '../bencode/index.ts'
import { choosePieceLength, encodeTorrent, type NewTorrent } from './create.ts'
import { parseTorrent } from './torrent-file.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

test('a torrent that was made is read back', () => {
  const bytes = encodeTorrent({
    name: 'folder',
    content: [
      { path: ['a', 'ü.txt'], length: 16_384 },
      { path: ['b'], length: 0 },
      { path: ['c'], length: 1 },
    ],
    pieceLength: 16_384,
    pieceHashes: new Uint8Array(40).fill(7),
    trackers: [['http://a/announce', 'udp://b:1'], ['https://c/announce']],
    webSeeds: ['https://seed/files/'],
    isPrivate: true,
    comment: 'A comment',
    source: 'S',
    createdBy: 'shoal',
    creationDate: 1_700_000_000,
  })
  expect(parseTorrent(bytes)).toMatchObject({
    name: 'folder',
    isSingleFile: false,
    files: [
      { path: ['a', 'ü.txt'], length: 16_384 },
      { path: ['b'], length: 0 },
      { path: ['c'], length: 1 },
    ],
    pieceLength: 16_384,
    pieceHashes: new Uint8Array(40).fill(7),
    trackers: [['http://a/announce', 'udp://b:1'], ['https://c/announce']],
    webSeeds: ['https://seed/files/'],
    isPrivate: true,
    comment: 'A comment',
    source: 'S',
    createdBy: 'shoal',
    creationDate: 1_700_000_000,
  })
})

test('what is not given is not written', () => {
  const bytes = encodeTorrent(single({ pieceHashes: new Uint8Array(20).fill(0x78) }))
  expect(bytes).toEqual(keyToBytes(`d4:infod6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}ee`))
})

test('what may be executed is told of a single file, and of each file of a folder', () => {
  const alone = parseTorrent(encodeTorrent(single({ isExecutable: true })))
  expect([alone.isSingleFile, alone.files[0].isExecutable]).toEqual([true, true])
  const content = [
    { path: ['run'], length: 4, isExecutable: true },
    { path: ['read me'], length: 0, isExecutable: false },
  ]
  const { files } = parseTorrent(encodeTorrent(single({ content })))
  expect(files.map(({ isExecutable }) => isExecutable)).toEqual([true, false])
})

test('one tracker needs no list of tiers', () => {
  const bytes = encodeTorrent(single({ trackers: [[], ['http://a']] }))
  expect(Buffer.from(bytes).toString('latin1')).not.toContain('announce-list')
  expect(parseTorrent(bytes).trackers).toEqual([['http://a']])
})

test('the length of pieces grows with the content', () => {
  expect(choosePieceLength(1)).toBe(16 * KIB)
  expect(choosePieceLength(30 * MIB)).toBe(16 * KIB)
  expect(choosePieceLength(200 * MIB)).toBe(128 * KIB)
  expect(choosePieceLength(2 * GIB)).toBe(2 * MIB)
  expect(choosePieceLength(50 * GIB)).toBe(16 * MIB)
  expect(choosePieceLength(10 * 1024 * GIB)).toBe(16 * MIB)
  expect(choosePieceLength(100 * 1024 * GIB)).toBe(128 * MIB)
})

const mistakes: [what: string, mistake: Partial<NewTorrent>][] = [
  ['a name with a slash', { name: 'a/b' }],
  ['an empty name', { name: '' }],
  ['a name that leads out', { name: '..' }],
  ['no bytes', { content: 0, pieceHashes: new Uint8Array(0) }],
  ['no files', { content: [], pieceHashes: new Uint8Array(0) }],
  ['a negative length', { content: -1 }],
  ['half a byte', { content: 0.5 }],
  ['a file without a path', { content: [{ path: [], length: 5 }] }],
  ['a path that leads out', { content: [{ path: ['..', 'a'], length: 5 }] }],
  [
    'the same file twice',
    {
      content: [
        { path: ['a'], length: 5 },
        { path: ['a'], length: 5 },
      ],
    },
  ],
  ['a hash too many', { pieceHashes: new Uint8Array(40) }],
  ['half a hash', { pieceHashes: new Uint8Array(10) }],
  ['tiny pieces', { pieceLength: 1000 }],
  ['huge pieces', { pieceLength: 2 ** 30 }],
  ['too many pieces', { content: 2 ** 50 }],
  ['a tracker that is no URL', { trackers: [['tracker.example:80']] }],
  ['a web seed that is no URL', { webSeeds: ['ftp://a'] }],
  ['a date that is none', { creationDate: Number.NaN }],
]
for (const [what, mistake] of mistakes) {
  test(`a torrent with ${what} is not made`, () => {
    expect(() => encodeTorrent(single(mistake))).toThrow(/^Cannot make torrent: /)
  })
}

function single(changes: Partial<NewTorrent>): NewTorrent {
  return { name: 'a', content: 5, pieceLength: 16_384, pieceHashes: new Uint8Array(20), ...changes }
}
