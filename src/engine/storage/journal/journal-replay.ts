// What a journal, and a look at the files from outside, say about the content: which pieces are there for sure, and which must
// be hashed to know it. No payload is read for that, and no byte is believed that may have changed.
//
// A piece that was written is sure when
// - it was synced, in all of its files; or the machine has not been restarted since, and nothing went wrong;
// - and none of its files was changed by somebody else: see `hasChanged`.
import { Bitfield } from '../../../base/bitfield.ts'
import type { FileState } from '../../../platform/platform.ts'
import { type Certainty, JournalFacts } from './journal-facts.ts'
import type { ParsedJournal } from './journal-format.ts'
import type { JournalGeometry } from './journal-geometry.ts'

export interface ReplayOptions {
  readonly geometry: JournalGeometry
  /** Of this start of the machine; empty: unknown. */
  readonly bootId: string
  /** What each file looks like now; null where there is none. */
  readonly states: readonly (FileState | null)[]
  /** When the journal itself was changed last: the one who wrote it was alive then, and hardly longer. */
  readonly aliveNs: bigint
}

export interface Replayed {
  /** Verified, and here for sure. */
  readonly have: Bitfield
  /** Of those, which are safe from a power cut. */
  readonly synced: Bitfield
  /** Were verified once, and must be hashed again. */
  readonly unsure: readonly number[]
  /** Pieces under way -> which of their blocks are in their place, unverified. */
  readonly blocks: ReadonlyMap<number, Bitfield>
  /** Files that somebody else has changed, removed or replaced since. */
  readonly changedFiles: readonly number[]
  /** What the files looked like when they were synced last. */
  readonly recorded: ReadonlyMap<number, FileState>
}

/**
 * A process that was killed may have written for so long after its last record. It records something every few seconds while
 * it writes; a sync on a slow disk may hold that up.
 */
const ALIVE_SLACK_NS = 60_000_000_000n

export function replayJournal(journal: ParsedJournal, options: ReplayOptions): Replayed {
  const { geometry, bootId, states, aliveNs } = options
  const facts = new JournalFacts(geometry)
  for (const [at, record] of journal.records.entries()) facts.take(record, at)
  facts.end(journal.isTorn)
  const { written, blocks, recorded } = facts
  const isSameBoot = bootId !== '' && facts.bootId === bootId
  const isThere = (certainty: Certainty): boolean => certainty === 'synced' || (certainty === 'written' && isSameBoot)

  const unlikeBefore = facts.touchedFiles().filter((file) => {
    const isFinal = facts.isClosed || facts.isFileSynced(file)
    return hasChanged(states[file], recorded.get(file) ?? null, isFinal, aliveNs)
  })
  for (const file of unlikeBefore) recorded.delete(file)
  const unlike = new Set(unlikeBefore)
  const isUntouched = (piece: number): boolean => !geometry.filesOf(piece).some((file) => unlike.has(file))
  // Of a piece of which only some blocks were written, a file may not have been made so far.
  const changedFiles = unlikeBefore.filter((file) => states[file] !== null || facts.holdsPiece(file))

  const have = new Bitfield(geometry.pieceCount)
  const synced = new Bitfield(geometry.pieceCount)
  const unsure: number[] = []
  for (const [piece, { certainty }] of written) {
    if (!isThere(certainty) || !isUntouched(piece)) unsure.push(piece)
    else {
      have.set(piece)
      if (certainty === 'synced') synced.set(piece)
    }
  }
  const sureBlocks = new Map<number, Bitfield>()
  for (const [piece, entries] of blocks) {
    if (!isUntouched(piece)) continue
    const bits = new Bitfield(geometry.blockCount(piece))
    for (const entry of entries) if (isThere(entry.certainty)) entry.bits.forEachSet((block) => bits.set(block))
    if (bits.count > 0) sureBlocks.set(piece, bits)
  }
  return {
    have,
    synced,
    unsure: unsure.toSorted((a, b) => a - b),
    blocks: sureBlocks,
    changedFiles,
    recorded,
  }
}

/**
 * Has somebody else changed the file? When we have finished with it, it must look exactly as it did. While we were writing,
 * it may have grown, and changed later, but not after we were gone.
 */
function hasChanged(now: FileState | null, then: FileState | null, isFinal: boolean, aliveNs: bigint): boolean {
  if (!now) return true
  if (isFinal && then) return now.size !== then.size || now.mtimeNs !== then.mtimeNs
  if (then && (now.size < then.size || now.mtimeNs < then.mtimeNs)) return true
  return now.mtimeNs > aliveNs + ALIVE_SLACK_NS
}
