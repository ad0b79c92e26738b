// One direction of a TCP connection, seen from its sender: from what one side writes to what the other side is handed.
//
// Both ends live in one program, so that a few shortcuts take nothing from the truth and save most events: an
// acknowledgement is a time that stands at its segment, looked at when the sender needs to know; the timer for time-outs
// runs only while something has really been dropped (there are no needless time-outs, then); bytes are not carried, but
// fetched from the sender's buffer by the receiver.
import type { TimeTarget, Timeline } from '../timeline.ts'
import type { Host } from './host.ts'
import type { Medium, MediumOptions } from './medium.ts'
import { SendBuffer } from './send-buffer.ts'
import { TcpFlight } from './tcp-flight.ts'
import { TcpReceiver, type PipeReceiver } from './tcp-receiver.ts'
import { packetsOf, TcpRoute } from './tcp-route.ts'
import { ARRIVED, RECEIVED, TcpSegment, type SegmentCarrier } from './tcp-segment.ts'
import { SEGMENT_BYTES, TcpWindow } from './tcp-window.ts'

export interface PipeSender {
  /** The system has taken writes; `hasDrained`: all of them. */
  onTaken(callbacks: readonly (() => void)[], hasDrained: boolean): void
  /** Nothing was acknowledged for as long as a system waits. */
  onGaveUp(): void
}

export interface PipeEnds {
  readonly sender: PipeSender
  readonly receiver: PipeReceiver
  /** The receiver answers that nobody is there. */
  readonly reset: () => void
}

/** Arguments of `onTime`. */
const PUMP = 0
const HEAR = 1
const TIMEOUT = 2

/** A window is sent in so many trains at least, so that the line has work while the first acknowledgements come. */
const TRAINS_PER_WINDOW = 3
/**
 * The packets of a train are acknowledged one by one, but the sender hears of them all at once: as though so much of it
 * had been replaced by then, on average. A swarm takes the same time as with trains of four packets at most (within 1 %).
 */
const REPLACED_OF_TRAIN = 0.5

/** As Linux: some 15 minutes. */
const MAX_TIMEOUTS = 15
/** As Linux: memory for two windows, reckoned at more than 4 KiB a packet, where it mostly takes less than 2. */
const SEND_BUFFER_WINDOWS = 5

export class TcpPipe implements TimeTarget, SegmentCarrier {
  readonly #timeline: Timeline
  readonly #options: MediumOptions
  readonly #route: TcpRoute
  /** The sender's life: after it nothing more is sent. */
  readonly #life: number
  readonly #sender: PipeSender
  readonly #reset: () => void
  readonly #window = new TcpWindow()
  readonly #buffer: SendBuffer
  readonly #flight = new TcpFlight()
  readonly #receiver: TcpReceiver
  #isOpen = false
  #isStopped = false
  #corks = 0
  #isEnding = false
  #sentTo = 0
  #packetsSent = 0
  /** Losses are repaired when everything up to here is acknowledged. */
  #repairTo = 0
  /** The window, not the writer, was what kept the last bytes back. */
  #isFull = false
  #lastSentAtUs = 0
  #lastHeardAtUs = 0
  #lastArrivalUs = 0
  #isPumpPlanned = false
  #isHearingPlanned = false
  #isTimeoutPlanned = false

  constructor(medium: Medium, from: Host, to: Host, { sender, receiver, reset }: PipeEnds) {
    this.#timeline = medium.timeline
    this.#options = medium.options
    this.#route = new TcpRoute(medium, from, to)
    this.#life = from.life
    this.#sender = sender
    this.#reset = reset
    this.#buffer = new SendBuffer(medium.options.content)
    this.#receiver = new TcpReceiver(this.#route, this.#buffer, receiver)
  }

  // ---------------------------------------------------------------- for the sender

  get queuedBytes(): number {
    return this.#buffer.queuedBytes
  }

  get bytesTaken(): number {
    return this.#buffer.takenTo
  }

  /** The connection is established; `roundTripUs` is what that took. */
  open(roundTripUs: number): void {
    this.#isOpen = true
    this.#window.onRoundTrip(roundTripUs)
    this.#planPump()
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    this.#buffer.write(bytes, onTaken)
    this.#planPump()
  }

  cork(): void {
    this.#corks++
  }

  uncork(): void {
    if (this.#corks > 0) this.#corks--
    this.#planPump()
  }

  /** Nothing follows what was written. */
  end(): void {
    this.#isEnding = true
    this.#corks = 0
    this.#planPump()
  }

  /** The same, and what waits is lost. */
  abandon(): void {
    this.#buffer.dropQueue()
    this.end()
  }

  /** Nothing more is sent or received, not even what the system has taken. */
  stop(): void {
    this.#isStopped = true
    this.#receiver.stop()
    this.#buffer.dropAll()
  }

  onTime(what: number): void {
    if (what === PUMP) this.#isPumpPlanned = false
    else if (what === HEAR) this.#isHearingPlanned = false
    else this.#isTimeoutPlanned = false
    if (this.#isStopped || this.#route.from.life !== this.#life) return
    this.#hear()
    if (what === TIMEOUT) this.#onTimeout()
    if (!this.#isStopped) this.#pump()
  }

  #planPump(): void {
    if (this.#isPumpPlanned || !this.#isOpen || this.#corks > 0 || this.#isStopped) return
    this.#isPumpPlanned = true
    this.#timeline.plan(this.#timeline.nowUs, this, PUMP)
  }

  #pump(): void {
    const buffer = this.#buffer
    let hasTaken = false
    if (this.#flight.isEmpty) this.#window.onIdle(this.#timeline.nowUs - this.#lastSentAtUs)
    do {
      if (this.#corks === 0) hasTaken = buffer.take(this.#flight.acknowledgedTo) || hasTaken
    } while (this.#sendNext() || this.#growBuffer())
    this.#planHearing()
    if (hasTaken) this.#sender.onTaken(buffer.takeUntold(), buffer.queuedBytes === 0)
  }

  /** The buffer grows where it, not the window, holds bytes back. */
  #growBuffer(): boolean {
    if (this.#buffer.queuedBytes === 0 || this.#isFull) return false
    const grown = Math.floor(SEND_BUFFER_WINDOWS * this.#window.congestionWindow)
    return this.#buffer.grow(Math.min(grown, this.#options.sendBufferBytes))
  }

  /** Position of the end of what there is to send; the end of the stream itself counts as one byte. */
  get #endOfStream(): number {
    return this.#buffer.takenTo + (this.#isEnding && this.#buffer.queuedBytes === 0 ? 1 : 0)
  }

  /** Sends one segment if the windows allow; what is lost goes first. */
  #sendNext(): boolean {
    const flight = this.#flight
    const train = this.#largestSegment
    const replaced = train > SEGMENT_BYTES ? REPLACED_OF_TRAIN * train : 0
    const room = this.#window.congestionWindow + replaced - flight.flightBytes
    const lost = flight.firstLost()
    if (lost) {
      const bytes = sizeWithin(lost.length, room)
      this.#isFull = bytes === 0
      if (bytes === 0) return false
      if (bytes < lost.length) flight.split(lost, lost.start + bytes)
      flight.resend(lost)
      this.#window.onSent(lost.length)
      this.#launch(lost)
      return true
    }
    const wanted = Math.min(this.#endOfStream - this.#sentTo, train)
    const bytes = sizeWithin(
      wanted,
      Math.min(room, flight.acknowledgedTo + this.#options.receiveWindowBytes - this.#sentTo),
    )
    // Rather a little later and larger: small segments would stay small for ever.
    this.#isFull = bytes < Math.min(wanted, train / 2)
    if (this.#isFull || bytes <= 0) return false
    const segment = new TcpSegment(this, this.#sentTo, this.#sentTo + bytes)
    this.#sentTo += bytes
    flight.append(segment)
    this.#window.onSent(bytes)
    this.#launch(segment)
    return true
  }

  get #largestSegment(): number {
    const packets = Math.max(1, Math.floor(this.#window.congestionWindow / (TRAINS_PER_WINDOW * SEGMENT_BYTES)))
    return Math.min(this.#options.segmentBytes, packets * SEGMENT_BYTES)
  }

  // ---------------------------------------------------------------- on the way

  /** Sends the packets of a segment; where one is lost, the segment is cut. */
  #launch(segment: TcpSegment): void {
    const { nowUs } = this.#timeline
    const route = this.#route
    if (this.#flight.flightBytes === segment.length) this.#lastHeardAtUs = nowUs
    this.#lastSentAtUs = nowUs
    const { isOpen } = route
    for (let rest: TcpSegment | null = segment; rest !== null;) {
      const part: TcpSegment = rest
      const packets = packetsOf(part.length)
      const fitting = isOpen ? route.uplink.room(nowUs, route.wireBytes(part.length) / packets, packets) : 0
      const passing = route.packetsBeforeLoss(fitting)
      // Packets that pass, else one that is lost on the way, else all that found no room.
      const taken = passing > 0 ? passing : fitting > 0 ? 1 : packets
      rest = taken < packets ? this.#flight.split(part, part.start + taken * SEGMENT_BYTES) : null
      this.#packetsSent += taken
      part.order = this.#packetsSent
      part.sentAtUs = nowUs
      part.sends++
      if (fitting > 0) this.#depart(part, passing > 0)
      else this.#expectTimeout()
    }
  }

  #depart(segment: TcpSegment, isPassing: boolean): void {
    const route = this.#route
    const bytes = route.wireBytes(segment.length)
    const leavesAt = route.uplink.accept(this.#timeline.nowUs, bytes)
    if (!isPassing) return this.#expectTimeout()
    // It arrives when its last byte does: most downlinks are idle then, and it is received in the same moment.
    const arrivesAt = leavesAt + route.distanceUs() + route.downlink.serviceUs(bytes)
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, arrivesAt)
    this.#timeline.plan(this.#lastArrivalUs, segment, ARRIVED)
  }

  onArrived(segment: TcpSegment): void {
    const { nowUs } = this.#timeline
    const { isOpen, downlink } = this.#route
    if (!isOpen) return this.#expectTimeout()
    const bytes = this.#route.wireBytes(segment.length)
    const beganAt = nowUs - downlink.serviceUs(bytes)
    const packets = packetsOf(segment.length)
    const fitting = downlink.room(beganAt, bytes / packets, packets)
    if (fitting < packets) this.#expectTimeout()
    if (fitting === 0) return
    if (fitting < packets) this.#flight.split(segment, segment.start + fitting * SEGMENT_BYTES)
    const receivedAt = downlink.accept(beganAt, this.#route.wireBytes(segment.length))
    if (receivedAt <= nowUs + 1) this.onReceived(segment)
    else this.#timeline.plan(receivedAt, segment, RECEIVED)
  }

  onReceived(segment: TcpSegment): void {
    if (this.#route.to.state === 'down') return this.#expectTimeout()
    const isJustTheEnd = this.#isEnding && segment.start === this.#buffer.takenTo
    if (!this.#receiver.isExpecting() && !isJustTheEnd) return this.#reset()
    if (!this.#receiver.receive(segment)) this.#expectTimeout()
    else this.#planHearing()
    this.#receiver.deliver(segment)
  }

  // ---------------------------------------------------------------- what the sender hears of it

  /** Looks at all acknowledgements that have come by now. */
  #hear(): void {
    const { nowUs } = this.#timeline
    const flight = this.#flight
    const { flightBytes } = flight
    let heard = this.#receiver.takeHeard(nowUs)
    if (!heard) return
    let bytes = 0
    for (; heard !== null; heard = this.#receiver.takeHeard(nowUs)) {
      if (heard.sends === 1) this.#window.onRoundTrip(heard.acknowledgedAtUs - heard.sentAtUs)
      flight.acknowledge(heard)
      this.#window.onAcknowledged(heard.length, flightBytes, this.#isFull)
      this.#lastHeardAtUs = heard.acknowledgedAtUs
      bytes += heard.length
    }
    flight.findLosses(this.#isRepairing)
    if (this.#isRepairing && flight.acknowledgedTo >= this.#repairTo) {
      this.#repairTo = 0
      this.#window.onRepaired()
    }
    if (!this.#isRepairing && flight.unrepairedBytes > 0) {
      this.#repairTo = this.#sentTo
      this.#window.onLoss()
    }
    this.#window.onDelivered(bytes, flight.flightBytes)
  }

  /** Are losses under repair? Nothing that is lost meanwhile makes the window smaller. */
  get #isRepairing(): boolean {
    return this.#repairTo > 0
  }

  /** Has the sender a reason to look at the next acknowledgement as soon as it comes? */
  get #isWaiting(): boolean {
    const hasMore = this.#buffer.queuedBytes > 0 || this.#sentTo < this.#endOfStream
    return hasMore || this.#flight.lostBytes > 0 || this.#isTimeoutPlanned
  }

  #planHearing(): void {
    if (this.#isHearingPlanned || !this.#isWaiting) return
    const hearsAt = this.#receiver.nextHearingUs
    if (hearsAt === Infinity) return
    this.#isHearingPlanned = true
    this.#timeline.plan(hearsAt, this, HEAR)
  }

  /** Something was dropped: unless something else is heard first, only time will show. */
  #expectTimeout(): void {
    if (this.#isTimeoutPlanned) return
    this.#isTimeoutPlanned = true
    this.#timeline.plan(this.#timeline.nowUs + this.#window.timeoutUs, this, TIMEOUT)
    this.#planHearing()
  }

  #onTimeout(): void {
    const flight = this.#flight
    if (flight.isEmpty) return
    const { nowUs } = this.#timeline
    const dueAt = this.#lastHeardAtUs + this.#window.timeoutUs
    if (dueAt > nowUs) {
      this.#isTimeoutPlanned = true
      this.#timeline.plan(dueAt, this, TIMEOUT)
      return
    }
    if (this.#window.timeoutsInRow >= MAX_TIMEOUTS) {
      this.stop()
      this.#sender.onGaveUp()
      return
    }
    this.#window.onTimeout()
    flight.loseAll()
    this.#repairTo = this.#sentTo
    this.#lastHeardAtUs = nowUs
    this.#expectTimeout()
  }
}

/** Of `wanted` bytes as many as fit into `room`, cut only between packets. */
function sizeWithin(wanted: number, room: number): number {
  if (wanted <= room) return wanted
  return room < SEGMENT_BYTES ? 0 : Math.floor(room / SEGMENT_BYTES) * SEGMENT_BYTES
}
