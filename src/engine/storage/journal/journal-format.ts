// The journal of one torrent at one place, as bytes: a header that says whose it is, then records, each with a checksum.
// Numbers are big-endian. All that is read is bounded; the journal ends at the first record that is not whole, because a
// power cut may leave anything there.
//
//   header   "shoalj", version u16, length u32 of what follows, then the identity, then CRC-32C u32 of all before it
//   record   kind u8, length u32 of the payload, payload, CRC-32C u32 of all before it in the record
import { concatBytes, decodeUtf8, encodeUtf8, equalBytes, viewOf } from '../../../base/bytes.ts'
import { crc32c } from '../../../base/crc32c.ts'
import { StateError } from '../../../base/errors.ts'
import type { FileState } from '../../../platform/platform.ts'

/** What a journal is about. With another identity it says nothing. */
export interface JournalIdentity {
  /** 20 bytes. */
  readonly infohash: Uint8Array
  readonly pieceCount: number
  /** Bytes. */
  readonly pieceLength: number
  readonly fileCount: number
  /** Absolute. */
  readonly contentPath: string
}

/** A file of the torrent, by its index, and what it looked like. */
export interface SyncedFile extends FileState {
  readonly file: number
}

export type JournalRecord =
  /** From here on, what is written belongs to this start of the machine. */
  | { readonly kind: 'started'; readonly bootId: string }
  /** The piece is verified, and written. */
  | { readonly kind: 'written'; readonly piece: number }
  /** The same for many: one bit a piece, as on the wire. */
  | { readonly kind: 'writtenMany'; readonly pieces: Uint8Array }
  /** These blocks of a piece are written too, unverified: one bit a block. Without any bits: none of its blocks is of use. */
  | { readonly kind: 'blocks'; readonly piece: number; readonly blocks: Uint8Array }
  /** A sync begins: it covers what was recorded before this. */
  | { readonly kind: 'syncing'; readonly sync: number }
  /** What was recorded before the sync's beginning is safe as far as these files go. They look like this since, or later. */
  | { readonly kind: 'synced'; readonly sync: number; readonly files: readonly SyncedFile[] }
  /** Something went wrong: what is not synced is not sure. */
  | { readonly kind: 'doubt' }
  /** Nothing is written after this, before the next `started`. */
  | { readonly kind: 'closed' }

type Kind = JournalRecord['kind']

export const JOURNAL_VERSION = 1
const MAGIC = encodeUtf8('shoalj')
const HEADER_BYTES = MAGIC.length + 2 + 4
const MAX_PATH_BYTES = 65_536
const IDENTITY_BYTES = 20 + 4 + 8 + 4
const RECORD_BYTES = 1 + 4
const CHECKSUM_BYTES = 4
/** A bit for each of the most pieces that a torrent may have takes a quarter of this. */
const MAX_PAYLOAD = 1 << 20
const FILE_BYTES = 4 + 8 + 8
/** Files of one `synced` record; there may be several of one sync. */
export const MAX_FILES_PER_RECORD = 4096
/** ASCII. */
const MAX_BOOT_ID = 64

const CODES: Readonly<Record<Kind, number>> = {
  started: 1,
  written: 2,
  writtenMany: 3,
  blocks: 4,
  syncing: 5,
  synced: 6,
  doubt: 7,
  closed: 8,
}

// ---------------------------------------------------------------- writing

export function encodeHeader(identity: JournalIdentity): Uint8Array {
  const path = encodeUtf8(identity.contentPath)
  const bytes = new Uint8Array(HEADER_BYTES + IDENTITY_BYTES + path.length)
  const view = viewOf(bytes)
  bytes.set(MAGIC)
  view.setUint16(MAGIC.length, JOURNAL_VERSION)
  view.setUint32(MAGIC.length + 2, IDENTITY_BYTES + path.length)
  bytes.set(identity.infohash, HEADER_BYTES)
  view.setUint32(HEADER_BYTES + 20, identity.pieceCount)
  view.setBigUint64(HEADER_BYTES + 24, BigInt(identity.pieceLength))
  view.setUint32(HEADER_BYTES + 32, identity.fileCount)
  bytes.set(path, HEADER_BYTES + IDENTITY_BYTES)
  return withChecksum(bytes)
}

export function encodeRecord(record: JournalRecord): Uint8Array {
  const payload = encodePayload(record)
  const bytes = new Uint8Array(RECORD_BYTES + payload.length)
  bytes[0] = CODES[record.kind]
  viewOf(bytes).setUint32(1, payload.length)
  bytes.set(payload, RECORD_BYTES)
  return withChecksum(bytes)
}

function encodePayload(record: JournalRecord): Uint8Array {
  switch (record.kind) {
    case 'started':
      return encodeUtf8(record.bootId)
    case 'written':
      return uint32(record.piece)
    case 'writtenMany':
      return record.pieces
    case 'blocks':
      return concatBytes([uint32(record.piece), record.blocks])
    case 'syncing':
      return uint32(record.sync)
    case 'synced':
      return encodeSynced(record.sync, record.files)
    case 'doubt':
    case 'closed':
      return new Uint8Array(0)
  }
}

function encodeSynced(sync: number, files: readonly SyncedFile[]): Uint8Array {
  const bytes = new Uint8Array(4 + files.length * FILE_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, sync)
  for (const [i, { file, size, mtimeNs }] of files.entries()) {
    const at = 4 + i * FILE_BYTES
    view.setUint32(at, file)
    view.setBigUint64(at + 4, BigInt(size))
    view.setBigInt64(at + 12, mtimeNs)
  }
  return bytes
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value)
  return bytes
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  return concatBytes([bytes, uint32(crc32c(bytes))])
}

// ---------------------------------------------------------------- reading

export interface ParsedJournal {
  readonly records: readonly JournalRecord[]
  /** Bytes that are whole. What is written must follow here. */
  readonly end: number
  /** There is more, which is not whole. */
  readonly isTorn: boolean
}

/**
 * Reads what is whole. Throws StateError: `not_a_journal`, `newer_version`, `other_content` (the identity is not the one
 * that is expected), `unknown_record` (whole, and from a later version or a fault of ours).
 * @param path of the journal, for errors
 */
export function parseJournal(bytes: Uint8Array, identity: JournalIdentity, path: string): ParsedJournal {
  const records: JournalRecord[] = []
  let at = readHeader(bytes, identity, path)
  for (;;) {
    const record = readFramed(bytes, at)
    if (!record) return { records, end: at, isTorn: at < bytes.length }
    records.push(readRecord(record.code, record.payload, identity, path))
    at = record.end
  }
}

function readHeader(bytes: Uint8Array, identity: JournalIdentity, path: string): number {
  const isOne = bytes.length >= HEADER_BYTES && equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)
  if (!isOne) throw unusable('not_a_journal', path, 'it is no journal')
  const view = viewOf(bytes)
  const version = view.getUint16(MAGIC.length)
  if (version > JOURNAL_VERSION) throw unusable('newer_version', path, `a newer version (${version}) has written it`)
  const length = view.getUint32(MAGIC.length + 2)
  const end = HEADER_BYTES + length + CHECKSUM_BYTES
  const isWhole =
    version === JOURNAL_VERSION &&
    length >= IDENTITY_BYTES &&
    length <= IDENTITY_BYTES + MAX_PATH_BYTES &&
    end <= bytes.length &&
    view.getUint32(end - CHECKSUM_BYTES) === crc32c(bytes.subarray(0, end - CHECKSUM_BYTES))
  if (!isWhole) throw unusable('not_a_journal', path, 'its beginning is damaged')
  const isOurs =
    equalBytes(bytes.subarray(HEADER_BYTES, HEADER_BYTES + 20), identity.infohash) &&
    view.getUint32(HEADER_BYTES + 20) === identity.pieceCount &&
    view.getBigUint64(HEADER_BYTES + 24) === BigInt(identity.pieceLength) &&
    view.getUint32(HEADER_BYTES + 32) === identity.fileCount &&
    equalBytes(bytes.subarray(HEADER_BYTES + IDENTITY_BYTES, end - CHECKSUM_BYTES), encodeUtf8(identity.contentPath))
  if (!isOurs) throw unusable('other_content', path, 'it is about other content')
  return end
}

/** Null where the journal ends. */
function readFramed(bytes: Uint8Array, at: number): { code: number; payload: Uint8Array; end: number } | null {
  if (at + RECORD_BYTES + CHECKSUM_BYTES > bytes.length) return null
  const view = viewOf(bytes)
  const length = view.getUint32(at + 1)
  const end = at + RECORD_BYTES + length + CHECKSUM_BYTES
  if (length > MAX_PAYLOAD || end > bytes.length) return null
  const checked = bytes.subarray(at, end - CHECKSUM_BYTES)
  if (view.getUint32(end - CHECKSUM_BYTES) !== crc32c(checked)) return null
  return { code: bytes[at], payload: checked.subarray(RECORD_BYTES), end }
}

/** Of a record whose checksum holds. */
function readRecord(code: number, payload: Uint8Array, identity: JournalIdentity, path: string): JournalRecord {
  const view = viewOf(payload)
  const { length } = payload
  const hasPiece = length >= 4 && view.getUint32(0) < identity.pieceCount
  switch (code) {
    case CODES.started:
      if (length > MAX_BOOT_ID || payload.some((byte) => byte > 127)) break
      return { kind: 'started', bootId: decodeUtf8(payload) }
    case CODES.written:
      if (length !== 4 || !hasPiece) break
      return { kind: 'written', piece: view.getUint32(0) }
    case CODES.writtenMany:
      if (length !== Math.ceil(identity.pieceCount / 8)) break
      return { kind: 'writtenMany', pieces: payload }
    case CODES.blocks:
      if (!hasPiece) break
      return { kind: 'blocks', piece: view.getUint32(0), blocks: payload.subarray(4) }
    case CODES.syncing:
      if (length !== 4) break
      return { kind: 'syncing', sync: view.getUint32(0) }
    case CODES.synced:
      if (length < 4 || (length - 4) % FILE_BYTES !== 0) break
      return { kind: 'synced', sync: view.getUint32(0), files: readFiles(view, identity, path) }
    case CODES.doubt:
      if (length > 0) break
      return { kind: 'doubt' }
    case CODES.closed:
      if (length > 0) break
      return { kind: 'closed' }
  }
  throw unusable('unknown_record', path, `it has a record of an unknown kind (${code}, ${length} bytes)`)
}

function readFiles(view: DataView, identity: JournalIdentity, path: string): SyncedFile[] {
  const files: SyncedFile[] = []
  for (let at = 4; at < view.byteLength; at += FILE_BYTES) {
    const file = view.getUint32(at)
    if (file >= identity.fileCount) throw unusable('unknown_record', path, `it names file ${file}, which is none`)
    files.push({ file, size: Number(view.getBigUint64(at + 4)), mtimeNs: view.getBigInt64(at + 12) })
  }
  return files
}

function unusable(code: string, path: string, reason: string): StateError {
  return new StateError(code, `Cannot use ${path}: ${reason}`, path)
}
