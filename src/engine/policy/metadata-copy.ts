// One attempt at a torrent's metadata: the parts that have come, and from whom. Whether the whole is right shows only when all of
// it is here, so that each part keeps its sender's name.
import { concatBytes, equalBytes } from '../../base/bytes.ts'

export class MetadataCopy<Peer> {
  /** Bytes of the whole, by the word of those who send it. */
  readonly size: number
  readonly partCount: number
  /** Bytes of the parts that are here. */
  held = 0
  readonly #partBytes: number
  readonly #parts: (Uint8Array | undefined)[]
  readonly #senders: (Peer | undefined)[]
  /** How many are asked for each part. */
  readonly #asked: Uint8Array
  #missing: number
  /** No part before this one is free. */
  #firstFree = 0

  constructor(size: number, partBytes: number) {
    this.size = size
    this.partCount = Math.ceil(size / partBytes)
    this.#partBytes = partBytes
    this.#parts = Array.from({ length: this.partCount })
    this.#senders = Array.from({ length: this.partCount })
    this.#asked = new Uint8Array(this.partCount)
    this.#missing = this.partCount
  }

  get isComplete(): boolean {
    return this.#missing === 0
  }

  /** Bytes that this part must have. */
  lengthOf(part: number): number {
    return Math.min(this.#partBytes, this.size - part * this.#partBytes)
  }

  lacks(part: number): boolean {
    return this.#parts[part] === undefined
  }

  /** How many are asked for this part. */
  askersOf(part: number): number {
    return this.#asked[part]
  }

  ask(part: number): void {
    this.#asked[part]++
  }

  /** One who was asked for this part is not counted on any more. */
  unask(part: number): void {
    this.#asked[part]--
    if (this.#asked[part] === 0) this.#firstFree = Math.min(this.#firstFree, part)
  }

  /** The first part that is not here and that nobody is asked for; -1 when there is none. */
  freePart(): number {
    while (this.#firstFree < this.partCount && !(this.lacks(this.#firstFree) && this.#asked[this.#firstFree] === 0))
      this.#firstFree++
    return this.#firstFree < this.partCount ? this.#firstFree : -1
  }

  /** Copies the bytes. */
  put(part: number, bytes: Uint8Array, sender: Peer): void {
    if (!this.lacks(part)) return
    this.#parts[part] = bytes.slice()
    this.#senders[part] = sender
    this.#missing--
    this.held += bytes.length
  }

  /** All of it, once it is complete. */
  whole(): Uint8Array {
    return concatBytes(this.#parts as Uint8Array[])
  }

  /** Those of whom something is here. */
  senders(): Set<Peer> {
    return new Set(this.#senders.filter((sender) => sender !== undefined))
  }

  /** Those who sent something else than what stands in the right one. */
  liars(right: Uint8Array): Set<Peer> {
    const liars = new Set<Peer>()
    for (const [part, bytes] of this.#parts.entries()) {
      const start = part * this.#partBytes
      const isRight = bytes === undefined || equalBytes(bytes, right.subarray(start, start + this.lengthOf(part)))
      if (!isRight) liars.add(this.#senders[part]!)
    }
    return liars
  }
}
