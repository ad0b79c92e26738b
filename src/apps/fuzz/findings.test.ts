// What fuzzing has found: each input broke its parser once (tests/fixtures/fuzz/, named by target). And a few cases of each target.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { caseInput, chanceOf } from './case-input.ts'
import { isRefusal, type Target } from './target.ts'
import { TARGETS } from './targets/index.ts'

const FOLDER = new URL('../../../tests/fixtures/fuzz/', import.meta.url)
const findings = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.hex'))
  .map((name) => ({ name, target: name.replace(/--.*$/, '') }))

test.each(findings)('$name is no finding any more', async ({ name, target }) => {
  const found = TARGETS.find((each) => each.name === target)!
  const input = fromHex(readFileSync(new URL(name, FOLDER), 'utf8').trim())!
  expect(await outcome(found, input)).toMatch(/answered|refused/)
})

test('there are findings of three parsers at least', () => {
  expect(new Set(findings.map(({ target }) => target)).size).toBeGreaterThanOrEqual(3)
})

describe.each(TARGETS)('$name', (target) => {
  test('its seeds, and some cases, are answered or refused', async () => {
    const outcomes = new Set<string>()
    for (let number = 0; number < target.seeds.length + 200; number++) {
      outcomes.add(await outcome(target, caseInput(target, { seed: 1, number })))
    }
    expect(outcomes).toContain('answered')
  })
})

/** Throws what a finding is told by, without limits of time: those are for campaigns. */
async function outcome(target: Target, input: Uint8Array): Promise<'answered' | 'refused'> {
  let answer: unknown
  try {
    answer = await target.parse(input, chanceOf(input))
  } catch (error) {
    if (isRefusal(target.refusals, error)) return 'refused'
    throw error
  }
  target.check?.(answer, input)
  return 'answered'
}
