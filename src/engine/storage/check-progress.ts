// What a check of content has found so far, remembered now and then: one that was interrupted goes on where it was.
import { Bitfield } from '../../base/bitfield.ts'

/** Where it is remembered: the journal. */
export interface CheckMemory {
  /** @param left pieces that are still to be hashed; of those that are in neither, nothing is there */
  noteCheck(have: Bitfield, left: Bitfield): Promise<void>
}

/** Hashing so long may be lost by whoever is killed. Short checks are not remembered at all. */
const NOTE_EVERY_MS = 5000

export class CheckProgress {
  readonly #memory: CheckMemory
  readonly #have: Bitfield
  readonly #left: Bitfield
  #notedAt: number
  #hasNews = false
  #noting: Promise<void> | null = null

  /**
   * @param have known to be there, also while the check goes on
   * @param pieces to be hashed
   * @param now monotonic milliseconds, here and below
   */
  constructor(memory: CheckMemory, have: Bitfield, pieces: Iterable<number>, now: number) {
    this.#memory = memory
    this.#have = have
    this.#left = new Bitfield(have.size)
    for (const piece of pieces) this.#left.set(piece)
    this.#notedAt = now
  }

  /** The piece has been hashed; `have` says with what outcome. */
  looked(piece: number, now: number): void {
    this.#left.clear(piece)
    this.#hasNews = true
    if (this.#noting || now - this.#notedAt < NOTE_EVERY_MS) return
    this.#notedAt = now
    this.#note()
  }

  /** Resolves when nothing is being noted any more; with what came last, when the check was interrupted. Never rejects. */
  async end(isInterrupted: boolean): Promise<void> {
    await this.#noting
    if (isInterrupted && this.#hasNews) this.#note()
    await this.#noting
  }

  #note(): void {
    this.#hasNews = false
    // What cannot be remembered is hashed once more.
    this.#noting = this.#memory
      .noteCheck(this.#have.copy(), this.#left.copy())
      .catch(() => {})
      .finally(() => (this.#noting = null))
  }
}
