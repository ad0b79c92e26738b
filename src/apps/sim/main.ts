// npm run sim -- SCENARIO [--peers N] [--seed S] [--set name=value]: one simulated swarm, and what came of it.
import { parseArgs } from 'node:util'
import { ProgressRecorder } from './progress-recorder.ts'
import { completeSettings } from './scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'string' },
    seed: { type: 'string' },
    set: { type: 'string', multiple: true },
  },
})
const scenario = SCENARIOS.find(({ name }) => name === positionals[0])!
const startedAt = performance.now()
const figures = await scenario.run({
  seed: Number(values.seed ?? 1),
  peers: Number(values.peers ?? scenario.defaults.peers),
  settings: completeSettings(scenario, Object.fromEntries((values.set ?? []).map((text) => text.split('=')))),
  progress: new ProgressRecorder(),
})
for (const { name, value, unit } of figures) console.log(`${name.padEnd(24)} ${value.toFixed(3)} ${unit}`)
console.log(`wall time ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
