// Endgame (BEP 3): for a peer with nothing else to do, blocks that somebody else was asked for and has not sent. Whether
// that pays is decided block by block, see `Duplicates`. Pure: it works on the pieces of the picker.
import { Duplicates, type EtaMs, MAX_ASKED_IN_VAIN } from './duplicates.ts'
import type { OpenPieces } from './open-pieces.ts'
import { mayHave, type PickRequest } from './pick-request.ts'
import type { PieceProgress } from './piece-progress.ts'
import type { StartablePieces } from './startable-pieces.ts'

/** The pieces of a picker. */
export interface EndgamePieces<Key> {
  readonly startable: StartablePieces
  readonly underWay: ReadonlyMap<number, PieceProgress<Key>>
  readonly open: OpenPieces<Key>
}

export class Endgame<Key> {
  readonly #pieces: EndgamePieces<Key>
  readonly #etaMs: EtaMs<Key>
  /** Somebody was not asked for what others owe, but might be when these become slower still. */
  #isWaiting = false

  constructor(pieces: EndgamePieces<Key>, etaMs: EtaMs<Key>) {
    this.#pieces = pieces
    this.#etaMs = etaMs
  }

  /** Time has passed. Returns whether peers that owe us blocks may have become slow enough for another to be asked, too. */
  tick(): boolean {
    const wasWaiting = this.#isWaiting
    this.#isWaiting = false
    return wasWaiting
  }

  /**
   * Blocks that others were asked for; then, so that no slow peer holds a piece by itself, even those of exclusive pieces.
   * They are added to `picked`, which is empty.
   */
  pick(request: PickRequest<Key>, picked: number[]): void {
    const { startable, underWay, open } = this.#pieces
    const room = Math.min(request.room, request.endgameRoom)
    const duplicates = new Duplicates(this.#etaMs, request.peer, startable.isEmpty)
    const isOthers = (progress: PieceProgress<Key>): boolean =>
      progress.isExclusive && progress.owner !== null && progress.owner !== request.peer
    for (const isLastResort of [false, true]) {
      // Those that fewest are asked for come first; of one level only, since a picked block has moved to the next.
      for (let count = isLastResort ? 0 : 1; count < MAX_ASKED_IN_VAIN && picked.length === 0; count++) {
        for (const progress of underWay.values()) {
          if (picked.length >= room) break
          if (progress.left === 0 || isOthers(progress) !== isLastResort || !mayHave(request, progress.piece)) continue
          if (startable.priority(progress.piece) === 0) continue
          duplicates.takeOwed(progress, request, picked, count, room)
          if (progress.unasked === 0) open.delete(progress)
        }
      }
    }
    this.#isWaiting ||= duplicates.isWaiting
  }
}
