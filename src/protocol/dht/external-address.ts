// Where others see us (BEP 42). A single node may be wrong, or lie to make us change our id: an address counts when several
// ranges of addresses agree on it, more than on any other.
import { addressRange } from './address-range.ts'

/** The voices that count: the latest of so many ranges. */
const VOTERS = 24
const MAJORITY = 5

export class ExternalAddress {
  /** By the range of who has said it; the latest last. */
  readonly #votes = new Map<string, string>()
  /** Undefined: to be counted again. */
  #agreed: string | null | undefined = null

  /** A node at `voterIp` says that we are at `ip`. */
  vote(voterIp: string, ip: string): void {
    const voter = addressRange(voterIp) ?? voterIp
    if (this.#votes.get(voter) !== ip) this.#agreed = undefined
    this.#votes.delete(voter)
    this.#votes.set(voter, ip)
    for (const oldest of this.#votes.keys()) {
      if (this.#votes.size <= VOTERS) break
      this.#votes.delete(oldest)
    }
  }

  /** The address that most agree on, or null. */
  get ip(): string | null {
    if (this.#agreed === undefined) this.#agreed = this.#count()
    return this.#agreed
  }

  #count(): string | null {
    const counts = new Map<string, number>()
    for (const ip of this.#votes.values()) counts.set(ip, (counts.get(ip) ?? 0) + 1)
    const [best, second] = [...counts].sort(([, a], [, b]) => b - a)
    return best !== undefined && best[1] >= MAJORITY && best[1] > 2 * (second?.[1] ?? 0) ? best[0] : null
  }
}
