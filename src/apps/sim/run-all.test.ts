import { expect, test } from 'vitest'
import { runAll, type RunResult } from './run-all.ts'
import type { RunRequest } from './run-one.ts'
import type { Scenario } from './scenario.ts'

function scenario(parts: Partial<Scenario>): Scenario {
  return {
    name: 'race',
    summary: 'a race',
    defaults: { peers: 10 },
    run: () => Promise.reject(new Error('not here')),
    cases: [],
    small: { peers: 1 },
    ...parts,
  }
}

/** Runs all with results made up from seed and peers; `order` is how the runs were begun. */
async function rowsOf(
  scenarios: readonly Scenario[],
  resultOf: (request: RunRequest) => RunResult,
): Promise<{ rows: string[]; order: string[] }> {
  const order: string[] = []
  const rows = await runAll(scenarios, {
    run: (request) => {
      order.push(`${request.peers ?? 'default'}/${request.seed}`)
      return Promise.resolve(resultOf(request))
    },
    onResult: () => {},
  })
  return { rows: rows.map((row) => Object.values(row).join('; ')), order }
}

const time = (value: number): RunResult => ({ figures: [{ name: 'time', value, unit: 's' }] })

test('a bound holds for the median over the seeds', async () => {
  const bounds = [{ figure: 'time', atMost: 3 }]
  const cases = [{ label: 'all', seeds: 3, bounds }]
  const good = await rowsOf([scenario({ cases })], ({ seed }) => time([1, 3, 99][seed - 1]))
  expect(good.rows).toEqual(['race; all; time; 3 s (1-99); at most 3; yes'])
  const bad = await rowsOf([scenario({ cases })], ({ seed }) => time([1, 4, 99][seed - 1]))
  expect(bad.rows).toEqual(['race; all; time; 4 s (1-99); at most 3; NO'])
})

test('what takes longest is begun first', async () => {
  const cases = [
    { label: 'small', peers: 10, seeds: 1, bounds: [] },
    { label: 'large', peers: 100, seeds: 2, bounds: [] },
    { label: 'slow', peers: 5, seeds: 1, bounds: [], wallSeconds: 60 },
  ]
  const { order } = await rowsOf([scenario({ cases })], () => time(1))
  expect(order).toEqual(['5/1', '100/1', '100/2', '10/1'])
})

test('a figure without a limit is shown; one that is not there misses its bound', async () => {
  const bounds = [{ figure: 'time' }, { figure: 'waste', atMost: 1 }]
  const { rows } = await rowsOf([scenario({ cases: [{ label: 'all', seeds: 1, bounds }] })], () => time(7))
  expect(rows).toEqual(['race; all; time; 7 s; ; ', 'race; all; waste; -; at most 1; NO'])
})

test('one run that fails fails its case', async () => {
  const cases = [{ label: 'all', seeds: 2, bounds: [{ figure: 'time', atMost: 3 }] }]
  const { rows } = await rowsOf([scenario({ cases })], ({ seed }) => (seed === 2 ? { failure: 'stalled' } : time(1)))
  expect(rows).toEqual(['race; all; runs; 1 of 2 runs failed; none fails; NO'])
})

test('what lies between two cases has bounds, too', async () => {
  const bounds = [{ figure: 'time' }]
  const cases = [
    { label: 'few', peers: 10, seeds: 1, bounds },
    { label: 'many', peers: 1000, seeds: 1, bounds },
  ]
  const differences = [{ figure: 'time', of: 'many', minus: 'few', atMost: 5 }]
  const { rows } = await rowsOf([scenario({ cases, differences })], ({ peers }) => time(peers === 10 ? 1 : 7))
  expect(rows.at(-1)).toBe('race; many, less few; time; 6; at most 5; NO')
})
