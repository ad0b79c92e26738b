// Where in a packed array a peer stands, by a hash of its address: open addressing with linear probing, 8 bytes an entry.
// It keeps hashes and positions alone; whether the peer at a position is the one looked for, the array itself says.

/** An array of peers that can be looked through by position. */
export interface Positions {
  isAt(position: number, address: Uint8Array): boolean
}

const SMALLEST = 64 // entries, a power of two
const NOT_FOUND = -1

export class AddressIndex {
  /** Pairs of hash and position + 1; a position of 0 is an empty entry. */
  #table = new Int32Array(2 * SMALLEST)
  #mask = SMALLEST - 1
  #size = 0

  /** Bytes of memory. */
  get byteLength(): number {
    return this.#table.byteLength
  }

  /** The position of `address`, or -1. */
  find(hash: number, address: Uint8Array, peers: Positions): number {
    const table = this.#table
    for (let entry = hash & this.#mask; table[2 * entry + 1] !== 0; entry = (entry + 1) & this.#mask) {
      const position = table[2 * entry + 1] - 1
      if (table[2 * entry] === hash && peers.isAt(position, address)) return position
    }
    return NOT_FOUND
  }

  /** `hash` is a 32-bit integer with sign. The peer must not be there yet. */
  add(hash: number, position: number): void {
    // At most three quarters full: probing stays short.
    if (4 * (this.#size + 1) > 3 * (this.#mask + 1)) this.#rebuild(2 * (this.#mask + 1))
    this.#insert(hash, position)
    this.#size++
  }

  /** The peer that stood at `from` stands at `to` now. */
  move(hash: number, from: number, to: number): void {
    this.#table[2 * this.#entryOf(hash, from) + 1] = to + 1
  }

  remove(hash: number, position: number): void {
    const table = this.#table
    let hole = this.#entryOf(hash, position)
    // Entries that were pushed on by the removed one move up, so that no search ends early at the hole.
    for (let entry = (hole + 1) & this.#mask; table[2 * entry + 1] !== 0; entry = (entry + 1) & this.#mask) {
      const wayFromHome = (entry - table[2 * entry]) & this.#mask
      if (wayFromHome < ((entry - hole) & this.#mask)) continue
      table[2 * hole] = table[2 * entry]
      table[2 * hole + 1] = table[2 * entry + 1]
      hole = entry
    }
    table[2 * hole + 1] = 0
    this.#size--
    // A sixth full: a third then, so that nothing is rebuilt again soon. A table that stayed would be what strangers have once filled.
    if (6 * this.#size < this.#mask + 1 && this.#mask + 1 > SMALLEST) this.#rebuild((this.#mask + 1) / 2)
  }

  #entryOf(hash: number, position: number): number {
    let entry = hash & this.#mask
    while (this.#table[2 * entry + 1] !== position + 1) entry = (entry + 1) & this.#mask
    return entry
  }

  #insert(hash: number, position: number): void {
    let entry = hash & this.#mask
    while (this.#table[2 * entry + 1] !== 0) entry = (entry + 1) & this.#mask
    this.#table[2 * entry] = hash
    this.#table[2 * entry + 1] = position + 1
  }

  #rebuild(entries: number): void {
    const old = this.#table
    this.#table = new Int32Array(2 * entries)
    this.#mask = entries - 1
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.#insert(old[i], old[i + 1] - 1)
  }
}

/** A 32-bit hash of bytes. Strangers choose the bytes: `seed` must be random, or they could choose bytes that collide. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash ^ bytes[i], 0x5bd1e995)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash, 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
