// How many peers to serve at once. Few: each gets its pieces soon and passes them on, and gives most in return to who
// gives most. More on a fast link, or where those served do not take what the link could give. With a rate limit, the
// limit is the link; without, what the link can carry is learnt by trying one slot more now and then.
// Pure: asked once a round.

/**
 * Never fewer, however slow the link, but under a limit of few blocks a minute: somebody must be served by chance, and some
 * for what they give.
 */
export const MIN_SLOTS = 3
/** Where nothing is known yet. */
export const START_SLOTS = 4
const MAX_SLOTS = 50
/** What a peer is sent in one go. */
const BLOCK_BYTES = 16_384
/** Each who is served under a limit gets a block within this time, where the limit allows it. */
const MAX_BLOCK_WAIT_S = 12
/** n slots need a link of n x n times this, in bytes per second: 4 slots go with 1 MiB/s, 32 with 64 MiB/s. */
const RATE_UNIT = 65_536
/** Rounds until a slot more is tried for the first time; doubled whenever it was in vain. */
const FIRST_TRIAL_ROUNDS = 3
const MAX_TRIAL_ROUNDS = 48
/** A slot more must bring this part of what a slot has brought so far, or it is taken back. */
const WORTHWHILE = 0.5
/** What the link carried at best counts for less from round to round. */
const FORGETTING = 0.95

export interface UploadRound {
  /** What was sent, smoothed or over the last round. */
  readonly bytesPerSecond: number
  /** The upload limit; 0: none. */
  readonly limit: number
  /** Peers served in the round. */
  readonly served: number
  /** Others wanted to be. */
  readonly isWaitedFor: boolean
}

export class UploadSlots {
  #count = START_SLOTS
  /** Slots beyond what the rate alone asks for, since they were worthwhile. */
  #extra = 0
  #best = 0
  #roundsToTrial = FIRST_TRIAL_ROUNDS
  #patience = FIRST_TRIAL_ROUNDS
  /** Bytes per second, at best, before the slot under trial; -1: none is. */
  #before = -1

  get count(): number {
    return this.#count
  }

  /** A round is over. Returns the slots for the next. */
  round({ bytesPerSecond, limit, served, isWaitedFor }: UploadRound): number {
    this.#best = Math.max(bytesPerSecond, this.#best * FORGETTING)
    if (limit > 0) return (this.#count = slotsUnder(limit))
    if (this.#before >= 0) this.#endTrial(bytesPerSecond)
    else if (served >= this.#count && isWaitedFor && bytesPerSecond > 0 && --this.#roundsToTrial <= 0) {
      // Not what this round happened to bring: after a bad one everything would look like a gain.
      this.#before = this.#best
      this.#extra++
    }
    return (this.#count = clamp(Math.max(START_SLOTS, slotsFor(this.#best)) + this.#extra, START_SLOTS))
  }

  #endTrial(bytesPerSecond: number): void {
    const gain = bytesPerSecond - this.#before
    const isWorthwhile = gain > (WORTHWHILE * this.#before) / (this.#count - 1)
    if (!isWorthwhile) this.#extra--
    this.#patience = isWorthwhile ? 1 : Math.min(MAX_TRIAL_ROUNDS, 2 * Math.max(this.#patience, FIRST_TRIAL_ROUNDS))
    this.#roundsToTrial = this.#patience
    this.#before = -1
  }
}

/** Slots before the first round. @param limit the upload limit in bytes per second; 0: none */
export function slotsAtStart(limit: number): number {
  return limit > 0 ? Math.min(START_SLOTS, slotsUnder(limit)) : START_SLOTS
}

/** Under a low limit fewer than else: who waits for a block for long takes us to be silent, and leaves. */
function slotsUnder(limit: number): number {
  const within = Math.floor((limit * MAX_BLOCK_WAIT_S) / BLOCK_BYTES)
  return clamp(slotsFor(limit), Math.max(1, Math.min(MIN_SLOTS, within)))
}

function slotsFor(bytesPerSecond: number): number {
  return Math.floor(Math.sqrt(bytesPerSecond / RATE_UNIT))
}

function clamp(slots: number, least: number): number {
  return Math.min(MAX_SLOTS, Math.max(least, slots))
}
