import { expect, test } from 'vitest'
import { runOne } from '../../src/apps/sim/run-one.ts'
import { flashCrowd } from '../../src/apps/sim/scenarios/flash-crowd.ts'

/** All that a run says, without its last line. */
async function story(seed: number): Promise<{ code: number; text: string; chart: string }> {
  const lines: string[] = []
  let chart = ''
  const code = await runOne(
    { scenario: flashCrowd, seed, ...flashCrowd.small },
    {
      print: (line) => lines.push(line),
      saveChart: (svg) => {
        chart = svg
        return 'chart.svg'
      },
      now: () => performance.now(),
    },
  )
  return { code, text: lines.slice(0, -1).join('\n'), chart }
}

test('a small flash crowd completes, and one seed tells one story', async () => {
  const first = await story(1)
  expect(first.code).toBe(0)
  expect(first.text).toMatch(/^completed +5 of 5$/m)
  expect(first.chart).toContain('<polyline')
  expect(await story(1)).toEqual(first)
  expect((await story(2)).text).not.toBe(first.text)
})
