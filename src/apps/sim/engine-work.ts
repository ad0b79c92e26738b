// How much the engine does: blocks of its code that run, counted by the debugger of this process. Unlike time, that is the
// same in two runs; unlike counters in the code, it misses nothing.
import { Session as Inspector } from 'node:inspector/promises'

const ENGINE = '/engine/'

export class EngineWork {
  readonly #inspector = new Inspector()

  private constructor() {
    this.#inspector.connect()
  }

  /** Counts all code that is loaded from now on. */
  static async start(): Promise<EngineWork> {
    const work = new EngineWork()
    await work.#inspector.post('Profiler.enable')
    await work.#inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return work
  }

  /** Blocks that have run since the start or the last call. */
  async take(): Promise<number> {
    const { result } = await this.#inspector.post('Profiler.takePreciseCoverage')
    let blocks = 0
    for (const { url, functions } of result)
      if (url.includes(ENGINE)) for (const { ranges } of functions) for (const { count } of ranges) blocks += count
    return blocks
  }
}
