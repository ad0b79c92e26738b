// Parts of files, read and written in full.
import { StorageError } from '../../base/errors.ts'
import type { FileSpan } from '../platform.ts'
import type { OpenFiles } from './open-files.ts'
import { readFully, writeFully } from './positioned-io.ts'
import { statIfThere } from './stat-files.ts'

/** Bytes of the memory for what is read only to be looked at, or written elsewhere. */
export const SCRATCH_BYTES = 1 << 20

export class SpanIo {
  readonly #files: OpenFiles
  /** Made on first use. */
  #scratch: Uint8Array | null = null

  constructor(files: OpenFiles) {
    this.#files = files
  }

  /** Reads the spans one after the other; returns the one that the disk does not have in full, or null. */
  readInto(target: Uint8Array, spans: readonly FileSpan[]): FileSpan | null {
    let at = 0
    for (const span of spans) {
      if (!this.readSpan(span, [target.subarray(at, at + span.length)])) return span
      at += span.length
    }
    return null
  }

  /** Whether the file has all of the span. */
  readSpan(span: FileSpan, parts: readonly Uint8Array[]): boolean {
    if (isPadding(span)) {
      for (const part of parts) part.fill(0)
      return true
    }
    const fd = this.#files.forReading(span.path)
    return fd !== null && readFully(fd, parts, span.offset, span.path) === span.length
  }

  /** Writes the parts, one after the other, into the span from there on. */
  writeParts(parts: readonly Uint8Array[], span: FileSpan, offsetInSpan: number): void {
    if (parts.length === 0 || isPadding(span)) return
    writeFully(this.#files.forWriting(span.path), parts, span.offset + offsetInSpan, span.path)
  }

  /** Memory until the next call, of at most `SCRATCH_BYTES`. */
  scratchFor(length: number): Uint8Array {
    this.#scratch ??= new Uint8Array(SCRATCH_BYTES)
    return this.#scratch.subarray(0, length)
  }
}

/** Pad files (BEP 47) have no path and exist nowhere. */
function isPadding(span: FileSpan): boolean {
  return span.path === ''
}

/** For whoever needs all of the span. */
export function endsTooEarly(span: FileSpan): StorageError {
  const { path } = span
  const action = `Cannot read ${path} up to byte ${span.offset + span.length}`
  if (statIfThere(path)?.isFile())
    return new StorageError('truncated', `${action}: it has become shorter; start again to have it checked`, path)
  return new StorageError('not_found', `${action}: it is missing; put it back, or start again to fetch it`, path)
}
