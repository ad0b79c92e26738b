// Blocks that arrive one after the other, without a word between them: the bytes of a run of pieces, as files hold them. What
// comes is cut into blocks and put where each belongs; a block that is not wanted any more is thrown away as it comes.
import type { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import type { Lease } from '../../storage/partial-piece.ts'
import type { BlockSource, Download } from '../download.ts'

export interface BlockStreamOwner {
  readonly map: PieceMap
  readonly download: Download<BlockSource>
  /** A block has been received, whether or not it was of use. */
  onBlock(block: number, lease: Lease<BlockSource> | null): void
}

/** The block that is arriving. */
interface Arriving {
  readonly block: number
  /** Where it goes; null: away. */
  readonly lease: Lease<BlockSource> | null
  /** Bytes still to come. */
  left: number
}

/** Blocks that have come are dropped from the list when there are so many. */
const MANY_DONE = 1024

export class BlockStream {
  readonly #source: BlockSource
  readonly #owner: BlockStreamOwner
  #blocks: number[] = []
  /** Blocks of the list that have begun. */
  #begun = 0
  #arriving: Arriving | null = null
  /** How often all that was expected has been forgotten. */
  #aborts = 0

  constructor(source: BlockSource, owner: BlockStreamOwner) {
    this.#source = source
    this.#owner = owner
  }

  /** These come after those before. */
  expect(blocks: readonly number[]): void {
    this.#blocks.push(...blocks)
  }

  /** What nobody expects, or not any more, is thrown away: the owner may abort in the middle of it. */
  write(bytes: Uint8Array): void {
    const { download } = this.#owner
    const aborts = this.#aborts
    for (let at = 0; at < bytes.length && aborts === this.#aborts;) {
      if (!this.#arriving && this.#begun === this.#blocks.length) return
      const arriving = (this.#arriving ??= this.#begin())
      const end = Math.min(bytes.length, at + arriving.left)
      if (arriving.lease) download.writeBlock(arriving.lease, bytes.subarray(at, end))
      arriving.left -= end - at
      at = end
      if (arriving.left > 0) continue
      this.#arriving = null
      this.#owner.onBlock(arriving.block, arriving.lease)
    }
  }

  /** Nothing more comes of what was expected. */
  abort(): void {
    if (this.#arriving?.lease) this.#owner.download.abandonBlock(this.#arriving.lease)
    this.#arriving = null
    this.#blocks = []
    this.#begun = 0
    this.#aborts++
  }

  #begin(): Arriving {
    const block = this.#blocks[this.#begun++]
    if (this.#begun >= MANY_DONE) {
      this.#blocks = this.#blocks.slice(this.#begun)
      this.#begun = 0
    }
    const { download, map } = this.#owner
    return { block, lease: download.startBlock(this.#source, block), left: map.blockLength(block) }
  }
}
