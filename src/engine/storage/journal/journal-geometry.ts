// The geometry of a torrent, as far as a journal needs it: which files a piece lies in. Pad files (BEP 47) are stored nowhere and
// are no files here; the parts file of skipped ones is: the last one.
import type { Metainfo } from '../../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import type { FilePlaces } from '../file-places.ts'
import type { JournalIdentity } from './journal-format.ts'

export interface JournalGeometry {
  readonly pieceCount: number
  readonly fileCount: number
  /** The stored files that hold bytes of the piece. */
  filesOf(piece: number): readonly number[]
  /** First and last piece of a stored file; null for an empty one. */
  piecesOf(file: number): { readonly first: number; readonly last: number } | null
  /** Blocks of the piece. */
  blockCount(piece: number): number
  /** Bytes of the piece. */
  pieceLength(piece: number): number
}

/** What a journal of the torrent says it is about, beside the place. */
export function journalIdentity(metainfo: Metainfo, map: PieceMap): Omit<JournalIdentity, 'contentPath'> {
  return {
    infohash: metainfo.infohashV1!,
    pieceCount: map.pieceCount,
    pieceLength: map.nominalPieceLength,
    fileCount: metainfo.files.length + 1,
  }
}

export function journalGeometry(metainfo: Metainfo, map: PieceMap, places: FilePlaces | null = null): JournalGeometry {
  const { files } = metainfo
  const placeOf = (file: number): number => (places?.isInParts(file) ? files.length : file)
  return {
    pieceCount: map.pieceCount,
    fileCount: files.length + 1,
    filesOf: (piece) => {
      const runs = map.filesOf(piece, 0, map.pieceLength(piece))
      const stored = runs.flatMap(({ file }) => (files[file].isPad ? [] : [placeOf(file)]))
      return places?.isEmpty === false ? [...new Set(stored)] : stored
    },
    piecesOf: (file) => {
      if (file === files.length) return places?.sharedRange ?? null
      return files[file].isPad ? null : map.piecesOfFile(file)
    },
    blockCount: (piece) => map.blockCount(piece),
    pieceLength: (piece) => map.pieceLength(piece),
  }
}
