// Torrent files and info dictionaries (BEP 3, 52 and others): paths stay within the torrent's folder, and the numbers agree.
import { encodeUtf8, equalBytes, toHex } from '../../../base/bytes.ts'
import { FormatError } from '../../../base/errors.ts'
import { encode, keyFromBytes } from '../../../protocol/bencode/index.ts'
import {
  describeTorrent,
  encodeTorrent,
  fileTree,
  type Metainfo,
  parseInfoDict,
  parseTorrent,
  PieceMap,
} from '../../../protocol/metainfo/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import { fixtureFiles } from '../fixtures.ts'
import type { Target } from '../target.ts'

export const metainfo: Target<Metainfo> = {
  name: 'metainfo',
  seeds: [...fixtureFiles('torrents').filter((torrent) => torrent.length < 6000), ...madeTorrents()],
  isBencode: true,
  words: [
    'info', 'name', 'name.utf-8', 'piece length', 'pieces', 'length', 'files', 'path', 'path.utf-8', 'attr', 'p', 'l', 'x', 'hl',
    'symlink path', 'private', 'source', 'meta version', 'file tree', 'pieces root', 'piece layers', 'announce', 'announce-list',
    'url-list', 'httpseeds', 'nodes', 'comment', 'created by', 'creation date', '..', '.', '/', '\\', 'con', 'nul.txt', 'a.', '\0',
    '\u202e', '\u212a', '\ud83d\ude00', 'http://a/b', '2', '',
  ], // prettier-ignore
  refusals: [FormatError],
  parse: (input) => parseTorrent(input),
  check(torrent, input) {
    checkPaths(torrent)
    checkNumbers(torrent)
    const again = parseInfoDict(torrent.infoBytes)
    for (const [key, value] of Object.entries(again)) {
      expectSame(torrent[key as keyof Metainfo], value, `${key} follows from the info dictionary alone`)
    }
    const facts = describeTorrent(input)
    expectSame(facts.infohash_v1, torrent.infohashV1 && toHex(torrent.infohashV1), 'the infohash is told as it is')
    expectSame(facts.file_count, torrent.files.length, 'each file is told')
  },
  sources: [
    { path: 'protocol/metainfo/torrent-file.ts' },
    { path: 'protocol/metainfo/info-dict.ts' },
    { path: 'protocol/metainfo/v1-files.ts' },
    { path: 'protocol/metainfo/file-tree.ts' },
    { path: 'protocol/metainfo/listed-file.ts' },
    { path: 'protocol/metainfo/piece-layers.ts' },
    { path: 'protocol/metainfo/merkle.ts', without: ['fileTree'] },
    { path: 'protocol/metainfo/saved-paths.ts' },
    { path: 'protocol/metainfo/shown-text.ts' },
    { path: 'protocol/metainfo/torrent-facts.ts', without: ['describeMagnet'] },
  ],
}

function checkPaths({ files, savedName, isSingleFile }: Metainfo): void {
  const seen = new Set<string>()
  for (const { savedAs } of files) {
    expectTrue(
      savedAs[0] === savedName && (isSingleFile ? savedAs.length === 1 : savedAs.length > 1),
      'files lie in the top folder',
    )
    for (const element of savedAs) {
      const isName = element !== '' && element !== '.' && element !== '..' && !/[/\\\0:]/.test(element)
      expectTrue(isName && encodeUtf8(element).length <= 255, `${JSON.stringify(element)} is a name of a file`)
    }
    const path = savedAs.join('/').toLowerCase()
    expectTrue(!seen.has(path), 'each file has a path of its own')
    seen.add(path)
  }
}

function checkNumbers({ files, totalSize, pieceLength, pieceHashes, ...rest }: Metainfo): void {
  let offset = 0
  for (const file of files) {
    expectTrue(file.offset === offset && Number.isSafeInteger(file.length), 'files follow each other')
    offset += file.length
  }
  expectTrue(offset === totalSize && Number.isSafeInteger(totalSize) && totalSize > 0, 'the files make up the whole')
  const map = new PieceMap({ files, totalSize, pieceLength })
  expectTrue(pieceHashes === null || pieceHashes.length === 20 * map.pieceCount, 'each piece has its hash')
  const last = map.pieceCount - 1
  const runs = map.filesOf(last, 0, map.pieceLength(last))
  expectTrue(runs.reduce((sum, run) => sum + run.length, 0) === map.pieceLength(last), 'the last piece lies in files')
  const { infohashV1, infohashV2 } = rest
  expectTrue(infohashV1?.length === 20 || infohashV2?.length === 32, 'a torrent has an infohash')
  expectTrue(!infohashV1 || !infohashV2 || !equalBytes(infohashV1, infohashV2), 'two infohashes are two')
}

/** What the fixtures lack. */
function madeTorrents(): Uint8Array[] {
  const hash = new Uint8Array(20)
  const entry = { 'piece length': 16_384, pieces: hash }
  const long = 'n'.repeat(300)
  const awkward = [
    'a',
    'A',
    'a',
    'CON',
    'x.',
    '..',
    `${long}.txt`,
    `${long}1.txt`,
    '\u202egnp.exe',
    '.pad',
    '\u00e9',
    'e\u0301',
    '\u{1f600}'.repeat(70),
  ]
  const layered = fileTree(new Uint8Array(96).fill(7), 16_384)
  const v2Info = {
    'file tree': { a: { '': { length: 40_000, 'pieces root': layered.root } } },
    'meta version': 2,
    name: 'a',
    'piece length': 16_384,
  }
  const layers = new Map([[keyFromBytes(layered.root), layered.pieceLayer!]])
  const twin = { length: 5, 'pieces root': new Uint8Array(32).fill(3) }
  return [
    encodeTorrent({
      name: 'made',
      content: [{ path: ['a', 'b'], length: 100 }, { path: ['c'], length: 0 }],
      pieceLength: 16_384,
      pieceHashes: hash,
      trackers: [['http://127.0.0.1/announce'], ['udp://127.0.0.1:1', 'udp://127.0.0.1:2']],
      webSeeds: ['http://127.0.0.1/w'],
      isPrivate: true,
      comment: 'comment',
      source: 'source',
      createdBy: 'made',
      creationDate: 1,
    }),
    encode({ info: { ...entry, name: 'awkward', files: awkward.map((name) => ({ length: 1, path: [name, ...awkward.slice(0, 4), name] })) } }),
    encode({ info: { ...entry, name: 'flat', files: awkward.map((name) => ({ length: 1, path: [name] })) } }),
    encode({ info: { ...entry, name: 'deep', files: [{ length: 1, path: Array<string>(90).fill('folder of a name') }, { length: 1, path: Array<string>(101).fill('a') }] } }),
    encode({ info: { ...entry, name: 'deep', files: [{ length: 1, path: Array<string>(90).fill('folder of a name') }] } }),
    encode({ info: { ...entry, name: Uint8Array.of(0xff, 0x41), files: [{ length: 1, path: [Uint8Array.of(0xfe)] }, { attr: 'p', length: 3 }, { attr: 'lx', length: 9, path: ['link'], 'symlink path': ['..', 'a', 'b'] }, { attr: 'h', length: 2, 'path.utf-8': ['h'], path: ['g'] }] } }),
    encode({ info: { ...entry, length: 2n ** 60n, name: 'a' } }),
    encode({ info: { ...entry, length: 'no integer', name: 'a' } }),
    encode({ info: { ...entry, files: ['a', 'b', 'c'].map((name) => ({ length: Number.MAX_SAFE_INTEGER, path: [name] })), name: 'a' } }),
    encode({ info: { ...entry, length: 40_000, name: 'a' }, nodes: [['127.0.0.1', 6881], ['router.example', 1], ['::1', 2]], 'url-list': ['http://127.0.0.1/a', '', 7] }),
    encode({ info: { ...entry, length: 0, name: 'a' } }),
    encode({ info: v2Info, 'piece layers': layers }),
    encode({ info: v2Info, 'piece layers': new Map<string, Uint8Array | string>([...layers, ['x'.repeat(32), 'y']]) }),
    encode({ info: v2Info, 'piece layers': new Map([[keyFromBytes(layered.root), new Uint8Array(96)]]) }),
    encode({ info: v2Info, 'piece layers': {} }),
    encode({ info: { ...v2Info, 'file tree': { a: { b: { '': twin }, c: { '': { length: 0 } } }, link: { '': { attr: 'l', length: 0, 'symlink path': ['a', 'b'] } } } } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': { ...twin, attr: 'p' } } } } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': twin, b: { '': twin } } } } }),
    encode({ info: { ...v2Info, 'file tree': { '': twin } } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': 1 } } } }),
    encode({ info: { ...v2Info, 'file tree': { a: 1 } } }),
    encode({ info: { ...v2Info, 'file tree': {} } }),
    encode({ info: { ...v2Info, 'file tree': 1 } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': { length: 5 } } } } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': twin } }, length: 5, pieces: hash } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': twin } }, files: [{ length: 5, path: ['b'] }], pieces: hash } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': twin }, b: { '': twin } }, files: [{ length: 5, path: ['a'] }, { length: 5, path: ['b'] }], name: 'n', pieces: hash } }),
    encode({ info: { ...v2Info, 'file tree': { a: { '': twin }, b: { '': twin } }, files: [{ length: 5, path: ['a'] }, { attr: 'p', length: 16_379, path: ['.pad', '1'] }], name: 'n', pieces: hash } }),
    encode({ info: 1 }),
    encode({ info: { ...v2Info, pieces: undefined, 'meta version': 1 } }),
    encode([1]),
  ] // prettier-ignore
}
