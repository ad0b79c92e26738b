import {
  type Arbitrary,
  array,
  assert,
  bigInt,
  constant,
  integer,
  nat,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, encodeUtf8, viewOf } from '../../../base/bytes.ts'
import { crc32c } from '../../../base/crc32c.ts'
import { encodeHeader, encodeRecord, type JournalIdentity, type JournalRecord, parseJournal } from './journal-format.ts'

const identity: JournalIdentity = {
  infohash: new Uint8Array(20).fill(7),
  pieceCount: 20,
  pieceLength: 2 ** 33,
  fileCount: 5,
  contentPath: '/downloads/naïve',
}

const anyRecord: Arbitrary<JournalRecord> = oneof(
  record({ kind: constant('started' as const), bootId: string({ unit: 'grapheme-ascii', maxLength: 64 }) }),
  record({ kind: constant('written' as const), piece: nat(19) }),
  record({ kind: constant('writtenMany' as const), pieces: uint8Array({ minLength: 3, maxLength: 3 }) }),
  record({ kind: constant('blocks' as const), piece: nat(19), blocks: uint8Array({ maxLength: 9 }) }),
  record({ kind: constant('syncing' as const), sync: nat(2 ** 31) }),
  record({
    kind: constant('synced' as const),
    sync: nat(2 ** 31),
    files: array(
      record({ file: nat(4), size: nat(2 ** 50), mtimeNs: bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
      { maxLength: 5 },
    ),
  }),
  constant({ kind: 'doubt' as const }),
  constant({ kind: 'closed' as const }),
)

const journal = (records: readonly JournalRecord[]): Uint8Array =>
  concatBytes([encodeHeader(identity), ...records.map(encodeRecord)])
const parse = (bytes: Uint8Array): ReturnType<typeof parseJournal> => parseJournal(bytes, identity, '/state/journal')

describe('a journal', () => {
  test('is read as it was written', () => {
    assert(
      property(array(anyRecord), (records) => {
        const bytes = journal(records)
        expect(parse(bytes)).toEqual({ records, end: bytes.length, isTorn: false })
      }),
    )
  })

  test('that was cut anywhere ends with the last record that is whole', () => {
    assert(
      property(array(anyRecord, { minLength: 1 }), nat(), (records, cut) => {
        const bytes = journal(records)
        const head = encodeHeader(identity).length
        const length = head + (cut % (bytes.length - head + 1))
        const parsed = parse(bytes.subarray(0, length))
        expect(journal(parsed.records)).toEqual(bytes.subarray(0, parsed.end))
        expect(parsed.isTorn).toBe(parsed.end < length)
        const next = records.slice(parsed.records.length).map((each) => encodeRecord(each).length)[0] ?? Infinity
        expect(length).toBeLessThan(parsed.end + next)
      }),
    )
  })

  test('with a flipped bit ends before it', () => {
    assert(
      property(array(anyRecord, { minLength: 1 }), nat(), integer({ min: 0, max: 7 }), (records, at, bit) => {
        const bytes = journal(records)
        const head = encodeHeader(identity).length
        const offset = head + (at % (bytes.length - head))
        bytes[offset] ^= 1 << bit
        const parsed = parse(bytes)
        expect(parsed.isTorn).toBe(true)
        expect(parsed.end).toBeLessThanOrEqual(offset)
        expect(parsed.records).toEqual(records.slice(0, parsed.records.length))
      }),
    )
  })

  test('followed by zeros ends where they begin', () => {
    const bytes = concatBytes([journal([{ kind: 'written', piece: 3 }]), new Uint8Array(100)])
    expect(parse(bytes)).toMatchObject({ records: [{ kind: 'written', piece: 3 }], isTorn: true })
  })
})

describe('refused is', () => {
  const header = encodeHeader(identity)
  /** A whole record of any kind. */
  const record = (code: number, payload: Uint8Array): Uint8Array => {
    const bytes = concatBytes([Uint8Array.of(code, 0, 0, 0, payload.length), payload, new Uint8Array(4)])
    viewOf(bytes).setUint32(bytes.length - 4, crc32c(bytes.subarray(0, bytes.length - 4)))
    return bytes
  }

  test.each([
    ['nothing', new Uint8Array(0)],
    ['something else', encodeUtf8('d8:announce3:abce and so on')],
    ['half a header', header.subarray(0, 30)],
    ['a header with a flipped bit', header.map((byte, i) => (i === 20 ? byte ^ 1 : byte))],
    ['an endless header', header.map((byte, i) => (i >= 8 && i < 12 ? 0xff : byte))],
    ['version 0, which never was', header.map((byte, i) => (i === 7 ? 0 : byte))],
  ])('%s', (_, bytes) => {
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ name: 'StateError', code: 'not_a_journal' }))
  })

  test('a newer version, whatever follows', () => {
    const newer = header.map((byte, i) => (i === 7 ? 2 : byte)).subarray(0, 12)
    expect(() => parse(newer)).toThrow(
      expect.objectContaining({
        code: 'newer_version',
        message: 'Cannot use /state/journal: a newer version (2) has written it',
      }),
    )
  })

  test.each([
    { infohash: new Uint8Array(20) },
    { pieceCount: 21 },
    { pieceLength: 1 },
    { fileCount: 4 },
    { contentPath: '/elsewhere' },
  ])('a journal of other content: %o', (other) => {
    const bytes = encodeHeader({ ...identity, ...other })
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ code: 'other_content' }))
  })

  test.each([
    ['an unknown kind', record(9, new Uint8Array(0))],
    ['kind 0', record(0, new Uint8Array(0))],
    ['a piece that is none', record(2, Uint8Array.of(0, 0, 0, 20))],
    ['half a piece', record(2, Uint8Array.of(0, 0, 0))],
    ['too many pieces', record(3, new Uint8Array(4))],
    ['blocks of no piece', record(4, Uint8Array.of(0, 0))],
    ['a long number', record(5, new Uint8Array(5))],
    ['a file that is none', record(6, new Uint8Array(24).fill(5, 4, 8))],
    ['half a file', record(6, new Uint8Array(23))],
    ['a long name', record(1, new Uint8Array(65))],
  ])('a whole record with %s', (_, bytes) => {
    const all = concatBytes([header, bytes])
    expect(() => parse(all)).toThrow(expect.objectContaining({ name: 'StateError', code: 'unknown_record' }))
  })
})
