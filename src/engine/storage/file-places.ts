// Where the bytes of each file of a torrent are: in the file itself; or, for one that is skipped and not there, in the
// torrent's parts file. A piece that such a file shares with a wanted one is fetched whole, and its bytes of the skipped file
// must be kept somewhere: to verify the piece again, to serve it, and for the day when the file is wanted.
//
// The parts file is `.INFOHASH.parts` in the torrent's folder. It has no header: the k-th piece that several files share (in
// the order of the torrent, from 0) has its place at k x piece length, and only its bytes of such files are there; the rest is
// a hole. Whose bytes they are follows from the files: of one that is there, nothing in the parts file counts.
import type { FileSpan, MovedRun, Volume } from '../../platform/platform.ts'
import type { FileRun, PieceMap } from '../../protocol/metainfo/piece-map.ts'

export interface FilePlacesOptions {
  readonly map: PieceMap
  /** By the index of the file; empty for pad files. */
  readonly paths: readonly string[]
  readonly partsPath: string
}

export class FilePlaces {
  readonly partsPath: string
  readonly #map: PieceMap
  readonly #paths: readonly string[]
  /** Shared piece -> its number among them. */
  readonly #shared = new Map<number, number>()
  #lastShared = -1
  /** Files whose bytes of shared pieces are in the parts file. */
  readonly #inParts = new Set<number>()

  constructor({ map, paths, partsPath }: FilePlacesOptions) {
    this.partsPath = partsPath
    this.#map = map
    this.#paths = paths
    const once = new Set<number>()
    for (const [file, path] of paths.entries()) {
      if (path === '') continue
      for (const piece of endsOf(map, file)) {
        if (once.has(piece) && !this.#shared.has(piece)) {
          this.#shared.set(piece, this.#shared.size)
          this.#lastShared = piece
        }
        once.add(piece)
      }
    }
  }

  /** First and last piece that several files share; null without such. */
  get sharedRange(): { readonly first: number; readonly last: number } | null {
    const [first] = this.#shared.keys()
    return first === undefined ? null : { first, last: this.#lastShared }
  }

  /** No bytes of any file are in the parts file, or will be. */
  get isEmpty(): boolean {
    return this.#inParts.size === 0
  }

  /** All that there may be on disk beside the torrent's own files. */
  get extraPaths(): string[] {
    return [this.partsPath, this.#newPath]
  }

  isInParts(file: number): boolean {
    return this.#inParts.has(file)
  }

  /** The pieces of the file that others have bytes of, too: two at most. */
  sharedPieces(file: number): number[] {
    return endsOf(this.#map, file).filter((piece) => this.#shared.has(piece))
  }

  /** From now on, the file's bytes of shared pieces are to be found there. */
  setInParts(file: number, isInParts: boolean): void {
    if (isInParts) this.#inParts.add(file)
    else this.#inParts.delete(file)
  }

  /** @param begin of the run within the piece */
  span({ file, offset, length }: FileRun, piece: number, begin: number): FileSpan {
    if (this.#inParts.has(file)) {
      const number = this.#shared.get(piece)
      if (number !== undefined) {
        return { path: this.partsPath, offset: number * this.#map.nominalPieceLength + begin, length }
      }
    }
    return { path: this.#paths[file], offset, length }
  }

  /**
   * Looks where the bytes of each file are.
   * @param isSkipped of the files that are not there, those that shall not be made
   */
  async find(volume: Volume, isSkipped: (file: number) => boolean): Promise<void> {
    if (this.#shared.size === 0) return
    const candidates = [...this.#paths.keys()].filter((file) => this.sharedPieces(file).length > 0)
    const [[parts], sizes] = await Promise.all([
      volume.sizes([this.partsPath]),
      volume.sizes(candidates.map((file) => this.#paths[file])),
    ])
    for (const [i, file] of candidates.entries()) {
      this.setInParts(file, sizes[i] < 0 && (parts >= 0 || isSkipped(file)))
    }
  }

  /** Gives a file what the parts file has of it. Of the pieces concerned none may be under way. */
  async moveOut(file: number, volume: Volume, has: (piece: number) => boolean): Promise<void> {
    const runs = this.sharedPieces(file).flatMap((piece) => (has(piece) ? this.#moved(file, piece) : []))
    if (runs.length > 0) await volume.assemble(this.#paths[file], this.#newPath, runs)
    this.setInParts(file, false)
  }

  #moved(file: number, piece: number): MovedRun[] {
    const found = this.#map.runOf(piece, file)
    return found ? [{ from: this.span(found.run, piece, found.begin), offset: found.run.offset }] : []
  }

  /** What a file is called that is not whole yet. No file of the torrent has such a name: none can name its infohash. */
  get #newPath(): string {
    return `${this.partsPath}.new`
  }
}

/** First and last piece of the file, which may be one. */
function endsOf(map: PieceMap, file: number): number[] {
  const pieces = map.piecesOfFile(file)
  if (!pieces) return []
  return pieces.first === pieces.last ? [pieces.first] : [pieces.first, pieces.last]
}
