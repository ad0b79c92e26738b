// How many blocks to have under way from one peer, and which they are (BEP 3: "several requests at once").
//
// Too few, and the pipe runs dry for a round trip; too many, and they pile up at a slow peer while others idle.
// The window is what the peer delivers in its round trip and half a second more. It begins small and doubles per window
// until the rate stops growing, so that a long fast link is filled within a few round trips.
// Pure: time is an argument, in milliseconds.

const START_BLOCKS = 8
const MIN_BLOCKS = 4
/** BEP 10's `reqq` where a peer does not state it: what most clients take. */
export const DEFAULT_REQUEST_QUEUE = 250
const SPARE_MS = 500
const MEASURE_MS = 250
/** The rate must grow by this factor from one measurement to the next for the doubling to go on. */
const GROWTH = 1.1
/** Measurements without growth before the doubling ends. */
const PATIENCE = 3

export class RequestWindow {
  /** Most blocks that the peer, and we, allow. */
  limit = DEFAULT_REQUEST_QUEUE
  readonly #blockBytes: number
  /** Block -> when it was asked for; the oldest first. */
  readonly #asked = new Map<number, number>()
  #size = START_BLOCKS
  #isDoubling = true
  #flat = 0
  #rate = 0 // bytes per ms
  #bestRate = 0
  #roundTripMs = 0
  #measureStart = 0
  #measuredBytes = 0

  /** @param blockBytes bytes of a full block */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
  }

  /** Blocks asked for and not settled. */
  get outstanding(): number {
    return this.#asked.size
  }

  /** How many more blocks to ask for now. */
  get room(): number {
    return Math.max(0, Math.min(this.#size, this.limit) - this.#asked.size)
  }

  /** Blocks that may be under way at once. */
  get size(): number {
    return Math.min(this.#size, this.limit)
  }

  has(block: number): boolean {
    return this.#asked.has(block)
  }

  blocks(): IterableIterator<number> {
    return this.#asked.keys()
  }

  /** The peer has been asked for the block. */
  ask(block: number, now: number): void {
    if (this.#asked.size === 0) this.#restartMeasure(now)
    this.#asked.set(block, now)
  }

  /** The block has come; false when it was not asked for. */
  settle(block: number, bytes: number, now: number): boolean {
    const askedAt = this.#asked.get(block)
    if (askedAt === undefined) return false
    this.#asked.delete(block)
    const took = now - askedAt
    // The shortest ever: all others have waited in our own queue at the peer, which must not make that queue longer.
    this.#roundTripMs = this.#roundTripMs === 0 ? took : Math.min(this.#roundTripMs, took)
    this.#measuredBytes += bytes
    if (this.#isDoubling) this.#size++
    if (now - this.#measureStart >= MEASURE_MS) this.#measure(now)
    return true
  }

  /** The block will not come, or is not wanted any more; false when it was not asked for. */
  drop(block: number): boolean {
    return this.#asked.delete(block)
  }

  /** Forgets all that was asked for, and returns it. */
  dropAll(): number[] {
    const blocks = [...this.#asked.keys()]
    this.#asked.clear()
    return blocks
  }

  #restartMeasure(now: number): void {
    this.#measureStart = now
    this.#measuredBytes = 0
  }

  #measure(now: number): void {
    const rate = this.#measuredBytes / (now - this.#measureStart)
    this.#rate = this.#rate === 0 ? rate : 0.5 * this.#rate + 0.5 * rate
    this.#restartMeasure(now)
    if (this.#isDoubling) {
      this.#flat = rate < this.#bestRate * GROWTH ? this.#flat + 1 : 0
      this.#bestRate = Math.max(this.#bestRate, rate)
      if (this.#flat >= PATIENCE) this.#isDoubling = false
      return
    }
    const wanted = Math.ceil((this.#rate * (this.#roundTripMs + SPARE_MS)) / this.#blockBytes)
    // Never less than half at once: one slow quarter of a second says little about the next.
    this.#size = Math.max(MIN_BLOCKS, wanted, Math.min(this.#size, this.limit) >> 1)
    if (rate > this.#bestRate * GROWTH) {
      this.#bestRate = rate
      this.#isDoubling = true
      this.#flat = 0
    }
  }
}
