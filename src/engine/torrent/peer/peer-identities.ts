// Who is who among the connected: no peer twice, nobody again who was banned. A peer is known by its id; a ban holds for
// id and IP together, since an id is public, and whoever likes can use another's.
import { equalBytes, toHex } from '../../../base/bytes.ts'
import type { Peer } from './peer.ts'

/** Two connections that were opened at the same moment, one by each side, are told apart by who is kept. */
const SIMULTANEOUS_MS = 3_000
/** An old connection that has been silent for so long is dead, when its peer comes again. */
const DEAD_MS = 60_000
const MAX_BANNED = 1000

export class PeerIdentities {
  readonly #ownId: Uint8Array
  readonly #connectedAt: ReadonlyMap<Peer, number>
  readonly #banned = new Set<string>()

  /** @param connectedAt all who are past the handshake, and since when */
  constructor(ownId: Uint8Array, connectedAt: ReadonlyMap<Peer, number>) {
    this.#ownId = ownId
    this.#connectedAt = connectedAt
  }

  ban(peer: Peer): void {
    this.#banned.add(identity(peer))
    if (this.#banned.size > MAX_BANNED) this.#banned.delete(this.#banned.values().next().value!)
  }

  isBanned(peer: Peer): boolean {
    return this.#banned.has(identity(peer))
  }

  /** Another connection with the same peer, be it over the other kind of IP or from within its network. */
  twinOf(peer: Peer): Peer | null {
    for (const other of this.#connectedAt.keys()) {
      if (other !== peer && equalBytes(other.peerId!, peer.peerId!)) return other
    }
    return null
  }

  /**
   * Two connections with one peer: is the newer one kept? Not unless the older is dead, or each side opened one at the same
   * moment; then both sides must come to the same answer, or both connections close: the one opened by the greater id stays.
   */
  isBetterThan(peer: Peer, twin: Peer, now: number): boolean {
    // Whom we have dialled ourselves at the same IP may well think that the older one lives.
    const hasComeAgain = peer.isIncoming || peer.address.ip !== twin.address.ip
    if (hasComeAgain && now - twin.lastReceivedAt >= DEAD_MS) return true
    const isSimultaneous = now - this.#connectedAt.get(twin)! < SIMULTANEOUS_MS
    if (!isSimultaneous || peer.isIncoming === twin.isIncoming) return false
    const weAreGreater = toHex(this.#ownId) > toHex(peer.peerId!)
    return weAreGreater !== peer.isIncoming
  }
}

function identity(peer: Peer): string {
  return `${toHex(peer.peerId ?? new Uint8Array())}@${peer.address.ip}`
}
