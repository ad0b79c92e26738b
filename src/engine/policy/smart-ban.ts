// Who sent the wrong block? (The hash covers a piece, and a piece may come from many peers.)
// When a piece fails, the digest of each block is kept with whoever delivered it. Once the piece is right, the blocks
// are compared: who delivered another one is guilty, and nobody else. A piece from one peer alone names it at once.

interface Delivery<Key> {
  readonly from: Key
  readonly digest: string
}

/** Failed pieces remembered at once; beyond that the oldest are forgotten. */
const MAX_PIECES = 64
/** Tries of one piece remembered. */
const MAX_TRIES = 8

export class SmartBan<Key> {
  readonly #failures = new Map<number, Delivery<Key>[][]>()

  /** True when the blocks of this piece must be compared once it is right. */
  isSuspect(piece: number): boolean {
    return this.#failures.has(piece)
  }

  /**
   * The piece is wrong. Returns who is guilty beyond doubt: the one peer that delivered all of it.
   * @param from who delivered each block
   * @param digests of each block, in the same order
   */
  failed(piece: number, from: readonly Key[], digests: readonly string[]): Key | null {
    const tries = this.#failures.get(piece) ?? []
    tries.push(from.map((who, i) => ({ from: who, digest: digests[i] })))
    if (tries.length > MAX_TRIES) tries.shift()
    this.#failures.set(piece, tries)
    if (this.#failures.size > MAX_PIECES) this.#failures.delete(this.#failures.keys().next().value!)
    return from.every((who) => who === from[0]) ? from[0] : null
  }

  /** The piece is right, with these digests. Returns everybody who had delivered another block. */
  succeeded(piece: number, digests: readonly string[]): Key[] {
    const tries = this.#failures.get(piece) ?? []
    this.#failures.delete(piece)
    const guilty = new Set<Key>()
    for (const deliveries of tries) {
      for (const [i, delivery] of deliveries.entries()) if (delivery.digest !== digests[i]) guilty.add(delivery.from)
    }
    return [...guilty]
  }
}
