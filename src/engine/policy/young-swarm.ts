// Is this the time for a sole seed to begin with super-seeding (BEP 16)? It makes the pieces of a young swarm spread faster,
// because nobody is sent what somebody else could pass on; but to pass on takes others: one or two leechers would only wait
// for what they could have at once.
// Pure.
import { Bitfield } from '../../base/bitfield.ts'

/** Leechers that make a swarm: with fewer, what is shown to one cannot be seen at another soon. */
const MIN_LEECHERS = 4

export interface SwarmMember {
  readonly have: Bitfield
  readonly isSeed: boolean
}

/** Several leechers, no other seed, and most of the pieces at nobody yet. @param peers those connected */
export function isYoungSwarm(peers: Iterable<SwarmMember>, pieceCount: number): boolean {
  const seen = new Bitfield(pieceCount)
  let leechers = 0
  for (const { have, isSeed } of peers) {
    if (isSeed) return false
    leechers++
    if (have.count > 0) seen.setAll(have)
  }
  return leechers >= MIN_LEECHERS && 2 * seen.count < pieceCount
}
