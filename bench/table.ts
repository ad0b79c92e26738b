// The tables of docs/benchmarks.md, from the raw runs in bench/results. Run: npx tsx bench/table.ts
import { readFileSync } from 'node:fs'

/** One line of a results file, as far as the tables need it. */
interface Run {
  readonly client: string
  readonly ok?: boolean
  readonly noisy?: boolean
  readonly mbps: number
  readonly leecher_cpu_gib: number
  readonly seeder_cpu_gib: number
  readonly leecher_hwm_kb: number
  readonly seeder_hwm_kb: number
  readonly first: number
}

type Figure = readonly [title: string, digits: number, of: (run: Run) => number]

const leeching: readonly Figure[] = [
  ['MB/s', 0, (run) => run.mbps],
  ['CPU s/GiB', 2, (run) => run.leecher_cpu_gib],
  ['peak RSS MiB', 0, (run) => run.leecher_hwm_kb / 1024],
]
const seeding: readonly Figure[] = [
  ['MB/s', 0, (run) => run.mbps],
  ['CPU s/GiB', 2, (run) => run.seeder_cpu_gib],
  ['peak RSS MiB', 0, (run) => run.seeder_hwm_kb / 1024],
]
const starting: readonly Figure[] = [['first payload byte, s', 3, (run) => run.first]]

function readRuns(name: string): Run[] {
  const lines = readFileSync(new URL(`results/${name}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as Run).filter((run) => run.ok !== false && run.noisy !== true)
}

function summary(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b)
  const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
  return `**${median.toFixed(digits)}** [${sorted[0].toFixed(digits)}-${sorted.at(-1)!.toFixed(digits)}]`
}

function table(title: string, name: string, figures: readonly Figure[]): void {
  const runs = readRuns(name)
  console.log(`### ${title}\n`)
  console.log(`| client | runs | ${figures.map(([heading]) => heading).join(' | ')} |`)
  console.log(`|---|---|${figures.map(() => '---').join('|')}|`)
  for (const client of new Set(runs.map((run) => run.client))) {
    const own = runs.filter((run) => run.client === client)
    const cells = figures.map(([, digits, of]) => summary(own.map(of), digits))
    console.log(`| ${client} | ${own.length} | ${cells.join(' | ')} |`)
  }
  console.log('')
}

table('T1: download 2 GiB from one libtorrent seeder, tmpfs', 't1', leeching)
table('T1 on disk (ext4)', 't1-disk', leeching)
table('T2: seed 2 GiB to one libtorrent leecher, tmpfs', 't2', seeding)
table('T3: download 1 GiB from eight libtorrent seeders, tmpfs', 't3', leeching)
table('T4: download 2,000 files of 64 KiB to 1 MiB, tmpfs', 't4', leeching)
table('T7: process start to first payload byte, with a peer given', 't7', starting)
