// The two limits of a torrent, or of all torrents together, and what follows from changing them. How a limit is kept is the
// rate limiter's business.
import { checkedRate } from './rate-limiter.ts'

/** Most payload to receive and to send, bytes per second; 0: no limit. What is said beside payload is not limited. */
export interface RateLimits {
  readonly down: number
  readonly up: number
}

export const NO_LIMITS: RateLimits = { down: 0, up: 0 }

/** When the download limit becomes lower, what comes within this time at the new rate is still waited for. */
const KEPT_OUTSTANDING_MS = 1000

/**
 * The limits that are given, and the others as they were. Throws TypeError for a rate that is none.
 * @param whose added to what the error says is limited, such as ` of all torrents`
 */
export function changedLimits(change: Partial<RateLimits>, before: RateLimits, whose = ''): RateLimits {
  return {
    down: checkedRate(change.down ?? before.down, `the rate of receiving${whose}`),
    up: checkedRate(change.up ?? before.up, `the rate of sending${whose}`),
  }
}

/** Bytes that may stay asked for when the download limit changes like this; Infinity when it does not become lower. */
export function keptOutstanding(after: RateLimits, before: RateLimits): number {
  const isLower = after.down > 0 && (before.down === 0 || after.down < before.down)
  return isLower ? (after.down * KEPT_OUTSTANDING_MS) / 1000 : Infinity
}
