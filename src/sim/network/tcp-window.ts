// How much a TCP sender may have on its way (RFC 5681, RFC 6298, in essence NewReno): slow start, congestion avoidance, one
// halving per window with losses, and a time-out that doubles. Pure: bytes and times in, bytes and times out. Which bytes
// are lost is found out elsewhere (`tcp-pipe.ts`).

/** Payload of a full packet on Ethernet, with TCP time stamps. */
export const SEGMENT_BYTES = 1448
/** RFC 6928. */
const INITIAL_SEGMENTS = 10
const MIN_SEGMENTS = 2
/** As Linux has it; the RFC's whole second is nobody's practice. */
const MIN_TIMEOUT_US = 200_000
const MAX_TIMEOUT_US = 120_000_000
/** RFC 6298, before there is a sample. */
const FIRST_TIMEOUT_US = 1_000_000

export class TcpWindow {
  /** Bytes that may be on their way. */
  congestionWindow = INITIAL_SEGMENTS * SEGMENT_BYTES
  /** Below it the window grows by what is acknowledged, above by one packet per round trip. */
  slowStartThreshold = Infinity
  /** Smoothed round-trip time; 0 before the first sample. */
  smoothedUs = 0
  #variationUs = 0
  #timeoutUs = FIRST_TIMEOUT_US
  /** Time-outs in a row. */
  #backOff = 0

  get isSlowStart(): boolean {
    return this.congestionWindow < this.slowStartThreshold
  }

  /** How long to wait for an acknowledgement. */
  get timeoutUs(): number {
    return Math.min(MAX_TIMEOUT_US, this.#timeoutUs * 2 ** this.#backOff)
  }

  /** Time-outs since something was acknowledged. */
  get timeoutsInRow(): number {
    return this.#backOff
  }

  /** A packet that was sent once has been acknowledged (Karn: one that was sent twice says nothing). */
  onRoundTrip(sampleUs: number): void {
    if (this.smoothedUs === 0) {
      this.smoothedUs = sampleUs
      this.#variationUs = sampleUs / 2
    } else {
      this.#variationUs += (Math.abs(this.smoothedUs - sampleUs) - this.#variationUs) / 4
      this.smoothedUs += (sampleUs - this.smoothedUs) / 8
    }
    this.#timeoutUs = Math.max(MIN_TIMEOUT_US, this.smoothedUs + 4 * this.#variationUs)
  }

  /**
   * New bytes were acknowledged. The window grows only when it was in use (RFC 7661): `wasFull`.
   */
  onAcknowledged(bytes: number, wasFull: boolean): void {
    this.#backOff = 0
    if (!wasFull) return
    if (this.isSlowStart) this.congestionWindow += bytes
    else this.congestionWindow += (SEGMENT_BYTES * bytes) / this.congestionWindow
  }

  /** The first loss of a window. `flightBytes` is what was on its way. */
  onLoss(flightBytes: number): void {
    this.slowStartThreshold = Math.max(flightBytes / 2, MIN_SEGMENTS * SEGMENT_BYTES)
    this.congestionWindow = this.slowStartThreshold
  }

  /** Nothing was acknowledged for `timeoutUs`. */
  onTimeout(flightBytes: number): void {
    if (this.#backOff === 0) this.slowStartThreshold = Math.max(flightBytes / 2, MIN_SEGMENTS * SEGMENT_BYTES)
    this.congestionWindow = SEGMENT_BYTES
    this.#backOff++
  }

  /** Nothing was sent for a while: what the window says of the path is old. */
  onIdle(idleUs: number): void {
    if (idleUs <= this.#timeoutUs) return
    this.congestionWindow = Math.min(this.congestionWindow, INITIAL_SEGMENTS * SEGMENT_BYTES)
  }
}
