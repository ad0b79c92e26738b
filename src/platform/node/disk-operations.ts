// What the disk does, on whichever thread it runs: hash, compare, write, read. All file access is synchronous here.
// Each operation is a generator that pauses every MiB or so: there a more urgent one (a read for an upload) may step in,
// and in-thread work lets the event loop breathe.
import { createHash } from 'node:crypto'
import { sliceSpans, totalLength } from '../file-spans.ts'
import type { CommitResult, FileSpan } from '../platform.ts'
import { BLOCK_BYTES, BLOCK_HEADER_BYTES, FRAME_BYTES, SLOT_BYTES, type SharedSlabs } from './disk-memory.ts'
import { applyAttributes } from './apply-attributes.ts'
import type { Work } from './disk-work.ts'
import {
  unpackDigest,
  unpackSpans,
  type Operation,
  type OperationKind,
  type OperationResult,
  type PackedEntry,
} from './disk-messages.ts'
import { FileChanges } from './file-changes.ts'
import { fileState } from './file-state.ts'
import { OpenFiles } from './open-files.ts'
import { appendFully } from './positioned-io.ts'
import { removeTree } from './remove-tree.ts'
import { reserveSpace } from './reserve-space.ts'
import { endsTooEarly, SCRATCH_BYTES, SpanIo } from './span-io.ts'
import { lookAtEach, sizeOf, takenBy } from './stat-files.ts'

/** Bytes between two pauses while hashing: as much as is read at once. */
const HASH_STRIDE = SCRATCH_BYTES
/** Most bytes of one write call; only pieces larger than this take more than one per file. */
const WRITE_STRIDE = 16 << 20
/** Files between two pauses: opening many small ones takes its time, too. */
const FILE_STRIDE = 64

export class DiskOperations {
  readonly #slots: Uint8Array
  readonly #frames: Uint8Array
  readonly #files: OpenFiles
  readonly #io: SpanIo
  readonly #changes: FileChanges

  constructor(slabs: SharedSlabs, files = new OpenFiles()) {
    this.#slots = new Uint8Array(slabs.slots)
    this.#frames = new Uint8Array(slabs.frames)
    this.#files = files
    this.#io = new SpanIo(files)
    this.#changes = new FileChanges(files, this.#io)
  }

  /** Throws StorageError. */
  *run(operation: Operation): Work<OperationResult<OperationKind>> {
    switch (operation[1]) {
      case 'expect':
        this.#files.guard.expect(operation[2], operation[3])
        return null
      case 'commit': {
        const [, , slots, length, expected, wantBlockDigests, spans, journal] = operation
        const result = yield* this.#commit(slots, length, expected, wantBlockDigests, unpackSpans(spans))
        if (result.result === 'stored') this.#append(journal)
        return result
      }
      case 'write': {
        const [, , slot, offset, spans, journal] = operation
        this.#write(slot, offset, unpackSpans(spans))
        this.#append(journal)
        return null
      }
      case 'hash':
        return yield* this.#hash(unpackSpans(operation[2]))
      case 'read':
        return this.#read(operation[2], unpackSpans(operation[3]))
      case 'sizes':
        return yield* lookAtEach(operation[2], sizeOf, -1)
      case 'states':
        return yield* lookAtEach(operation[2], fileState, null)
      case 'taken':
        return (yield* lookAtEach(operation[2], takenBy, 0)).reduce((sum, bytes) => sum + bytes, 0)
      case 'ensure':
        return yield* this.#changes.ensure(operation[2])
      case 'assemble':
        return yield* this.#changes.assemble(operation[2], operation[3], unpackSpans(operation[4]), operation[5])
      case 'rename':
        return this.#changes.rename(operation[2], operation[3])
      case 'copy':
        return yield* this.#changes.copy(unpackSpans(operation[2])[0], operation[3], operation[4])
      case 'remove':
        for (const path of operation[2]) this.#files.delete(path)
        return null
      case 'removeTree':
        this.#files.closeUnder(operation[2])
        return yield* removeTree(operation[2], operation[3])
      case 'reserve': {
        const [, , path, offset, length] = operation
        yield* reserveSpace(this.#files.forWriting(path), path, offset, length, this.#io.scratchFor(SCRATCH_BYTES))
        return null
      }
      case 'attributes':
        return yield* applyAttributes(operation[2], operation[3])
      case 'release':
        this.#files.closeUnder(operation[2])
        this.#files.guard.forget(operation[2])
        return null
    }
  }

  close(): void {
    this.#files.closeAll()
  }

  *#commit(
    slots: readonly number[],
    length: number,
    expected: string,
    wantBlockDigests: boolean,
    spans: readonly FileSpan[],
  ): Work<CommitResult> {
    const hash = createHash('sha1')
    for (const [i, slot] of slots.entries()) {
      hash.update(this.#extent(slot, i, length, spans))
      if ((i + 1) * SLOT_BYTES < length && ((i + 1) * SLOT_BYTES) % HASH_STRIDE === 0) yield
    }
    const good = hash.digest('binary') === expected
    const blockDigests = good && !wantBlockDigests ? null : yield* this.#digestBlocks(slots, length, spans)
    if (!good) return { result: 'corrupt', blockDigests }
    yield* this.#store(slots, spans)
    return { result: 'stored', blockDigests }
  }

  *#digestBlocks(slots: readonly number[], length: number, spans: readonly FileSpan[]): Work<Uint8Array> {
    const digests = new Uint8Array(20 * Math.ceil(length / BLOCK_BYTES))
    let at = 0
    for (const [i, slot] of slots.entries()) {
      const extent = this.#extent(slot, i, length, spans)
      for (let begin = 0; begin < extent.length; begin += BLOCK_BYTES) {
        const block = extent.subarray(begin, begin + BLOCK_BYTES)
        digests.set(createHash('sha1').update(block).digest(), at)
        at += 20
      }
      yield
    }
    return digests
  }

  /** The bytes of a piece's extent: in its slot, or read back from where they were spilled to. */
  #extent(slot: number, index: number, pieceLength: number, spans: readonly FileSpan[]): Uint8Array {
    const begin = index * SLOT_BYTES
    const length = Math.min(SLOT_BYTES, pieceLength - begin)
    if (slot >= 0) return this.#slots.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length)
    const target = this.#io.scratchFor(length)
    const missing = this.#io.readInto(target, sliceSpans(spans, begin, length))
    if (missing) throw endsTooEarly(missing)
    return target
  }

  /** Writes those extents of a piece that are in slots, with one call per file where they are contiguous. */
  *#store(slots: readonly number[], spans: readonly FileSpan[]): Work<void> {
    let spanBegin = 0
    let filesDone = 0
    for (const span of spans) {
      const spanEnd = spanBegin + span.length
      let parts: Uint8Array[] = []
      let partsBegin = spanBegin
      for (let at = spanBegin; at < spanEnd;) {
        const extent = Math.floor(at / SLOT_BYTES)
        const end = Math.min(spanEnd, (extent + 1) * SLOT_BYTES)
        const slot = slots[extent]
        if (slot < 0) {
          this.#io.writeParts(parts, span, partsBegin - spanBegin)
          parts = []
          partsBegin = end
        } else {
          const inSlots = (slot - extent) * SLOT_BYTES
          parts.push(this.#slots.subarray(inSlots + at, inSlots + end))
          if (end - partsBegin >= WRITE_STRIDE && end < spanEnd) {
            this.#io.writeParts(parts, span, partsBegin - spanBegin)
            parts = []
            partsBegin = end
            yield
          }
        }
        at = end
      }
      this.#io.writeParts(parts, span, partsBegin - spanBegin)
      spanBegin = spanEnd
      if (++filesDone % FILE_STRIDE === 0) yield
    }
  }

  #write(slot: number, offset: number, spans: readonly FileSpan[]): void {
    let at = slot * SLOT_BYTES + offset
    for (const span of spans) {
      this.#io.writeParts([this.#slots.subarray(at, at + span.length)], span, 0)
      at += span.length
    }
  }

  /** What is recorded is written by now: whoever reads the record may rely on it. */
  #append(journal: PackedEntry | null | undefined): void {
    if (!journal) return
    const [path, record] = journal
    appendFully(this.#files.forAppending(path), unpackDigest(record), path)
  }

  *#hash(spans: readonly FileSpan[]): Work<string | null> {
    for (const span of spans) this.#files.forgetDeleted(span.path)
    const total = totalLength(spans)
    const hash = createHash('sha1')
    for (let at = 0; at < total; at += HASH_STRIDE) {
      if (at > 0) yield
      const target = this.#io.scratchFor(Math.min(HASH_STRIDE, total - at))
      if (this.#io.readInto(target, sliceSpans(spans, at, target.length))) return null
      hash.update(target)
    }
    return hash.digest('binary')
  }

  #read(frame: number, spans: readonly FileSpan[]): null {
    const frameBegin = frame * FRAME_BYTES
    let at = 0
    for (const span of spans) {
      const parts: Uint8Array[] = []
      const end = at + span.length
      while (at < end) {
        const block = Math.floor(at / BLOCK_BYTES)
        const partEnd = Math.min(end, (block + 1) * BLOCK_BYTES)
        // Each block is preceded by its own header and those of all blocks before it.
        const shift = frameBegin + (block + 1) * BLOCK_HEADER_BYTES
        parts.push(this.#frames.subarray(shift + at, shift + partEnd))
        at = partEnd
      }
      if (!this.#io.readSpan(span, parts)) throw endsTooEarly(span)
    }
    return null
  }
}
