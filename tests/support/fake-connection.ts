// A connection without a network: what we write is decoded at once, and its bytes are taken when the test says so.
import type { Address } from '../../src/base/address.ts'
import type { Connection } from '../../src/platform/platform.ts'
import { WireDecoder } from '../../src/protocol/wire/index.ts'
import { WireLog } from './wire-log.ts'

export class FakeConnection implements Connection {
  readonly remote: Address
  readonly localIp = '10.0.0.1'
  bytesReceived = 0
  bytesSent = 0
  queuedBytes = 0
  isClosed = false
  /** False: nothing that is written is taken. */
  isReading = true
  readonly #log = new WireLog()
  readonly #decoder = new WireDecoder(this.#log, 1 << 20)
  #onTaken: (() => void)[] = []

  constructor(remote: Address) {
    this.remote = remote
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    // As with a real one: what is written after the end is lost, and nobody hears of it.
    if (this.isClosed) return
    this.#decoder.push(bytes)
    this.queuedBytes += bytes.length
    if (onTaken) this.#onTaken.push(onTaken)
    if (this.isReading && !onTaken) this.take()
  }

  /** The system takes all that is queued. */
  take(): void {
    this.bytesSent += this.queuedBytes
    this.queuedBytes = 0
    for (const onTaken of this.#onTaken.splice(0)) onTaken()
  }

  cork(): void {}
  uncork(): void {}
  end(): void {}

  close(): void {
    this.isClosed = true
    this.queuedBytes = 0
  }

  /** What was written since the last call, one line a message; the content of extension messages is left out. */
  hears(): string[] {
    return this.#log.lines.splice(0).map((line) => line.replace(/^(extended \d+) .*/, '$1'))
  }

  /** The same, as it is. */
  hearsAll(): string[] {
    return this.#log.lines.splice(0)
  }
}
