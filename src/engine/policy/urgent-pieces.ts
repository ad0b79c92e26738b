// Pieces that are needed by a certain time go to those who can deliver them by then, before all else, and even if somebody
// slower was asked before. Pure: times are milliseconds on the clock of the deadlines.
import type { Deadlines } from './deadlines.ts'
import { Duplicates, type EtaMs } from './duplicates.ts'
import { mayHave, type PickRequest } from './pick-request.ts'
import type { PieceProgress } from './piece-progress.ts'

/** Deadlines looked at in one pick. */
const MAX_URGENT = 32
/** Even for a piece that is late already a peer must not need longer than this, in milliseconds. */
const URGENT_MS = 5_000

/** What a picker does with a piece that is urgent. */
export interface PieceStarter<Key> {
  /** The piece under way, begun with this peer where nobody has. Null: it is not wanted, or had, or there is no memory. */
  goOnWith(piece: number, request: PickRequest<Key>): PieceProgress<Key> | null
  /** Asks the peer for blocks of it that nobody is asked for. */
  take(progress: PieceProgress<Key>, request: PickRequest<Key>, picked: number[]): void
}

export class UrgentPieces<Key> {
  readonly #deadlines: Deadlines
  readonly #starter: PieceStarter<Key>
  readonly #etaMs: EtaMs<Key>

  constructor(deadlines: Deadlines, starter: PieceStarter<Key>, etaMs: EtaMs<Key>) {
    this.#deadlines = deadlines
    this.#starter = starter
    this.#etaMs = etaMs
  }

  /** What the peer is to be asked for first; it is added to `picked`. */
  pick(request: PickRequest<Key>, picked: number[]): void {
    const { peer, now = 0 } = request
    const duplicates = new Duplicates(this.#etaMs, peer, true)
    for (const { piece, at } of this.#deadlines.soonest(MAX_URGENT)) {
      if (picked.length >= request.room) return
      if (!mayHave(request, piece)) continue
      const patienceMs = Math.max(at - now, URGENT_MS)
      if (this.#etaMs(peer, picked.length + 1) > patienceMs) continue
      const progress = this.#starter.goOnWith(piece, request)
      if (!progress) continue
      this.#starter.take(progress, request, picked)
      const isLate = progress.owner !== peer && progress.owner !== null && this.#etaMs(progress.owner, 0) > at - now
      if (isLate) duplicates.takeOwed(progress, request, picked, 1, request.room)
    }
  }
}
