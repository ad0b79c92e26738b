// npm run sim -- SCENARIO [--peers N] [--seed S] [--set name=value] [--chart FILE]: one swarm, and what came of it.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { completeRun, describeFailure, runOne, type RunRequest } from './run-one.ts'
import { SCENARIOS } from './scenarios/index.ts'

const USAGE = `npm run sim -- SCENARIO [--peers N] [--seed S] [--set NAME=VALUE] [--chart FILE.svg]

${SCENARIOS.map(({ name, summary, settings = {} }) => {
  const choices = Object.entries(settings).map(([setting, values]) => `    --set ${setting}=${values.join('|')}\n`)
  return `  ${name.padEnd(16)} ${summary}\n${choices.join('')}`
}).join('')}`

const OPTIONS = {
  peers: { type: 'string' },
  seed: { type: 'string' },
  set: { type: 'string', multiple: true },
  chart: { type: 'string' },
  // For the runner of all: nothing but figures, or what failed, as one line of JSON.
  json: { type: 'boolean' },
} as const

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS })
  const request = requestOf(positionals, values)
  process.exit(values.json ? await runAsJson(request) : await runAsText(request, values.chart))
} catch (error) {
  process.stderr.write(`sim: ${(error as Error).message}\n\n${USAGE}`)
  process.exit(2)
}

function requestOf(
  [name, ...rest]: readonly string[],
  asked: { readonly peers?: string; readonly seed?: string; readonly set?: readonly string[] },
): RunRequest {
  const scenario = SCENARIOS.find((each) => each.name === name)
  if (!scenario || rest.length > 0) throw new RangeError('expected the name of one scenario')
  const settings = Object.fromEntries((asked.set ?? []).map((text) => text.split('=', 2) as [string, string]))
  const peers = asked.peers === undefined ? undefined : wholeNumber('--peers', asked.peers, 1)
  const request = { scenario, seed: wholeNumber('--seed', asked.seed ?? '1', 0), peers, settings }
  completeRun(request)
  return request
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least || text.trim() === '')
    throw new RangeError(`${option} is a whole number from ${least} up`)
  return value
}

function runAsText(request: RunRequest, chart = `sim-${request.scenario.name}.svg`): Promise<number> {
  return runOne(request, {
    print: (line) => void process.stdout.write(`${line}\n`),
    saveChart: (svg) => {
      writeFileSync(chart, svg)
      return chart
    },
    now: () => performance.now(),
  })
}

async function runAsJson(request: RunRequest): Promise<number> {
  try {
    process.stdout.write(`${JSON.stringify({ figures: await request.scenario.run(completeRun(request)) })}\n`)
    return 0
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ failure: describeFailure(error) })}\n`)
    return 1
  }
}
