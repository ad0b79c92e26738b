// npm run fuzz -- [TARGET...] [--runs N | --case N] [--seed S] [--list]: cases for parsers. Exit code 1 when there is a finding.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets/index.ts'

const USAGE = `npm run fuzz -- [TARGET...] [--runs N | --case N] [--seed S] [--list]

  TARGET    parsers to be fuzzed; default: all
  --runs    cases for each, default 100000
  --case    this one alone
  --seed    decides the cases; default: a new one
  --list    tell the targets
`

const OPTIONS = {
  runs: { type: 'string', default: '100000' },
  case: { type: 'string' },
  seed: { type: 'string' },
  list: { type: 'boolean' },
} as const

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS })
  const first = values.case === undefined ? 0 : wholeNumber('--case', values.case, 0)
  const runs = values.case === undefined ? wholeNumber('--runs', values.runs, 1) : 1
  const seed = values.seed === undefined ? randomInt(2 ** 31) : wholeNumber('--seed', values.seed, 0)
  const targets = targetsNamed(positionals)
  if (values.list) for (const { name, seeds } of TARGETS) print(`${name.padEnd(24)} ${seeds.length} seeds`)
  else process.exitCode = (await fuzz(targets, { seed, first, runs, durationMs: Infinity }, print)) ? 0 : 1
} catch (error) {
  process.stderr.write(`fuzz: ${(error as Error).message}\n\n${USAGE}`)
  process.exitCode = 2
}

function targetsNamed(names: readonly string[]): typeof TARGETS {
  if (names.length === 0 || (names.length === 1 && names[0] === 'all')) return TARGETS
  return names.map((name) => {
    const target = TARGETS.find((each) => each.name === name)
    if (!target) throw new RangeError(`there is no target ${name}: try --list`)
    return target
  })
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least || value >= 2 ** 31 || text.trim() === '')
    throw new RangeError(`${option} is a whole number from ${least} up`)
  return value
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
