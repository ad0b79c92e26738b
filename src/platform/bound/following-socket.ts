// A listener or a UDP socket that is open at a local address which may go, come back, and change. It keeps its port. While the
// address is not there it is closed, and whoever holds it need not care.
import { type Family, isSame, type LocalAddress, type Sources } from './sources.ts'

/** Something open: told of the addresses that there are, every second or so, and whenever they have changed. */
export interface Follower {
  follow(sources: Sources): void
}

interface Socket {
  readonly ip: string
  readonly port: number
  close(): unknown
}

export class FollowingSocket<Open extends Socket> implements Follower {
  /** Where it is, or was last; empty before the first time. */
  ip = ''
  port: number
  /** Null while its address is not there. */
  current: Open | null = null
  readonly #family: Family
  readonly #open: (source: LocalAddress, port: number) => Promise<Open>
  #source: LocalAddress | null = null
  #isOpening = false
  #isClosed = false

  /** @param port 0: any, and then always that one */
  constructor(family: Family, port: number, open: (source: LocalAddress, port: number) => Promise<Open>) {
    this.#family = family
    this.port = port
    this.#open = open
  }

  /** Opens it for the first time. Rejects as that does; it may be followed even then, and is opened as soon as that works. */
  async begin(source: LocalAddress): Promise<void> {
    this.#source = source
    await this.#openAt(source)
  }

  follow(sources: Sources): void {
    const source = sources[this.#family]
    if (!isSame(source, this.#source)) {
      this.#leave()
      this.#source = source
    }
    if (!source || this.current || this.#isOpening) return
    // An address that has just come may not be of use yet, and its port may be taken: the next look is the next try.
    this.#openAt(source).catch(() => {})
  }

  close(): unknown {
    this.#isClosed = true
    return this.#leave()
  }

  #leave(): unknown {
    const { current } = this
    this.current = null
    return current?.close()
  }

  async #openAt(source: LocalAddress): Promise<void> {
    this.#isOpening = true
    try {
      const socket = await this.#open(source, this.port)
      // It may have been overtaken by events.
      if (this.#isClosed || !isSame(this.#source, source)) return void socket.close()
      this.current = socket
      this.ip = socket.ip
      this.port = socket.port
    } finally {
      this.#isOpening = false
    }
  }
}
