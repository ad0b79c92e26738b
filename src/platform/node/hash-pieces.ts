// The SHA-1 of many pieces, computed wherever the volume computes: what creating and checking torrents need.
import type { FileSpan, Volume } from '../platform.ts'

export interface HashOptions {
  /** Called in order of the pieces; `digest` is null where a file is missing or too short. */
  readonly onPiece?: (piece: number, digest: Uint8Array | null) => void
  /** Pieces given to the volume at once: enough to keep its threads busy. Default 8. */
  readonly inFlight?: number
  /** Ends the work with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Digests of the pieces from 0 to `count - 1`. Throws StorageError, as soon as one piece fails. */
export async function hashPieces(
  volume: Volume,
  count: number,
  spansOf: (piece: number) => readonly FileSpan[],
  options: HashOptions = {},
): Promise<(Uint8Array | null)[]> {
  const { onPiece, inFlight = 8, signal } = options
  const digests: (Uint8Array | null)[] = []
  const waiting: Promise<Uint8Array | null>[] = []
  let next = 0
  while (digests.length < count) {
    signal?.throwIfAborted()
    while (next < count && waiting.length < inFlight) {
      const digest = volume.hash(spansOf(next++))
      // Each is awaited in its turn; one that fails before then is no unhandled rejection.
      digest.catch(() => {})
      waiting.push(digest)
    }
    const digest = await waiting.shift()!
    onPiece?.(digests.length, digest)
    digests.push(digest)
  }
  return digests
}
