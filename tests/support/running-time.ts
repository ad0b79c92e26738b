// Virtual time that runs on its own as long as anything is planned: for tests that only await what they have asked for.
import type { Stop } from '../../src/platform/platform.ts'
import { settle } from '../../src/sim/settle.ts'
import type { TimeTarget, Timeline } from '../../src/sim/timeline.ts'
import { VirtualTime } from '../../src/sim/virtual-time.ts'

export class RunningTime implements Timeline {
  readonly #time = new VirtualTime(settle)
  #isRunning = false

  get nowUs(): number {
    return this.#time.nowUs
  }

  at(timeUs: number, action: () => void): Stop {
    this.#keepRunning()
    return this.#time.at(timeUs, action)
  }

  plan(timeUs: number, target: TimeTarget, argument: number): void {
    this.#keepRunning()
    this.#time.plan(timeUs, target, argument)
  }

  promiseSettled(): void {
    this.#time.promiseSettled()
  }

  #keepRunning(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#time.run(Number.POSITIVE_INFINITY, () => false).then(() => (this.#isRunning = false))
  }
}
