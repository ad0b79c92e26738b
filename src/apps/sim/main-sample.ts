// npm run sim:sample: small variants of all scenarios for a minute, with seeds that nobody has tried before.
import { randomInt } from 'node:crypto'
import { completeRun, describeFailure, replayLine } from './run-one.ts'
import { SCENARIOS } from './scenarios/index.ts'

const DURATION_MS = 60_000

const startedAt = performance.now()
const firstSeed = randomInt(2 ** 31)
process.stdout.write(`Small scenarios for a minute, from seed ${firstSeed} on\n`)
let runs = 0
for (let seed = firstSeed; !isOver(); seed++) {
  for (const scenario of SCENARIOS) {
    if (isOver()) break
    const request = { scenario, seed, ...scenario.small }
    try {
      await scenario.run(completeRun(request))
      runs++
    } catch (error) {
      process.stdout.write(`FAILED: ${describeFailure(error)}\nagain: ${replayLine(request)}\n`)
      process.exit(1)
    }
  }
}
process.stdout.write(`${runs} runs, none failed\n`)
process.exit(0)

function isOver(): boolean {
  return performance.now() - startedAt > DURATION_MS
}
