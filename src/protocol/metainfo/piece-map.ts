// The geometry of a torrent: the only arithmetic on pieces, blocks and files in the code base (BEP 3).
// A block has one number, counted through all pieces: piece x blocksPerPiece + index within the piece.
// Nobody else divides by a piece or block length, so that pieces which end with their file (BEP 52) change this file only.
import type { Metainfo, TorrentFile } from './metainfo.ts'

/** The unit of requests: 16 KiB, the largest that every client serves. */
export const BLOCK_BYTES = 16_384

/** A run of bytes of one file of the torrent. */
export interface FileRun {
  /** Index into `Metainfo.files`. */
  readonly file: number
  /** First byte within the file. */
  readonly offset: number
  /** Bytes; above 0. */
  readonly length: number
}

/** What of a torrent decides its geometry. */
type Geometry = Pick<Metainfo, 'pieceLength' | 'totalSize'> & {
  readonly files: readonly Pick<TorrentFile, 'length' | 'offset'>[]
}

export class PieceMap {
  readonly pieceCount: number
  /** Bytes, of all pieces but the last. */
  readonly nominalPieceLength: number
  /** Blocks of a full piece. */
  readonly blocksPerPiece: number
  /** Bytes of all pieces. */
  readonly totalSize: number
  readonly #fileEnds: Float64Array
  /** The files that are not empty: between two of them there may be any number of others. */
  readonly #withBytes: Uint32Array
  readonly #lastPieceLength: number

  constructor(metainfo: Geometry) {
    this.nominalPieceLength = metainfo.pieceLength
    this.totalSize = metainfo.totalSize
    this.pieceCount = Math.ceil(metainfo.totalSize / metainfo.pieceLength)
    this.blocksPerPiece = Math.ceil(metainfo.pieceLength / BLOCK_BYTES)
    this.#lastPieceLength = metainfo.totalSize - (this.pieceCount - 1) * metainfo.pieceLength
    this.#fileEnds = Float64Array.from(metainfo.files, (file) => file.offset + file.length)
    this.#withBytes = indicesOfStored(metainfo.files)
  }

  pieceLength(piece: number): number {
    return piece === this.pieceCount - 1 ? this.#lastPieceLength : this.nominalPieceLength
  }

  /** Blocks of this piece. */
  blockCount(piece: number): number {
    return Math.ceil(this.pieceLength(piece) / BLOCK_BYTES)
  }

  firstBlock(piece: number): number {
    return piece * this.blocksPerPiece
  }

  pieceOfBlock(block: number): number {
    return Math.floor(block / this.blocksPerPiece)
  }

  /** Offset of the block within its piece, in bytes. */
  blockBegin(block: number): number {
    return (block % this.blocksPerPiece) * BLOCK_BYTES
  }

  blockLength(block: number): number {
    return Math.min(BLOCK_BYTES, this.pieceLength(this.pieceOfBlock(block)) - this.blockBegin(block))
  }

  /** The block that exactly these values name, or -1: what a peer says is compared with this. */
  blockAt(piece: number, begin: number, length: number): number {
    if (piece >= this.pieceCount || begin % BLOCK_BYTES !== 0 || begin >= this.pieceLength(piece)) return -1
    const block = piece * this.blocksPerPiece + begin / BLOCK_BYTES
    return this.blockLength(block) === length ? block : -1
  }

  /** The files that a part of a piece touches, in order; empty files are never among them. Found in O(log files). */
  filesOf(piece: number, begin: number, length: number): FileRun[] {
    const runs: FileRun[] = []
    let at = piece * this.nominalPieceLength + begin
    const end = at + length
    for (let i = this.#firstAfter(at); at < end; i++) {
      const file = this.#withBytes[i]
      const runEnd = Math.min(end, this.#fileEnds[file])
      runs.push({ file, offset: at - this.#startOf(file), length: runEnd - at })
      at = runEnd
    }
    return runs
  }

  /** The bytes of the piece that lie in the file, and where they begin in the piece; null when there are none. */
  runOf(piece: number, file: number): { readonly run: FileRun; readonly begin: number } | null {
    const start = this.#startOf(file)
    const pieceStart = piece * this.nominalPieceLength
    const from = Math.max(start, pieceStart)
    const to = Math.min(this.#fileEnds[file], pieceStart + this.pieceLength(piece))
    return from < to ? { run: { file, offset: from - start, length: to - from }, begin: from - pieceStart } : null
  }

  /** First and last piece that hold bytes of the file, or null for an empty one. */
  piecesOfFile(file: number): { first: number; last: number } | null {
    const start = this.#startOf(file)
    const end = this.#fileEnds[file]
    if (end === start) return null
    return { first: Math.floor(start / this.nominalPieceLength), last: Math.floor((end - 1) / this.nominalPieceLength) }
  }

  /** First byte of the file in the stream. */
  #startOf(file: number): number {
    return file === 0 ? 0 : this.#fileEnds[file - 1]
  }

  /** Place among the files with bytes of the first that ends after this byte of the stream. */
  #firstAfter(offset: number): number {
    let low = 0
    let high = this.#withBytes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#fileEnds[this.#withBytes[middle]] > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Written out: there may be hundreds of thousands. */
function indicesOfStored(files: Geometry['files']): Uint32Array {
  const indices = new Uint32Array(files.length)
  let count = 0
  for (let file = 0; file < files.length; file++) if (files[file].length > 0) indices[count++] = file
  return indices.subarray(0, count)
}
