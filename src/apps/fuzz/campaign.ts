// Many cases of one target, in a thread of its own: whoever waits outside can end a case that never does, and a parser that
// takes all memory takes this thread's alone.
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { Worker } from 'node:worker_threads'
import { writeFileSync } from 'node:fs'
import { toHex } from '../../base/bytes.ts'
import { caseInput, type CaseKey } from './case-input.ts'
import type { LineCoverage } from './coverage.ts'
import type { Target } from './target.ts'

export interface Order {
  readonly target: string
  readonly seed: number
  /** Number of the first case. */
  readonly first: number
  /** Cases at most. */
  readonly runs: number
  /** Milliseconds at most. */
  readonly durationMs: number
  /** Two words, written by the campaign: the number of the case under way, and how many were refused. */
  readonly progress: Int32Array
}

/** What the thread says when it is done. */
export interface Report {
  /** What is wrong with the case that `progress` tells; null when all cases were as they should be. */
  readonly verdict: string | null
  readonly coverage: readonly LineCoverage[]
}

export interface Outcome {
  readonly cases: number
  readonly refused: number
  readonly ms: number
  readonly finding: Finding | null
  readonly coverage: readonly LineCoverage[]
}

export interface Finding {
  readonly key: CaseKey
  readonly verdict: string
  /** Where the input was saved, as hexadecimal text. */
  readonly file: string
}

const HANGS_AFTER_MS = 20_000
const LOOK_EVERY_MS = 1000
/** Of the thread's heap: far above what a case may take, far below what the machine has. */
const HEAP_MIB = 512

/** Never rejects for what a parser does: that is a finding. */
export async function runCampaign(target: Target, options: Omit<Order, 'target' | 'progress'>): Promise<Outcome> {
  const startedAt = performance.now()
  const progress = new Int32Array(new SharedArrayBuffer(8))
  progress[0] = options.first
  const { verdict, coverage } = await workOn({ ...options, target: target.name, progress })
  const [number, refused] = progress
  return {
    cases: number - options.first + 1,
    refused,
    ms: performance.now() - startedAt,
    finding: verdict === null ? null : found(target, { seed: options.seed, number }, verdict),
    coverage,
  }
}

function workOn(order: Order): Promise<Report> {
  const worker = new Worker(new URL('campaign-thread.js', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  })
  return new Promise((resolve) => {
    let lastCase = -1
    let lastChangeAt = performance.now()
    const settle = (report: Report): void => {
      clearInterval(watching)
      resolve(report)
      void worker.terminate()
    }
    const watching = setInterval(() => {
      const now = performance.now()
      if (order.progress[0] !== lastCase) {
        lastCase = order.progress[0]
        lastChangeAt = now
      } else if (now - lastChangeAt > HANGS_AFTER_MS) settle({ verdict: 'it does not end', coverage: [] })
    }, LOOK_EVERY_MS)
    worker.on('message', settle)
    worker.on('error', (error) => settle({ verdict: `it ends its thread: ${String(error)}`, coverage: [] }))
  })
}

function found(target: Target, key: CaseKey, verdict: string): Finding {
  const file = join(tmpdir(), `shoal-fuzz-${target.name}-${key.seed}-${key.number}.hex`)
  writeFileSync(file, `${toHex(caseInput(target, key))}\n`)
  return { key, verdict, file }
}
