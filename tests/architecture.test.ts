// The walls: every import in src/ against the table in ARCHITECTURE.md, and proof that each kind of breach is seen.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { brokenRows, brokenWalls, readImportTable, type Room } from './support/walls.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const rooms = readImportTable(readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8'))

test('the import table in ARCHITECTURE.md can be read, and each of its rows is about something that exists', () => {
  expect(rooms.length).toBeGreaterThan(10)
  expect(brokenRows(rooms, ROOT)).toEqual([])
})

test('src/ keeps to the import table', () => {
  expect(brokenWalls(rooms, ROOT)).toEqual([])
})

describe('a broken wall is seen', () => {
  const pure = { path: 'src/base', mayImport: [], outside: [] }
  const outer = { path: 'src/apps', mayImport: ['src/base'], outside: ['node:*', 'pino'] }
  const small: Room[] = [pure, outer]

  test('whichever room of the table imports a room that its row does not name', () => {
    for (const room of rooms) {
      for (const other of rooms) {
        if (other === room || room.mayImport.includes(other.path)) continue
        const [from, to] = [fileIn(room), fileIn(other)]
        const path = relative(dirname(from), to)
        const specifier = path.startsWith('.') ? path : `./${path}`
        const found = check(rooms, { [from]: `import type { A } from '${specifier}'`, [to]: 'export interface A {}' })
        expect(found).toEqual([`${from}:1: imports ${to}, which ${room.path} may not`])
      }
    }
  })

  test('a tree that keeps all walls passes', () => {
    const sources = {
      'src/base/a.ts': `// process.exit() in a comment\nexport const text = 'Buffer, process' + \`Date \${1 + 1}\`\n`,
      'src/base/b.ts': `import { text } from './a.ts'\nexport const clock = { Date: text, now: text.process }\n`,
      'src/apps/index.ts': `export * from '../base/a.ts'\nimport fs from 'node:fs'\nimport pino from 'pino'\n`,
      'src/base/a.test.ts': `import fs from 'node:fs'\n`,
    }
    expect(check(small, sources)).toEqual([])
  })

  const breaches: [what: string, sources: Record<string, string>, broken: RegExp][] = [
    [
      'an upward import',
      { 'src/base/a.ts': `import '../apps/b.ts'`, 'src/apps/b.ts': '' },
      /^src\/base\/a.ts:1: imports src\/apps\/b.ts/,
    ],
    [
      'an import over several lines',
      { 'src/base/a.ts': `\nimport {\n  b,\n} from "../apps/b.ts"` },
      /^src\/base\/a.ts:2: imports src\/apps\/b.ts/,
    ],
    ['a type import', { 'src/base/a.ts': `import type { B } from '../apps/b.ts'` }, /imports src\/apps\/b.ts/],
    ['an import out of src/', { 'src/apps/a.ts': `import '../../bench/b.ts'` }, /imports bench\/b.ts/],
    ['a room without a row', { 'src/new-room/a.ts': '' }, /^src\/new-room\/a.ts: is in no room/],
    ['a Node module in a pure room', { 'src/base/a.ts': `import { readFileSync } from 'node:fs'` }, /imports node:fs/],
    ['a package in a pure room', { 'src/base/a.ts': `import pino from 'pino'` }, /imports pino/],
    ['a package that no row names', { 'src/apps/a.ts': `import x from 'left-pad'` }, /imports left-pad/],
    [
      'a dynamic import in a pure room',
      { 'src/base/a.ts': `await import('./b.ts')`, 'src/base/b.ts': '' },
      /imports while running/,
    ],
    [
      'a dynamic import of a foreign room',
      { 'src/base/a.ts': `await import('../apps/b.ts')` },
      /imports src\/apps\/b.ts/,
    ],
    ['Buffer in a pure room', { 'src/base/a.ts': `export const a = Buffer.alloc(1)` }, /uses Buffer/],
    ['process in a template', { 'src/base/a.ts': 'export const a = `x ${process.pid} y`' }, /uses process/],
    ['a timer', { 'src/base/a.ts': `const r = /['"]/g\nsetTimeout(() => r, 1)` }, /a.ts:2: uses setTimeout/],
    ['a clock', { 'src/base/a.ts': `export const now = () => Date.now()` }, /uses Date/],
    ['chance', { 'src/base/a.ts': `export const chance = Math.random()` }, /uses Math.random/],
    ['a way round through globalThis', { 'src/base/a.ts': `globalThis.process.exit()` }, /uses globalThis/],
    ['a barrel', { 'src/base/a.ts': `export { b } from './b.ts'`, 'src/base/b.ts': '' }, /passes on exports/],
    ['a name that is not kebab-case', { 'src/base/bigFile.ts': '' }, /bigFile.ts: is not kebab-case/],
    [
      'a cycle',
      { 'src/base/a.ts': `import './b.ts'`, 'src/base/b.ts': `import './c.ts'`, 'src/base/c.ts': `import './a.ts'` },
      /is a cycle of imports$/,
    ],
  ]
  test.each(breaches)('%s', (_, sources, broken) => {
    expect(check(small, sources).join('\n')).toMatch(broken)
  })

  test('a row about nothing', () => {
    expect(brokenRows([{ path: 'src/attic', mayImport: ['src/cellar'], outside: [] }], ROOT)).toEqual([
      'the table has a row for src/attic, which does not exist',
      'the row of src/attic names src/cellar, which has no row',
    ])
  })
})

/** A file in a room: the room itself, where it is one. */
function fileIn(room: Room): string {
  return room.path.endsWith('.ts') ? room.path : `${room.path}/some-file.ts`
}

/** Runs the checker on a temporary tree of these sources. */
function check(table: readonly Room[], sources: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'shoal-walls-'))
  try {
    for (const [path, source] of Object.entries(sources)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), source)
    }
    return brokenWalls(table, root)
  } finally {
    rmSync(root, { recursive: true })
  }
}
