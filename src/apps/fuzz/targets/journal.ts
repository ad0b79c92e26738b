// The journal of what is verified, as a power cut, a bad disk or another program may leave it. Its checksums would refuse nearly
// every case, so the first byte of an input chooses: 0 takes the rest as it is; otherwise the rest is records without checksums
// (kind, length as one byte, payload), which get theirs here.
import { Bitfield } from '../../../base/bitfield.ts'
import { concatBytes } from '../../../base/bytes.ts'
import { crc32c } from '../../../base/crc32c.ts'
import { StateError } from '../../../base/errors.ts'
import {
  encodeHeader,
  encodeRecord,
  type JournalRecord,
  type ParsedJournal,
  parseJournal,
} from '../../../engine/storage/journal/journal-format.ts'
import type { JournalGeometry } from '../../../engine/storage/journal/journal-geometry.ts'
import { replayJournal, type Replayed } from '../../../engine/storage/journal/journal-replay.ts'
import { expectSame, expectTrue } from '../expect.ts'
import type { Target } from '../target.ts'

/** Three files; piece 2 lies in two of them, and the second is changed by somebody else. */
const FILES_OF = [[0], [0], [0, 1], [1], [2]]
const geometry: JournalGeometry = {
  pieceCount: FILES_OF.length,
  fileCount: 3,
  filesOf: (piece) => FILES_OF[piece],
  piecesOf: (file) =>
    [
      { first: 0, last: 2 },
      { first: 2, last: 3 },
      { first: 4, last: 4 },
    ][file],
  blockCount: () => 8,
  pieceLength: () => 131_072,
}
const CHANGED_FILE = 1
const ALIVE_NS = 1_000_000n
const LATER_NS = 10n ** 18n
/** Flags of an input. */
const IS_UNCHECKED = 1
const IS_OTHER_BOOT = 2
const IS_FILE_GONE = 4
const IS_FILE_SHORT = 8
/** Records that get their checksums here: with them they are several times as long. */
const MOST_UNCHECKED = 5000
const BOOT_ID = 'boot'
const identity = {
  infohash: new Uint8Array(20),
  pieceCount: geometry.pieceCount,
  pieceLength: 131_072,
  fileCount: geometry.fileCount,
  contentPath: '/content',
}
const HEADER = encodeHeader(identity)

const look = { size: 10, mtimeNs: ALIVE_NS }
const RECORDS: readonly JournalRecord[] = [
  { kind: 'started', bootId: BOOT_ID },
  { kind: 'written', piece: 0 },
  { kind: 'writtenMany', pieces: Uint8Array.of(0b0110_0000) },
  { kind: 'blocks', piece: 4, blocks: Uint8Array.of(0xf0) },
  { kind: 'syncing', sync: 1 },
  { kind: 'written', piece: 3 },
  { kind: 'synced', sync: 1, files: [0, 2].map((file) => ({ file, ...look })) },
  { kind: 'blocks', piece: 4, blocks: new Uint8Array(0) },
  { kind: 'started', bootId: 'another boot' },
  { kind: 'doubt' },
  { kind: 'closed' },
]

interface Read {
  readonly bytes: Uint8Array
  readonly journal: ParsedJournal
  readonly replayed: Replayed
}

export const journal: Target<Read> = {
  name: 'journal',
  seeds: [
    raw(concatBytes([HEADER, ...RECORDS.map(encodeRecord)])),
    raw(HEADER),
    raw(encodeHeader({ ...identity, contentPath: '/elsewhere' })),
    raw(withVersion(2)),
    ...[
      RECORDS,
      RECORDS.slice(0, 4),
      RECORDS.slice(0, 7),
      RECORDS.toReversed(),
      ...RECORDS.map((record) => [record]),
    ].map((records, i) => unchecked(records, IS_OTHER_BOOT * (i % 8))),
    unchecked(RECORDS.slice(0, 4), 0),
    unchecked(RECORDS.slice(0, 7), 0),
  ],
  words: [BOOT_ID, '\x01', '\x02\x04\0\0\0\x01', '\x05\x04\0\0\0\x01', '\x07\0', '\x08\0'],
  refusals: [StateError],
  parse(input) {
    const flags = input[0] ?? 0
    const bytes = flags & IS_UNCHECKED ? concatBytes([HEADER, ...checked(input.subarray(1))]) : input.slice(1)
    const parsed = parseJournal(bytes, identity, '/state/journal')
    const states = [
      { size: flags & IS_FILE_SHORT ? 9 : 10, mtimeNs: ALIVE_NS },
      { size: 10, mtimeNs: LATER_NS },
      flags & IS_FILE_GONE ? null : look,
    ]
    const bootId = flags & IS_OTHER_BOOT ? 'later' : BOOT_ID
    const options = { geometry, bootId, states, aliveNs: ALIVE_NS }
    return { bytes, journal: parsed, replayed: replayJournal(parsed, options) }
  },
  check({ bytes, journal: { records, end, isTorn }, replayed }) {
    const again = concatBytes([HEADER, ...records.map(encodeRecord)])
    expectTrue(isTorn === end < bytes.length && again.length === end, 'what is whole ends where the records end')
    expectSame(parseJournal(again, identity, '/state/journal').records, records, 'records are written as they are read')
    const told = new Bitfield(geometry.pieceCount)
    for (const record of records) {
      if (record.kind === 'written') told.set(record.piece)
      if (record.kind === 'writtenMany')
        for (let piece = 0; piece < told.size; piece++) if (record.pieces[0] & (0x80 >> piece)) told.set(piece)
    }
    replayed.have.forEachSet((piece) => {
      expectTrue(told.has(piece), 'a piece is there only when a record says so')
      expectTrue(!replayed.unsure.includes(piece), 'what is sure is not unsure')
      expectTrue(!FILES_OF[piece].includes(CHANGED_FILE), 'nothing is trusted in a file that somebody has changed')
    })
    replayed.synced.forEachSet((piece) => expectTrue(replayed.have.has(piece), 'what is safe is there'))
  },
  sources: [
    { path: 'engine/storage/journal/journal-format.ts', without: ['encodeHeader', 'encodeRecord', 'encodePayload'] },
    { path: 'engine/storage/journal/journal-facts.ts' },
    { path: 'engine/storage/journal/journal-replay.ts' },
  ],
}

function raw(bytes: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(0), bytes])
}

/** A header of another version, whole otherwise. */
function withVersion(version: number): Uint8Array {
  const bytes = HEADER.slice()
  bytes[7] = version
  return bytes
}

/** Records without their checksums, their lengths in one byte. */
function unchecked(records: readonly JournalRecord[], flags: number): Uint8Array {
  const short = records.map((record) => {
    const bytes = encodeRecord(record)
    return concatBytes([bytes.subarray(0, 1), bytes.subarray(4, bytes.length - 4)])
  })
  return concatBytes([Uint8Array.of(flags | IS_UNCHECKED), ...short])
}

function checked(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = []
  for (let at = 0; at + 2 <= bytes.length && records.length < 2 * MOST_UNCHECKED; at += 2 + bytes[at + 1]) {
    const payload = bytes.subarray(at + 2, at + 2 + bytes[at + 1])
    const record = concatBytes([Uint8Array.of(bytes[at], 0, 0, 0, payload.length), payload])
    const checksum = new Uint8Array(4)
    new DataView(checksum.buffer).setUint32(0, crc32c(record))
    records.push(record, checksum)
  }
  return records
}
