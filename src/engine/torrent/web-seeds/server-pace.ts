// How fast a web server sends, and what follows from it: how much to ask for at once, and when it will have sent what it owes.
// Pure: time is an argument, in milliseconds.
import { RateMeter } from '../../../base/rate-meter.ts'
import { BLOCK_BYTES } from '../../../protocol/metainfo/piece-map.ts'

/** Asked for at once is what the server sends in this time; with the next request under way, that bridges any round trip ... */
const WINDOW_MS = 4_000
/** ... but so many blocks at least, or requests would cost more than what they bring. */
const MIN_BLOCKS = 16
/** As with peers: who owes blocks and has sent nothing for so long is not counted on. */
const SILENT_MS = 1_500
const UNKNOWN_ETA_MS = 2_000
const LATENCY_MS = 100

export class ServerPace {
  readonly #meter = new RateMeter()
  /** Bytes per second when it last sent something. */
  #knownRate = 0
  #lastPayloadAt = 0

  /** It was asked, after it had owed nothing: patience begins. */
  start(now: number): void {
    this.#lastPayloadAt = now
  }

  onPayload(now: number): void {
    this.#lastPayloadAt = now
  }

  onBlock(bytes: number, now: number): void {
    this.#meter.add(bytes, now)
  }

  /** Bytes per second. */
  rate(now: number): number {
    return this.#meter.rate(now)
  }

  /** While it owes blocks: has it sent nothing for some time? */
  isSilent(now: number): boolean {
    return now - this.#lastPayloadAt > SILENT_MS
  }

  /** Milliseconds until it has sent what it owes and so many blocks more; Infinity: it sends nothing. */
  etaMs(owed: number, blocks: number, now: number): number {
    if (owed > 0 && this.isSilent(now)) return Infinity
    this.#knownRate = this.rate(now) || this.#knownRate
    if (this.#knownRate === 0) return UNKNOWN_ETA_MS
    return LATENCY_MS + (Math.max(0, owed + blocks) * BLOCK_BYTES * 1000) / this.#knownRate
  }

  /** Blocks to have under way. @param most unless that is too few to be worth a request */
  windowBlocks(most: number, now: number): number {
    const byRate = (this.rate(now) * WINDOW_MS) / 1000 / BLOCK_BYTES
    return Math.floor(Math.max(MIN_BLOCKS, Math.min(most, byRate)))
  }
}
