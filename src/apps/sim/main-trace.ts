// Runs the busy swarm in this process, whatever its time zone and language: node main-trace.js SEED PEERS
import { busySwarm } from './busy-swarm.ts'
import { describeFailure } from './run-one.ts'

const [seed, peers] = process.argv.slice(2).map(Number)
const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions()
const answer = await busySwarm(seed, peers).then(
  ({ trace }) => ({ trace, timeZone, locale }),
  (error: unknown) => ({ failure: describeFailure(error) }),
)
process.stdout.write(`${JSON.stringify(answer)}\n`)
process.exit(0)
