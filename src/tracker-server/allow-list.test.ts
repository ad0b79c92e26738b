import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogRecord } from '../base/log.ts'
import { AllowList, parseAllowList } from './allow-list.ts'

const [A, B] = ['a1'.repeat(20), 'b2'.repeat(20)]
const [KEY_A, KEY_B] = ['\u00a1'.repeat(20), '\u00b2'.repeat(20)]

let folder: string
let file: string
let lines: LogRecord[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-allow-'))
  file = join(folder, 'allowed')
  lines = []
})
afterEach(() => rmSync(folder, { recursive: true }))

async function open(): Promise<AllowList> {
  const list = await AllowList.open(file, (line) => lines.push(line))
  list.close() // the test itself looks
  return list
}

test('infohashes stand on lines, beside comments, blanks and either kind of line end', () => {
  const keys = parseAllowList(`# ours\n\n  ${A}  # Debian\r\n${B.toUpperCase()}\n${A}`)
  expect([...keys]).toEqual([KEY_A, KEY_B])
  expect(parseAllowList('').size).toBe(0)
})

test.each([`${A}0`, A.slice(2), `${A.slice(1)}x`, `${A} ${B}`, 'b2'.repeat(32)])('%s is no infohash', (line) => {
  expect(() => parseAllowList(`\n${line}\n`)).toThrow(
    expect.objectContaining({ code: 'bad_allow_list', message: expect.stringContaining('line 2') }),
  )
})

test('a changed file is read again, an unchanged one is not', async () => {
  writeFileSync(file, `${A}\n`)
  const list = await open()
  await list.look()
  expect([list.has(KEY_A), list.has(KEY_B), lines.length]).toEqual([true, false, 0])
  writeFileSync(file, `${B}\n${B}\n`)
  await list.look()
  expect([list.has(KEY_A), list.has(KEY_B), list.size, lines.length]).toEqual([false, true, 1, 1])
})

test('a change that cannot be read is told once, and changes nothing', async () => {
  writeFileSync(file, `${A}\n`)
  const list = await open()
  writeFileSync(file, 'nonsense\n')
  await list.look()
  await list.look()
  expect(lines.map(({ level }) => level)).toEqual(['warn'])
  rmSync(file)
  for (let i = 0; i < 3; i++) await list.look()
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn'])
  expect(list.has(KEY_A)).toBe(true)
  writeFileSync(file, `${B}\n`)
  await list.look()
  rmSync(file)
  for (let i = 0; i < 3; i++) await list.look()
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'info', 'warn'])
  expect([list.has(KEY_A), list.has(KEY_B)]).toEqual([false, true])
})

test('a list that is wrong or missing at the start is refused', async () => {
  await expect(open()).rejects.toMatchObject({ code: 'ENOENT' })
  writeFileSync(file, 'nonsense\n')
  await expect(open()).rejects.toMatchObject({ code: 'bad_allow_list' })
})
