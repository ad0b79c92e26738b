// A journal that says in as few records as possible what is known: what a journal begins with, and what a long one is
// replaced by.
import type { Bitfield } from '../../../base/bitfield.ts'
import { concatBytes } from '../../../base/bytes.ts'
import type { FileState } from '../../../platform/platform.ts'
import {
  encodeHeader,
  encodeRecord,
  type JournalIdentity,
  type JournalRecord,
  MAX_FILES_PER_RECORD,
  type SyncedFile,
} from './journal-format.ts'

/** Blocks of a piece under way that are in their place. */
export interface KnownBlocks {
  readonly all: Bitfield
  readonly synced: Bitfield
}

export interface JournalContent {
  readonly identity: JournalIdentity
  readonly bootId: string
  /** Verified pieces, those that are not synced too. */
  readonly have: Bitfield
  readonly synced: Bitfield
  /** Pieces that may be there, and must be hashed to know it; none of `have`. */
  readonly inDoubt?: Bitfield
  /** Pieces under way -> what of them is in its place. */
  readonly blocks: ReadonlyMap<number, KnownBlocks>
  /** What files looked like when they were synced last. */
  readonly recorded: ReadonlyMap<number, FileState>
}

export function encodeSnapshot(content: JournalContent): Uint8Array {
  const { have, synced, inDoubt, recorded, bootId } = content
  const unsynced = have.copy()
  synced.forEachSet((piece) => unsynced.clear(piece))
  const records: JournalRecord[] = []
  if (synced.count > 0) records.push({ kind: 'writtenMany', pieces: synced.bytes })
  records.push(
    ...blockRecords(content, ({ synced }) => synced),
    { kind: 'syncing', sync: 0 },
    ...syncedRecords(0, recorded),
  )
  if (inDoubt && inDoubt.count > 0) records.push({ kind: 'writtenMany', pieces: inDoubt.bytes }, { kind: 'doubt' })
  records.push({ kind: 'started', bootId })
  if (unsynced.count > 0) records.push({ kind: 'writtenMany', pieces: unsynced.bytes })
  records.push(...blockRecords(content, unsyncedBlocks))
  return concatBytes([encodeHeader(content.identity), ...records.map(encodeRecord)])
}

/** What files look like, in records that are not too long. */
export function syncedRecords(sync: number, states: ReadonlyMap<number, FileState>): JournalRecord[] {
  const files: SyncedFile[] = [...states].map(([file, state]) => ({ file, ...state }))
  const records: JournalRecord[] = []
  for (let at = 0; at < files.length; at += MAX_FILES_PER_RECORD) {
    records.push({ kind: 'synced', sync, files: files.slice(at, at + MAX_FILES_PER_RECORD) })
  }
  return records
}

function blockRecords({ blocks }: JournalContent, which: (known: KnownBlocks) => Bitfield): JournalRecord[] {
  const records: JournalRecord[] = []
  for (const [piece, known] of blocks) {
    const bits = which(known)
    if (bits.count > 0) records.push({ kind: 'blocks', piece, blocks: bits.bytes })
  }
  return records
}

function unsyncedBlocks({ all, synced }: KnownBlocks): Bitfield {
  const bits = all.copy()
  synced.forEachSet((block) => bits.clear(block))
  return bits
}
