// Who may ask for blocks under a download limit, and how many: the rate is consulted here, when requesting, so that what
// arrives keeps to it. Peers ask at the heartbeat, in turn; which blocks they ask for is the picker's choice.
import { BLOCK_BYTES } from '../../protocol/metainfo/piece-map.ts'
import type { RateLimiter } from '../transport/rate-limiter.ts'
import { WaitingLine } from '../transport/waiting-line.ts'

/** What asking in turn needs of a peer. */
export interface AskingPeer {
  /** Blocks that it was asked for and has not sent. */
  readonly outstanding: number
  /** Would it be asked for more if it were its turn? */
  readonly hasRoomToAsk: boolean
  /** Asks for up to so many blocks. Returns the bytes asked for. */
  requestSome(blocks: number): number
  /** Cancels all that it was asked for but the first blocks. */
  keepOnly(blocks: number): void
  /** Sends what has gathered. */
  flush(): void
}

/** What is asked for and has not come may burst in when slow peers turn fast: no more than the limit allows in this time. */
const MAX_OUTSTANDING_MS = 2000

export class AskingTurns<Peer extends AskingPeer> {
  readonly #limiter: RateLimiter
  readonly #peers: () => Iterable<Peer>
  readonly #line = new WaitingLine<Peer>()

  /** @param peers all that are connected */
  constructor(limiter: RateLimiter, peers: () => Iterable<Peer>) {
    this.#limiter = limiter
    this.#peers = peers
  }

  /** Somebody would be asked for more if the rate limit allowed it. */
  get isHeldByRate(): boolean {
    return !this.#line.isEmpty
  }

  /** A heartbeat: who has room stands in the line, nobody else. */
  tick(): void {
    const { isLimited } = this.#limiter
    if (!isLimited && this.#line.isEmpty) return
    for (const peer of this.#peers()) {
      if (isLimited && peer.hasRoomToAsk) this.#line.join(peer)
      else this.#line.leave(peer)
    }
  }

  /**
   * The heartbeat's share of the rate is used by those in the line.
   * @param bytes Infinity where only this torrent has a limit
   * @returns bytes asked for
   */
  shareOut(bytes: number, now: number): number {
    if (this.#line.isEmpty) return 0
    const allowed = Math.min(bytes, this.#limiter.ownAvailable(now))
    const most = Math.floor((this.#limiter.bytesPerSecond * MAX_OUTSTANDING_MS) / 1000 / BLOCK_BYTES)
    let spare = most - this.#outstanding
    return this.#line.serve(allowed, (peer, share) => {
      // One block is asked of anybody who owes none, or slow peers would keep us from the others.
      const room = Math.max(spare, peer.outstanding === 0 ? 1 : 0)
      const before = peer.outstanding
      const asked = peer.requestSome(Math.min(room, Math.max(1, Math.floor(share / BLOCK_BYTES))))
      spare -= peer.outstanding - before
      if (asked > 0) {
        peer.flush()
        if (peer.hasRoomToAsk) this.#line.join(peer)
      }
      return asked
    })
  }

  /** The limit becomes lower: of what is under way so much is waited for, a block of each peer at least; the rest is cancelled. */
  keepOnly(bytes: number): void {
    const part = bytes / (this.#outstanding * BLOCK_BYTES)
    if (!(part < 1)) return
    for (const peer of this.#peers()) {
      peer.keepOnly(Math.max(1, Math.floor(part * peer.outstanding)))
      peer.flush()
    }
  }

  /** The peer is gone. */
  forget(peer: Peer): void {
    this.#line.leave(peer)
  }

  get #outstanding(): number {
    let blocks = 0
    for (const peer of this.#peers()) blocks += peer.outstanding
    return blocks
  }
}
