// What a sender has written and the system has taken, until the receiver has it. In a swarm without bytes only the head of
// each block means anything (its header and tag; the rest is zeros), so only heads are kept: the bytes on their way through
// a swarm of a thousand would be gigabytes.

import type { ContentKind } from '../disk/stored-form.ts'

/** Header (13 bytes) and tag (16 bytes) of a block, as `shoal/sim`'s disk writes them in the form 'tags'. */
const HEAD_BYTES = 29
const FRAMED_BLOCK_BYTES = 13 + 16_384
const PIECE_MESSAGE = 7
/** Small writes share memory, because an allocation costs more than the copy. */
const SLAB_BYTES = 65_536
/** Up to here a loop is quicker than a view. */
const FEW_BYTES = 64

/** Of every `stride` bytes the first `keptBytes` stand in `kept`, the others are zeros. */
export interface WrittenBytes {
  /** Position of the first byte in the stream. */
  readonly start: number
  readonly end: number
  readonly stride: number
  readonly keptBytes: number
  readonly kept: Uint8Array
}

let slab = new Uint8Array(SLAB_BYTES)
let slabUsed = 0

/** Keeps what was written; the caller may write over `bytes` afterwards. */
export function keepWritten(bytes: Uint8Array, start: number, form: ContentKind): WrittenBytes {
  const end = start + bytes.length
  if (form === 'bytes' || !isBlocks(bytes)) {
    const kept = memory(bytes.length)
    kept.set(bytes)
    return { start, end, stride: bytes.length, keptBytes: bytes.length, kept }
  }
  const count = Math.ceil(bytes.length / FRAMED_BLOCK_BYTES)
  const kept = memory(count * HEAD_BYTES)
  for (let block = 0; block < count; block++) {
    const from = block * FRAMED_BLOCK_BYTES
    copy(bytes, from, HEAD_BYTES, kept, block * HEAD_BYTES)
  }
  return { start, end, stride: FRAMED_BLOCK_BYTES, keptBytes: HEAD_BYTES, kept }
}

/** Copies the bytes of stream positions `from` to `to` into `target` at `offset`, which must hold zeros there. */
export function copyWritten(written: WrittenBytes, from: number, to: number, target: Uint8Array, offset: number): void {
  const { start, stride, keptBytes, kept } = written
  for (let unit = Math.floor((from - start) / stride); start + unit * stride < to; unit++) {
    const unitStart = start + unit * stride
    const begin = Math.max(from, unitStart)
    const end = Math.min(to, unitStart + keptBytes)
    const keptAt = unit * keptBytes + begin - unitStart
    if (begin < end) copy(kept, keptAt, end - begin, target, offset + begin - from)
  }
}

/** Makes zeros of what `copyWritten` wrote with the same arguments. */
export function clearCopied(written: WrittenBytes, from: number, to: number, target: Uint8Array, offset: number): void {
  const { start, stride, keptBytes } = written
  for (let unit = Math.floor((from - start) / stride); start + unit * stride < to; unit++) {
    const begin = Math.max(from, start + unit * stride)
    const end = Math.min(to, start + unit * stride + keptBytes)
    if (begin < end) target.fill(0, offset + begin - from, offset + end - from)
  }
}

function copy(source: Uint8Array, at: number, length: number, target: Uint8Array, offset: number): void {
  if (length > FEW_BYTES) target.set(source.subarray(at, at + length), offset)
  else for (let i = 0; i < length; i++) target[offset + i] = source[at + i]
}

/** Piece messages with whole blocks, the last of which may be a shorter one, and nothing else. */
function isBlocks(bytes: Uint8Array): boolean {
  if (bytes.length < HEAD_BYTES) return false
  for (let at = 0; at < bytes.length; at += FRAMED_BLOCK_BYTES) {
    const messageBytes = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
    const left = bytes.length - at
    if (left < HEAD_BYTES || bytes[at + 4] !== PIECE_MESSAGE) return false
    if (4 + messageBytes !== Math.min(left, FRAMED_BLOCK_BYTES)) return false
  }
  return true
}

function memory(length: number): Uint8Array {
  if (length > SLAB_BYTES / 4) return new Uint8Array(length)
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES)
    slabUsed = 0
  }
  slabUsed += length
  return slab.subarray(slabUsed - length, slabUsed)
}
