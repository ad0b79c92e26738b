// What one peer has asked us for and not got yet, in its order: 12 bytes a request, however many tens of thousands a
// client pipelines. A ring that grows by doubling up to its bound, and shrinks again: whoever is not served for a while, or
// asks for less, holds no memory for it.

const START = 64
/** Requests of one peer that are kept; what comes beyond is refused. */
export const MAX_QUEUED_REQUESTS = 65_536
/** How far from the head a cancelled request is looked for: a flood of cancels must not cost a search of everything. */
const CANCEL_REACH = 512

export class UploadQueue {
  #ring = new Uint32Array(3 * START)
  #head = 0
  #length = 0
  /** How many requests, from the first on, need no more reading: their blocks are in memory or on their way there. */
  ahead = 0

  get length(): number {
    return this.#length
  }

  /** Bytes that it takes. */
  get memory(): number {
    return this.#ring.byteLength
  }

  /** False when the queue is full. */
  push(piece: number, begin: number, length: number): boolean {
    if (this.#length === MAX_QUEUED_REQUESTS) return false
    if (this.#length === this.#ring.length / 3) this.#resize(2 * this.#length)
    const at = this.#offset(this.#length)
    this.#ring[at] = piece
    this.#ring[at + 1] = begin
    this.#ring[at + 2] = length
    this.#length++
    return true
  }

  piece(index: number): number {
    return this.#ring[this.#offset(index)]
  }

  begin(index: number): number {
    return this.#ring[this.#offset(index) + 1]
  }

  /** Bytes asked for. */
  bytes(index: number): number {
    return this.#ring[this.#offset(index) + 2]
  }

  /** Takes the first `count` requests off. */
  shift(count: number): void {
    this.#head = (this.#head + count) % (this.#ring.length / 3)
    this.#length -= count
    this.ahead = Math.max(0, this.ahead - count)
    const room = this.#ring.length / 3
    if (room > START && this.#length < room / 8) this.#resize(room / 4)
  }

  /** Takes one request off that is among the first 512; false when it is not there (it will be served, which BEP 6 allows). */
  remove(piece: number, begin: number, length: number): boolean {
    const reach = Math.min(this.#length, CANCEL_REACH)
    for (let i = 0; i < reach; i++) {
      if (this.piece(i) !== piece || this.begin(i) !== begin || this.bytes(i) !== length) continue
      // Those before it move up by one; the rest, which may be long, stays.
      for (let j = i; j > 0; j--) {
        const from = this.#offset(j - 1)
        this.#ring.copyWithin(this.#offset(j), from, from + 3)
      }
      const { ahead } = this
      this.shift(1)
      if (i >= ahead) this.ahead = ahead
      return true
    }
    return false
  }

  clear(): void {
    this.#ring = new Uint32Array(3 * START)
    this.#head = 0
    this.#length = 0
    this.ahead = 0
  }

  #offset(index: number): number {
    return 3 * ((this.#head + index) % (this.#ring.length / 3))
  }

  /** @param room requests that there is room for from now on */
  #resize(room: number): void {
    const ring = new Uint32Array(3 * Math.max(START, room))
    for (let i = 0; i < this.#length; i++) ring.set(this.#ring.subarray(this.#offset(i), this.#offset(i) + 3), 3 * i)
    this.#ring = ring
    this.#head = 0
  }
}
