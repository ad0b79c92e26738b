// What the disk does, on whichever thread it runs: hash, compare, write, read. All file access is synchronous here.
// Each operation is a generator that pauses every MiB or so: there a more urgent one (a read for an upload) may step in,
// and in-thread work lets the event loop breathe.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { dirname } from 'node:path'
import { StorageError } from '../../base/errors.ts'
import { sliceSpans, totalLength } from '../file-spans.ts'
import type { CommitResult, FileSpan, FileState } from '../platform.ts'
import { BLOCK_BYTES, BLOCK_HEADER_BYTES, FRAME_BYTES, SLOT_BYTES, type SharedSlabs } from './disk-memory.ts'
import { applyAttributes } from './apply-attributes.ts'
import {
  unpackDigest,
  unpackSpans,
  type Operation,
  type OperationKind,
  type OperationResult,
  type PackedEntry,
} from './disk-messages.ts'
import { fileState } from './file-state.ts'
import { OpenFiles } from './open-files.ts'
import { appendFully, readFully, writeFully } from './positioned-io.ts'
import { removeTree } from './remove-tree.ts'
import { reserveSpace } from './reserve-space.ts'
import { isMissing, toStorageError } from './storage-error.ts'
import { syncFile, syncFolder } from './sync-file.ts'

/** Bytes between two pauses while hashing. */
const HASH_STRIDE = 1 << 20
/** Most bytes of one write call; only pieces larger than this take more than one per file. */
const WRITE_STRIDE = 16 << 20
/** Files between two pauses: opening many small ones takes its time, too. */
const FILE_STRIDE = 64

/** What `stat` counts in, whatever the file system does. */
const STAT_BLOCK_BYTES = 512

export type Work<Result> = Generator<undefined, Result, undefined>

export class DiskOperations {
  readonly #slots: Uint8Array
  readonly #frames: Uint8Array
  readonly #files: OpenFiles
  /** For what is read only to be hashed; made on first use. */
  #scratch: Uint8Array | null = null

  constructor(slabs: SharedSlabs, files = new OpenFiles()) {
    this.#slots = new Uint8Array(slabs.slots)
    this.#frames = new Uint8Array(slabs.frames)
    this.#files = files
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
        return yield* each(operation[2], sizeOf, -1)
      case 'states':
        return yield* each(operation[2], fileState, null)
      case 'taken':
        return (yield* each(operation[2], takenBy, 0)).reduce((sum, bytes) => sum + bytes, 0)
      case 'sync':
        return yield* this.#sync(operation[2], operation[3])
      case 'ensure':
        return yield* this.#ensure(operation[2])
      case 'assemble':
        return yield* this.#assemble(operation[2], operation[3], unpackSpans(operation[4]), operation[5])
      case 'rename':
        requireFree(operation[2], operation[3])
        return this.#files.rename(operation[2], operation[3])
      case 'copy':
        return yield* this.#copy(unpackSpans(operation[2])[0], operation[3], operation[4])
      case 'remove':
        for (const path of operation[2]) this.#files.delete(path)
        return null
      case 'removeTree':
        this.#files.closeUnder(operation[2])
        return yield* removeTree(operation[2], operation[3])
      case 'reserve': {
        const [, , path, offset, length] = operation
        yield* reserveSpace(this.#files.forWriting(path), path, offset, length, this.#scratchFor(HASH_STRIDE))
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
    const target = this.#scratchFor(length)
    const missing = this.#readInto(target, sliceSpans(spans, begin, length))
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
          this.#writeParts(parts, span, partsBegin - spanBegin)
          parts = []
          partsBegin = end
        } else {
          const inSlots = (slot - extent) * SLOT_BYTES
          parts.push(this.#slots.subarray(inSlots + at, inSlots + end))
          if (end - partsBegin >= WRITE_STRIDE && end < spanEnd) {
            this.#writeParts(parts, span, partsBegin - spanBegin)
            parts = []
            partsBegin = end
            yield
          }
        }
        at = end
      }
      this.#writeParts(parts, span, partsBegin - spanBegin)
      spanBegin = spanEnd
      if (++filesDone % FILE_STRIDE === 0) yield
    }
  }

  #write(slot: number, offset: number, spans: readonly FileSpan[]): void {
    let at = slot * SLOT_BYTES + offset
    for (const span of spans) {
      this.#writeParts([this.#slots.subarray(at, at + span.length)], span, 0)
      at += span.length
    }
  }

  /** What is recorded is written by now: whoever reads the record may rely on it. */
  #append(journal: PackedEntry | null | undefined): void {
    if (!journal) return
    const [path, record] = journal
    appendFully(this.#files.forAppending(path), unpackDigest(record), path)
  }

  /** The files first: a name is of no use before its content is safe. */
  *#sync(files: readonly string[], folders: readonly string[]): Work<readonly FileState[]> {
    const states: FileState[] = []
    for (const path of files) {
      states.push(syncFile(path))
      yield
    }
    for (const path of folders) {
      syncFolder(path)
      yield
    }
    return states
  }

  *#hash(spans: readonly FileSpan[]): Work<string | null> {
    for (const span of spans) this.#files.forgetDeleted(span.path)
    const total = totalLength(spans)
    const hash = createHash('sha1')
    for (let at = 0; at < total; at += HASH_STRIDE) {
      if (at > 0) yield
      const target = this.#scratchFor(Math.min(HASH_STRIDE, total - at))
      if (this.#readInto(target, sliceSpans(spans, at, target.length))) return null
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
      if (!this.#readSpan(span, parts)) throw endsTooEarly(span)
    }
    return null
  }

  *#ensure(files: readonly (string | number)[]): Work<null> {
    for (let i = 0; i < files.length; i += 2) {
      const path = files[i] as string
      const length = files[i + 1] as number
      const stat = statIfThere(path)
      // What is long enough already need not be writable.
      if (stat?.isFile() && stat.size >= length) continue
      if (!stat) this.#files.forgetDeleted(path)
      const fd = this.#files.forWriting(path)
      try {
        if (fs.fstatSync(fd).size < length) fs.ftruncateSync(fd, length)
      } catch (error) {
        throw toStorageError(error, 'lengthen', path)
      }
      yield
    }
    return null
  }

  *#assemble(path: string, through: string, from: readonly FileSpan[], offsets: readonly number[]): Work<null> {
    if (statIfThere(path)) {
      yield* this.#gather(path, from, offsets)
      return null
    }
    this.#files.delete(through)
    const isMade = yield* this.#gather(through, from, offsets)
    if (!isMade || this.#files.rename(through, path)) return null
    // A folder of the torrent is on another file system: there the file has its name before it is whole.
    yield* this.#gather(path, from, offsets)
    this.#files.delete(through)
    return null
  }

  *#copy(from: FileSpan, path: string, offset: number): Work<null> {
    const to = this.#files.forWriting(path)
    for (let at = 0; at < from.length; at += HASH_STRIDE) {
      const part = { ...from, offset: from.offset + at, length: Math.min(HASH_STRIDE, from.length - at) }
      const bytes = this.#scratchFor(part.length)
      if (!this.#readSpan(part, [bytes])) throw endsTooEarly(part)
      if (!isZero(bytes)) writeFully(at === 0 ? to : this.#files.forWriting(path), [bytes], offset + at, path)
      yield
    }
    return null
  }

  /** Copies what there is of the runs, safely. Returns whether there is any. */
  *#gather(path: string, from: readonly FileSpan[], offsets: readonly number[]): Work<boolean> {
    let isAny = false
    for (const [i, span] of from.entries()) {
      for (let at = 0; at < span.length; at += HASH_STRIDE) {
        const bytes = this.#scratchFor(Math.min(HASH_STRIDE, span.length - at))
        if (this.#readInto(bytes, sliceSpans([span], at, bytes.length))) break
        writeFully(this.#files.forWriting(path), [bytes], offsets[i] + at, path)
        isAny = true
        yield
      }
    }
    if (isAny) syncFile(path)
    return isAny
  }

  /** Reads the spans one after the other; returns the one that the disk does not have in full, or null. */
  #readInto(target: Uint8Array, spans: readonly FileSpan[]): FileSpan | null {
    let at = 0
    for (const span of spans) {
      if (!this.#readSpan(span, [target.subarray(at, at + span.length)])) return span
      at += span.length
    }
    return null
  }

  /** Whether the file has all of the span. */
  #readSpan(span: FileSpan, parts: readonly Uint8Array[]): boolean {
    if (isPadding(span)) {
      for (const part of parts) part.fill(0)
      return true
    }
    const fd = this.#files.forReading(span.path)
    return fd !== null && readFully(fd, parts, span.offset, span.path) === span.length
  }

  #writeParts(parts: readonly Uint8Array[], span: FileSpan, offsetInSpan: number): void {
    if (parts.length === 0 || isPadding(span)) return
    writeFully(this.#files.forWriting(span.path), parts, span.offset + offsetInSpan, span.path)
  }

  #scratchFor(length: number): Uint8Array {
    this.#scratch ??= new Uint8Array(HASH_STRIDE)
    return this.#scratch.subarray(0, length)
  }
}

/** Pad files (BEP 47) have no path and exist nowhere. */
function isPadding(span: FileSpan): boolean {
  return span.path === ''
}

/**
 * Looks at many files, with pauses. In a folder that is missing nothing is looked at: at the start of a download that is most.
 * @param nothing the answer for a file that is missing
 */
function* each<Result>(paths: readonly string[], look: (path: string) => Result, nothing: Result): Work<Result[]> {
  const isThere = new Map<string, boolean>()
  const results: Result[] = []
  for (const path of paths) {
    const folder = dirname(path)
    const result = isThere.get(folder) === false ? nothing : look(path)
    if (result === nothing && !isThere.has(folder)) isThere.set(folder, statIfThere(folder) !== undefined)
    results.push(result)
    if (results.length % FILE_STRIDE === 0) yield
  }
  return results
}

/** A system that knows no case may have the very same file at both names. */
function requireFree(from: string, to: string): void {
  const [old, there] = [from, to].map((path) => fs.lstatSync(path, { throwIfNoEntry: false }))
  if (!there || (old?.ino === there.ino && old.dev === there.dev)) return
  throw new StorageError('exists', `Cannot rename ${from}: ${to} is there already`, to)
}

/** Nothing but zeros: the first byte is one, and each is like the one before. */
function isZero(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0
}

/** -1 where there is no file. */
function sizeOf(path: string): number {
  const stat = statIfThere(path)
  return stat?.isFile() ? stat.size : -1
}

/** Bytes of the device: less than the size where there are holes. */
function takenBy(path: string): number {
  const stat = statIfThere(path)
  if (!stat?.isFile()) return 0
  // Windows tells no blocks.
  return stat.blocks === undefined ? stat.size : stat.blocks * STAT_BLOCK_BYTES
}

function statIfThere(path: string): fs.Stats | undefined {
  try {
    // Making an error of what is missing takes longer than looking.
    return fs.statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw toStorageError(error, 'look at', path)
  }
}

function endsTooEarly(span: FileSpan): StorageError {
  const { path } = span
  const action = `Cannot read ${path} up to byte ${span.offset + span.length}`
  if (statIfThere(path)?.isFile())
    return new StorageError('truncated', `${action}: it has become shorter; start again to have it checked`, path)
  return new StorageError('not_found', `${action}: it is missing; put it back, or start again to fetch it`, path)
}
