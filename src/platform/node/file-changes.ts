// Files that are made, lengthened, put together, copied and renamed, by a disk thread.
import fs from 'node:fs'
import { StorageError } from '../../base/errors.ts'
import { sliceSpans } from '../file-spans.ts'
import type { FileSpan } from '../platform.ts'
import type { Work } from './disk-work.ts'
import type { OpenFiles } from './open-files.ts'
import { writeFully } from './positioned-io.ts'
import { endsTooEarly, SCRATCH_BYTES, type SpanIo } from './span-io.ts'
import { statIfThere } from './stat-files.ts'
import { toStorageError } from './storage-error.ts'
import { syncFile } from './sync-file.ts'

export class FileChanges {
  readonly #files: OpenFiles
  readonly #io: SpanIo

  constructor(files: OpenFiles, io: SpanIo) {
    this.#files = files
    this.#io = io
  }

  /** @param files path, length; path, length; ... */
  *ensure(files: readonly (string | number)[]): Work<null> {
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

  *assemble(path: string, through: string, from: readonly FileSpan[], offsets: readonly number[]): Work<null> {
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

  *copy(from: FileSpan, path: string, offset: number): Work<null> {
    const to = this.#files.forWriting(path)
    for (let at = 0; at < from.length; at += SCRATCH_BYTES) {
      const part = { ...from, offset: from.offset + at, length: Math.min(SCRATCH_BYTES, from.length - at) }
      const bytes = this.#io.scratchFor(part.length)
      if (!this.#io.readSpan(part, [bytes])) throw endsTooEarly(part)
      if (!isZero(bytes)) writeFully(at === 0 ? to : this.#files.forWriting(path), [bytes], offset + at, path)
      yield
    }
    return null
  }

  /** Copies what there is of the runs, safely. Returns whether there is any. */
  *#gather(path: string, from: readonly FileSpan[], offsets: readonly number[]): Work<boolean> {
    let isAny = false
    for (const [i, span] of from.entries()) {
      for (let at = 0; at < span.length; at += SCRATCH_BYTES) {
        const bytes = this.#io.scratchFor(Math.min(SCRATCH_BYTES, span.length - at))
        if (this.#io.readInto(bytes, sliceSpans([span], at, bytes.length))) break
        writeFully(this.#files.forWriting(path), [bytes], offsets[i] + at, path)
        isAny = true
        yield
      }
    }
    if (isAny) syncFile(path)
    return isAny
  }

  /** False: the names are on different file systems. */
  rename(from: string, to: string): boolean {
    requireFree(from, to)
    return this.#files.rename(from, to)
  }
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
