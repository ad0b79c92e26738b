// The settings of a torrent, as a bad disk or another program may leave them. Their checksum would refuse nearly every case, so
// an input is what the checksum is about, and gets it; after a byte of 0 the rest is taken as it is.
import { concatBytes, encodeUtf8 } from '../../../base/bytes.ts'
import { crc32c } from '../../../base/crc32c.ts'
import { StateError } from '../../../base/errors.ts'
import { encodeSettings, parseSettings, type TorrentSettings } from '../../../engine/storage/torrent-settings.ts'
import { type BencodeInput, encode } from '../../../protocol/bencode/index.ts'
import type { TorrentFile } from '../../../protocol/metainfo/metainfo.ts'
import { expectSame, expectTrue } from '../expect.ts'
import type { Target } from '../target.ts'

const FILES = 100
const metainfo = { files: Array<TorrentFile>(FILES) }

const BODY = {
  version: 1,
  skip: [0, 3, 7, 7, 50, 99],
  low: [4, 5],
  high: [6, 6],
  names: [
    [1, 'sub/new name'],
    [2, 'é.txt'],
  ],
  renaming: [2, 'old'],
  moved: ['/elsewhere/content', 1],
  marks: ['8:1/ef53', 'uuid'],
}
const BODIES: readonly BencodeInput[] = [
  BODY,
  { version: 1 },
  { version: 2 },
  { marks: [] },
  { version: 1, skip: [7, 5] },
  { version: 1, skip: [1] },
  { version: 1, high: ['a', 'b'] },
  { version: 1, names: [[0, '../a']] },
  { version: 1, names: [[0, '/a']] },
  { version: 1, names: [[0, 'a?']] },
  { version: 1, names: [[0, 'x'.repeat(901)]] },
  { version: 1, names: [[0, 'a/'.repeat(120) + 'a']] },
  { version: 1, names: [[0]] },
  { version: 1, low: 1 },
  { version: 1, low: [FILES, FILES] },
  { version: 1, moved: ['', 0] },
  { version: 1, moved: ['/a', 7] },
  { version: 1, marks: ['1', '2', '3', '4', '5'] },
  { version: 1, marks: ['x'.repeat(300)] },
]

export const settings: Target<TorrentSettings> = {
  name: 'settings',
  isBencode: true,
  seeds: [
    ...BODIES.map(encode),
    concatBytes([Uint8Array.of(0), framed(encode(BODY))]),
    concatBytes([Uint8Array.of(0), encode({ crc: 1, settings: BODY })]),
    concatBytes([Uint8Array.of(0), encode([])]),
    concatBytes([Uint8Array.of(0), encodeUtf8('no bencode')]),
  ],
  words: [
    '7:version',
    '4:skip',
    '3:low',
    '4:high',
    '5:names',
    '8:renaming',
    '5:moved',
    '5:marks',
    'i0e',
    'i99e',
    'i100e',
    '../',
    '/',
  ],
  refusals: [StateError],
  parse(input) {
    return parseSettings(input[0] === 0 ? input.slice(1) : framed(input), metainfo, '/state/settings')
  },
  check(read) {
    expectSame(
      parseSettings(encodeSettings(read), metainfo, '/state/settings'),
      read,
      'settings are written as they are read',
    )
    for (const file of read.priorities.keys()) expectTrue(file < FILES, 'a priority belongs to a file')
    for (const path of [...read.names.values(), read.renaming?.from ?? ['a']]) {
      const isBelow = path.length > 0 && path.every((name) => !['', '.', '..'].includes(name) && !/[/\\\0]/.test(name))
      expectTrue(isBelow, 'a new path leads to a place in the folder')
    }
    expectTrue(read.marks.length <= 4, 'there are few marks')
  },
  sources: [
    {
      path: 'engine/storage/torrent-settings.ts',
      without: ['encodeSettings', 'runsOf', 'sorted', 'requireMarks'],
    },
    { path: 'protocol/metainfo/new-path.ts', without: ['clashingPath'] },
  ],
}

/** With the checksum that belongs to it, right or wrong as the body may be. */
function framed(body: Uint8Array): Uint8Array {
  return concatBytes([encodeUtf8(`d3:crci${crc32c(body)}e8:settings`), body, encodeUtf8('e')])
}
