// What fetching from a web server costs, beside fetching from a peer: the real command downloads the same file from nginx alone,
// and from one libtorrent seeder alone, in turn, in memory. Of each: MB/s, and CPU seconds of the downloader per GiB.
// Targets: at least 0.7 x the speed, and at most 1.25 x the CPU, of the download from the peer.
// Run: npm run build && npx tsx bench/web-seed.ts [--mib 1024] [--runs 5]
import { readFileSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { libtorrent } from '../tests/support/clients/libtorrent.ts'
import { nginx } from '../tests/support/clients/nginx.ts'
import { makeTorrent, Payload } from '../tests/support/payload.ts'
import { freePort } from '../tests/support/ports.ts'
import { download } from '../tests/support/shoal.ts'
import { Stage } from '../tests/support/stage.ts'

const MIB = 1 << 20
const LEAST_SPEED = 0.7
const MOST_CPU = 1.25
const TICKS_PER_SECOND = 100
const TIMEOUT_MS = 300_000

interface Measured {
  readonly mbPerSecond: number
  readonly cpuPerGib: number
}

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '1024' }, runs: { type: 'string', default: '5' } },
})

const stage = new Stage()
try {
  const payload = Payload.file('web seed bench', Number(values.mib) * MIB)
  const torrent = stage.torrentFile(makeTorrent(payload, MIB))
  const complete = stage.folder('complete')
  payload.write(complete)
  const server = await nginx.start({ stage, folder: complete })
  const port = await freePort()
  const seeder = await libtorrent.startSeeder({ stage, torrent, folder: complete, port })
  await seeder.ready()

  const sources = { web: ['--web-seed', server.url], peer: ['--peer', `127.0.0.1:${port}`] }
  const measured: Record<keyof typeof sources, Measured[]> = { web: [], peer: [] }
  for (let run = 0; run < Number(values.runs); run++) {
    for (const name of ['peer', 'web'] as const)
      measured[name].push(await measure(torrent, payload.size, sources[name]))
  }
  report(measured)
} finally {
  await stage.end(false)
}

async function measure(torrent: string, size: number, from: readonly string[]): Promise<Measured> {
  const folder = stage.folder('downloaded')
  const shoal = download(stage, torrent, folder, '--no-state', ...from)
  const { time: begun } = await shoal.event('listening')
  const { time: ended } = await shoal.event('done', undefined, TIMEOUT_MS)
  const cpu = cpuSeconds(shoal.program.pid)
  await shoal.exited
  rmSync(folder, { recursive: true })
  return { mbPerSecond: size / 1e6 / ((ended - begun) / 1000), cpuPerGib: (cpu * 2 ** 30) / size }
}

/** Of the process with all its threads, its start included. It has just told that it is done, and is about to end. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function report({ web, peer }: Readonly<Record<'web' | 'peer', readonly Measured[]>>): void {
  const speed = median(web.map(({ mbPerSecond }) => mbPerSecond)) / median(peer.map(({ mbPerSecond }) => mbPerSecond))
  const cpu = median(web.map(({ cpuPerGib }) => cpuPerGib)) / median(peer.map(({ cpuPerGib }) => cpuPerGib))
  console.log('| source | MB/s | CPU s/GiB |')
  console.log('|---|---|---|')
  for (const [name, runs] of [
    ['nginx, as a web seed', web],
    ['libtorrent, as a peer', peer],
  ] as const) {
    const cells = [runs.map(({ mbPerSecond }) => mbPerSecond), runs.map(({ cpuPerGib }) => cpuPerGib)]
    console.log(`| ${name} | ${cells.map((figures, i) => summary(figures, i === 0 ? 0 : 2)).join(' | ')} |`)
  }
  console.log(`\nSpeed ${speed.toFixed(2)} x (at least ${LEAST_SPEED}): ${speed >= LEAST_SPEED ? 'OK' : 'MISSED'}`)
  console.log(`CPU ${cpu.toFixed(2)} x (at most ${MOST_CPU}): ${cpu <= MOST_CPU ? 'OK' : 'MISSED'}`)
}

function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

function summary(figures: readonly number[], digits: number): string {
  return `**${median(figures).toFixed(digits)}** [${Math.min(...figures).toFixed(digits)}-${Math.max(...figures).toFixed(digits)}]`
}
