import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixtureBytes, torrentFixtures, type TorrentFixture } from '../../../tests/fixtures/torrent-fixture.ts'
import { toHex } from '../../base/bytes.ts'
import { FormatError } from '../../base/errors.ts'
import { encode, type BencodeInput } from '../bencode/index.ts'
import { parseInfoDict, parseTorrent } from './index.ts'
import type { Metainfo } from './metainfo.ts'
import { describeTorrent, type FileFacts, type TorrentFacts } from './torrent-facts.ts'

// Where clients differ: what we refuse it as, or, if we take it, where its files go.
const OUR_ANSWER: Readonly<Record<string, { error: string } | { saved: string[] }>> = {
  // Bytes after a torrent do no harm, and here is no torrent before them.
  'anacrolix__minimal-trailing-newline.torrent': { error: 'missing_info' },
  'libtorrent__bad_name.torrent': { error: 'missing_name' },
  'libtorrent__invalid_name.torrent': { error: 'missing_name' },
  'libtorrent__no_name.torrent': { error: 'missing_name' },
  'webtorrent__corrupt.torrent': { error: 'missing_name' },
  'libtorrent__v2_invalid_root_hash.torrent': { error: 'piece_layer' },
  'libtorrent__v2_unknown_piece_layer_entry.torrent': { error: 'piece_layer' },
  'libtorrent__zero2.torrent': { error: 'zero_length' },
  'transmission__dup-pieces-key.torrent': { error: 'duplicate_key' },
  'transmission__gimp-2.10.32-1-arm64.dmg.torrent': { error: 'missing_info' },
  'transmission__dup-files.torrent': {
    saved: ['ThisIsMyTorrent/file1.txt', 'ThisIsMyTorrent/file2.mkv', 'ThisIsMyTorrent/file1.1.txt'],
  },
  'libtorrent__empty_path.torrent': { saved: ['temp/_'] },
  'libtorrent__invalid_filename.torrent': { saved: ['est2/f', 'est2/_'] },
  'libtorrent__invalid_filename2.torrent': { saved: ['est2/f', 'est2/_', 'est2/_.1'] },
  'libtorrent__invalid_name2.torrent': {
    saved: [
      'b61560c2918f463768cd122b6d2fdd47b77bdb35/foo/bar.txt',
      'b61560c2918f463768cd122b6d2fdd47b77bdb35/foo/var.txt',
    ],
  },
  'libtorrent__large_piece_size.torrent': { saved: ['temp'] },
  'libtorrent__pad_file_no_path.torrent': { saved: ['temp/foo/bar.txt', 'temp/.pad/1'] },
  'libtorrent__parent_path.torrent': { saved: ['temp/bar'] },
  'libtorrent__slash_path2.torrent': { saved: ['temp/abc_.._.._def/bar'] },
  'libtorrent__symlink_zero_size.torrent': { saved: ['temp/a/b/bar', 'temp/a/b/foo'] },
  'libtorrent__url_list2.torrent': { saved: ['temp'] },
  'libtorrent__url_list3.torrent': { saved: ['temp'] },
}

/** Facts that a file built in place of the real one has in another form. */
const FACTS_OF_THE_BYTES = ['infohash_v1', 'infohash_v2', 'info_dict', 'v2_files']
/** What entries say about clients' differences, or about the file as a file. */
const OTHER_KEYS =
  /^(?:file|bytes|generated|exercises|valid|strict|policy|error|source|.*unsorted|info_dups|trailing_bytes|files_truncated)$/

describe('of the torrents that clients test themselves with', () => {
  for (const fixture of torrentFixtures) {
    const answer = OUR_ANSWER[fixture.file]
    const error = answer ? ('error' in answer ? answer.error : null) : fixture.error
    const bytes = fixtureBytes(fixture)
    if (error !== null) {
      test(`${fixture.file} is refused as ${error}`, () => expect(codeOf(bytes)).toBe(error))
      continue
    }
    test(`${fixture.file} is read in full`, () => {
      const facts = describeTorrent(bytes)
      const { expected, found } = comparableFacts(fixture, facts)
      expect(found).toEqual(expected)
      const saved = facts.files!.map((file) => file.saved_as.join('/'))
      expect(saved).toEqual(answer && 'saved' in answer ? answer.saved : saved)

      const metainfo = parseTorrent(bytes)
      const raw = Buffer.from(metainfo.infoBytes)
      expect(Buffer.from(bytes).includes(raw)).toBe(true)
      const hash = (name: string): string => createHash(name).update(raw).digest('hex')
      expect(facts.infohash_v1).toBe(metainfo.pieceHashes && hash('sha1'))
      expect(facts.infohash_v2).toBe(metainfo.pieceLayers && hash('sha256'))
      expect(() => checkPaths(metainfo)).not.toThrow()
    })
  }

  test('an answer of ours stands for each entry that leaves it to us, and for no other', () => {
    const open = torrentFixtures.filter(({ strict }) => strict === 'policy').map(({ file }) => file)
    expect(Object.keys(OUR_ANSWER).sort()).toEqual(open.sort())
  })
})

/** The facts that the entry has and that hold for our bytes, as the entry says them and as we do. */
function comparableFacts(fixture: TorrentFixture, facts: TorrentFacts): { expected: object; found: object } {
  const isHeld = (key: string): boolean =>
    !OTHER_KEYS.test(key) &&
    !(fixture.generated && FACTS_OF_THE_BYTES.includes(key)) &&
    !(fixture.files_truncated && /^(?:v2_)?files$/.test(key)) &&
    !(fixture.strict === 'policy' && /^(?:files|url_list_raw)$/.test(key))
  const all: Readonly<Record<string, unknown>> = { ...facts, files: facts.files!.map(withoutSavedAs) }
  const expected = Object.entries(fixture).filter(([key]) => isHeld(key))
  return {
    expected: Object.fromEntries(expected),
    found: Object.fromEntries(expected.map(([key]) => [key, all[key]])),
  }
}

function withoutSavedAs(file: FileFacts): object {
  return Object.fromEntries(Object.entries(file).filter(([key]) => key !== 'saved_as'))
}

test('the infohash covers the bytes as they stand, sorted or not', () => {
  const sorted = Buffer.from(encode({ length: 1, name: 'a', 'piece length': 16_384, pieces: new Uint8Array(20) }))
  const unsorted = Buffer.from(
    `d4:name1:a6:lengthi1e${sorted.toString('latin1').slice('d6:lengthi1e4:name1:a'.length)}`,
    'latin1',
  )
  for (const info of [sorted, unsorted]) {
    const torrent = parseTorrent(Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]))
    expect(toHex(torrent.infohashV1!)).toBe(createHash('sha1').update(info).digest('hex'))
    expect(parseInfoDict(info).infohashV1).toEqual(torrent.infohashV1)
  }
})

test('what is read does not change with the bytes it was read from', () => {
  const bytes = torrentOf({ length: 1 })
  const torrent = parseTorrent(bytes)
  const before = toHex(torrent.infoBytes)
  bytes.fill(0)
  expect(toHex(torrent.infoBytes)).toBe(before)
})

test('a repeated key within info is refused, outside of it the first counts', () => {
  const info = Buffer.from(encode(infoOf({ length: 1 }))).toString('latin1')
  expect(codeOf(Buffer.from(`d4:info${info.slice(0, -1)}3:zzzi1e3:zzzi2eee`, 'latin1'))).toBe('duplicate_key')
  const outside = parseTorrent(Buffer.from(`d7:comment1:a7:comment1:b4:info${info}e`, 'latin1'))
  expect(outside.comment).toBe('a')
})

test('any value of private but 0 makes a torrent private, and only within info', () => {
  const isPrivate = (info: object, outer = {}): boolean =>
    parseTorrent(torrentOf({ length: 1, ...info }, outer)).isPrivate
  expect(isPrivate({ private: 1 })).toBe(true)
  expect(isPrivate({ private: 2 })).toBe(true)
  expect(isPrivate({ private: 0 })).toBe(false)
  expect(isPrivate({}, { private: 1 })).toBe(false)
})

test('trackers come in tiers, each once, without blanks; announce counts where the list names none', () => {
  const trackers = (outer: object): unknown => parseTorrent(torrentOf({ length: 1 }, outer)).trackers
  expect(trackers({ announce: 'http://a' })).toEqual([['http://a']])
  expect(trackers({ announce: 'http://a', 'announce-list': [[], ['']] })).toEqual([['http://a']])
  expect(
    trackers({ announce: 'http://a', 'announce-list': [['http://b', ' http://c '], ['http://b'], ['http://d']] }),
  ).toEqual([['http://b', 'http://c'], ['http://d']])
  expect(trackers({ 'announce-list': ['http://a', 'http://b'] })).toEqual([['http://a'], ['http://b']])
  expect(trackers({ 'announce-list': [[new Uint8Array([0xff]), 5, 'http://a']] })).toEqual([['http://a']])
  expect(trackers({ 'announce-list': Array.from({ length: 5000 }, (_, i) => [`http://${i}`]) })).toHaveLength(1000)
})

test('what is of no use outside info is ignored', () => {
  const torrent = parseTorrent(
    torrentOf({ length: 1 }, { 'creation date': 'today', nodes: '', 'url-list': 5, comment: 7, announce: [1] }),
  )
  expect(torrent).toMatchObject({ creationDate: null, nodes: [], webSeeds: [], comment: null, trackers: [] })
})

test('nodes are named by host and port, an IP in its canonical form', () => {
  const nodes = [['Example.com', 6881], ['::FFFF:1.2.3.4', 1], ['2001:DB8::0', 65_535], ['a', 0], ['b'], 'c', ['', 5]]
  expect(parseTorrent(torrentOf({ length: 1 }, { nodes })).nodes).toEqual([
    'Example.com:6881',
    '1.2.3.4:1',
    '[2001:db8::]:65535',
  ])
})

test('hundreds of web seeds are kept, each once, those of a folder ending in a slash', () => {
  const urls = Array.from({ length: 400 }, (_, i) => `https://mirror${i % 300}.example/iso`)
  expect(parseTorrent(torrentOf({ length: 1 }, { 'url-list': urls })).webSeeds).toEqual(urls.slice(0, 300))
  const folder = torrentOf({ files: [{ length: 1, path: ['a'] }] }, { 'url-list': urls })
  expect(parseTorrent(folder).webSeeds).toEqual(urls.slice(0, 300).map((url) => `${url}/`))
})

test('names that are not UTF-8 are shown in hex and saved as text', () => {
  const torrent = parseTorrent(
    torrentOf({
      name: new Uint8Array([0x61, 0xff]),
      files: [{ length: 1, path: [new Uint8Array([0xe9, 0x2e, 0x61])] }],
    }),
  )
  expect(torrent.name).toBe('hex:61ff')
  expect(torrent.files[0].path).toEqual(['hex:e92e61'])
  expect(torrent.files[0].savedAs).toEqual(['a_', '_.a'])
})

describe('the file list', () => {
  const files = (list: BencodeInput): Metainfo['files'] => parseTorrent(torrentOf({ files: list })).files

  test('gives each file its place in the byte stream', () => {
    const placed = files([
      { length: 3, path: ['a'] },
      { length: 0, path: ['b'] },
      { attr: 'p', length: 5, path: ['.pad', '5'] },
      { attr: 'xh', length: 2, path: ['c'] },
    ])
    expect(placed.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 3],
      [3, 0],
      [3, 5],
      [8, 2],
    ])
    expect(placed.map(({ isPad, isExecutable, isHidden }) => [isPad, isExecutable, isHidden])).toEqual([
      [false, false, false],
      [false, false, false],
      [true, false, false],
      [false, true, true],
    ])
  })

  test('a symlink has no length, and its target is where that path was saved', () => {
    const [, , link, lost, notOne] = files([
      { length: 3, path: ['A'] },
      { length: 3, path: ['a'] },
      { attr: 'l', length: 9, path: ['link'], 'symlink path': ['..', 'aux', 'b:c'] },
      { attr: 'l', path: ['lost'], 'symlink path': ['..', '..'] },
      { attr: 'l', length: 4, path: ['file'] },
    ])
    expect(link).toMatchObject({ length: 0, symlinkTarget: ['_aux', 'b_c'] })
    expect(lost).toMatchObject({ length: 0, symlinkTarget: [] })
    expect(notOne).toMatchObject({ length: 4, symlinkTarget: null })
  })

  const refused: [error: string, list: BencodeInput][] = [
    ['no_files', []],
    ['missing_path', ['a']],
    ['missing_path', [{ length: 1 }]],
    ['missing_path', [{ length: 1, path: [] }]],
    ['invalid_path', [{ length: 1, path: 'a' }]],
    ['invalid_path', [{ length: 1, path: [['a']] }]],
    ['invalid_path', [{ length: 1, path: Array.from({ length: 101 }, () => 'a') }]],
    ['invalid_length', [{ path: ['a'] }]],
    ['invalid_length', [{ length: -1, path: ['a'] }]],
    ['invalid_length', [{ length: 2n ** 60n, path: ['a'] }]],
    ['zero_length', [{ length: 0, path: ['a'] }]],
    ['zero_length', [{ attr: 'p', length: 5, path: ['a'] }]],
    ['too_many_pieces', [{ length: 2 ** 52, path: ['a'] }]],
    ['too_many_pieces', Array.from({ length: 20 }, () => ({ length: 2 ** 53 - 1, path: ['a'] }))],
    ['pieces_count', [{ length: 16_385, path: ['a'] }]],
  ]
  for (const [error, list] of refused) {
    test(`is refused as ${error} when it is ${JSON.stringify(list, (_, x) => (typeof x === 'bigint' ? `${x}` : x)).slice(0, 60)}`, () => {
      expect(codeOf(torrentOf({ files: list }))).toBe(error)
    })
  }
})

test('a piece is 1 byte to 512 MiB, any number of them in v1 and a power of two in v2', () => {
  const v1 = (pieceLength: BencodeInput): Uint8Array => torrentOf({ length: 1, 'piece length': pieceLength })
  for (const length of [1, 100, 16_384, 1_000_000, 2 ** 29]) expect(parseTorrent(v1(length)).pieceLength).toBe(length)
  for (const length of [0, -1, 2 ** 29 + 1, 2n ** 70n, 'many']) expect(codeOf(v1(length))).toBe('piece_length')
  for (const length of [8192, 100_000, 2 ** 30])
    expect(codeOf(v2Torrent({ 'piece length': length }))).toBe('piece_length')
  expect(parseTorrent(v2Torrent({ 'piece length': 2 ** 29 })).pieceLength).toBe(2 ** 29)
})

describe('a v2 torrent', () => {
  const root = new Uint8Array(32).fill(7)
  const file = (length: number): BencodeInput => ({ '': { length, 'pieces root': root } })

  test('of one file that is called like the torrent is that file, without a folder', () => {
    const single = parseTorrent(v2Torrent({ name: 'a', 'file tree': { a: file(1) } }))
    expect(single).toMatchObject({ isSingleFile: true, infohashV1: null, pieceHashes: null })
    expect(single.files[0]).toMatchObject({ path: [], savedAs: ['a'], piecesRoot: root })
    const folder = parseTorrent(v2Torrent({ name: 'a', 'file tree': { b: file(1) } }))
    expect(folder.files[0]).toMatchObject({ path: ['b'], savedAs: ['a', 'b'] })
  })

  const refused: [error: string, info: object][] = [
    ['file_tree', { 'file tree': 'a' }],
    ['file_tree', { 'file tree': { a: 'b' } }],
    ['file_tree', { 'file tree': { a: { '': 'b' } } }],
    ['file_tree', { 'file tree': { a: { '': { length: 1, 'pieces root': root }, b: file(1) } } }],
    ['file_tree', { 'file tree': { '': { length: 1, 'pieces root': root } } }],
    ['no_files', { 'file tree': {} }],
    ['no_files', { 'file tree': { a: {} } }],
    ['pieces_root', { 'file tree': { a: { '': { length: 1 } } } }],
    ['pieces_root', { 'file tree': { a: { '': { length: 1, 'pieces root': root.subarray(1) } } } }],
    ['pad_file', { 'file tree': { a: { '': { attr: 'p', length: 1, 'pieces root': root } } } }],
    ['missing_pieces', { 'meta version': 3 }],
    ['depth_exceeded', { 'file tree': deepTree(200) }],
  ]
  for (const [error, info] of refused) {
    test(`is refused as ${error} when it has ${JSON.stringify(info).slice(0, 60)}`, () => {
      expect(codeOf(v2Torrent(info))).toBe(error)
    })
  }
})

describe('a hybrid torrent', () => {
  const root = new Uint8Array(32).fill(7)
  const tree = (...files: [string, number][]): BencodeInput =>
    Object.fromEntries(files.map(([name, length]) => [name, { '': { length, 'pieces root': root } }]))
  const list = (...files: [string, number][]): BencodeInput =>
    files.map(([name, length]) => ({ length, path: [name], ...(name.startsWith('.pad') && { attr: 'p' }) }))
  const hybrid = (files: BencodeInput, fileTree: BencodeInput, pieces: number): Uint8Array =>
    v2Torrent({ files, 'file tree': fileTree, pieces: new Uint8Array(20 * pieces) })

  test('has both infohashes, and roots for the files of its v1 list', () => {
    const torrent = parseTorrent(hybrid(list(['a', 5], ['.pad', 16_379], ['b', 6]), tree(['a', 5], ['b', 6]), 2))
    expect([torrent.infohashV1?.length, torrent.infohashV2?.length]).toEqual([20, 32])
    expect(torrent.files.map((file) => file.piecesRoot)).toEqual([root, null, root])
  })

  const different: [why: string, torrent: Uint8Array][] = [
    ['a name', hybrid(list(['a', 5]), tree(['b', 5]), 1)],
    ['a length', hybrid(list(['a', 5]), tree(['a', 6]), 1)],
    ['a file less', hybrid(list(['a', 5]), tree(['a', 5], ['b', 6]), 1)],
    ['a file more', hybrid(list(['a', 5], ['.pad', 16_379], ['b', 6]), tree(['a', 5]), 2)],
    ['another order', hybrid(list(['b', 6], ['.pad', 16_378], ['a', 5]), tree(['a', 5], ['b', 6]), 2)],
    ['a file that begins within a piece', hybrid(list(['a', 5], ['b', 6]), tree(['a', 5], ['b', 6]), 1)],
  ]
  for (const [why, torrent] of different) {
    test(`is refused when its lists differ by ${why}`, () => expect(codeOf(torrent)).toBe('v1_v2_mismatch'))
  }
})

test('100,000 files are read', () => {
  const files = Array.from({ length: 100_000 }, (_, i) => ({
    length: 1,
    path: [`folder ${i % 1000}`, 'same name.txt'],
  }))
  const torrent = parseTorrent(torrentOf({ files, pieces: new Uint8Array(20 * 7) }))
  expect(torrent.files).toHaveLength(100_000)
  expect(() => checkPaths(torrent)).not.toThrow()
})

test('500,000 pieces are read', () => {
  const torrent = parseTorrent(torrentOf({ length: 500_000 * 16_384, pieces: new Uint8Array(20 * 500_000) }))
  expect(torrent.pieceHashes).toHaveLength(20 * 500_000)
})

test('whatever is done to a torrent, reading it fails with a FormatError or succeeds with sound paths', () => {
  const whole = torrentFixtures.filter(({ bytes }) => (bytes as number) < 4000).map(fixtureBytes)
  const edit = fc.record({ at: fc.nat(4000), drop: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) })
  fc.assert(
    fc.property(fc.constantFrom(...whole), fc.array(edit, { minLength: 1, maxLength: 4 }), (bytes, edits) => {
      let mutated = Buffer.from(bytes)
      for (const { at, drop, insert } of edits) {
        const start = at % (mutated.length + 1)
        mutated = Buffer.concat([mutated.subarray(0, start), insert, mutated.subarray(start + drop)])
      }
      expect(() => codeOf(mutated) ?? checkPaths(parseTorrent(mutated))).not.toThrow()
    }),
    { numRuns: 2000 },
  )
})

function infoOf(info: object): { [key: string]: BencodeInput } {
  return { name: 'name', 'piece length': 16_384, pieces: new Uint8Array(20), ...info }
}

function torrentOf(info: object, outer: object = {}): Uint8Array {
  return encode({ ...outer, info: infoOf(info) })
}

function v2Torrent(info: object): Uint8Array {
  const fileTree = { a: { '': { length: 1, 'pieces root': new Uint8Array(32).fill(1) } } }
  return encode({ info: { 'file tree': fileTree, 'meta version': 2, name: 'name', 'piece length': 16_384, ...info } })
}

function deepTree(depth: number): BencodeInput {
  return depth === 0 ? { '': { length: 1 } } : { a: deepTree(depth - 1) }
}

function codeOf(bytes: Uint8Array): string | null {
  try {
    parseTorrent(bytes)
    return null
  } catch (error) {
    if (error instanceof FormatError) return error.code
    throw error
  }
}

/** Throws for a path outside the torrent's own folder, for two that a file system takes for one, and for a file where a folder is. */
function checkPaths(torrent: Metainfo): void {
  const taken = new Set<string>()
  const folders = new Set<string>()
  for (const { savedAs } of torrent.files) {
    if (savedAs[0] !== torrent.savedName) throw new Error(`outside: ${savedAs.join('/')}`)
    const path = savedAs.map((name) => name.normalize('NFC').toLowerCase())
    const whole = path.join('/')
    if (taken.has(whole)) throw new Error(`twice: ${whole}`)
    taken.add(whole)
    for (let depth = 1; depth < path.length; depth++) folders.add(path.slice(0, depth).join('/'))
    for (const name of savedAs) if (/^\.{0,2}$|[/\\:\0]/.test(name)) throw new Error(`no name: ${JSON.stringify(name)}`)
  }
  for (const folder of folders) if (taken.has(folder)) throw new Error(`a file is where a folder is: ${folder}`)
}
