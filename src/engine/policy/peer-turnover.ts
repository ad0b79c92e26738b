// Who makes way when there are as many connections as there may be. Pure: the caller brings the peers and carries it out.
//
// Two occasions. Somebody comes to us: a peer with which nothing passes goes at once, and among those that are not (yet)
// of use the rank of BEP 40 decides, which both sides compute alike. And every few minutes, while we download and know
// untried addresses, some of the useless are let go for them: a peer that has chosen others never comes back to us by itself.

export interface TurnoverCandidate {
  /** Since when no payload has passed either way, or since the connection began; milliseconds. */
  readonly idleSince: number
  /** It has something that we want. */
  readonly isWanted: boolean
  /** It is being served by us. */
  readonly isUnchoked: boolean
  /** BEP 40; the greater, the rather kept. */
  readonly priority: number
}

/** A peer that has moved no payload for so long makes way for one who comes. */
const IDLE_MS = 60_000
/** A new connection is given so long to become of use before its rank counts. */
const GRACE_MS = 20_000
/** A peer that has moved no payload for so long may be turned over. */
const TURNOVER_IDLE_MS = 120_000
/** Of all peers, at most so many are turned over at once; but at least one. */
const TURNOVER_SHARE = 0.06

/** The peer that makes way for one of this rank who comes to us; null: the newcomer is refused. */
export function whoMakesWay<Peer extends TurnoverCandidate>(
  peers: Iterable<Peer>,
  newcomerPriority: number,
  now: number,
): Peer | null {
  let idlest: Peer | null = null
  let lowest: Peer | null = null
  for (const peer of peers) {
    if (!idlest || peer.idleSince < idlest.idleSince) idlest = peer
    const isExpendable = !peer.isUnchoked && now - peer.idleSince >= GRACE_MS
    if (isExpendable && (!lowest || peer.priority < lowest.priority)) lowest = peer
  }
  if (idlest && now - idlest.idleSince >= IDLE_MS) return idlest
  return lowest && lowest.priority < newcomerPriority ? lowest : null
}

/**
 * Those who make way for untried addresses: few at a time, and never one with which anything passes.
 * @param isNeeded it alone has something that we want; asked about few only, since it may be dear to find out
 */
export function whoIsTurnedOver<Peer extends TurnoverCandidate>(
  peers: readonly Peer[],
  now: number,
  isNeeded: (peer: Peer) => boolean,
): Peer[] {
  const most = Math.max(1, Math.floor(TURNOVER_SHARE * peers.length))
  const idle = peers.filter((peer) => now - peer.idleSince >= TURNOVER_IDLE_MS).sort(byUselessness)
  const chosen: Peer[] = []
  for (const peer of idle.slice(0, 2 * most)) {
    if (chosen.length < most && !isNeeded(peer)) chosen.push(peer)
  }
  return chosen
}

/** First who has nothing for us, then who has been idle for longest, then who ranks lowest. */
function byUselessness(a: TurnoverCandidate, b: TurnoverCandidate): number {
  return (
    Number(a.isWanted) - Number(b.isWanted) ||
    Number(a.isUnchoked) - Number(b.isUnchoked) ||
    a.idleSince - b.idleSince ||
    a.priority - b.priority
  )
}
