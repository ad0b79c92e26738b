// Who sent the wrong block? (The hash covers a piece, and a piece may come from many peers.)
// When a piece fails, the digest of each block is kept with whoever delivered it. Once the piece is right, the blocks
// are compared: who delivered another one is guilty, and nobody else. A piece from one peer alone names it at once; so
// until then all who took part are on parole, and fetch whole pieces: the guilty one names itself with its next wrong block.

interface Attempt<Key> {
  /** Who delivered each block. */
  readonly from: readonly Key[]
  /** SHA-1 of each block, 20 bytes each. */
  readonly digests: Uint8Array
}

const DIGEST_BYTES = 20
/** Failed pieces remembered at once; beyond that the oldest are forgotten. */
const MAX_PIECES = 64
/** Attempts at one piece remembered. */
const MAX_ATTEMPTS = 4

export class SmartBan<Key> {
  readonly #failed = new Map<number, Attempt<Key>[]>()
  /** Who took part in attempts that are remembered, and in how many. */
  readonly #suspects = new Map<Key, number>()

  /** True when the blocks of this piece must be compared once it is right. */
  isSuspect(piece: number): boolean {
    return this.#failed.has(piece)
  }

  /** It took part in a piece that was wrong, and nobody knows yet whose fault that was. */
  isOnParole(who: Key): boolean {
    return this.#suspects.has(who)
  }

  /**
   * The piece is wrong. Returns who is guilty beyond doubt: the one peer that delivered all of it.
   * @param from who delivered each block
   * @param digests SHA-1 of each block, 20 bytes each, in the same order
   */
  failed(piece: number, from: readonly Key[], digests: Uint8Array): Key | null {
    // Named at once, it need not be found again.
    if (from.every((who) => who === from[0])) return from[0]
    const attempts = this.#failed.get(piece) ?? []
    attempts.push({ from, digests })
    this.#suspect(from, 1)
    if (attempts.length > MAX_ATTEMPTS) this.#suspect(attempts.shift()!.from, -1)
    this.#failed.set(piece, attempts)
    if (this.#failed.size > MAX_PIECES) this.#forget(this.#failed.keys().next().value!)
    return null
  }

  /** The piece is right, with these digests. Returns everybody who had delivered another block. */
  succeeded(piece: number, digests: Uint8Array): Key[] {
    const guilty = new Set<Key>()
    for (const attempt of this.#failed.get(piece) ?? []) {
      for (const [block, who] of attempt.from.entries()) {
        if (!isSameDigest(attempt.digests, digests, block * DIGEST_BYTES)) guilty.add(who)
      }
    }
    this.#forget(piece)
    return [...guilty]
  }

  #forget(piece: number): void {
    for (const { from } of this.#failed.get(piece) ?? []) this.#suspect(from, -1)
    this.#failed.delete(piece)
  }

  /** @param change how many attempts more each of them took part in */
  #suspect(from: readonly Key[], change: number): void {
    for (const who of new Set(from)) {
      const attempts = (this.#suspects.get(who) ?? 0) + change
      if (attempts > 0) this.#suspects.set(who, attempts)
      else this.#suspects.delete(who)
    }
  }
}

function isSameDigest(a: Uint8Array, b: Uint8Array, at: number): boolean {
  for (let i = at; i < at + DIGEST_BYTES; i++) if (a[i] !== b[i]) return false
  return true
}
