// Arithmetic on runs of bytes that lie in several files: the same for every disk.
import type { FileSpan } from './platform.ts'

/** Bytes of all spans. */
export function totalLength(spans: readonly FileSpan[]): number {
  let total = 0
  for (const { length } of spans) total += length
  return total
}

/** The part of the spans that holds `length` bytes from `begin` of them all. */
export function sliceSpans(spans: readonly FileSpan[], begin: number, length: number): FileSpan[] {
  const slice: FileSpan[] = []
  let at = 0
  for (const span of spans) {
    const from = Math.max(begin, at)
    const to = Math.min(begin + length, at + span.length)
    if (from < to) slice.push({ path: span.path, offset: span.offset + from - at, length: to - from })
    at += span.length
    if (at >= begin + length) break
  }
  return slice
}
