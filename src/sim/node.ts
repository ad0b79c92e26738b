// A machine of the simulated world with everything a session needs. It can be crashed, started again, unplugged; what it has
// stored survives.
import type { Platform } from '../platform/platform.ts'
import { SimDisk, type SimDiskOptions } from './disk/sim-disk.ts'
import type { Host } from './network/host.ts'
import type { Medium } from './network/medium.ts'
import type { Names } from './network/names.ts'
import type { NatKind } from './network/nat.ts'
import { SimNetwork } from './network/sim-network.ts'
import { NodeClock } from './node-clock.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SimState } from './state/sim-state.ts'
import type { Timeline } from './timeline.ts'

export interface NodeOptions {
  /** Bytes per second that it can send, headers included; 0 (the default) is no limit. */
  readonly up?: number
  /** Bytes per second that it can receive; 0 (the default) is no limit. */
  readonly down?: number
  /** Bytes that each end of its line holds back before it drops packets. Default 65,536. */
  readonly queueBytes?: number
  /** Part of its packets that are lost, each way, 0 to 1. Default 0. */
  readonly loss?: number
  /** The kind of router before it. Default: none, everybody can reach it. */
  readonly nat?: NatKind
  /** A second IP, of the other family. */
  readonly secondIp?: string
  readonly disk?: SimDiskOptions
  /** Whether its sessions remember, in files below `/state`, what they know of their torrents. Default false. */
  readonly hasState?: boolean
}

/** @internal */
export interface NodeParts {
  readonly timeline: Timeline
  readonly medium: Medium
  readonly names: Names
  readonly host: Host
  /** Streams of chance, by what they are for. */
  readonly random: (purpose: string) => SeededRandom
}

export class SimNode {
  readonly ip: string
  readonly #parts: NodeParts
  readonly #hasState: boolean
  /** Starts of the machine so far. */
  #boots = 1
  #disk: SimDisk
  #clock!: NodeClock
  #platform: Platform

  /** @internal */
  constructor(parts: NodeParts, options: NodeOptions) {
    this.#parts = parts
    this.ip = parts.host.ip
    this.#hasState = options.hasState ?? false
    this.#disk = new SimDisk(parts.timeline, parts.random('disk'), options.disk)
    this.#platform = this.#newPlatform()
  }

  /** What a session runs on: `Session.open(options, node.platform)`. Another one after `restart`. */
  get platform(): Platform {
    return this.#platform
  }

  get disk(): SimDisk {
    return this.#disk
  }

  /** Bytes that went through its line, headers included. */
  get lineBytes(): { readonly up: number; readonly down: number } {
    const { up, down } = this.#parts.host
    return { up: up.acceptedBytes, down: down.acceptedBytes }
  }

  /** Timers of its program that are running: whoever ends in order leaves none. */
  get timers(): number {
    return this.#clock.pendingCount
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#parts.host.streamCount
  }

  /** Off, from one moment to the next: connections vanish without a word, timers stop, promises are never settled. */
  crash(): void {
    this.#end('down')
    this.#disk.crash()
  }

  /** A crash in which the disk loses what was not synced. */
  cutPower(): void {
    this.#end('down')
    this.#disk.powerCut()
  }

  /** The program ends while the machine goes on: its connections are reset. Then it may start again. */
  kill(): void {
    this.#parts.host.resetStreams()
    this.#end('up')
    this.#disk.crash()
  }

  /** On again after `crash`, `cutPower` or `kill`, with the files as they were found. Returns the new platform. */
  restart(): Platform {
    this.#parts.host.state = 'up'
    this.#disk = this.#disk.restarted()
    this.#platform = this.#newPlatform()
    return this.#platform
  }

  /** Everything it sends and receives vanishes, as when a cable is pulled. It goes on by itself. */
  goSilent(): void {
    if (this.#parts.host.state === 'up') this.#parts.host.state = 'silent'
  }

  comeBack(): void {
    if (this.#parts.host.state === 'silent') this.#parts.host.state = 'up'
  }

  #end(state: 'up' | 'down'): void {
    this.#parts.host.state = state
    this.#parts.host.endLife()
    if (state === 'down') this.#boots++
  }

  #newPlatform(): Platform {
    const { timeline, medium, names, host, random } = this.#parts
    const { life } = host
    this.#clock = new NodeClock(timeline, () => host.life === life)
    return {
      clock: this.#clock,
      random: random(`life ${life}`),
      network: new SimNetwork(medium, host, names),
      disk: this.#disk,
      state: this.#hasState ? new SimState(this.#disk, `boot ${this.#boots}`, '/state') : null,
    }
  }
}
