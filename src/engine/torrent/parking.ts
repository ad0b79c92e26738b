// When a torrent that waits for its disk looks whether it can go on: soon and often, for a look costs little; but one that has to
// stop again at once, each time that it goes on, is given longer and longer pauses.

const LOOK_EVERY_MS = 5_000
const LONGEST_PAUSE_MS = 300_000
/** Whoever has to stop so soon after it went on has gained nothing. */
const IN_VAIN_MS = 60_000

export class Parking {
  /** Infinity: it is not parked. */
  #lookAt = Infinity
  #pauseMs = LOOK_EVERY_MS
  #wentOnAt = -Infinity

  /** From now on it waits. */
  begin(now: number): void {
    const wasInVain = now - this.#wentOnAt < IN_VAIN_MS
    this.#pauseMs = wasInVain ? Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS) : LOOK_EVERY_MS
    this.#lookAt = now + this.#pauseMs
  }

  /** Is it time to look? If so, the next look is planned. */
  isDue(now: number): boolean {
    if (now < this.#lookAt) return false
    this.#lookAt = now + LOOK_EVERY_MS
    return true
  }

  /** The cause is gone. */
  end(now: number): void {
    this.#lookAt = Infinity
    this.#wentOnAt = now
  }
}
