// The geometry of a torrent, as far as a journal needs it: which files a piece lies in. Pad files (BEP 47) are stored nowhere and
// are no files here.
import type { Metainfo } from '../../../protocol/metainfo/metainfo.ts'
import type { PieceMap } from '../../../protocol/metainfo/piece-map.ts'

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

export function journalGeometry(metainfo: Metainfo, map: PieceMap): JournalGeometry {
  const { files } = metainfo
  return {
    pieceCount: map.pieceCount,
    fileCount: files.length,
    filesOf: (piece) =>
      map.filesOf(piece, 0, map.pieceLength(piece)).flatMap(({ file }) => (files[file].isPad ? [] : [file])),
    piecesOf: (file) => (files[file].isPad ? null : map.piecesOfFile(file)),
    blockCount: (piece) => map.blockCount(piece),
    pieceLength: (piece) => map.pieceLength(piece),
  }
}
