// What of a torrent is on disk already? Hashes every piece whose files are long enough to hold it, several at once, in
// the order of the disk. Used before a download, before seeding, and to verify on demand.
import { equalBytes } from '../../base/bytes.ts'
import type { Volume } from '../../platform/platform.ts'
import type { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import type { ContentLayout } from './content-layout.ts'

export interface ContentCheckOptions {
  readonly map: PieceMap
  readonly layout: ContentLayout
  readonly volume: Volume
  /** SHA-1 of each piece, 20 bytes each. */
  readonly pieceHashes: Uint8Array
  /** Look at these pieces only; null: all. */
  readonly wanted: ReadonlySet<number> | null
  /** Those that will be looked at, before the first of them is. */
  readonly onBegin?: (pieces: readonly number[]) => void
  readonly onGood: (piece: number) => void
  /** Good or not. */
  readonly onLooked?: (piece: number) => void
  /** Pieces looked at, of those that will be. */
  readonly onProgress: (done: number, total: number) => void
  /** Asked after each piece: true ends the check early. */
  readonly isStopped: () => boolean
}

/** Hashes under way at once: keeps two workers busy while the main thread handles the answers. */
const CONCURRENCY = 4

/** Resolves when all is checked, or stopped. Rejects with the StorageError of a disk that does not answer properly. */
export async function checkContent(options: ContentCheckOptions): Promise<void> {
  const candidates = await piecesOnDisk(options)
  options.onBegin?.(candidates)
  let next = 0
  let done = 0
  const lane = async (): Promise<void> => {
    while (next < candidates.length && !options.isStopped()) {
      const piece = candidates[next++]
      const { map, layout, volume, pieceHashes } = options
      const digest = await volume.hash(layout.spans(piece, 0, map.pieceLength(piece)))
      if (options.isStopped()) return
      if (digest && equalBytes(digest, pieceHashes.subarray(20 * piece, 20 * piece + 20))) options.onGood(piece)
      options.onLooked?.(piece)
      options.onProgress(++done, candidates.length)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, lane))
}

/** The pieces all of whose files exist and reach far enough. */
async function piecesOnDisk({ map, layout, volume, wanted }: ContentCheckOptions): Promise<number[]> {
  const { places } = layout
  const paths = layout.files.map((file) => file.path)
  if (places && !places.isEmpty) paths.push(places.partsPath)
  const sizes = await volume.sizes(paths)
  const sizeOf = new Map(paths.map((path, i) => [path, sizes[i]]))
  if (sizes.every((size) => size <= 0)) return []
  const pieces: number[] = []
  for (let piece = 0; piece < map.pieceCount; piece++) {
    if (wanted && !wanted.has(piece)) continue
    const spans = layout.spans(piece, 0, map.pieceLength(piece))
    if (spans.every((span) => span.path === '' || span.offset + span.length <= (sizeOf.get(span.path) ?? -1)))
      pieces.push(piece)
  }
  return pieces
}
