// Priorities of pieces from those of files: a piece is as urgent as the most urgent file that it touches.

/** A file's place in the content, in bytes, and its priority: 0 (do not fetch) to 7 (first). */
export interface PrioritizedFile {
  readonly offset: number
  readonly length: number
  readonly priority: number
}

/** One priority a piece. A piece that no file touches gets 0. */
export function piecePriorities(
  files: Iterable<PrioritizedFile>,
  pieceLength: number,
  pieceCount: number,
): Uint8Array<ArrayBuffer> {
  const priorities = new Uint8Array(pieceCount)
  for (const { offset, length, priority } of files) {
    if (length === 0) continue
    const last = Math.floor((offset + length - 1) / pieceLength)
    for (let piece = Math.floor(offset / pieceLength); piece <= last; piece++)
      priorities[piece] = Math.max(priorities[piece], priority)
  }
  return priorities
}
