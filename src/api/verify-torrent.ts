// Does the content on disk match the torrent? Reads all of it, on several threads, in the order of the disk.
import { availableParallelism } from 'node:os'
import { Bitfield } from '../base/bitfield.ts'
import { FormatError } from '../base/errors.ts'
import { checkContent } from '../engine/storage/content-check.ts'
import { type ContentLocation, contentLayout } from '../engine/storage/content-layout.ts'
import { createNodePlatform } from '../platform/node/node-platform.ts'
import { type Metainfo, PieceMap } from '../protocol/metainfo/index.ts'
import type { WorkOptions } from './work-options.ts'

export interface Verification {
  /** Every piece is right, and every file, empty ones included, is there. */
  readonly complete: boolean
  readonly pieces: number
  readonly good: number
  /** Pieces that are wrong or missing. */
  readonly bad: number[]
}

/** Progress is in pieces. Rejects with StorageError when the disk does not answer, FormatError `v2_only` for v2 alone. */
export async function verifyTorrent(
  torrent: Metainfo,
  location: ContentLocation,
  { workers = availableParallelism(), onProgress, signal }: WorkOptions = {},
): Promise<Verification> {
  if (!torrent.pieceHashes)
    throw new FormatError('v2_only', `Cannot verify ${torrent.name}: BitTorrent v2 alone is not supported yet`)
  const map = new PieceMap(torrent)
  const layout = contentLayout(torrent, map, location)
  const have = new Bitfield(map.pieceCount)
  const { disk } = createNodePlatform({ workers })
  try {
    const volume = await disk.openVolume(layout.root)
    await layout.names?.find(volume, false)
    await layout.places?.find(volume, () => false)
    await checkContent({
      map,
      layout,
      volume,
      pieceHashes: torrent.pieceHashes,
      wanted: null,
      onGood: (piece) => have.set(piece),
      onProgress: (done, total) => onProgress?.({ done, total }),
      isStopped: () => signal?.aborted ?? false,
    })
    signal?.throwIfAborted()
    const sizes = await volume.sizes(layout.files.map((file) => file.path))
    const areFilesThere = layout.files.every((file, i) => sizes[i] >= file.length)
    const bad = Array.from({ length: map.pieceCount }, (_, piece) => piece).filter((piece) => !have.has(piece))
    return { complete: have.isFull && areFilesThere, pieces: map.pieceCount, good: have.count, bad }
  } finally {
    await disk.close()
  }
}
