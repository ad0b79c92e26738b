// The pieces that can be started, rarest first, kept in order while availability changes.
//
//   order:   [ 7 3 | 0 9 4 | 1 2 8 ]      pieces, grouped by how many peers have them
//   start:     0     2       5       8    where each group begins: availability 0, 1, 2
//
// A step up or down moves one piece over one border: constant time. Many at once (a peer tells all that it has, or leaves) are
// cheaper in one pass over all. Within a group the order is random, so that peers which see the same availability do not all
// start the same piece.

export class RarityOrder {
  readonly #order: Uint32Array
  /** Place of each piece in `#order`, or -1 for a piece that is not in it. */
  readonly #place: Int32Array
  readonly #availability: Uint16Array
  /** `#start[a]` is where the pieces with availability `a` begin; the last entry is the length. */
  #start: number[]
  readonly #below: (limit: number) => number

  /**
   * @param availability of each piece; several orders may share it, if `increase` and `decrease` are called on one only
   * @param below a random integer from 0 to `limit - 1`
   * @param isFull it begins with all pieces, none of which anybody has; else with none
   */
  constructor(availability: Uint16Array, below: (limit: number) => number, isFull: boolean) {
    const pieceCount = availability.length
    this.#below = below
    this.#availability = availability
    this.#order = new Uint32Array(pieceCount)
    this.#place = new Int32Array(pieceCount).fill(-1)
    this.#start = [0, 0]
    if (!isFull) return
    for (let piece = 0; piece < pieceCount; piece++) this.#order[piece] = this.#place[piece] = piece
    this.#start[1] = pieceCount
    for (let i = pieceCount - 1; i > 0; i--) this.#swap(i, below(i + 1))
  }

  /** How many pieces are in the order. */
  get length(): number {
    return this.#start[this.#start.length - 1]
  }

  availability(piece: number): number {
    return this.#availability[piece]
  }

  /** The piece at this place, rarest first. */
  at(place: number): number {
    return this.#order[place]
  }

  has(piece: number): boolean {
    return this.#place[piece] >= 0
  }

  increase(piece: number): void {
    const availability = this.#availability[piece]++
    if (this.#place[piece] < 0) return
    while (this.#start.length < availability + 3) this.#start.push(this.length)
    this.#swap(this.#place[piece], this.#start[availability + 1] - 1)
    this.#start[availability + 1]--
    this.#shuffleInto(piece)
  }

  decrease(piece: number): void {
    const availability = this.#availability[piece]--
    if (this.#place[piece] < 0) return
    this.#swap(this.#place[piece], this.#start[availability])
    this.#start[availability]++
    this.#shuffleInto(piece)
  }

  /** The availability of many pieces has been changed from outside: puts all of them in order again. */
  rearrange(): void {
    const [order, places, availabilities] = [this.#order, this.#place, this.#availability]
    const pieces = order.slice(0, this.length)
    const starts = this.#startsOf(pieces)
    const ends = Uint32Array.from(starts)
    let chance = 1 + this.#below(2 ** 31 - 1)
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]
      const availability = availabilities[piece]
      const start = starts[availability]
      const end = ends[availability]++
      chance = nextChance(chance)
      // Each piece changes places with one of those that are in its group already, or with none.
      const place = start + Math.floor(((chance >>> 0) / 2 ** 32) * (end - start + 1))
      order[end] = order[place]
      order[place] = piece
    }
    for (let place = 0; place < pieces.length; place++) places[order[place]] = place
    this.#start = starts
  }

  /** Where each group of these pieces begins, and the length of all at the end. */
  #startsOf(pieces: Uint32Array): number[] {
    const counts: number[] = [0]
    for (let i = 0; i < pieces.length; i++) {
      const availability = this.#availability[pieces[i]]
      while (counts.length <= availability) counts.push(0)
      counts[availability]++
    }
    const starts = [0]
    for (const count of counts) starts.push(starts[starts.length - 1] + count)
    return starts
  }

  /** Takes a piece out: it is under way, or we have it. */
  remove(piece: number): void {
    for (let a = this.#availability[piece]; a < this.#start.length - 1; a++) {
      // The last of this group takes the place; the hole moves to the border, and so on to the end.
      this.#swap(this.#place[piece], this.#start[a + 1] - 1)
      this.#start[a + 1]--
    }
    this.#place[piece] = -1
  }

  /** Puts a piece back that was taken out. */
  insert(piece: number): void {
    const availability = this.#availability[piece]
    while (this.#start.length < availability + 2) this.#start.push(this.length)
    const last = this.#start.length - 1
    this.#place[piece] = this.#start[last]
    this.#order[this.#start[last]] = piece
    this.#start[last]++
    for (let a = last - 1; a > availability; a--) {
      this.#swap(this.#place[piece], this.#start[a])
      this.#start[a]++
    }
    this.#shuffleInto(piece)
  }

  /** Moves the piece to a random place of its group. */
  #shuffleInto(piece: number): void {
    const availability = this.#availability[piece]
    const start = this.#start[availability]
    const size = this.#start[availability + 1] - start
    if (size > 1) this.#swap(this.#place[piece], start + this.#below(size))
  }

  #swap(a: number, b: number): void {
    const [pieceA, pieceB] = [this.#order[a], this.#order[b]]
    this.#order[a] = pieceB
    this.#order[b] = pieceA
    this.#place[pieceB] = a
    this.#place[pieceA] = b
  }
}

/** Good enough for places in an order, and many times as fast as chance that nobody can predict. (xorshift32) */
function nextChance(state: number): number {
  let next = state
  next ^= next << 13
  next ^= next >>> 17
  return next ^ (next << 5)
}
