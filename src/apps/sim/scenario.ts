// What a scenario is: a swarm in a simulated world that is run from a seed, and the figures that it must reach.
import type { ProgressRecorder } from './progress-recorder.ts'

export interface Scenario {
  /** In kebab-case: what `npm run sim -- NAME` takes. */
  readonly name: string
  /** One line. */
  readonly summary: string
  readonly defaults: { readonly peers: number }
  /** What `--set name=value` takes: the values of each setting, the default first. */
  readonly settings?: Readonly<Record<string, readonly string[]>>
  /** Runs it once; everything follows from the seed. Throws ScenarioFailure for what must never happen (a stall, a wrong ban). */
  run(run: ScenarioRun): Promise<readonly Figure[]>
  /** What `npm run sim:all` runs and asserts. */
  readonly cases: readonly ScenarioCase[]
  /** Bounds on what lies between the medians of two cases. */
  readonly differences?: readonly CaseDifference[]
  /** A variant that takes seconds, for `npm test` and for samples with fresh seeds. */
  readonly small: { readonly peers: number; readonly settings?: Readonly<Record<string, string>> }
}

export interface ScenarioCase {
  /** Unique in the scenario. */
  readonly label: string
  /** Default: the scenario's. */
  readonly peers?: number
  /** Default: the first value of each. */
  readonly settings?: Readonly<Record<string, string>>
  /** It runs with the seeds 1 to this. */
  readonly seeds: number
  /** Of the median over the seeds. Without a limit the figure is merely shown. */
  readonly bounds: readonly FigureBound[]
  /** Seconds that a run takes, roughly: the longest are begun first. Default: a tenth of the peers. */
  readonly wallSeconds?: number
}

export interface FigureBound extends Limits {
  /** Name of the figure. */
  readonly figure: string
}

/** The median of `figure` in the case `of`, less that in the case `minus`. */
export interface CaseDifference extends FigureBound {
  readonly of: string
  readonly minus: string
}

export interface Limits {
  readonly atMost?: number
  readonly atLeast?: number
}

export interface ScenarioRun {
  readonly seed: number
  readonly peers: number
  /** Every setting of the scenario has a value. */
  readonly settings: Readonly<Record<string, string>>
  readonly progress: ProgressRecorder
}

export interface Figure {
  readonly name: string
  readonly value: number
  /** `s`, `%`, `MiB`, `copies`, ...; empty for a plain number. */
  readonly unit: string
}

/** Something happened in a swarm that must not. */
export class ScenarioFailure extends Error {
  override readonly name = 'ScenarioFailure'
}

/** The settings of a run: what was asked for, completed with defaults. Throws RangeError for what the scenario does not know. */
export function completeSettings(scenario: Scenario, asked: Readonly<Record<string, string>>): Record<string, string> {
  const known = scenario.settings ?? {}
  for (const [name, value] of Object.entries(asked)) {
    if (known[name] === undefined)
      throw new RangeError(`Cannot set ${name}: ${scenario.name} has ${Object.keys(known).join(', ') || 'no settings'}`)
    if (!known[name].includes(value))
      throw new RangeError(`Cannot set ${name} to ${value}: it takes ${known[name].join(', ')}`)
  }
  return Object.fromEntries(Object.entries(known).map(([name, values]) => [name, asked[name] ?? values[0]]))
}

export function meets(value: number, { atMost, atLeast }: Limits): boolean {
  return !Number.isNaN(value) && value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity)
}
