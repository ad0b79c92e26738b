// One run of one scenario, told as text. One seed gives one text, except for the last line.
import { progressChart } from './chart.ts'
import { ProgressRecorder } from './progress-recorder.ts'
import {
  completeSettings,
  type Figure,
  type FigureBound,
  meets,
  type Scenario,
  ScenarioFailure,
  type ScenarioRun,
} from './scenario.ts'
import { figureTable } from './table.ts'

/** What was asked for; the scenario's defaults complete it. */
export interface RunRequest {
  readonly scenario: Scenario
  readonly seed: number
  readonly peers?: number
  readonly settings?: Readonly<Record<string, string>>
}

export interface RunOutput {
  print(line: string): void
  /** Writes the chart and returns the name to tell. */
  saveChart(svg: string): string
  /** Milliseconds of real time. */
  now(): number
}

/** The exit code: 0, or 1 for a failure or a bound that was missed. */
export async function runOne(request: RunRequest, output: RunOutput): Promise<number> {
  const startedAt = output.now()
  const run = completeRun(request)
  const { scenario } = request
  output.print(`${scenario.name}: ${scenario.summary}`)
  output.print([`${run.peers} peers`, `seed ${run.seed}`, ...settingTexts(run)].join(', '))
  output.print('')
  const bounds = boundsOf(scenario, run)
  const figures = await tellFailure(run, scenario, output)
  const isFine = figures !== null && !misses(figures, bounds)
  if (figures) output.print(figureTable(figures, bounds))
  output.print('')
  output.print(`chart: ${output.saveChart(progressChart(`${scenario.name}, ${run.peers} peers`, run.progress))}`)
  if (!isFine) output.print(`again: ${replayLine(request)}`)
  output.print(`wall time ${((output.now() - startedAt) / 1000).toFixed(1)} s`)
  return isFine ? 0 : 1
}

/** Throws RangeError for settings that the scenario does not know. */
export function completeRun({ scenario, seed, peers, settings }: RunRequest): ScenarioRun {
  return {
    seed,
    peers: peers ?? scenario.defaults.peers,
    settings: completeSettings(scenario, settings ?? {}),
    progress: new ProgressRecorder(),
  }
}

/** The command that does the same again. */
export function replayLine(request: RunRequest): string {
  const run = completeRun(request)
  const settings = settingTexts(run).map((text) => ` --set ${text}`)
  return `npm run sim -- ${request.scenario.name} --peers ${run.peers} --seed ${run.seed}${settings.join('')}`
}

export function describeFailure(error: unknown): string {
  if (error instanceof ScenarioFailure) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function tellFailure(run: ScenarioRun, scenario: Scenario, output: RunOutput): Promise<readonly Figure[] | null> {
  try {
    return await scenario.run(run)
  } catch (error) {
    output.print(`FAILED: ${describeFailure(error)}`)
    return null
  }
}

/** Those of the case that is like this run. */
function boundsOf(scenario: Scenario, { peers, settings }: ScenarioRun): readonly FigureBound[] {
  const like = scenario.cases.find(
    (each) =>
      (each.peers ?? scenario.defaults.peers) === peers &&
      Object.entries(completeSettings(scenario, each.settings ?? {})).every(
        ([name, value]) => settings[name] === value,
      ),
  )
  return like?.bounds ?? []
}

function misses(figures: readonly Figure[], bounds: readonly FigureBound[]): boolean {
  return bounds.some((bound) => !meets(figures.find(({ name }) => name === bound.figure)?.value ?? NaN, bound))
}

function settingTexts({ settings }: ScenarioRun): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${value}`)
}
