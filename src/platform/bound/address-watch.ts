// Looks which local addresses there are, for a bound network: each second as long as something is open, and whenever something is
// to leave. Tells whoever wants to know, and then all that is open, when they have changed.
import type { NetworkError } from '../../base/errors.ts'
import type { Binding, Clock, Stop } from '../platform.ts'
import type { Follower } from './following-socket.ts'
import {
  type Family,
  ipsOf,
  isSame,
  type LocalAddress,
  NO_SOURCES,
  noSource,
  sourceGone,
  type Sources,
  sourcesOf,
  familyOf,
} from './sources.ts'

export interface AddressWatchOptions {
  readonly clock: Pick<Clock, 'now' | 'after' | 'every'>
  /** An IP, or the name of an interface. */
  readonly bind: string
  /** All addresses of this machine, as they are now. May throw when the system is short of something. */
  readonly localAddresses: () => readonly LocalAddress[]
}

const LOOK_EVERY_MS = 1_000
/** What was seen so short ago needs no other look. */
const FRESH_MS = 100

export class AddressWatch implements Binding {
  readonly name: string
  readonly #options: AddressWatchOptions
  readonly #held = new Set<Follower>()
  readonly #listeners = new Set<() => void>()
  #sources: Sources = NO_SOURCES
  #lookedAt = -Infinity
  /** A change that has not been told yet. */
  #isNews = false
  #stopLooking: Stop | null = null

  constructor(options: AddressWatchOptions) {
    this.name = options.bind
    this.#options = options
    this.#sources = this.#read()
  }

  get ips(): readonly string[] {
    return ipsOf(this.current())
  }

  onChange(listener: () => void): Stop {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  current(): Sources {
    if (this.#options.clock.now() - this.#lookedAt > FRESH_MS) this.#look()
    return this.#sources
  }

  /** The address to leave from. Throws NetworkError when there is none. @param what the failed action with its value */
  source(family: Family, what: string): LocalAddress {
    const sources = this.current()
    const source = sources[family]
    if (!source) throw noSource(what, this.name, family, sources)
    return source
  }

  /** From now on it is told of changes; and now and then without any, so that it tries again what did not work. */
  hold(follower: Follower): void {
    this.#held.add(follower)
    this.#stopLooking ??= this.#options.clock.every(LOOK_EVERY_MS, () => {
      this.#look()
      if (!this.#isNews) this.#tellHeld()
    })
  }

  release(follower: Follower): void {
    this.#held.delete(follower)
    if (this.#held.size > 0) return
    this.#stopLooking?.()
    this.#stopLooking = null
  }

  /**
   * Does something that leaves from `ip`, and ends it with NetworkError `address_gone` when that is not used any more.
   * @param outer ends it as well
   */
  async whileThere<Result>(
    ip: string,
    what: string,
    outer: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    let error: NetworkError | null = null
    const held: Follower = {
      follow: (sources) => {
        if (sources[familyOf(ip)]?.ip === ip) return
        error ??= sourceGone(what, ip)
        abort()
      },
    }
    outer?.addEventListener('abort', abort)
    if (outer?.aborted) abort()
    this.hold(held)
    try {
      return await work(controller.signal)
    } catch (failure) {
      throw error ?? failure
    } finally {
      this.release(held)
      outer?.removeEventListener('abort', abort)
    }
  }

  #look(): void {
    const sources = this.#readIfPossible()
    if (isSame(sources[4], this.#sources[4]) && isSame(sources[6], this.#sources[6])) return
    this.#sources = sources
    if (this.#isNews) return
    this.#isNews = true
    // Not at once: whoever dials is in the middle of something.
    this.#options.clock.after(0, () => {
      this.#isNews = false
      for (const listener of this.#listeners) listener()
      this.#tellHeld()
    })
  }

  /** To look takes a file descriptor of the system: where none is free, what was known holds until the next look. */
  #readIfPossible(): Sources {
    try {
      return this.#read()
    } catch {
      return this.#sources
    }
  }

  #read(): Sources {
    const { bind, clock, localAddresses } = this.#options
    this.#lookedAt = clock.now()
    return sourcesOf(bind, localAddresses(), this.#sources)
  }

  #tellHeld(): void {
    for (const held of this.#held) held.follow(this.#sources)
  }
}
