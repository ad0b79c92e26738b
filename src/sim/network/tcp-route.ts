// The way of a connection's packets from one machine to the other: the sender's line, the distance, the receiver's line.
import type { Host } from './host.ts'
import type { Medium } from './medium.ts'
import type { RateQueue } from './rate-queue.ts'
import { SEGMENT_BYTES } from './tcp-window.ts'

export class TcpRoute {
  readonly medium: Medium
  readonly from: Host
  readonly to: Host
  readonly uplink: RateQueue
  readonly downlink: RateQueue
  readonly #delayUs: number
  readonly #lossPerPacket: number
  /** Chance has struck a packet that is still to be sent. */
  #isNextLost = false

  constructor(medium: Medium, from: Host, to: Host) {
    this.medium = medium
    this.from = from
    this.to = to
    this.uplink = medium.uplink(from, to)
    this.downlink = medium.downlink(from, to)
    this.#delayUs = medium.delayUs(from, to)
    this.#lossPerPacket = medium.loss(from, to)
  }

  get isOpen(): boolean {
    return this.medium.isOpen(this.from, this.to)
  }

  /** From the end of the one line to the beginning of the other. */
  distanceUs(): number {
    return this.#delayUs + this.medium.jitterUs(this.from)
  }

  /** What a run of `bytes` takes on the line. */
  wireBytes(bytes: number): number {
    return bytes + packetsOf(bytes) * this.medium.options.headerBytes
  }

  /** How many of these packets pass before one is lost; when that is not the last of them, the next call answers 0. */
  packetsBeforeLoss(packets: number): number {
    if (this.#lossPerPacket === 0) return packets
    let passing = 0
    while (passing < packets && !this.#isNextLost) {
      this.#isNextLost = this.from.random.happens(this.#lossPerPacket)
      if (!this.#isNextLost) passing++
    }
    if (passing === 0) this.#isNextLost = false
    return passing
  }
}

/** Full packets, and one for the rest. */
export function packetsOf(bytes: number): number {
  return Math.ceil(bytes / SEGMENT_BYTES)
}
