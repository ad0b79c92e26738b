// The memory of a session for metadata that nobody has proven yet: of all its magnet links together, for whoever comes may claim the
// largest, for each of them. Where it runs out the largest copy gives way: what is right is small in nearly all cases.

/** Who gathers metadata for one link. */
export interface MetadataHolder {
  /** Bytes of all its copies. */
  readonly held: number
  /** Bytes of the largest one; 0: there is none. */
  readonly largest: number
  /** It is gathered anew. */
  giveUpLargest(): void
}

/** Twice the largest metadata that there may be. */
const MAX_BYTES = 128 << 20
/** It is looked at when so many bytes have come, not with each part. */
const LOOK_EVERY_BYTES = 1 << 20

export class MetadataMemory {
  readonly #holders = new Set<MetadataHolder>()
  #unseen = 0

  /** Until it leaves, what it holds is counted. */
  enter(holder: MetadataHolder): void {
    this.#holders.add(holder)
  }

  leave(holder: MetadataHolder): void {
    this.#holders.delete(holder)
  }

  /** So many bytes have come to one of the holders. */
  onReceived(bytes: number): void {
    this.#unseen += bytes
    if (this.#unseen < LOOK_EVERY_BYTES) return
    this.#unseen = 0
    while (this.#held > MAX_BYTES) {
      const [first] = [...this.#holders].toSorted((a, b) => b.largest - a.largest)
      first.giveUpLargest()
    }
  }

  get #held(): number {
    let held = 0
    for (const holder of this.#holders) held += holder.held
    return held
  }
}
