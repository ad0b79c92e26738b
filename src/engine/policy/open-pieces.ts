// Pieces under way that have blocks nobody is asked for, found by whose they are. The picker looks here for every chunk
// that arrives, so it must not walk over the pieces of everybody else.
import type { PieceProgress } from './piece-progress.ts'

export class OpenPieces<Key> {
  readonly all = new Set<PieceProgress<Key>>()
  /** Those that no peer is at work on. */
  readonly orphans = new Set<PieceProgress<Key>>()
  readonly #owned = new Map<Key, Set<PieceProgress<Key>>>()
  readonly #nothing: ReadonlySet<PieceProgress<Key>> = new Set()

  /** Those that the peer is at work on, in the order in which they were begun or came back. */
  ownedBy(peer: Key): ReadonlySet<PieceProgress<Key>> {
    return this.#owned.get(peer) ?? this.#nothing
  }

  add(progress: PieceProgress<Key>): void {
    this.all.add(progress)
    const { owner } = progress
    if (owner === null) {
      this.orphans.add(progress)
      return
    }
    const owned = this.#owned.get(owner)
    if (owned) owned.add(progress)
    else this.#owned.set(owner, new Set([progress]))
  }

  delete(progress: PieceProgress<Key>): void {
    if (!this.all.delete(progress)) return
    const { owner } = progress
    if (owner === null) this.orphans.delete(progress)
    else {
      const owned = this.#owned.get(owner)!
      owned.delete(progress)
      if (owned.size === 0) this.#owned.delete(owner)
    }
  }

  /** The piece changes hands, or is nobody's any more. */
  setOwner(progress: PieceProgress<Key>, owner: Key | null): void {
    const isOpen = this.all.has(progress)
    this.delete(progress)
    progress.owner = owner
    if (isOpen) this.add(progress)
  }
}
