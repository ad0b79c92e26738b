// One case: what the parser does with an input, and whether that is a finding. Time and memory are looked at roughly each time;
// only what is striking is measured with care, by doing it again: a pause of the machine or of the garbage collector is not
// the parser's.
import { readFileSync } from 'node:fs'
import { Session as Inspector } from 'node:inspector/promises'
import { getHeapStatistics } from 'node:v8'
import { chanceOf } from './case-input.ts'
import { isRefusal, type Target } from './target.ts'

/** What a case may cost. */
export interface Limits {
  /** Milliseconds of processor time. */
  readonly ms: number
  /** Bytes allocated in all, what is garbage again included. */
  readonly bytes: number
}

const LIMITS: Limits = { ms: 100, bytes: 64 * 1024 * 1024 }

// What is looked at again: well below the limits, as garbage may hide some of it, and memory is used up as quickly as that.
const STRIKING_TIME = 1 / 10
const STRIKING_MEMORY = 1 / 4
const REPEATS = 5
const STACK_LINES = 10
const SAMPLING_BYTES = 64 * 1024

/** What is wrong, for people; null when nothing is. */
export type Verdict = string | null

/** Null where the parser refused. */
type Answer = { readonly value: unknown } | null

export class Judge {
  /** Cases that were refused with a typed error. */
  refused = 0
  readonly #limits: Limits
  readonly #inspector = new Inspector()

  constructor(limits = LIMITS) {
    this.#limits = limits
    this.#inspector.connect()
  }

  close(): void {
    this.#inspector.disconnect()
  }

  async verdict(target: Target, input: Uint8Array): Promise<Verdict> {
    // Most cases end in an error that nobody reads: where it was thrown is found out when it is a finding.
    Error.stackTraceLimit = 0
    const verdict = await this.#judge(target, input)
    Error.stackTraceLimit = STACK_LINES
    return verdict === null
      ? null
      : ((await this.#judge(target, input)) ?? `${verdict} (but not when it is done again)`)
  }

  async #judge(target: Target, input: Uint8Array): Promise<Verdict> {
    const heldBefore = heldBytes()
    const startedAt = performance.now()
    let answer: Answer = null
    try {
      const parsed = target.parse(input, chanceOf(input))
      answer = { value: parsed instanceof Promise ? await parsed : parsed }
    } catch (error) {
      if (!isRefusal(target.refusals, error)) return describe(error)
      this.refused++
    }
    const isLarge = heldBytes() - heldBefore > this.#limits.bytes * STRIKING_MEMORY
    const isStriking = isLarge || performance.now() - startedAt > this.#limits.ms * STRIKING_TIME
    return (isStriking ? await this.#measured(target, input, isLarge) : null) ?? checked(target, answer, input)
  }

  async #measured(target: Target, input: Uint8Array, isLarge: boolean): Promise<Verdict> {
    const strikingMs = this.#limits.ms * STRIKING_TIME
    let ms = Infinity
    for (let i = 0; i < REPEATS && ms > strikingMs; i++) {
      const startedAt = threadTime()
      await parseAgain(target, input)
      ms = Math.min(ms, threadTime() - startedAt)
    }
    if (ms > this.#limits.ms) return `it takes ${ms.toFixed(0)} ms, the quickest of ${REPEATS} times`
    if (ms <= strikingMs && !isLarge) return null
    const bytes = await this.#allocated(() => parseAgain(target, input))
    return bytes > this.#limits.bytes ? `it allocates ${(bytes / 2 ** 20).toFixed(0)} MiB` : null
  }

  /** Bytes on the heap, freed ones included, by sampling; and those of array buffers, less what is freed on the way. */
  async #allocated(work: () => Promise<void>): Promise<number> {
    await this.#inspector.post('HeapProfiler.enable')
    await this.#inspector.post('HeapProfiler.collectGarbage')
    await this.#inspector.post('HeapProfiler.startSampling', {
      samplingInterval: SAMPLING_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as object)
    const buffersBefore = process.memoryUsage().arrayBuffers
    await work()
    const buffers = process.memoryUsage().arrayBuffers - buffersBefore
    const { profile } = await this.#inspector.post('HeapProfiler.stopSampling')
    await this.#inspector.post('HeapProfiler.disable')
    return Math.max(0, buffers) + sizeOf(profile.head)
  }
}

/** Milliseconds that this thread has had a core; where the system does not tell, those that have passed. */
function threadTime(): number {
  try {
    const nanoseconds = Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0])
    if (nanoseconds > 0) return nanoseconds / 1e6
  } catch {
    // Not Linux.
  }
  return performance.now()
}

function heldBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

function checked(target: Target, answer: Answer, input: Uint8Array): Verdict {
  try {
    if (answer !== null) target.check?.(answer.value, input)
    return null
  } catch (error) {
    return describe(error)
  }
}

async function parseAgain(target: Target, input: Uint8Array): Promise<void> {
  try {
    await target.parse(input, chanceOf(input))
  } catch (error) {
    if (!isRefusal(target.refusals, error)) throw error
  }
}

interface SampledNode {
  readonly selfSize: number
  readonly children: readonly SampledNode[]
}

function sizeOf(node: SampledNode): number {
  return node.children.reduce((total, child) => total + sizeOf(child), node.selfSize)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
