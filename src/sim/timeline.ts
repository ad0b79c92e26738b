// What the parts of the simulator need to know of time. Who owns the clock (`simulator.ts`) implements it.
import type { Stop } from '../platform/platform.ts'

export interface Timeline {
  /** Virtual time since the start of the simulation, in whole microseconds. */
  readonly nowUs: number
  /** Runs `action` at the given time (now, when that has passed), after everything that was planned for the same time before. */
  at(timeUs: number, action: () => void): Stop
  /**
   * The same without a closure and without a way back, for what happens millions of times: `target.onTime(argument)`.
   * A target that has changed its mind ignores the call.
   */
  plan(timeUs: number, target: TimeTarget, argument: number): void
  /** To be called right after settling a promise that the engine waits for: it gets its turn before time goes on. */
  promiseSettled(): void
}

/** Whoever is called when a planned time has come. */
export interface TimeTarget {
  onTime(argument: number): void
}
