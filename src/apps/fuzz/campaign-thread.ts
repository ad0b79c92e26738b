// The thread of a campaign. Counting begins before the parsers are loaded: code that was loaded earlier is not counted.
import { parentPort, workerData } from 'node:worker_threads'
import type { Order, Report } from './campaign.ts'
import { Coverage } from './coverage.ts'

const { target: name, seed, first, runs, durationMs, progress } = workerData as Order

const coverage = new Coverage()
await coverage.start()
const { TARGETS } = await import('./targets/index.ts')
const { caseInput } = await import('./case-input.ts')
const { Judge } = await import('./judge.ts')
const target = TARGETS.find((each) => each.name === name)!

const judge = new Judge()
const endsAt = performance.now() + durationMs
let verdict: string | null = null
for (let number = first; number < first + runs && verdict === null && performance.now() < endsAt; number++) {
  progress[0] = number
  verdict = await judge.verdict(target, caseInput(target, { seed, number }))
  progress[1] = judge.refused
}
const report: Report = { verdict, coverage: await coverage.lines(target.sources) }
parentPort!.postMessage(report)
