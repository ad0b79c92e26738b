// The walls of the house, as the import table in ARCHITECTURE.md draws them, and what in a tree of sources breaks them.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { globalsUsed, importsOf } from './source-code.ts'

/** One row of the table. */
export interface Room {
  /** A folder or a file below the project, `src/base` or `src/base/digest.ts`. */
  readonly path: string
  /** Rooms that it may import, besides itself. */
  readonly mayImport: readonly string[]
  /** Modules from outside the project: names, or `node:*`. A room without `node:*` is pure. */
  readonly outside: readonly string[]
}

/** What a pure room does without: the outside world comes to it through `src/platform/platform.ts`. */
const OUTSIDE_GLOBALS = [
  'Buffer',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Date',
  'Math.random',
  'performance',
  'console',
  'fetch',
  'crypto',
  'globalThis',
]

/** Reads the table: `| room | may import | from outside |`, names in backquotes. */
export function readImportTable(markdown: string): Room[] {
  const rooms: Room[] = []
  for (const line of markdown.split('\n')) {
    const cells = line.split('|').slice(1, -1)
    const names = cells.map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1].replace(/\/$/, '')))
    if (cells.length !== 3 || !names[0][0]?.startsWith('src')) continue
    rooms.push({ path: names[0][0], mayImport: names[1], outside: names[2] })
  }
  return rooms
}

/** Rows of the table for which there is nothing, and names in it that have no row. */
export function brokenRows(rooms: readonly Room[], root: string): string[] {
  const known = new Set(rooms.map(({ path }) => path))
  return rooms.flatMap(({ path, mayImport }) => [
    ...(existsSync(join(root, path)) ? [] : [`the table has a row for ${path}, which does not exist`]),
    ...mayImport.filter((name) => !known.has(name)).map((name) => `the row of ${path} names ${name}, which has no row`),
  ])
}

/** Every place in `root`/src that breaks a wall: one line each, `file:line: what`. Tests are free. */
export function brokenWalls(rooms: readonly Room[], root: string): string[] {
  const files = sourcesBelow(join(root, 'src')).map((path) => relative(root, path).split(sep).join('/'))
  const graph = new Map<string, string[]>()
  const broken: string[] = []
  for (const file of files) {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(basename(file))) broken.push(`${file}: is not kebab-case`)
    if (file.endsWith('.test.ts')) continue
    const room = roomOf(rooms, file)
    if (!room) {
      broken.push(`${file}: is in no room of the table`)
      continue
    }
    const source = readFileSync(join(root, file), 'utf8')
    const targets: string[] = []
    graph.set(file, targets)
    const report = (line: number, what: string): void => void broken.push(`${file}:${line}: ${what}`)

    for (const { specifier, line, dynamic, passedOn } of importsOf(source)) {
      if (passedOn && basename(file) !== 'index.ts') report(line, 'passes on exports, which only an index.ts may')
      if (dynamic && isPure(room)) report(line, 'imports while running, which a pure room may not')
      if (specifier.startsWith('.')) {
        const target = join(dirname(file), specifier).split(sep).join('/')
        targets.push(target)
        const targetRoom = roomOf(rooms, target)
        const allowed = targetRoom && (targetRoom.path === room.path || room.mayImport.includes(targetRoom.path))
        if (!allowed) report(line, `imports ${target}, which ${room.path} may not`)
      } else if (!dynamic || specifier !== '') {
        const allowed = room.outside.some((name) => specifier === name || (name === 'node:*' && isNodes(specifier)))
        if (!allowed) report(line, `imports ${specifier}, which ${room.path} may not`)
      }
    }
    if (!isPure(room)) continue
    for (const { name, line } of globalsUsed(source, OUTSIDE_GLOBALS)) {
      report(line, `uses ${name}, which a pure room may not`)
    }
  }
  return [...broken, ...cycles(graph)]
}

function isPure(room: Room): boolean {
  return !room.outside.includes('node:*')
}

function isNodes(specifier: string): boolean {
  return specifier.startsWith('node:')
}

/** The row with the longest path that holds `file`. */
function roomOf(rooms: readonly Room[], file: string): Room | undefined {
  return rooms
    .filter(({ path }) => file === path || file.startsWith(`${path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0]
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourcesBelow(path)
    return /\.[cm]?tsx?$/.test(entry.name) ? [path] : []
  })
}

/** One line for each file from which a chain of imports leads back to it. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const settled = new Set<string>()
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      found.push(`${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}: is a cycle of imports`)
    } else if (!settled.has(file)) {
      for (const target of graph.get(file) ?? []) visit(target, [...trail, file])
      settled.add(file)
    }
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}
