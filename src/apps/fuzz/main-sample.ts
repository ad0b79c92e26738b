// npm run fuzz:sample: a minute of cases over all parsers, from a seed that nobody has tried before.
import { randomInt } from 'node:crypto'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets/index.ts'

const DURATION_MS = 60_000

const order = { seed: randomInt(2 ** 31), first: 0, runs: 2 ** 31 - 1, durationMs: DURATION_MS / TARGETS.length }
const isFine = await fuzz(TARGETS, order, (line) => void process.stdout.write(`${line}\n`))
process.exitCode = isFine ? 0 : 1
