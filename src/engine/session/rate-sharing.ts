// One direction of a session's payload: its limit, shared out at each heartbeat among the torrents that wait for it, in
// turn and with equal shares, however many peers each of them has. A torrent shares its part out among its peers.
import type { RateSharer } from '../torrent/torrent.ts'
import { RateLimiter } from '../transport/rate-limiter.ts'
import { WaitingLine } from '../transport/waiting-line.ts'

export class RateSharing {
  readonly limiter: RateLimiter
  readonly #line = new WaitingLine<RateSharer>()

  /** Throws TypeError for a rate that is none. @param bytesPerSecond 0: no limit */
  constructor(bytesPerSecond: number) {
    this.limiter = new RateLimiter(bytesPerSecond)
  }

  /** Once in each heartbeat, for each torrent: it has its turn at the next `tick` if it waits. @param sharer null: it does not run */
  ask(sharer: RateSharer | null): void {
    if (sharer?.isHeldByRate) this.#line.join(sharer)
  }

  /** A heartbeat, when all have been asked. */
  tick(now: number): void {
    if (this.#line.isEmpty) {
      this.limiter.isScarce = false
      return
    }
    // While it is shared out nobody takes more than that, and as long as somebody is left waiting nobody takes out of turn.
    this.limiter.isScarce = true
    this.#line.serve(this.limiter.available(now), (sharer, share) => {
      const used = sharer.shareOut(share, now)
      if (used > 0 && sharer.isHeldByRate) this.#line.join(sharer)
      return used
    })
    this.limiter.isScarce = this.limiter.isLimited && !this.#line.isEmpty
  }
}
