// Asking a second peer for a block that a first one owes us. It pays when the first is slow or silent, at the end of a
// torrent or for a piece that is needed now; and it costs a block whenever both send it. So:
//  - who is asked must deliver in a fraction of the time that the other still needs;
//  - while pieces are left that nobody has begun, a block is asked for again only if it would else take long: whoever has
//    nothing for us now may have something else soon, and its line is of use to others until then;
//  - of what a peer owes, the last is asked for again: that is what it can be told in time not to send;
//  - who owes the block and delivers nothing does not count, and a third is asked; never a fourth.
import type { PickRequest } from './pick-request.ts'
import type { PieceProgress } from './piece-progress.ts'

/** How many times as soon as the one who owes a block another must deliver it to be asked, too. */
const ADVANTAGE = 2
/** So much sooner it must be, too, in milliseconds: by then a cancel has reached the first. */
const ADVANTAGE_MS = 200
/** Before the endgame: how long the one who owes a block must still need for it, in milliseconds. */
const HELD_UP_MS = 10_000
/** Peers asked for one block that deliver, or may ... */
const MAX_ASKED = 2
/** ... and in all. */
export const MAX_ASKED_IN_VAIN = 3

/**
 * Milliseconds until a peer has delivered all that it was asked for and so many blocks more (or fewer, when negative);
 * Infinity: it delivers nothing.
 */
export type EtaMs<Key> = (peer: Key, blocks: number) => number

export class Duplicates<Key> {
  readonly #etaMs: EtaMs<Key>
  readonly #peer: Key
  readonly #patienceMs: number
  /** Of each peer that owes us: how many of its blocks somebody else delivers now. */
  #relieved: Map<Key, number> | null = null
  #asked = 0
  /** A block might be worth asking for again later. */
  isWaiting = false

  /**
   * @param peer who would be asked
   * @param isUrgent the end is near, or the blocks are needed at a certain time
   */
  constructor(etaMs: EtaMs<Key>, peer: Key, isUrgent: boolean) {
    this.#etaMs = etaMs
    this.#peer = peer
    this.#patienceMs = isUrgent ? 0 : HELD_UP_MS
  }

  /** Asks for the blocks of a piece that exactly `count` peers are asked for, the last first, until `room` are picked. */
  takeOwed(
    progress: PieceProgress<Key>,
    request: PickRequest<Key>,
    picked: number[],
    count: number,
    room: number,
  ): void {
    for (let i = progress.asked.length - 1; i >= 0 && picked.length < room; i--) {
      const block = progress.firstBlock + i
      if (progress.asked[i] !== count || request.hasAsked(block)) continue
      if (count > 0 && !this.#isWorth(progress, i)) return
      if (!request.reserve(block)) continue
      progress.ask(i, request.peer)
      picked.push(block)
    }
  }

  /** Is it worth asking the peer for this block, which others owe? If so, it counts as asked. */
  #isWorth(progress: PieceProgress<Key>, index: number): boolean {
    const askers = progress.askers(index)
    let soonest = Infinity
    let delivering = 0
    for (const asker of askers) {
      const etaMs = this.#etaMs(asker, -(this.#relieved?.get(asker) ?? 0))
      if (etaMs < Infinity) delivering++
      soonest = Math.min(soonest, etaMs)
    }
    if (delivering >= MAX_ASKED || askers.length >= MAX_ASKED_IN_VAIN) return false
    if (soonest < Infinity) {
      const mine = this.#etaMs(this.#peer, this.#asked + 1)
      if (soonest < this.#patienceMs || mine * ADVANTAGE > soonest || mine + ADVANTAGE_MS > soonest) {
        this.isWaiting = true
        return false
      }
    }
    const relieved = (this.#relieved ??= new Map())
    for (const asker of askers) relieved.set(asker, (relieved.get(asker) ?? 0) + 1)
    this.#asked++
    return true
  }
}
