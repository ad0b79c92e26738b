// What one side of a connection has sent and not yet heard back of: which of it counts as on its way, as lost, as received.
// Losses are found as with selective acknowledgements (RFC 6675): what was sent three packets before something that has
// arrived is lost; while losses are being repaired, one packet is enough.
import type { TcpSegment } from './tcp-segment.ts'

const REORDERING_PACKETS = 3

export class TcpFlight {
  #first: TcpSegment | null = null
  #last: TcpSegment | null = null
  #flightBytes = 0
  #lostBytes = 0
  #unrepairedBytes = 0
  #acknowledgedTo = 0
  /** The highest order that has been acknowledged. */
  #highestOrder = 0

  /** Bytes that are on their way, for all we know. */
  get flightBytes(): number {
    return this.#flightBytes
  }

  get lostBytes(): number {
    return this.#lostBytes
  }

  /** Bytes that were lost at some time, and have not been acknowledged since. */
  get unrepairedBytes(): number {
    return this.#unrepairedBytes
  }

  /** Position up to which everything has been acknowledged. */
  get acknowledgedTo(): number {
    return this.#acknowledgedTo
  }

  get isEmpty(): boolean {
    return this.#first === null
  }

  /** A new segment goes on its way, behind all others. */
  append(segment: TcpSegment): void {
    if (this.#last) this.#last.next = segment
    else this.#first = segment
    this.#last = segment
    this.#flightBytes += segment.length
  }

  /** Cuts a segment in two, and returns the second part. */
  split(segment: TcpSegment, position: number): TcpSegment {
    const rest = segment.split(position)
    if (segment === this.#last) this.#last = rest
    return rest
  }

  /** A lost segment is sent again. */
  resend(segment: TcpSegment): void {
    segment.state = 'in_flight'
    this.#lostBytes -= segment.length
    this.#flightBytes += segment.length
  }

  acknowledge(segment: TcpSegment): void {
    if (segment.state === 'lost') this.#lostBytes -= segment.length
    else this.#flightBytes -= segment.length
    if (segment.wasLost) this.#unrepairedBytes -= segment.length
    segment.state = 'acknowledged'
    if (segment.order > this.#highestOrder) this.#highestOrder = segment.order
    while (this.#first?.state === 'acknowledged') {
      this.#acknowledgedTo = this.#first.end
      this.#first = this.#first.next
    }
    if (!this.#first) this.#last = null
  }

  /** Finds out what is lost. */
  findLosses(isRepairing: boolean): void {
    const newestLost = this.#highestOrder - (isRepairing ? 1 : REORDERING_PACKETS)
    for (let segment = this.#first; segment !== null; segment = segment.next) {
      // What was sent once lies in the order of sending: nothing behind it is older.
      if (segment.order > this.#highestOrder && segment.sends === 1) break
      if (segment.state !== 'in_flight' || segment.order > newestLost) continue
      this.#lose(segment)
    }
  }

  /** After a time-out nothing counts as on its way. */
  loseAll(): void {
    for (let segment = this.#first; segment !== null; segment = segment.next) {
      if (segment.state === 'in_flight') this.#lose(segment)
    }
  }

  firstLost(): TcpSegment | null {
    if (this.#lostBytes === 0) return null
    let segment = this.#first
    while (segment !== null && segment.state !== 'lost') segment = segment.next
    return segment
  }

  #lose(segment: TcpSegment): void {
    segment.state = 'lost'
    if (!segment.wasLost) this.#unrepairedBytes += segment.length
    segment.wasLost = true
    this.#flightBytes -= segment.length
    this.#lostBytes += segment.length
  }
}
