// A fixed number of bits, laid out as on the wire (BEP 3): bit 0 is the highest bit of byte 0.

const POPCOUNT = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
})

export class Bitfield {
  readonly size: number
  /** The wire form; spare bits at the end are zero. Written only through `set` and `clear`. */
  readonly bytes: Uint8Array
  #count = 0

  /** @param size number of bits, all zero at first */
  constructor(size: number) {
    this.size = size
    this.bytes = new Uint8Array(Math.ceil(size / 8))
  }

  /** A copy of wire bytes, or null when their length is wrong or a spare bit is set (BEP 3: then the peer is dropped). */
  static fromBytes(size: number, bytes: Uint8Array): Bitfield | null {
    if (bytes.length !== Math.ceil(size / 8)) return null
    const spare = bytes.length * 8 - size
    if (spare > 0 && (bytes[bytes.length - 1] & ((1 << spare) - 1)) !== 0) return null
    const field = new Bitfield(size)
    field.bytes.set(bytes)
    for (const byte of bytes) field.#count += POPCOUNT[byte]
    return field
  }

  static full(size: number): Bitfield {
    const field = new Bitfield(size)
    field.bytes.fill(0xff)
    const spare = field.bytes.length * 8 - size
    if (spare > 0) field.bytes[field.bytes.length - 1] &= 0xff << spare
    field.#count = size
    return field
  }

  /** How many bits are set. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.size
  }

  has(index: number): boolean {
    return (this.bytes[index >> 3] & (0x80 >> (index & 7))) !== 0
  }

  set(index: number): void {
    const mask = 0x80 >> (index & 7)
    if ((this.bytes[index >> 3] & mask) !== 0) return
    this.bytes[index >> 3] |= mask
    this.#count++
  }

  clear(index: number): void {
    const mask = 0x80 >> (index & 7)
    if ((this.bytes[index >> 3] & mask) === 0) return
    this.bytes[index >> 3] &= ~mask
    this.#count--
  }

  /** First index at or after `from` whose bit is not set, or -1. */
  firstClear(from = 0): number {
    for (let i = from; i < this.size; i++) {
      if ((i & 7) === 0 && this.bytes[i >> 3] === 0xff) i += 7
      else if (!this.has(i)) return i
    }
    return -1
  }

  /** Calls back for every bit that is set, in order. */
  forEachSet(visit: (index: number) => void): void {
    const { bytes } = this
    for (let i = 0; i < bytes.length; i++) {
      for (let rest = bytes[i]; rest !== 0;) {
        const bit = Math.clz32(rest) - 24
        rest ^= 0x80 >> bit
        visit(8 * i + bit)
      }
    }
  }

  /** Sets every bit that is set in the other field, which is as large. */
  setAll(other: Bitfield): void {
    const { bytes } = this
    let count = 0
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] |= other.bytes[i]
      count += POPCOUNT[bytes[i]]
    }
    this.#count = count
  }

  /** How many bits are set in both fields, which are equally large. */
  countCommon(other: Bitfield): number {
    if (other.isFull) return this.#count
    let count = 0
    for (let i = 0; i < this.bytes.length; i++) count += POPCOUNT[this.bytes[i] & other.bytes[i]]
    return count
  }

  /** The first bit that is set in both fields and that suits, or -1. The fields are equally large. */
  findCommon(other: Bitfield, suits: (index: number) => boolean): number {
    for (let i = 0; i < this.bytes.length; i++) {
      for (let rest = this.bytes[i] & other.bytes[i]; rest !== 0;) {
        const bit = Math.clz32(rest) - 24
        rest ^= 0x80 >> bit
        if (suits(8 * i + bit)) return 8 * i + bit
      }
    }
    return -1
  }

  copy(): Bitfield {
    return Bitfield.fromBytes(this.size, this.bytes)!
  }
}
