// One end of a node's line: a queue that is served at a fixed rate and holds a bounded number of bytes; what does not fit is
// dropped ("drop-tail"), as a cheap router does. Nothing waits in it: because it is served in order, the moment at which
// something leaves is known when it enters, so an entry costs no event.

export interface RateQueueOptions {
  /** Bytes per second; 0: no limit, and nothing ever waits. */
  readonly bytesPerSecond: number
  /** Bytes that may wait. */
  readonly bufferBytes: number
}

export class RateQueue {
  readonly #usPerByte: number
  readonly #bufferUs: number
  /** When the last byte that was accepted will have left. */
  #freeAtUs = 0
  #acceptedBytes = 0

  constructor({ bytesPerSecond, bufferBytes }: RateQueueOptions) {
    this.#usPerByte = bytesPerSecond > 0 ? 1e6 / bytesPerSecond : 0
    this.#bufferUs = bytesPerSecond > 0 ? bufferBytes * this.#usPerByte : Infinity
  }

  /** All bytes that were ever accepted. */
  get acceptedBytes(): number {
    return this.#acceptedBytes
  }

  /** Time that the bytes take alone, when nothing is before them. */
  serviceUs(bytes: number): number {
    return bytes * this.#usPerByte
  }

  /** Bytes that a newcomer would find waiting at `nowUs`. */
  waitingBytes(nowUs: number): number {
    return this.#usPerByte === 0 ? 0 : Math.max(0, this.#freeAtUs - nowUs) / this.#usPerByte
  }

  /**
   * How many of `count` packets, which arrive together, find room. An empty queue takes one packet of any size: it is on the
   * line at once.
   */
  room(nowUs: number, packetBytes: number, count: number): number {
    if (this.#bufferUs === Infinity) return count
    const waitingUs = Math.max(0, this.#freeAtUs - nowUs)
    const packetUs = packetBytes * this.#usPerByte
    const fitting = Math.floor((this.#bufferUs - waitingUs) / packetUs) + (waitingUs === 0 ? 1 : 0)
    return fitting < 0 ? 0 : fitting < count ? fitting : count
  }

  /** Takes bytes for which there is room; returns when the last of them leaves. */
  accept(nowUs: number, bytes: number): number {
    this.#acceptedBytes += bytes
    if (this.#freeAtUs < nowUs) this.#freeAtUs = nowUs
    this.#freeAtUs += bytes * this.#usPerByte
    return this.#freeAtUs
  }
}
