// One direction of a TCP connection: from what one side writes to what the other side is handed.
//
// Both ends live in one program, so that a few shortcuts cost nothing in truth and save most events: an acknowledgement is
// a time that stands at its segment, looked at when the sender needs to know; the timer for time-outs runs only while
// something has really been dropped (there are no needless time-outs, then); bytes are not carried, but fetched from the
// sender's buffer by the receiver.
import type { TimeTarget } from '../timeline.ts'
import type { Host } from './host.ts'
import type { Medium } from './medium.ts'
import type { RateQueue } from './rate-queue.ts'
import { SendBuffer } from './send-buffer.ts'
import { TcpFlight } from './tcp-flight.ts'
import { ARRIVED, RECEIVED, TcpSegment, type SegmentCarrier } from './tcp-segment.ts'
import { SEGMENT_BYTES, TcpWindow } from './tcp-window.ts'

export interface PipeSender {
  /** The system has taken writes; `hasDrained`: all of them. */
  onTaken(callbacks: readonly (() => void)[], hasDrained: boolean): void
  /** Nothing was acknowledged for as long as a system waits. */
  onGaveUp(): void
}

export interface PipeReceiver {
  /** False when nobody is there any more who would take bytes: the sender is to be reset. */
  prepareForBytes(): boolean
  /** Valid during the call only. False: take no more. */
  onBytes(chunk: Uint8Array): boolean
  onEnd(): void
}

/** Arguments of `onTime`. */
const PUMP = 0
const HEAR = 1
const TIMEOUT = 2

/** As Linux: some 15 minutes. */
const MAX_TIMEOUTS = 15
/** A connection's share of memory grows with its window, as systems do it. */
const MIN_SEND_BUFFER_BYTES = 65_536
const CHUNK_BYTES = 65_536

/** What receivers are handed: one buffer for all, zeros except during a call. */
const chunkBuffer = new Uint8Array(CHUNK_BYTES)

export class TcpPipe implements TimeTarget, SegmentCarrier {
  readonly window = new TcpWindow()
  readonly #medium: Medium
  readonly #from: Host
  readonly #to: Host
  readonly #life: number
  readonly #sender: PipeSender
  readonly #receiver: PipeReceiver
  /** The receiver answers that nobody is there. */
  readonly #reset: () => void
  readonly #delayUs: number
  readonly #lossPerPacket: number
  // The sender's side.
  readonly #buffer: SendBuffer
  readonly #flight = new TcpFlight()
  #isOpen = false
  #isStopped = false
  #corks = 0
  #isEnding = false
  #sentTo = 0
  #packetsSent = 0
  /** Chance has struck a packet that is still to be sent. */
  #isNextLost = false
  /** Losses up to this order have been answered. */
  #repairedOrder = 0
  /** The window, not the writer, was what kept the last bytes back. */
  #isFull = false
  #lastSentAtUs = 0
  #lastHeardAtUs = 0
  #isPumpPlanned = false
  #isHearingPlanned = false
  #isTimeoutPlanned = false
  // The receiver's side.
  #receivedTo = 0
  #hasEnded = false
  #lastArrivalUs = 0
  /** Received and not heard of by the sender, in the order of receiving. */
  #firstUnheard: TcpSegment | null = null
  #lastUnheard: TcpSegment | null = null
  #lastHearingUs = 0
  #hasLostAnswers = false

  constructor(
    medium: Medium,
    from: Host,
    to: Host,
    ends: { readonly sender: PipeSender; readonly receiver: PipeReceiver; readonly reset: () => void },
  ) {
    this.#medium = medium
    this.#from = from
    this.#to = to
    this.#life = from.life
    this.#sender = ends.sender
    this.#receiver = ends.receiver
    this.#reset = ends.reset
    this.#delayUs = medium.delayUs(from, to)
    this.#lossPerPacket = medium.loss(from, to)
    this.#buffer = new SendBuffer(medium.options.content)
  }

  // ---------------------------------------------------------------- for the sender

  get queuedBytes(): number {
    return this.#buffer.queuedBytes
  }

  get bytesTaken(): number {
    return this.#buffer.takenTo
  }

  /** The connection is established. */
  open(handshakeUs: number): void {
    this.#isOpen = true
    this.window.onRoundTrip(handshakeUs)
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

  /** Nothing more is sent, not even what the system has taken. */
  stop(): void {
    this.#isStopped = true
    this.#buffer.dropAll()
  }

  onTime(what: number): void {
    if (what === PUMP) this.#isPumpPlanned = false
    else if (what === HEAR) this.#isHearingPlanned = false
    else this.#isTimeoutPlanned = false
    if (this.#isStopped || this.#from.life !== this.#life) return
    this.#hear()
    if (what === TIMEOUT) this.#onTimeout()
    if (!this.#isStopped) this.#pump()
  }

  #planPump(): void {
    if (this.#isPumpPlanned || !this.#isOpen || this.#corks > 0 || this.#isStopped) return
    this.#isPumpPlanned = true
    this.#medium.timeline.plan(0, this, PUMP)
  }

  #pump(): void {
    const buffer = this.#buffer
    let hasTaken = false
    if (this.#flight.isEmpty) this.window.onIdle(this.#medium.timeline.nowUs - this.#lastSentAtUs)
    do {
      if (this.#corks === 0) hasTaken = buffer.take(this.#sendRoom) || hasTaken
    } while (this.#sendNext())
    this.#planHearing()
    if (hasTaken) this.#sender.onTaken(buffer.takeUntold(), buffer.queuedBytes === 0)
  }

  get #sendRoom(): number {
    const { sendBufferBytes } = this.#medium.options
    const limit = Math.min(sendBufferBytes, Math.max(MIN_SEND_BUFFER_BYTES, 2 * this.window.congestionWindow))
    return Math.floor(limit) - (this.#buffer.takenTo - this.#flight.acknowledgedTo)
  }

  /** Position of the end of what there is to send; the end of the stream itself counts as one byte. */
  get #endOfStream(): number {
    return this.#buffer.takenTo + (this.#isEnding && this.#buffer.queuedBytes === 0 ? 1 : 0)
  }

  /** Sends one segment if the windows allow; what is lost goes first. */
  #sendNext(): boolean {
    const flight = this.#flight
    const room = this.window.congestionWindow - flight.flightBytes
    const lost = flight.firstLost()
    if (lost) {
      const bytes = sizeWithin(lost.length, room)
      this.#isFull = bytes === 0
      if (bytes === 0) return false
      if (bytes < lost.length) flight.split(lost, lost.start + bytes)
      flight.resend(lost)
      this.#launch(lost)
      return true
    }
    const waiting = this.#endOfStream - this.#sentTo
    if (waiting <= 0) {
      this.#isFull = false
      return false
    }
    const { segmentBytes, receiveWindowBytes } = this.#medium.options
    const wanted = Math.min(waiting, segmentBytes)
    const bytes = sizeWithin(wanted, Math.min(room, flight.acknowledgedTo + receiveWindowBytes - this.#sentTo))
    // Rather a little later and larger: small segments would stay small for ever.
    const worthwhile = Math.min(wanted, Math.max(SEGMENT_BYTES, this.window.congestionWindow / 4 - SEGMENT_BYTES))
    this.#isFull = bytes < worthwhile
    if (this.#isFull) return false
    const segment = new TcpSegment(this, this.#sentTo, this.#sentTo + bytes)
    this.#sentTo += bytes
    flight.append(segment)
    this.#launch(segment)
    return true
  }

  // ---------------------------------------------------------------- on the way

  /** Sends the packets of a segment; where one is lost, the segment is cut. */
  #launch(segment: TcpSegment): void {
    const { nowUs } = this.#medium.timeline
    if (this.#flight.flightBytes === segment.length) this.#lastHeardAtUs = nowUs
    this.#lastSentAtUs = nowUs
    const isOpen = this.#medium.isOpen(this.#from, this.#to)
    let rest: TcpSegment | null = segment
    while (rest) {
      const part: TcpSegment = rest
      const packets = packetsOf(part.length)
      const fitting = isOpen ? this.#uplink.room(nowUs, this.#wireBytes(part) / packets, packets) : 0
      const passing = this.#packetsBeforeLoss(fitting)
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

  /** How many of these packets pass before one is lost; when that is not the last of them, the next call answers 0. */
  #packetsBeforeLoss(packets: number): number {
    if (this.#lossPerPacket === 0) return packets
    let passing = 0
    while (passing < packets && !this.#isNextLost) {
      this.#isNextLost = this.#from.random.happens(this.#lossPerPacket)
      if (!this.#isNextLost) passing++
    }
    if (passing === 0) this.#isNextLost = false
    return passing
  }

  #depart(segment: TcpSegment, isPassing: boolean): void {
    const { timeline } = this.#medium
    const bytes = this.#wireBytes(segment)
    const leavesAt = this.#uplink.accept(timeline.nowUs, bytes)
    if (!isPassing) return this.#expectTimeout()
    const arrival = leavesAt + this.#delayUs + this.#medium.jitterUs(this.#from)
    // It arrives when its last byte does: most downlinks are idle then, and it is received in the same moment.
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, arrival + this.#downlink.serviceUs(bytes))
    timeline.plan(this.#lastArrivalUs, segment, ARRIVED)
  }

  onArrived(segment: TcpSegment): void {
    const { nowUs } = this.#medium.timeline
    if (!this.#medium.isOpen(this.#from, this.#to)) return this.#expectTimeout()
    const bytes = this.#wireBytes(segment)
    const beganAt = nowUs - this.#downlink.serviceUs(bytes)
    const packets = packetsOf(segment.length)
    const fitting = this.#downlink.room(beganAt, bytes / packets, packets)
    if (fitting < packets) {
      this.#expectTimeout()
      if (fitting === 0) return
      this.#flight.split(segment, segment.start + fitting * SEGMENT_BYTES)
    }
    const receivedAt = this.#downlink.accept(beganAt, this.#wireBytes(segment))
    if (receivedAt <= nowUs + 1) this.onReceived(segment)
    else this.#medium.timeline.plan(receivedAt, segment, RECEIVED)
  }

  get #uplink(): RateQueue {
    return this.#medium.uplink(this.#from, this.#to)
  }

  get #downlink(): RateQueue {
    return this.#medium.downlink(this.#from, this.#to)
  }

  #wireBytes(segment: TcpSegment): number {
    return segment.length + packetsOf(segment.length) * this.#medium.options.headerBytes
  }

  // ---------------------------------------------------------------- at the receiver

  onReceived(segment: TcpSegment): void {
    if (this.#to.state === 'down') return this.#expectTimeout()
    if (!this.#receiver.prepareForBytes() && !this.#isJustTheEnd(segment)) return this.#reset()
    if (!segment.isReceived) {
      segment.isReceived = true
      if (this.#lastUnheard) this.#lastUnheard.nextReceived = segment
      else this.#firstUnheard = segment
      this.#lastUnheard = segment
    }
    this.#acknowledge(segment)
    if (segment.start !== this.#receivedTo) return
    let end = segment.end
    for (let next = segment.next; next?.isReceived; next = next.next) ({ end } = next)
    this.#deliver(end)
  }

  #isJustTheEnd(segment: TcpSegment): boolean {
    return this.#isEnding && segment.start === this.#buffer.takenTo
  }

  #deliver(end: number): void {
    const from = this.#receivedTo
    this.#receivedTo = end
    const isEnd = end > this.#buffer.takenTo
    const endOfBytes = isEnd ? end - 1 : end
    for (let at = from; at < endOfBytes && !this.#isStopped;) {
      const to = Math.min(endOfBytes, at + CHUNK_BYTES)
      this.#buffer.copy(at, to, chunkBuffer)
      const { trace, timeline } = this.#medium
      trace.add(timeline.nowUs, this.#from, this.#to, 'stream', to - at, chunkBuffer[to - at - 1])
      const takesMore = this.#receiver.onBytes(chunkBuffer.subarray(0, to - at))
      this.#buffer.clear(at, to, chunkBuffer)
      if (!takesMore) return
      at = to
    }
    if (!isEnd || this.#hasEnded || this.#isStopped) return
    this.#hasEnded = true
    this.#receiver.onEnd()
  }

  /** One packet for two, on the way back; none of those that were lost is needed once a later one is heard. */
  #acknowledge(segment: TcpSegment): void {
    const { timeline, options } = this.#medium
    const { nowUs } = timeline
    const bytes = Math.ceil(packetsOf(segment.length) / 2) * options.headerBytes
    const uplink = this.#medium.uplink(this.#to, this.#from)
    const isLost =
      !this.#medium.isOpen(this.#to, this.#from) ||
      uplink.room(nowUs, bytes, 1) === 0 ||
      (this.#lossPerPacket > 0 && this.#to.random.happens(this.#lossPerPacket))
    if (isLost) {
      this.#hasLostAnswers = true
      return this.#expectTimeout()
    }
    const downlink = this.#medium.downlink(this.#to, this.#from)
    const arrival = uplink.accept(nowUs, bytes) + this.#delayUs + this.#medium.jitterUs(this.#to)
    // The queue at the sender's line is taken as it is now: exact enough for packets of this size.
    this.#lastHearingUs = Math.max(this.#lastHearingUs, arrival + downlink.accept(nowUs, bytes) - nowUs)
    if (segment.acknowledgedAtUs === Infinity) segment.acknowledgedAtUs = this.#lastHearingUs
    if (this.#hasLostAnswers) this.#answerAgain(this.#lastHearingUs)
    if (this.#isWaiting) this.#planHearing()
  }

  /** An acknowledgement tells of everything received before it. */
  #answerAgain(heardAtUs: number): void {
    this.#hasLostAnswers = false
    for (let each = this.#firstUnheard; each !== null; each = each.nextReceived) {
      if (each.acknowledgedAtUs === Infinity) each.acknowledgedAtUs = heardAtUs
    }
  }

  // ---------------------------------------------------------------- what the sender hears of it

  /** Looks at all acknowledgements that have come by now. */
  #hear(): void {
    const { nowUs } = this.#medium.timeline
    const flight = this.#flight
    if (!this.#firstUnheard || this.#firstUnheard.acknowledgedAtUs > nowUs) return
    const flightBytes = flight.flightBytes
    for (let each: TcpSegment | null = this.#firstUnheard; each !== null; each = each.nextReceived) {
      if (each.acknowledgedAtUs > nowUs) break
      const isRepairing = flight.highestOrder < this.#repairedOrder
      if (each.sends === 1) this.window.onRoundTrip(each.acknowledgedAtUs - each.sentAtUs)
      flight.acknowledge(each)
      this.window.onAcknowledged(each.length, this.#isFull && (!isRepairing || this.window.isSlowStart))
      this.#lastHeardAtUs = each.acknowledgedAtUs
      this.#firstUnheard = each.nextReceived
    }
    if (!this.#firstUnheard) this.#lastUnheard = null
    const lostOrder = flight.findLosses(flight.highestOrder < this.#repairedOrder)
    if (lostOrder <= this.#repairedOrder) return
    this.#repairedOrder = this.#packetsSent
    this.window.onLoss(flightBytes)
  }

  /** Has the sender a reason to look at the next acknowledgement as soon as it comes? */
  get #isWaiting(): boolean {
    return (
      this.#buffer.queuedBytes > 0 ||
      this.#sentTo < this.#endOfStream ||
      this.#flight.lostBytes > 0 ||
      this.#isTimeoutPlanned
    )
  }

  #planHearing(): void {
    if (this.#isHearingPlanned || !this.#firstUnheard || !this.#isWaiting) return
    if (this.#firstUnheard.acknowledgedAtUs === Infinity) return
    this.#isHearingPlanned = true
    this.#medium.timeline.plan(this.#firstUnheard.acknowledgedAtUs, this, HEAR)
  }

  /** Something was dropped: unless something else is heard first, only time will show. */
  #expectTimeout(): void {
    if (this.#isTimeoutPlanned) return
    this.#isTimeoutPlanned = true
    this.#medium.timeline.plan(this.#medium.timeline.nowUs + this.window.timeoutUs, this, TIMEOUT)
    this.#planHearing()
  }

  #onTimeout(): void {
    const flight = this.#flight
    if (flight.isEmpty) return
    const { nowUs } = this.#medium.timeline
    const dueAt = this.#lastHeardAtUs + this.window.timeoutUs
    if (dueAt > nowUs) {
      this.#isTimeoutPlanned = true
      this.#medium.timeline.plan(dueAt, this, TIMEOUT)
      return
    }
    if (this.window.timeoutsInRow >= MAX_TIMEOUTS) {
      this.stop()
      this.#sender.onGaveUp()
      return
    }
    this.window.onTimeout(flight.flightBytes)
    flight.loseAll()
    this.#repairedOrder = this.#packetsSent
    this.#lastHeardAtUs = nowUs
    this.#expectTimeout()
  }
}

function packetsOf(bytes: number): number {
  return Math.ceil(bytes / SEGMENT_BYTES)
}

/** Of `wanted` bytes as many as fit into `room`, cut only between packets. */
function sizeWithin(wanted: number, room: number): number {
  if (wanted <= room) return wanted
  return room < SEGMENT_BYTES ? 0 : Math.floor(room / SEGMENT_BYTES) * SEGMENT_BYTES
}
