// Pieces that are needed by a certain time, as a player needs them: the soonest first. Pure: times are milliseconds of
// whatever clock the caller uses.

export class Deadlines {
  /** Piece -> when it is needed; kept in that order. */
  #byTime: { readonly piece: number; readonly at: number }[] = []

  get isEmpty(): boolean {
    return this.#byTime.length === 0
  }

  /** @param at when the piece is needed; null: at no particular time */
  set(piece: number, at: number | null): void {
    this.#byTime = this.#byTime.filter((each) => each.piece !== piece)
    if (at === null) return
    const next = this.#byTime.findIndex((each) => each.at > at)
    this.#byTime.splice(next < 0 ? this.#byTime.length : next, 0, { piece, at })
  }

  /** The soonest, `most` at most. */
  soonest(most: number): readonly { readonly piece: number; readonly at: number }[] {
    return this.#byTime.length <= most ? this.#byTime : this.#byTime.slice(0, most)
  }
}
