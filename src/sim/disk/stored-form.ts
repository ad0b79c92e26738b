// How much of a file's bytes is really kept. `bytes`: all of them. `tags`: of each 16 KiB block only its first 16 bytes, its
// tag, and the rest counts as zeros. A place in the kept bytes is called *stored*, a place in the file is not.
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'

export type ContentKind = 'tags' | 'bytes'

export const TAG_BYTES = 16

/** Kept bytes of each block of 16 KiB. */
export function storedBlockBytes(kind: ContentKind): number {
  return kind === 'tags' ? TAG_BYTES : BLOCK_BYTES
}

/** Kept bytes of `length` bytes that begin with a block. */
export function storedLength(kind: ContentKind, length: number): number {
  if (kind === 'bytes') return length
  return Math.floor(length / BLOCK_BYTES) * TAG_BYTES + Math.min(length % BLOCK_BYTES, TAG_BYTES)
}

/** Where the kept bytes of a place in a file begin. Throws RangeError where there are only tags and no block begins. */
export function storedOffset(kind: ContentKind, offset: number): number {
  if (kind === 'bytes') return offset
  if (offset % BLOCK_BYTES === 0) return (offset / BLOCK_BYTES) * TAG_BYTES
  throw new RangeError(`Cannot find a tag at byte ${offset}: no block of ${BLOCK_BYTES} begins there`)
}
