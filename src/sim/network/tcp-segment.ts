// A run of bytes of one direction of a connection that was sent in one go: one packet, or a train of them.
import type { TimeTarget } from '../timeline.ts'

/** Who sends and receives it. */
export interface SegmentCarrier {
  /** Its last byte has reached the receiver's line. */
  onArrived(segment: TcpSegment): void
  /** The receiver has it. */
  onReceived(segment: TcpSegment): void
}

export type SegmentState = 'in_flight' | 'lost' | 'acknowledged'

/** Stages of its way, as arguments of `onTime`. */
export const ARRIVED = 0
export const RECEIVED = 1

export class TcpSegment implements TimeTarget {
  readonly carrier: SegmentCarrier
  /** Positions in the stream. */
  readonly start: number
  end: number
  state: SegmentState = 'in_flight'
  /** It was lost at least once. */
  wasLost = false
  sentAtUs = 0
  /** How often it was sent. */
  sends = 0
  /** How many packets had been sent on the connection when its last one was: later ones have higher numbers. */
  order = 0
  /** The receiver has it. */
  isReceived = false
  /** When the sender hears that the receiver has it; Infinity while that is unknown. */
  acknowledgedAtUs = Infinity
  /** The next one by position. */
  next: TcpSegment | null = null
  /** The next one that the receiver got. */
  nextReceived: TcpSegment | null = null

  constructor(carrier: SegmentCarrier, start: number, end: number) {
    this.carrier = carrier
    this.start = start
    this.end = end
  }

  get length(): number {
    return this.end - this.start
  }

  /** Cuts off what lies behind `position`, as a segment of its own. */
  split(position: number): TcpSegment {
    const rest = new TcpSegment(this.carrier, position, this.end)
    rest.state = this.state
    rest.wasLost = this.wasLost
    rest.sentAtUs = this.sentAtUs
    rest.sends = this.sends
    rest.order = this.order
    rest.next = this.next
    this.end = position
    this.next = rest
    return rest
  }

  onTime(stage: number): void {
    if (stage === ARRIVED) this.carrier.onArrived(this)
    else this.carrier.onReceived(this)
  }
}
