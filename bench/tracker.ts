// What does an announce cost a tracker, and what does a peer? Ours and opentracker, asked in turn by the same generator (bench/tracker/load.ts,
// a process of its own): announces for each CPU second of the tracker's process, over UDP and over HTTP. Then the memory that
// 1,000,000 peers in 100,000 torrents take of ours. Needs `npm run build`, and opentracker for its lines.
// Run: npx tsx bench/tracker.ts [announces per line, default 300000: compiling must not count] [rounds, default 3]
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TORRENTS, infohashText, type LoadReport, type LoadTask } from './tracker/load-task.ts'
import type { MemoryReport } from './tracker/memory.ts'

const MAIN = new URL('../dist/apps/cli/main.js', import.meta.url).pathname
/** Of /proc/PID/stat, in a second. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

interface Tracker {
  readonly name: string
  start(port: number, folder: string): ChildProcess
}

const shoal: Tracker = {
  name: 'shoal tracker',
  start: (port) =>
    spawn(process.execPath, [MAIN, 'tracker', '--port', String(port), '--bind', '127.0.0.1'], { stdio: 'ignore' }),
}

const opentracker: Tracker = {
  name: 'opentracker',
  /** Debian's build serves only torrents on its list. As root it locks itself into its folder and becomes nobody. */
  start(port, folder) {
    const lines = Array.from({ length: TORRENTS }, (_, torrent) => `${infohashText(torrent)}\n`)
    writeFileSync(join(folder, 'list'), lines.join(''))
    const list = process.getuid?.() === 0 ? '/list' : join(folder, 'list')
    const place = ['-i', '127.0.0.1', '-p', String(port), '-P', String(port)]
    return spawn('opentracker', [...place, '-w', list, '-u', 'nobody', '-d', folder], { stdio: 'ignore' })
  },
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** CPU seconds of a process, user and system. */
function cpuSeconds(pid: number): { user: number; system: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return { user: Number(fields[11]) / TICKS_PER_SECOND, system: Number(fields[12]) / TICKS_PER_SECOND }
}

/** What a generator does until it is done, or has warmed up. */
function run<Message>(script: string, task: object, execArgv: string[] = []): Promise<Message> {
  const child = fork(new URL(script, import.meta.url), [JSON.stringify(task)], {
    execArgv: [...process.execArgv, ...execArgv],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Message))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)))
  })
}

interface Line {
  readonly perSecond: number
  readonly user: number
  readonly system: number
  readonly bytes: number
}

async function measure(tracker: Tracker, protocol: LoadTask['protocol'], announces: number): Promise<Line> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
  chmodSync(folder, 0o755)
  const port = await freePort()
  const process = tracker.start(port, folder)
  try {
    // The first one fills the swarms and warms up the tracker's code.
    const task: LoadTask = { protocol, port, announces: Math.floor(announces / 2) }
    await run<LoadReport>('./tracker/load.ts', task)
    const before = cpuSeconds(process.pid!)
    const { answers, bytes } = await run<LoadReport>('./tracker/load.ts', { ...task, announces })
    const after = cpuSeconds(process.pid!)
    const [user, system] = [after.user - before.user, after.system - before.system]
    return {
      perSecond: answers / (user + system),
      user: user / answers,
      system: system / answers,
      bytes: bytes / answers,
    }
  } finally {
    process.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

function row(...cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

const announces = Number(process.argv[2] ?? 300_000)
const rounds = Number(process.argv[3] ?? 3)
const trackers = isInstalled('opentracker') ? [shoal, opentracker] : [shoal]

row('protocol', 'tracker', 'announces per CPU second', 'least to most', 'user µs', 'system µs', 'bytes per answer')
row('---', '---', '---', '---', '---', '---', '---')
for (const protocol of ['udp', 'http'] as const) {
  const lines = new Map<Tracker, Line[]>(trackers.map((tracker) => [tracker, []]))
  for (let round = 0; round < rounds; round++) {
    for (const tracker of trackers) lines.get(tracker)!.push(await measure(tracker, protocol, announces))
  }
  for (const [{ name }, all] of lines) {
    const rates = all.map(({ perSecond }) => perSecond)
    const micros = (of: (line: Line) => number): string => (median(all.map(of)) * 1e6).toFixed(1)
    const [least, most] = [Math.min(...rates), Math.max(...rates)].map((rate) => Math.round(rate))
    row(
      protocol,
      name,
      Math.round(median(rates)),
      `${least} to ${most}`,
      micros(({ user }) => user),
      micros(({ system }) => system),
      Math.round(median(all.map(({ bytes }) => bytes))),
    )
  }
}

console.log('')
row(
  'peers',
  'torrents',
  'RSS, bytes per peer',
  'heap and array buffers, bytes per peer',
  'announces per CPU second (registry alone)',
)
row('---', '---', '---', '---', '---')
for (const ipv6Share of [0, 0.2, 1]) {
  const report = await run<MemoryReport>('./tracker/memory.ts', { torrents: 100_000, peers: 1_000_000, ipv6Share }, [
    '--expose-gc',
  ])
  const what = `${report.peers.toLocaleString('en')}, ${ipv6Share * 100} % IPv6`
  row(what, '100,000', Math.round(report.rss), Math.round(report.held), Math.round(report.perSecond))
}
