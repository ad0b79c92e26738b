// The command itself, as it was built: `npm test` builds first.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../dist/apps/fuzz/main.js', import.meta.url))

function fuzz(...args: readonly string[]): { code: number | null; text: string; errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { code: status, text: stdout, errors: stderr }
}

test('a campaign tells its seed, its cases and the lines that they reached', () => {
  const { code, text } = fuzz('bitfield', '--runs', '500', '--seed', '7')
  expect(text).toMatch(
    /^seed 7\nbitfield +500 cases in [\d.]+ s, \d+ % refused, 100.0 % of lines\n500 cases, 0 findings\n$/,
  )
  expect(code).toBe(0)
})

test('lines that no case has reached are told', () => {
  const { text } = fuzz('redirects', '--runs', '1', '--seed', '7')
  expect(text).toMatch(/\(too few\)\n +src\/engine\/discovery\/http-fetch.ts: [\d.]+ %, not reached: \d+/)
})

test('one case can be had again', () => {
  const { code, text } = fuzz('bitfield', '--case', '77', '--seed', '7')
  expect(text).toContain('\n1 cases, 0 findings\n')
  expect(code).toBe(0)
})

test('a target that is not there is told, with the usage', () => {
  const { code, errors } = fuzz('nothing')
  expect(code).toBe(2)
  expect(errors).toContain('fuzz: there is no target nothing')
})
