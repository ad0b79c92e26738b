// Runs of a piece over its files.
import type { FileSpan } from '../../platform/platform.ts'

/** Bytes of all spans. */
export function totalLength(spans: readonly FileSpan[]): number {
  let total = 0
  for (const span of spans) total += span.length
  return total
}

/** The part of the spans that holds `length` bytes from `begin` of them all. */
export function sliceSpans(spans: readonly FileSpan[], begin: number, length: number): FileSpan[] {
  const part: FileSpan[] = []
  const end = begin + length
  let spanBegin = 0
  for (const { path, offset, length: spanLength } of spans) {
    const from = Math.max(begin, spanBegin)
    const to = Math.min(end, spanBegin + spanLength)
    if (from < to) part.push({ path, offset: offset + from - spanBegin, length: to - from })
    spanBegin += spanLength
  }
  return part
}
