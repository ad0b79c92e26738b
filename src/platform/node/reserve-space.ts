// Takes the space of a part of a file, where it has none: Node cannot ask the system for it, nor where a file has holes, so
// zeros are written over what reads as zeros. What is there is never changed.
import fs from 'node:fs'
import { readFully, writeFully } from './positioned-io.ts'

/** What is looked at, and written, as one: holes are multiples of it. */
const GRAIN_BYTES = 16_384
const STAT_BLOCK_BYTES = 512
const ZEROS = Buffer.alloc(GRAIN_BYTES)

/**
 * Pauses after each `scratch` of bytes. Throws StorageError. Nobody else may write there at the same time.
 * @param fd for reading and writing
 */
export function* reserveSpace(
  fd: number,
  path: string,
  offset: number,
  length: number,
  scratch: Uint8Array,
): Generator<undefined, void, undefined> {
  const end = offset + length
  const { size, blocks } = fs.fstatSync(fd)
  const hasHoles = blocks !== undefined && blocks * STAT_BLOCK_BYTES < size
  for (let at = hasHoles ? offset : Math.max(offset, size); at < end; at += scratch.length) {
    const bytes = scratch.subarray(0, Math.min(scratch.length, end - at))
    const there = at < size ? readFully(fd, [bytes], at, path) : 0
    // The end of the file is within what was read: beyond, all is zeros.
    bytes.fill(0, there)
    for (const { begin, end } of runsOfZeros(bytes)) writeFully(fd, [bytes.subarray(begin, end)], at + begin, path)
    yield
  }
}

/** In whole grains, but for the last one. */
function* runsOfZeros(bytes: Uint8Array): Generator<{ begin: number; end: number }> {
  let begin = -1
  for (let at = 0; at < bytes.length; at += GRAIN_BYTES) {
    const grain = bytes.subarray(at, at + GRAIN_BYTES)
    const isZero = Buffer.compare(grain, ZEROS.subarray(0, grain.length)) === 0
    if (isZero && begin < 0) begin = at
    if (isZero || begin < 0) continue
    yield { begin, end: at }
    begin = -1
  }
  if (begin >= 0) yield { begin, end: bytes.length }
}
