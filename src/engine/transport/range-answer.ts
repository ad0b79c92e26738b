// What an answer to a request for a part of a file is worth. The size of the file is known beforehand, so a server that has
// another one is found out by its words, before a byte of it is taken. Pure.
import {
  type ContentRange,
  type HttpHead,
  parseContentRange,
  parseRetryAfter,
  parseUnsatisfiedRange,
} from '../../protocol/http/index.ts'

/** What is wanted; what is not here yet of it was asked for. */
export interface AskedRange {
  readonly offset: number
  readonly length: number
  /** Bytes of it that are here. */
  readonly received: number
  readonly fileLength: number
}

/** What a failure is about: this file alone, the server for now, or the server for good. */
export type FailureScope = 'file' | 'for-now' | 'for-good'

export interface RangeFailure {
  readonly scope: FailureScope
  /** Stable: `http_404`, `wrong_size`, `no_ranges`, ..., or that of a NetworkError. */
  readonly code: string
  /** A part of a sentence, for people: `it answers 404`. */
  readonly reason: string
  /** What the server asks to wait, in milliseconds; null: it does not say. */
  readonly retryAfterMs: number | null
}

export type RangeAnswer =
  /** So many bytes, and after the first `skip` of them what was asked for. */
  | { readonly kind: 'bytes'; readonly length: number; readonly skip: number }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'failed'; readonly failure: RangeFailure }

/** For now: asked too much of, or out of order. */
const PASSING = new Set([408, 423, 425, 429])

/** @param wall Unix milliseconds */
export function judgeAnswer(head: HttpHead, asked: AskedRange, wall: number): RangeAnswer {
  const { status, fields } = head
  const location = fields.get('location')
  if ([301, 302, 303, 307, 308].includes(status) && location) return { kind: 'redirect', location }
  if (status === 200 || status === 206) {
    const told = status === 206 ? partOf(fields)?.total : bytesOf(fields)
    const encoding = fields.get('content-encoding') ?? 'identity'
    // Some name the packing that the file itself has (`x-gzip` for a .tgz). What they pack themselves has another size.
    if (encoding.toLowerCase() !== 'identity' && told !== asked.fileLength)
      return failed(
        'for-good',
        'bad_encoding',
        `it packs the file (${encoding.slice(0, 40)}), though it was asked not to`,
      )
    return status === 206 ? judgePart(fields, asked) : judgeWhole(fields, asked)
  }
  if (status === 416) return wrongSize(parseUnsatisfiedRange(fields.get('content-range') ?? ''), asked.fileLength)
  const isPassing = status >= 500 || PASSING.has(status)
  const retryAfter = fields.get('retry-after')
  const retryAfterMs = isPassing && retryAfter !== undefined ? parseRetryAfter(retryAfter, wall) : null
  return failed(isPassing ? 'for-now' : 'file', `http_${status}`, `it answers ${status}`, retryAfterMs)
}

function partOf(fields: HttpHead['fields']): ContentRange | null {
  return parseContentRange(fields.get('content-range') ?? '')
}

/** As it says; null: it does not. */
function bytesOf(fields: HttpHead['fields']): number | null {
  const told = fields.get('content-length')?.split(',', 1)[0]
  return told === undefined ? null : Number(told)
}

function judgePart(fields: HttpHead['fields'], { offset, length, received, fileLength }: AskedRange): RangeAnswer {
  const part = partOf(fields)
  if (part && part.total !== null && part.total !== fileLength) return wrongSize(part.total, fileLength)
  // Less than was asked for may come, and the rest is asked for again.
  if (!part || part.first !== offset + received || part.last >= offset + length)
    return failed('for-good', 'no_ranges', 'it sends another part of the file than it was asked for')
  return { kind: 'bytes', length: part.last - part.first + 1, skip: 0 }
}

/** The whole file: as good as its part where that is all of it. */
function judgeWhole(fields: HttpHead['fields'], { length, received, fileLength }: AskedRange): RangeAnswer {
  const told = bytesOf(fields)
  if (told !== null && told !== fileLength) return wrongSize(told, fileLength)
  if (length === fileLength) return { kind: 'bytes', length, skip: received }
  return failed('for-good', 'no_ranges', 'it does not send parts of files')
}

function wrongSize(found: number | null, fileLength: number): RangeAnswer {
  const size = found === null ? 'a shorter file' : `a file of ${found} bytes`
  return failed('file', 'wrong_size', `it has ${size} where there should be ${fileLength}`)
}

function failed(scope: FailureScope, code: string, reason: string, retryAfterMs: number | null = null): RangeAnswer {
  return { kind: 'failed', failure: { scope, code, reason, retryAfterMs } }
}
