// What lies between the machines: who can reach whom, how long it takes, what gets lost. And the way of a single packet:
// the sender's line, the distance, the receiver's line.
import type { ContentKind } from '../disk/stored-form.ts'
import type { TimeTarget, Timeline } from '../timeline.ts'
import type { Trace } from '../trace.ts'
import type { Host } from './host.ts'
import { RateQueue } from './rate-queue.ts'

export interface MediumOptions {
  /** One way, between two machines, in milliseconds: the same in both directions. */
  readonly delayMs: (from: string, to: string) => number
  /** Each packet is late by up to this, at random; the order within a connection stays. */
  readonly jitterMs: number
  /** Bytes of TCP/IP headers, per packet. */
  readonly headerBytes: number
  /** Bytes that a connection sends in one go, at most: fewer events for large swarms. */
  readonly segmentBytes: number
  /** Bytes of a connection that the system takes before the other side has acknowledged them, at most. */
  readonly sendBufferBytes: number
  /** Bytes that may be on the way on one connection. */
  readonly receiveWindowBytes: number
  readonly content: ContentKind
}

/** Within one machine. */
const LOOPBACK_US = 20

/** Where a packet goes in the end. */
export interface PacketTarget {
  onPacket(argument: number): void
}

export class Medium {
  readonly timeline: Timeline
  readonly options: MediumOptions
  readonly trace: Trace
  readonly #hosts = new Map<string, Host>()
  /** Groups that cannot reach each other. */
  readonly #cuts: { readonly a: ReadonlySet<Host>; readonly b: ReadonlySet<Host> }[] = []
  readonly #loopback = new RateQueue({ bytesPerSecond: 0, bufferBytes: 0 })

  constructor(timeline: Timeline, options: MediumOptions, trace: Trace) {
    this.timeline = timeline
    this.options = options
    this.trace = trace
  }

  add(host: Host): void {
    for (const ip of host.ips) {
      if (this.#hosts.has(ip)) throw new TypeError(`Cannot add a node: ${ip} is taken`)
      this.#hosts.set(ip, host)
    }
  }

  host(ip: string): Host | undefined {
    return this.#hosts.get(ip)
  }

  cut(a: ReadonlySet<Host>, b: ReadonlySet<Host>): void {
    this.#cuts.push({ a, b })
  }

  heal(): void {
    this.#cuts.length = 0
  }

  /** Does anything get from one to the other now? */
  isOpen(from: Host, to: Host): boolean {
    if (from === to) return from.state !== 'down'
    if (from.state !== 'up' || to.state !== 'up') return false
    if (this.#cuts.length === 0) return true
    return !this.#cuts.some(({ a, b }) => (a.has(from) && b.has(to)) || (b.has(from) && a.has(to)))
  }

  delayUs(from: Host, to: Host): number {
    return from === to ? LOOPBACK_US : Math.round(this.options.delayMs(from.ip, to.ip) * 1000)
  }

  jitterUs(from: Host): number {
    const { jitterMs } = this.options
    return jitterMs === 0 ? 0 : Math.round(from.random.fraction() * jitterMs * 1000)
  }

  /** Probability that a packet is lost between them. */
  loss(from: Host, to: Host): number {
    return from === to ? 0 : 1 - (1 - from.loss) * (1 - to.loss)
  }

  uplink(from: Host, to: Host): RateQueue {
    return from === to ? this.#loopback : from.up
  }

  downlink(from: Host, to: Host): RateQueue {
    return from === to ? this.#loopback : to.down
  }

  /** Sends a packet of `bytes`, headers included: `target` is called when and if it arrives. Nobody hears of its loss. */
  send(from: Host, to: Host, bytes: number, target: PacketTarget, argument = 0): void {
    const { nowUs } = this.timeline
    const uplink = this.uplink(from, to)
    if (!this.isOpen(from, to) || uplink.room(nowUs, bytes, 1) === 0) return
    const leavesAt = uplink.accept(nowUs, bytes)
    const loss = this.loss(from, to)
    if (loss > 0 && from.random.happens(loss)) return
    const arrivesAt = leavesAt + this.delayUs(from, to) + this.jitterUs(from)
    this.timeline.plan(arrivesAt, new Packet(this, from, to, bytes, target, argument), ARRIVED)
  }
}

const ARRIVED = 0
const RECEIVED = 1

class Packet implements TimeTarget {
  readonly #medium: Medium
  readonly #from: Host
  readonly #to: Host
  readonly #bytes: number
  readonly #target: PacketTarget
  readonly #argument: number

  constructor(medium: Medium, from: Host, to: Host, bytes: number, target: PacketTarget, argument: number) {
    this.#medium = medium
    this.#from = from
    this.#to = to
    this.#bytes = bytes
    this.#target = target
    this.#argument = argument
  }

  onTime(stage: number): void {
    const { timeline, trace } = this.#medium
    if (!this.#medium.isOpen(this.#from, this.#to)) return
    if (stage === ARRIVED) {
      const downlink = this.#medium.downlink(this.#from, this.#to)
      if (downlink.room(timeline.nowUs, this.#bytes, 1) === 0) return
      timeline.plan(downlink.accept(timeline.nowUs, this.#bytes), this, RECEIVED)
      return
    }
    trace.add(timeline.nowUs, this.#from, this.#to, 'control', this.#bytes, this.#argument & 0xff)
    this.#target.onPacket(this.#argument)
  }
}
