// Blocks on their way out. A run of blocks is read in one go into a frame, where each block already has its 13-byte
// header before it: consecutive requests are answered with one view and one write, without a copy.
//
// A frame holds up to `frameBlocks` blocks in units of 16; each unit is found by the number of its first block.
// A frame that a socket may still be sending from (`uses` above 0) is never given to other blocks.
import type { Disk, FileSpan, Frame, Volume } from '../../platform/platform.ts'
import { BLOCK_BYTES, type PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { encodePieceHeader } from '../../protocol/wire/encoder.ts'
import { PIECE_HEADER_BYTES } from '../../protocol/wire/message-id.ts'

/** Blocks that are read together at least: 256 KiB. */
export const UNIT_BLOCKS = 16
/** Of answers that are put together from several blocks and have not been sent, over all torrents. */
const MAX_COPIED_BYTES = 1 << 20
const FRAMED_BLOCK_BYTES = PIECE_HEADER_BYTES + BLOCK_BYTES

/** A run of blocks in memory, or on its way there. */
export interface CachedRun {
  /** Number of the first block. */
  readonly firstBlock: number
  readonly blockCount: number
  readonly frame: Frame
  state: 'reading' | 'ready' | 'failed'
  /** Reads and writes under way that need the frame. */
  uses: number
}

export interface ReadSource {
  readonly map: PieceMap
  readonly volume: Volume
  readonly spans: (piece: number, begin: number, length: number) => FileSpan[]
  /** Resolves when no file is about to get another name. Default: none ever is. */
  readonly settled?: () => Promise<void>
}

export class ReadCache {
  readonly #disk: Disk
  /** Per torrent: number of a unit's first block -> its run. The order of insertion is the order of use. */
  readonly #runs = new Map<ReadSource, Map<number, CachedRun>>()
  /** All runs, the least recently used first. */
  readonly #recent = new Map<CachedRun, ReadSource>()
  /**
   * Runs that have been sent to their end and not been asked for since, the last one at the end: likely nobody needs them
   * soon. Their memory is used first, the last one's before the others', because it is still in the processor's caches.
   */
  readonly #consumed = new Set<CachedRun>()

  #copiedBytes = 0

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Room for a copy of so many bytes; false when there are too many already. To be given back with `endCopy`. */
  beginCopy(bytes: number): boolean {
    if (this.#copiedBytes + bytes > MAX_COPIED_BYTES) return false
    this.#copiedBytes += bytes
    return true
  }

  endCopy(bytes: number): void {
    this.#copiedBytes -= bytes
  }

  /** The run that holds the block, or undefined. */
  find(source: ReadSource, block: number): CachedRun | undefined {
    const run = this.#runs.get(source)?.get(this.#unitOf(source, block))
    if (run) {
      this.#consumed.delete(run)
      this.#recent.delete(run)
      this.#recent.set(run, source)
    }
    return run
  }

  /**
   * Begins to read the run of up to `units` units around the block; `onRead` follows, with the run ready or failed.
   * Null when all frames are in use: ask again when one has been sent.
   */
  read(
    source: ReadSource,
    block: number,
    units: number,
    onRead: (run: CachedRun, error: Error | null) => void,
  ): CachedRun | null {
    const frame = this.#takeFrame()
    if (frame < 0) return null
    const { map } = source
    const piece = map.pieceOfBlock(block)
    const firstBlock = this.#unitOf(source, block)
    const endOfPiece = map.firstBlock(piece) + map.blockCount(piece)
    const byUnit = this.#unitsOf(source)
    let end = Math.min(endOfPiece, firstBlock + UNIT_BLOCKS)
    for (let i = 1; i < units && end < endOfPiece && !byUnit.has(end); i++) {
      if (end - firstBlock + UNIT_BLOCKS > this.#disk.frameBlocks) break
      end = Math.min(endOfPiece, end + UNIT_BLOCKS)
    }
    const run: CachedRun = {
      firstBlock,
      blockCount: end - firstBlock,
      frame,
      state: 'reading',
      uses: 1,
    }
    for (let unit = firstBlock; unit < end; unit += UNIT_BLOCKS) byUnit.set(unit, run)
    this.#recent.set(run, source)
    const begin = map.blockBegin(firstBlock)
    const bytes = map.blockBegin(end - 1) + map.blockLength(end - 1) - begin
    read(source, () => source.spans(piece, begin, bytes), frame).then(
      () => {
        this.#writeHeaders(source, run)
        run.uses--
        run.state = 'ready'
        onRead(run, null)
      },
      (error: Error) => {
        run.uses--
        run.state = 'failed'
        this.#forget(run)
        onRead(run, error)
      },
    )
    return run
  }

  /** The run has been sent to its end. */
  consume(run: CachedRun): void {
    if (this.#recent.has(run)) this.#consumed.add(run)
  }

  /** Header and bytes of `count` consecutive blocks, as they go to the wire. Valid while `uses` holds the frame. */
  view(source: ReadSource, run: CachedRun, block: number, count: number): Uint8Array {
    const start = (block - run.firstBlock) * FRAMED_BLOCK_BYTES
    const last = block + count - 1
    const end = (last - run.firstBlock) * FRAMED_BLOCK_BYTES + PIECE_HEADER_BYTES + source.map.blockLength(last)
    return this.#disk.frameMemory(run.frame).subarray(start, end)
  }

  /** The bytes of one block, without its header. */
  blockBytes(source: ReadSource, run: CachedRun, block: number): Uint8Array {
    return this.view(source, run, block, 1).subarray(PIECE_HEADER_BYTES)
  }

  /** Pieces of which something is in memory, at most so many. Walks over what is in memory: not for each block. */
  piecesOf(source: ReadSource, most: number): number[] {
    const runs = [...(this.#runs.get(source)?.values() ?? [])].filter((run) => run.state === 'ready')
    const pieces = new Set(runs.reverse().map((run) => source.map.pieceOfBlock(run.firstBlock)))
    return [...pieces].slice(0, most)
  }

  /** The torrent is gone. */
  forgetAll(source: ReadSource): void {
    for (const run of new Set(this.#runs.get(source)?.values())) if (run.uses === 0) this.#forget(run)
    this.#runs.delete(source)
  }

  /** Call when `uses` of a run has fallen: a run of a torrent that is gone gives its frame back. */
  settle(run: CachedRun): void {
    const source = this.#recent.get(run)
    if (run.uses === 0 && source && !this.#runs.has(source)) this.#forget(run)
  }

  #unitOf(source: ReadSource, block: number): number {
    const first = source.map.firstBlock(source.map.pieceOfBlock(block))
    return first + Math.floor((block - first) / UNIT_BLOCKS) * UNIT_BLOCKS
  }

  #unitsOf(source: ReadSource): Map<number, CachedRun> {
    let units = this.#runs.get(source)
    if (!units) this.#runs.set(source, (units = new Map()))
    return units
  }

  #takeFrame(): Frame {
    const isFull = this.#disk.freeFrames === 0
    const reusable = [...this.#consumed].findLast((run) => run.uses === 0)
    const oldest = isFull && !reusable ? [...this.#recent.keys()].find((run) => run.uses === 0) : undefined
    const run = reusable ?? oldest
    if (run) this.#forget(run)
    return this.#disk.takeFrame()
  }

  #forget(run: CachedRun): void {
    const source = this.#recent.get(run)
    if (!source) return
    this.#recent.delete(run)
    this.#consumed.delete(run)
    const units = this.#runs.get(source)
    for (let unit = run.firstBlock; unit < run.firstBlock + run.blockCount; unit += UNIT_BLOCKS) {
      if (units?.get(unit) === run) units.delete(unit)
    }
    this.#disk.returnFrame(run.frame)
  }

  #writeHeaders(source: ReadSource, run: CachedRun): void {
    const memory = this.#disk.frameMemory(run.frame)
    const piece = source.map.pieceOfBlock(run.firstBlock)
    for (let i = 0; i < run.blockCount; i++) {
      const block = run.firstBlock + i
      encodePieceHeader(
        memory,
        i * FRAMED_BLOCK_BYTES,
        piece,
        source.map.blockBegin(block),
        source.map.blockLength(block),
      )
    }
  }
}

/** A file that has got another name on the way is looked for under that. */
async function read({ volume, settled }: ReadSource, spans: () => FileSpan[], frame: Frame): Promise<void> {
  const asked = spans()
  try {
    await volume.read(asked, frame)
  } catch (error) {
    await settled?.()
    const now = spans()
    if (now.every(({ path }, i) => path === asked[i].path)) throw error
    await volume.read(now, frame)
  }
}
