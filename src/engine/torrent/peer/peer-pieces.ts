// What one peer has and suggests (BEP 3, 6), and whether it has something that we want. It keeps the picker's count of
// copies and our interest true; which of the pieces are asked for is the picker's choice.
import { Bitfield } from '../../../base/bitfield.ts'
import { PeerError } from '../../../base/errors.ts'
import type { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import type { WireEncoder } from '../../../protocol/wire/index.ts'
import type { BlockSource, Download } from '../download.ts'

export interface PiecesOwner {
  readonly map: PieceMap
  readonly download: Download<BlockSource>
}

/** Whole bitfields within one round of the choker. */
const MAX_TIMES_TOLD = 100
/** Times that a peer may say "have" of what it has said before, beyond once a piece: after a late bitfield some do. */
const MAX_REPEATS = 1000
/** Suggestions remembered; beyond that the oldest are forgotten. */
const MAX_SUGGESTED = 32

export class PeerPieces {
  have: Bitfield
  /** It has something that we want, and has been told so. */
  isWanted = false
  /** Pieces that we lack and that cost it least to send (BEP 6). */
  readonly suggested = new Set<number>()
  readonly #owner: PiecesOwner
  readonly #encoder: WireEncoder
  /** Whole bitfields within this round of the choker. */
  #timesTold = 0
  #repeats = 0
  /** Pieces it has and we want. */
  #wantedPieces = 0
  /** Pieces that we have got and it has not been told of. */
  readonly #untold: number[] = []

  constructor(owner: PiecesOwner, encoder: WireEncoder) {
    this.#owner = owner
    this.#encoder = encoder
    this.have = new Bitfield(owner.map.pieceCount)
  }

  /** A whole bitfield. Some clients (aria2) send one later on, instead of many `have`: it replaces what was told before. */
  tell(have: Bitfield): void {
    if (++this.#timesTold > MAX_TIMES_TOLD)
      throw new PeerError('have_flood', 'The peer tells what it has without measure')
    const { download } = this.#owner
    download.picker.peerGone(this.have)
    this.have = have
    download.picker.peerHas(have)
    this.recount()
  }

  /** What we want has changed. */
  recount(): void {
    this.#wantedPieces = this.#owner.download.missing.countCommon(this.have)
    this.#updateInterest()
  }

  /** One piece more. False when that is nothing new. */
  add(piece: number): boolean {
    const { have } = this
    if (have.has(piece)) {
      if (++this.#repeats > have.size + MAX_REPEATS)
        throw new PeerError('have_flood', `The peer says ${this.#repeats} times that it has what it said it has`)
      return false
    }
    have.set(piece)
    const { download } = this.#owner
    download.picker.peerHasPiece(piece, have)
    if (download.isWanted(piece)) {
      this.#wantedPieces++
      this.#updateInterest()
    }
    return true
  }

  suggest(piece: number): void {
    if (!this.#owner.download.isWanted(piece)) return
    this.suggested.add(piece)
    if (this.suggested.size > MAX_SUGGESTED) this.suggested.delete(this.suggested.values().next().value!)
  }

  /** We have one piece more: the peer is told unless it has it too. */
  announce(piece: number): void {
    this.suggested.delete(piece)
    if (!this.have.has(piece)) {
      this.#untold.push(piece)
      return
    }
    // One that was skipped while it was on its way to the disk is not among them.
    if (this.#owner.download.priority(piece) === 0) return
    this.#wantedPieces--
    this.#updateInterest()
  }

  /** There is something that the peer has not been told of. */
  get hasNews(): boolean {
    return this.#untold.length > 0
  }

  /** Tells the peer of all that we have got since the last time, but for what it has got in the meantime. */
  sendHaves(): void {
    for (const piece of this.#untold) if (!this.have.has(piece)) this.#encoder.have(piece)
    this.#untold.length = 0
  }

  /** A round of the choker is over: what it counts begins anew. */
  endRound(): void {
    this.#timesTold = 0
  }

  /** The peer is gone: its copies count no more. */
  close(): void {
    this.#owner.download.picker.peerGone(this.have)
  }

  #updateInterest(): void {
    const isWanted = this.#wantedPieces > 0
    if (isWanted === this.isWanted) return
    this.isWanted = isWanted
    if (isWanted) this.#encoder.interested()
    else this.#encoder.notInterested()
  }
}
