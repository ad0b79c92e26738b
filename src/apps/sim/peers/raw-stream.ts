// How fast bytes get from one machine to another with nothing but TCP between them: what a torrent is measured by.
import { ipAddress } from '../../../base/address.ts'
import type { Connection, ConnectionHandler } from '../../../platform/platform.ts'
import type { SimNode, Simulator } from '../../../sim/index.ts'

const PORT = 7000
const CHUNK = new Uint8Array(65_536)
/** Chunks that are handed to the system at once. */
const CHUNKS_AHEAD = 4

/** One way over one connection. */
export class RawStream {
  /** Virtual time at which it was established; null: not yet. */
  openedAtMs: number | null = null
  received = 0
  readonly #sim: Simulator
  readonly #bytes: number

  /** Begins at once. @param dialler which of the two dials; a machine behind a router must */
  constructor(sim: Simulator, bytes: number, sender: SimNode, receiver: SimNode, dialler: SimNode) {
    this.#sim = sim
    this.#bytes = bytes
    const listener = dialler === sender ? receiver : sender
    const handlerOf = (node: SimNode, connection: () => Connection): ConnectionHandler =>
      node === sender ? this.#sending(connection) : this.#receiving(connection)
    void listener.platform.network.listen({ ip: listener.ip, port: PORT }, (connection) => {
      const handler = handlerOf(listener, () => connection)
      handler.onOpen()
      return handler
    })
    const handler = handlerOf(dialler, () => dialled)
    const dialled: Connection = dialler.platform.network.connect(ipAddress(listener.ip, PORT), {}, handler)
  }

  get isDone(): boolean {
    return this.received >= this.#bytes
  }

  #sending(connection: () => Connection): ConnectionHandler {
    let left = this.#bytes
    const send = (): void => {
      if (left <= 0) return
      const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length))
      left -= chunk.length
      connection().write(chunk, send)
    }
    const onOpen = (): void => {
      for (let i = 0; i < CHUNKS_AHEAD; i++) send()
    }
    return { ...IDLE, onOpen }
  }

  #receiving(connection: () => Connection): ConnectionHandler {
    const onOpen = (): void => void (this.openedAtMs = this.#sim.nowMs)
    const onBytes = (chunk: Uint8Array): void => {
      this.received += chunk.length
      if (this.isDone) connection().close()
    }
    return { ...IDLE, onOpen, onBytes }
  }
}

const IDLE: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }
