// The clock of a simulation. Everything planned for one microsecond runs in the order of planning; when a promise was
// settled meanwhile, those who wait for it have their turn (a "hop") before time goes on. A hop takes microseconds of real
// time, so there is none where nobody waits.
import type { Stop } from '../platform/platform.ts'
import { EventHeap } from './event-heap.ts'
import type { TimeTarget, Timeline } from './timeline.ts'

/**
 * Code outside the platform may wait for promises of its own, of which the platform knows nothing: they have their turn
 * after this much virtual time at the latest.
 */
const LONGEST_WITHOUT_HOP_US = 10_000

export type RunResult = 'over' | 'end' | 'nothing_left'

export class VirtualTime implements Timeline {
  readonly #settle: () => Promise<void>
  readonly #later = new EventHeap()
  /** Planned for now, while now is under way: a plain queue. The lists keep their length, because emptying them costs more. */
  readonly #dueTargets: TimeTarget[] = []
  readonly #dueArguments: number[] = []
  #firstDue = 0
  #endOfDue = 0
  #nowUs = 0
  #lastHopUs = 0
  #mustHop = true
  #isRunning = false
  #events = 0

  /** `settle` resolves when everybody who waits for a settled promise has run: by default a hop of the event loop. */
  constructor(settle: () => Promise<void>) {
    this.#settle = settle
  }

  get nowUs(): number {
    return this.#nowUs
  }

  /** Planned calls that have run. */
  get events(): number {
    return this.#events
  }

  at(timeUs: number, action: () => void): Stop {
    const planned = new PlannedAction(action)
    this.plan(timeUs, planned, 0)
    return () => planned.stop()
  }

  plan(timeUs: number, target: TimeTarget, argument: number): void {
    // What stands in the heap for now was planned earlier than anything in the queue: the order is kept.
    if (timeUs > this.#nowUs) this.#later.push(Math.ceil(timeUs), target, argument)
    else {
      this.#dueTargets[this.#endOfDue] = target
      this.#dueArguments[this.#endOfDue++] = argument
    }
  }

  promiseSettled(): void {
    this.#mustHop = true
  }

  /**
   * Lets time pass until `isOver` answers true (it is asked whenever promises have had their turn), or until `endUs`, or until
   * nothing is planned any more: whichever comes first is the answer. In the last two cases it is `endUs` then, if that is finite.
   */
  async run(endUs: number, isOver: () => boolean): Promise<RunResult> {
    if (this.#isRunning) throw new TypeError('Cannot run the simulation: it is running already')
    this.#isRunning = true
    // Whoever runs it may have settled anything.
    this.#mustHop = true
    try {
      for (;;) {
        while (this.#mustHop) {
          this.#mustHop = false
          this.#lastHopUs = this.#nowUs
          await this.#settle()
          this.#runDue()
        }
        if (isOver()) return 'over'
        if (this.#later.firstTime > endUs || this.#later.size === 0) break
        this.#advance(endUs)
      }
      if (Number.isFinite(endUs)) this.#nowUs = Math.max(this.#nowUs, endUs)
      return this.#later.size === 0 ? 'nothing_left' : 'end'
    } finally {
      this.#isRunning = false
    }
  }

  /** Runs all that needs no hop. */
  #advance(endUs: number): void {
    const later = this.#later
    while (!this.#mustHop && later.firstTime <= endUs) {
      this.#nowUs = later.firstTime
      this.#runDue()
      if (this.#nowUs - this.#lastHopUs >= LONGEST_WITHOUT_HOP_US) this.#mustHop = true
    }
  }

  /** Runs all that is planned for now, and what that plans for now. */
  #runDue(): void {
    const later = this.#later
    while (later.firstTime <= this.#nowUs) {
      later.take()
      this.#events++
      later.takenTarget.onTime(later.takenArgument)
    }
    while (this.#firstDue < this.#endOfDue) {
      const target = this.#dueTargets[this.#firstDue]
      const argument = this.#dueArguments[this.#firstDue++]
      this.#events++
      target.onTime(argument)
    }
    this.#firstDue = 0
    this.#endOfDue = 0
  }
}

class PlannedAction implements TimeTarget {
  #action: (() => void) | null

  constructor(action: () => void) {
    this.#action = action
  }

  stop(): void {
    this.#action = null
  }

  onTime(): void {
    const action = this.#action
    this.#action = null
    action?.()
  }
}
