// What is given in advance. A peer that has never sent us anything gets a little, so that it can show what it is; when that
// is used up, though it has what we want, it is in debt: for a while everybody else who wants something comes before it.
// (In a swarm of many even little from each is a whole file, so the bound is in bytes, not in rounds.)
// Who has nothing for us cannot give, and is never in debt; nor is anybody who comes to one that has everything.
// Pure: the choker asks.

/** Two pieces of usual size. */
const CREDIT_BYTES = 524_288
/** Rounds after which a debt is forgiven. */
const DEBT_ROUNDS = 12

export interface Borrower {
  /** It has something that we want. */
  readonly isWanted: boolean
  /** Payload bytes sent to it since the last round. */
  readonly bytesToPeer: number
}

interface Account {
  /** Bytes sent to it before this round. */
  lent: number
  /** The round in which it fell into debt; null: it is not. */
  debtSince: number | null
}

export class Credit<Peer extends Borrower> {
  readonly #accounts = new WeakMap<Peer, Account>()
  #round = 0

  /** Has it used up what it gets in advance? From then on it is in debt. Not for peers that have sent us anything. */
  isUsedUp(peer: Peer): boolean {
    const account = this.#accountOf(peer)
    if (peer.isWanted && account.lent + peer.bytesToPeer >= CREDIT_BYTES) account.debtSince ??= this.#round
    return account.debtSince !== null
  }

  isInDebt(peer: Peer): boolean {
    return this.#accountOf(peer).debtSince !== null
  }

  /** A round of the choker is over. */
  endRound(peers: readonly Peer[]): void {
    this.#round++
    for (const peer of peers) {
      const account = this.#accountOf(peer)
      account.lent += peer.bytesToPeer
      if (account.debtSince === null || this.#round - account.debtSince < DEBT_ROUNDS) continue
      account.debtSince = null
      account.lent = 0
    }
  }

  #accountOf(peer: Peer): Account {
    let account = this.#accounts.get(peer)
    if (!account) this.#accounts.set(peer, (account = { lent: 0, debtSince: null }))
    return account
  }
}
