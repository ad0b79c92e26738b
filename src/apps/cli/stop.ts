// The wish that the command ends, and the exit code it then ends with.
import { constants } from 'node:os'
import { Interrupted } from './command-error.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'

export class Stop {
  readonly #controller = new AbortController()
  #signalNumber = 0

  /**
   * Set as soon as what was asked for is there (a finished download), or when being stopped is the normal end (seeding):
   * the exit code is then 0.
   */
  isNormal = false

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** 128 plus the signal's number, as shells have it, or 0. */
  get exitCode(): number {
    return this.isNormal ? 0 : 128 + this.#signalNumber
  }

  /** Returns false when the wish was there already. */
  request(signal: StopSignal): boolean {
    if (this.signal.aborted) return false
    this.#signalNumber = constants.signals[signal]
    this.#controller.abort(new Interrupted())
    return true
  }

  /** What work that was given `signal` comes to; its rejection becomes Interrupted when it was told to end. */
  async afterWork<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work
    } catch (error) {
      throw this.signal.aborted ? new Interrupted() : error
    }
  }

  /** What `promise` gives, or a rejection with Interrupted as soon as the command shall end. */
  async orInterrupted<Value>(promise: Promise<Value>): Promise<Value> {
    const { signal } = this
    let onAbort = (): void => {}
    const interrupted = new Promise<never>((_, reject) => {
      onAbort = () => reject(new Interrupted())
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort)
    })
    try {
      return await Promise.race([promise, interrupted])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
