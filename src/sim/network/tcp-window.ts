// How much a TCP sender may have on its way (RFC 5681, RFC 6298, in essence NewReno as Linux has it): slow start, congestion
// avoidance, one halving per window with losses, and a time-out that doubles. Pure: bytes and times in, bytes and times out.
// Which bytes are lost is found out elsewhere (`tcp-pipe.ts`).

/** Payload of a full packet on Ethernet, with TCP time stamps. */
export const SEGMENT_BYTES = 1448
/** RFC 6928. */
const INITIAL_SEGMENTS = 10
const MIN_SEGMENTS = 2
/** Least allowance for round trips that vary, as Linux has it; the RFC's whole second is nobody's practice. */
const MIN_ALLOWANCE_US = 200_000
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
  /** The window is on its way to the threshold (RFC 6937): of `#reducedFrom` so much was delivered since, and sent. */
  #isReducing = false
  #reducedFrom = 0
  #delivered = 0
  #sent = 0

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
    this.#timeoutUs = this.smoothedUs + Math.max(MIN_ALLOWANCE_US, 4 * this.#variationUs)
  }

  /**
   * New bytes were acknowledged. The window grows only when it was in use (RFC 7661): `wasFull`, or in slow start when more
   * than half of it was on its way (`flightBytes`).
   */
  onAcknowledged(bytes: number, flightBytes: number, wasFull: boolean): void {
    this.#backOff = 0
    if (this.#isReducing) return
    if (this.isSlowStart) {
      if (wasFull || this.congestionWindow < 2 * flightBytes) this.congestionWindow += bytes
    } else if (wasFull) this.congestionWindow += (SEGMENT_BYTES * bytes) / this.congestionWindow
  }

  /** A loss was found, the first one of a window. Until `onRepaired` the window follows what is delivered. */
  onLoss(): void {
    this.#isReducing = true
    this.#reducedFrom = this.congestionWindow
    this.#delivered = 0
    this.#sent = 0
    this.slowStartThreshold = half(this.congestionWindow)
  }

  /**
   * So much has arrived, and so much is still on its way. While losses are repaired one packet is sent for two that arrive,
   * until no more is on its way than the new threshold; then as many as arrived (proportional rate reduction, RFC 6937).
   */
  onDelivered(bytes: number, flightBytes: number): void {
    if (!this.#isReducing) return
    this.#delivered += bytes
    const room = this.slowStartThreshold - flightBytes
    const allowed =
      room < 0
        ? (this.slowStartThreshold * this.#delivered) / this.#reducedFrom - this.#sent
        : Math.min(room, Math.max(this.#delivered - this.#sent, bytes) + SEGMENT_BYTES)
    // What was lost first is sent again without delay.
    this.congestionWindow = flightBytes + Math.max(allowed, this.#sent === 0 ? SEGMENT_BYTES : 0)
  }

  onSent(bytes: number): void {
    if (this.#isReducing) this.#sent += bytes
  }

  /** Everything that had been sent when the loss was found has been acknowledged. */
  onRepaired(): void {
    if (this.#isReducing) this.congestionWindow = this.slowStartThreshold
    this.#isReducing = false
  }

  /** Nothing was acknowledged for `timeoutUs`. */
  onTimeout(): void {
    if (this.#backOff === 0) this.slowStartThreshold = half(this.congestionWindow)
    this.congestionWindow = SEGMENT_BYTES
    this.#isReducing = false
    this.#backOff++
  }

  /** Nothing was sent for a while: what the window says of the path is old. */
  onIdle(idleUs: number): void {
    if (idleUs <= this.#timeoutUs) return
    this.congestionWindow = Math.min(this.congestionWindow, INITIAL_SEGMENTS * SEGMENT_BYTES)
  }
}

function half(window: number): number {
  return Math.max(window / 2, MIN_SEGMENTS * SEGMENT_BYTES)
}
