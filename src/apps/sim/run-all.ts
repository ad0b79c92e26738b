// Every case of every scenario, each run in a process of its own and two at once; then the medians against their bounds.
import { formatFigure, formatLimits, formatValue } from './table.ts'
import type { RunRequest } from './run-one.ts'
import { type Figure, meets, type Scenario, type ScenarioCase } from './scenario.ts'
import { median } from './statistics.ts'

const AT_ONCE = 2

export type RunResult = { readonly figures: readonly Figure[] } | { readonly failure: string }

export interface AllRunner {
  /** Runs one in a process of its own. */
  run(request: RunRequest): Promise<RunResult>
  /** Is told of each run as it ends. */
  onResult(request: RunRequest, result: RunResult): void
}

/** A line of the table: one figure of one case. */
export interface Row {
  readonly scenario: string
  readonly label: string
  readonly figure: string
  /** The median, and in brackets the range where there were several seeds. */
  readonly value: string
  readonly bound: string
  readonly verdict: 'yes' | 'NO' | ''
}

interface Task {
  readonly request: RunRequest
  readonly wallSeconds: number
}

/** Runs them all, those that take longest first. */
export async function runAll(scenarios: readonly Scenario[], runner: AllRunner): Promise<Row[]> {
  const tasks = scenarios.flatMap(tasksOf).sort((a, b) => b.wallSeconds - a.wallSeconds)
  const results = new Map<string, RunResult>()
  const work = async (): Promise<void> => {
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      const result = await runner.run(task.request)
      results.set(keyOf(task.request), result)
      runner.onResult(task.request, result)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return scenarios.flatMap((scenario) => rowsOf(scenario, (request) => results.get(keyOf(request))!))
}

function tasksOf(scenario: Scenario): Task[] {
  return scenario.cases.flatMap((each) => {
    const wallSeconds = each.wallSeconds ?? (each.peers ?? scenario.defaults.peers) / 10
    return requestsOf(scenario, each).map((request) => ({ request, wallSeconds }))
  })
}

function requestsOf(scenario: Scenario, { peers, settings, seeds }: ScenarioCase): RunRequest[] {
  return Array.from({ length: seeds }, (_, i) => ({ scenario, seed: i + 1, peers, settings }))
}

function keyOf({ scenario, seed, peers, settings }: RunRequest): string {
  return JSON.stringify([scenario.name, seed, peers, settings])
}

function rowsOf(scenario: Scenario, resultOf: (request: RunRequest) => RunResult): Row[] {
  const medians = new Map<string, number>()
  const key = (label: string, figure: string): string => `${label}\n${figure}`
  const rows = scenario.cases.flatMap((each): Row[] => {
    const results = requestsOf(scenario, each).map(resultOf)
    const failures = results.filter((result) => 'failure' in result)
    const about = { scenario: scenario.name, label: each.label }
    if (failures.length > 0) {
      const value = `${failures.length} of ${results.length} runs failed`
      return [{ ...about, figure: 'runs', value, bound: 'none fails', verdict: 'NO' }]
    }
    return each.bounds.map((bound) => {
      const found = results.map((result) => figureOf(result, bound.figure))
      const values = found.map((figure) => figure?.value ?? NaN)
      const value = median(values)
      medians.set(key(each.label, bound.figure), value)
      const spread =
        values.length > 1 ? ` (${formatValue(Math.min(...values))}-${formatValue(Math.max(...values))})` : ''
      const limits = formatLimits(bound)
      return {
        ...about,
        figure: bound.figure,
        value: formatFigure({ value, unit: found[0]?.unit ?? '' }) + spread,
        bound: limits,
        verdict: limits === '' ? '' : verdict(meets(value, bound)),
      }
    })
  })
  const differences = (scenario.differences ?? []).map((bound): Row => {
    const value =
      (medians.get(key(bound.of, bound.figure)) ?? NaN) - (medians.get(key(bound.minus, bound.figure)) ?? NaN)
    return {
      scenario: scenario.name,
      label: `${bound.of}, less ${bound.minus}`,
      figure: bound.figure,
      value: formatValue(value),
      bound: formatLimits(bound),
      verdict: verdict(meets(value, bound)),
    }
  })
  return [...rows, ...differences]
}

function figureOf(result: RunResult, name: string): Figure | undefined {
  return 'figures' in result ? result.figures.find((figure) => figure.name === name) : undefined
}

function verdict(isMet: boolean): 'yes' | 'NO' {
  return isMet ? 'yes' : 'NO'
}
