// Those who wait for a rate limiter to let them through: served in turn, with equal shares. Who has been served stands at
// the end of the line, so that whoever goes short at one heartbeat comes first at the next.
// The same for peers of a torrent and for torrents of a session.

export class WaitingLine<Waiter> {
  readonly #waiting = new Set<Waiter>()

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** Stands at the end; who is in the line already keeps its place. */
  join(waiter: Waiter): void {
    this.#waiting.add(waiter)
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter)
  }

  /** Empties the line and returns who was in it. */
  leaveAll(): Waiter[] {
    const all = [...this.#waiting]
    this.#waiting.clear()
    return all
  }

  /**
   * Shares out so many bytes, more by less than what one waiter takes at least. Who is served has left the line, and joins
   * it again when it wants more: what others do not take is shared out among those.
   * @param bytes may be Infinity; nothing happens when it is not above 0
   * @param serve takes about the share, at least the least that can be taken, and returns the bytes taken. Whoever takes
   *   nothing must not join again
   * @returns the bytes taken by all
   */
  serve(bytes: number, serve: (waiter: Waiter, share: number) => number): number {
    let taken = 0
    while (taken < bytes && this.#waiting.size > 0) {
      let turns = this.#waiting.size
      const share = (bytes - taken) / turns
      for (const waiter of this.#waiting) {
        if (turns-- === 0 || taken >= bytes) break
        this.#waiting.delete(waiter)
        taken += serve(waiter, share)
      }
    }
    return taken
  }
}
