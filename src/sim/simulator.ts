// A small world in one process: machines, the network between them, and time that passes as fast as the processor can
// tell what happens. The real `Session` runs in it unchanged. One seed is one course of events, on every machine.
import { Host } from './network/host.ts'
import { Medium } from './network/medium.ts'
import { Names } from './network/names.ts'
import { Nat } from './network/nat.ts'
import { RateQueue } from './network/rate-queue.ts'
import { SEGMENT_BYTES } from './network/tcp-window.ts'
import type { ContentKind } from './disk/stored-form.ts'
import { SimNode, type NodeOptions } from './node.ts'
import { SeededRandom } from './seeded-random.ts'
import { settle } from './settle.ts'
import { SimTracker, type SimTrackerOptions } from './tracker/sim-tracker.ts'
import { Trace, type Delivery } from './trace.ts'
import { VirtualTime } from './virtual-time.ts'
import type { Stop } from '../platform/platform.ts'

export interface SimulatorOptions {
  /** Everything that chance decides follows from it. */
  readonly seed: number | string
  /**
   * One-way delay between two nodes in milliseconds: a range from which each pair draws its own, or a function of their IPs
   * that is the same in both directions. Default 10 to 60.
   */
  readonly delayMs?: { readonly min: number; readonly max: number } | ((from: string, to: string) => number)
  /** Each packet is late by up to this many milliseconds more. Default 0. */
  readonly jitterMs?: number
  /** Bytes of headers of a TCP packet, and size of an acknowledgement. Default 40. */
  readonly headerBytes?: number
  /** Bytes sent in one go: packet by packet with 1448 (the default), coarser and quicker up to 16,384. Losses stay per packet. */
  readonly segmentBytes?: number
  /** Bytes of a connection that its system holds, at most. Default 2 MiB. */
  readonly sendBufferBytes?: number
  /** Bytes of a connection that may be on their way, at most. Default 4 MiB. */
  readonly receiveWindowBytes?: number
  /** What is real of blocks on their way: the same as the nodes' disks. Default 'tags'. */
  readonly content?: ContentKind
  /** Is told of every delivery: for looking closely at a short run. */
  readonly onDelivery?: (delivery: Delivery) => void
  /** Lets everybody run who waits for a settled promise. Default: a hop of the event loop. */
  readonly settle?: () => Promise<void>
}

export interface RunOptions {
  /** Virtual time at which to stop. */
  readonly untilMs?: number
  /** Stop when this holds. Asked often: let it be quick. */
  readonly until?: () => boolean
  /** How long `until` may take in virtual time; default an hour. */
  readonly limitMs?: number
}

const DEFAULT_LIMIT_MS = 3_600_000
const DEFAULT_DELAY_MS = { min: 10, max: 60 }
const DEFAULT_QUEUE_BYTES = 65_536

export class Simulator {
  readonly #seed: string
  readonly #content: ContentKind
  readonly #time: VirtualTime
  readonly #trace: Trace
  readonly #medium: Medium
  readonly #names = new Names()
  readonly #hosts = new Map<SimNode, Host>()

  constructor(options: SimulatorOptions) {
    this.#seed = String(options.seed)
    this.#content = options.content ?? 'tags'
    this.#time = new VirtualTime(options.settle ?? settle)
    this.#trace = new Trace(options.onDelivery ?? null)
    const { delayMs = DEFAULT_DELAY_MS } = options
    this.#medium = new Medium(
      this.#time,
      {
        delayMs: typeof delayMs === 'function' ? delayMs : (a, b) => this.#drawDelay(delayMs, a, b),
        jitterMs: options.jitterMs ?? 0,
        headerBytes: options.headerBytes ?? 40,
        segmentBytes: Math.max(SEGMENT_BYTES, options.segmentBytes ?? SEGMENT_BYTES),
        sendBufferBytes: options.sendBufferBytes ?? 2 << 20,
        receiveWindowBytes: options.receiveWindowBytes ?? 4 << 20,
        content: this.#content,
      },
      this.#trace,
    )
  }

  get nowMs(): number {
    return this.#time.nowUs / 1000
  }

  /** Things that have happened so far: what a run costs. */
  get events(): number {
    return this.#time.events
  }

  /** Fingerprint of all deliveries so far: two runs that agree in it took the same course. */
  get trace(): string {
    return this.#trace.hash
  }

  /** Sets up a machine. */
  node(ip: string, options: NodeOptions = {}): SimNode {
    const { up = 0, down = 0, queueBytes: bufferBytes = DEFAULT_QUEUE_BYTES, nat, loss = 0 } = options
    const random = (purpose: string): SeededRandom => new SeededRandom(`${this.#seed}/${ip}/${purpose}`)
    const host = new Host({
      ips: options.secondIp === undefined ? [ip] : [ip, options.secondIp],
      index: this.#hosts.size,
      up: new RateQueue({ bytesPerSecond: up, bufferBytes }),
      down: new RateQueue({ bytesPerSecond: down, bufferBytes }),
      nat: nat ? new Nat(nat) : null,
      loss,
      random: random('network'),
    })
    this.#medium.add(host)
    const disk = { kind: this.#content, ...options.disk }
    const parts = { timeline: this.#time, medium: this.#medium, names: this.#names, host, random }
    const node = new SimNode(parts, { ...options, disk })
    this.#hosts.set(node, host)
    return node
  }

  /** Sets up a tracker on a machine of its own, or on the given one. It answers as soon as time passes. */
  tracker(where: string | SimNode, options: SimTrackerOptions = {}): SimTracker {
    const node = typeof where === 'string' ? this.node(where) : where
    const random = new SeededRandom(`${this.#seed}/${node.ip}/tracker`)
    const tracker = new SimTracker(node.ip, random, options)
    void tracker.open(node.platform.network)
    return tracker
  }

  /** Gives a name its IPs; none: nobody knows it any more. */
  addName(name: string, ...ips: readonly string[]): void {
    this.#names.set(name, ips)
  }

  /** From now on the nodes of the one group and those of the other cannot reach each other. */
  partition(groupA: readonly SimNode[], groupB: readonly SimNode[]): void {
    this.#medium.cut(this.#hostsOf(groupA), this.#hostsOf(groupB))
  }

  /** Ends all partitions. */
  heal(): void {
    this.#medium.heal()
  }

  /** Does something at the given virtual time. */
  at(timeMs: number, action: () => void): Stop {
    return this.#time.at(timeMs * 1000, () => {
      action()
      this.#time.promiseSettled()
    })
  }

  /**
   * Lets time pass: until the given time, or until something holds.
   * Rejects when `until` does not come true within `limitMs`, or cannot any more; and with whatever an action throws.
   */
  async run({ untilMs, until, limitMs = DEFAULT_LIMIT_MS }: RunOptions): Promise<void> {
    const endMs = Math.min(untilMs ?? Infinity, until ? this.nowMs + limitMs : Infinity)
    const result = await this.#time.run(endMs * 1000, until ?? (() => false))
    if (!until || result === 'over' || this.nowMs === untilMs) return
    const reason = result === 'end' ? `not within ${limitMs} ms` : 'nothing is left that could happen'
    const where = `seed ${this.#seed}, stopped at ${this.nowMs} ms`
    throw new Error(`Cannot reach what the simulation was run for: ${reason} (${where})`)
  }

  #drawDelay({ min, max }: { readonly min: number; readonly max: number }, a: string, b: string): number {
    const pair = a < b ? `${a} ${b}` : `${b} ${a}`
    return min + (max - min) * new SeededRandom(`${this.#seed}/delay/${pair}`).fraction()
  }

  #hostsOf(nodes: readonly SimNode[]): ReadonlySet<Host> {
    return new Set(nodes.map((node) => this.#hosts.get(node)!))
  }
}
