// The receiving end of one direction of a connection: brings segments in order, hands their bytes over, and acknowledges.
// An acknowledgement is no event: it is the time at which the sender will know, written at the segment.
import type { SendBuffer } from './send-buffer.ts'
import { packetsOf, TcpRoute } from './tcp-route.ts'
import type { TcpSegment } from './tcp-segment.ts'

/** Who is handed the bytes. */
export interface PipeReceiver {
  /** False when nobody is there any more who would take bytes: the sender is to be reset. */
  prepareForBytes(): boolean
  /** The chunk is valid during the call only. False: take no more. */
  onBytes(chunk: Uint8Array): boolean
  onEnd(): void
}

const CHUNK_BYTES = 65_536

/** What receivers are handed: one buffer for all, zeros except during a call. */
const chunkBuffer = new Uint8Array(CHUNK_BYTES)
/** Its first so many bytes. Most chunks have one of few lengths, and making a view costs more than finding it. */
const chunkViews = new Map<number, Uint8Array>()
const MAX_CHUNK_VIEWS = 1024

export class TcpReceiver {
  /** The way of the bytes. */
  readonly #route: TcpRoute
  /** The way of the acknowledgements. */
  readonly #back: TcpRoute
  readonly #buffer: SendBuffer
  readonly #receiver: PipeReceiver
  #receivedTo = 0
  #hasEnded = false
  #isStopped = false
  /** Received, and not yet heard of by the sender, in the order of receiving. */
  #firstUnheard: TcpSegment | null = null
  #lastUnheard: TcpSegment | null = null
  #lastHearingUs = 0
  #hasLostAnswers = false

  /** `buffer`: the sender's, where the bytes are. */
  constructor(route: TcpRoute, buffer: SendBuffer, receiver: PipeReceiver) {
    this.#route = route
    this.#back = new TcpRoute(route.medium, route.to, route.from)
    this.#buffer = buffer
    this.#receiver = receiver
  }

  /** When the sender will hear of something it has not heard of: Infinity while that is unknown. */
  get nextHearingUs(): number {
    return this.#firstUnheard?.acknowledgedAtUs ?? Infinity
  }

  /** The next segment of which the sender has heard by `nowUs`; each once. */
  takeHeard(nowUs: number): TcpSegment | null {
    const heard = this.#firstUnheard
    if (!heard || heard.acknowledgedAtUs > nowUs) return null
    this.#firstUnheard = heard.nextReceived
    if (!this.#firstUnheard) this.#lastUnheard = null
    return heard
  }

  /** Is somebody there who takes bytes? */
  isExpecting(): boolean {
    return this.#receiver.prepareForBytes()
  }

  /** Nothing more is handed over. */
  stop(): void {
    this.#isStopped = true
  }

  /** Notes and acknowledges a segment. Returns false when the acknowledgement is lost. */
  receive(segment: TcpSegment): boolean {
    if (!segment.isReceived) {
      segment.isReceived = true
      if (this.#lastUnheard) this.#lastUnheard.nextReceived = segment
      else this.#firstUnheard = segment
      this.#lastUnheard = segment
    }
    return this.#acknowledge(segment)
  }

  /** Hands over what is in order now that the segment is there. */
  deliver(segment: TcpSegment): void {
    if (segment.start !== this.#receivedTo || this.#isStopped) return
    const from = this.#receivedTo
    let { end } = segment
    for (let next = segment.next; next?.isReceived; next = next.next) end = next.end
    this.#receivedTo = end
    // The end of the stream counts as one byte, which nobody is handed.
    const isEnd = end > this.#buffer.takenTo
    const isWelcome = this.#deliverBytes(from, isEnd ? end - 1 : end)
    if (!isEnd || !isWelcome || this.#hasEnded) return
    this.#hasEnded = true
    this.#receiver.onEnd()
  }

  /** Returns false when no more is taken. */
  #deliverBytes(from: number, end: number): boolean {
    const { medium, from: sender, to } = this.#route
    for (let at = from; at < end; at += CHUNK_BYTES) {
      const chunkEnd = Math.min(end, at + CHUNK_BYTES)
      const length = chunkEnd - at
      this.#buffer.copy(at, chunkEnd, chunkBuffer)
      medium.trace.add(medium.timeline.nowUs, sender, to, 'stream', length, chunkBuffer[length - 1])
      const takesMore = this.#receiver.onBytes(chunkOf(length))
      this.#buffer.clear(at, chunkEnd, chunkBuffer)
      if (!takesMore || this.#isStopped) return false
    }
    return true
  }

  /** One packet for two, on the way back. What was lost of them is told by the next one. */
  #acknowledge(segment: TcpSegment): boolean {
    const back = this.#back
    const { timeline, options } = back.medium
    const { nowUs } = timeline
    const bytes = Math.ceil(packetsOf(segment.length) / 2) * options.headerBytes
    const isSent = back.isOpen && back.uplink.room(nowUs, bytes, 1) > 0 && back.packetsBeforeLoss(1) > 0
    if (!isSent) {
      this.#hasLostAnswers = true
      return false
    }
    const arrivesAt = back.uplink.accept(nowUs, bytes) + back.distanceUs()
    // The queue at the sender's line is taken as it is now: exact enough for packets of this size.
    const waitsUs = back.downlink.accept(nowUs, bytes) - nowUs
    this.#lastHearingUs = Math.max(this.#lastHearingUs, arrivesAt + waitsUs)
    if (segment.acknowledgedAtUs === Infinity) segment.acknowledgedAtUs = this.#lastHearingUs
    if (this.#hasLostAnswers) this.#answerAgain()
    return true
  }

  /** An acknowledgement tells of everything received before it. */
  #answerAgain(): void {
    this.#hasLostAnswers = false
    for (let each = this.#firstUnheard; each !== null; each = each.nextReceived) {
      if (each.acknowledgedAtUs === Infinity) each.acknowledgedAtUs = this.#lastHearingUs
    }
  }
}

function chunkOf(length: number): Uint8Array {
  let view = chunkViews.get(length)
  if (!view) {
    if (chunkViews.size === MAX_CHUNK_VIEWS) chunkViews.clear()
    view = chunkBuffer.subarray(0, length)
    chunkViews.set(length, view)
  }
  return view
}
