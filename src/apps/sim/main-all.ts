// npm run sim:all: every scenario in all its variations, and the table of docs/swarm.md. Exit code 1 when a bound is missed.
// npm run sim:all -- NAME...: these only, and the document is left alone.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { replaceTable } from './document.ts'
import { type Row, runAll } from './run-all.ts'
import { runInProcess } from './run-in-process.ts'
import { replayLine, type RunRequest } from './run-one.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { alignedTable, markdownTable } from './table.ts'

const DOCUMENT = fileURLToPath(new URL('../../../docs/swarm.md', import.meta.url))
const HEADINGS = ['scenario', 'case', 'figure', 'median (range)', 'bound', 'met']

const startedAt = performance.now()
const names = process.argv.slice(2)
const unknown = names.find((name) => !SCENARIOS.some((scenario) => scenario.name === name))
if (unknown !== undefined) {
  process.stderr.write(`sim:all: there is no scenario ${unknown}\n`)
  process.exit(2)
}
const chosen = names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name))
const failed: RunRequest[] = []
const rows = await runAll(chosen, {
  run: (request) => timed(request, () => runInProcess(request)),
  onResult: (request, result) => {
    if (!('failure' in result)) return
    failed.push(request)
    process.stdout.write(`FAILED: ${result.failure}\nagain: ${replayLine(request)}\n`)
  },
})
const table = [HEADINGS, ...rows.map(cells)]
process.stdout.write(`\n${alignedTable(table)}\n\n`)
if (names.length === 0)
  writeFileSync(DOCUMENT, replaceTable(readFileSync(DOCUMENT, 'utf8'), 'table', markdownTable(table)))
const missed = rows.filter(({ verdict }) => verdict === 'NO').length
process.stdout.write(`${rows.length} figures, ${missed} bounds missed, ${failed.length} runs failed\n`)
process.stdout.write(`wall time ${seconds(performance.now() - startedAt)}\n`)
process.exit(missed > 0 ? 1 : 0)

function cells({ scenario, label, figure, value, bound, verdict }: Row): string[] {
  return [scenario, label, figure, value, bound, verdict]
}

async function timed<Result>(request: RunRequest, work: () => Promise<Result>): Promise<Result> {
  const begunAt = performance.now()
  const result = await work()
  process.stdout.write(`${seconds(performance.now() - begunAt).padStart(8)}  ${replayLine(request)}\n`)
  return result
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
