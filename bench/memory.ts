// How much memory does `shoal` take when its disk is slow and its peers are many? The real command, on real sockets, with a
// disk that moves 5 MB/s: once it downloads pieces of 4 MiB from 50 seeding sessions and 200 peers that keep it busy, once it
// serves 200 peers that read slowly. Peak RSS is to stay below the budget and 120 MiB.
// Run: npm run build && npx tsx bench/memory.ts [--memory 32,64,128,256] [--seconds 40] [--only download|seed]
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { makeTorrent, Payload, type TestTorrent } from '../tests/support/payload.ts'
import { peers, type Shoal, startShoal } from '../tests/support/shoal.ts'
import { Stage } from '../tests/support/stage.ts'
import { pause } from '../tests/support/wait.ts'
import { startCrowd, startLeechers, startSeeders } from './memory/swarms.ts'

const MIB = 1 << 20
const ALLOWANCE = 120
const DISK_BYTES_PER_SECOND = 5_000_000
const PIECE_BYTES = 4 * MIB
const SEEDERS = 50
const CROWD = 200
/** As much as the largest budget, and what is written meanwhile. */
const CONTENT_BYTES = 512 * MIB
const LOOK_EVERY_MS = 200
const LOOPBACK = ['--bind', '127.0.0.1', '--port', '0', '--json']
const SLOW_DISK = new URL('memory/slow-disk.mjs', import.meta.url).href

type Scenario = 'download' | 'seed'

interface World {
  readonly stage: Stage
  readonly torrent: TestTorrent
  readonly torrentFile: string
  /** Where the content is. */
  readonly folder: string
  /** Where it is remembered that it is right. */
  readonly state: string
  readonly seeders: readonly string[]
}

const { values } = parseArgs({
  options: {
    memory: { type: 'string', default: '128' },
    seconds: { type: 'string', default: '40' },
    only: { type: 'string', default: 'download,seed' },
  },
})

const stage = new Stage()
try {
  const world = await prepare(stage)
  console.log(
    '| scenario | budget MiB | peak RSS MiB | of it anonymous | limit | | content in, out MiB | peers | moved MB |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const scenario of values.only.split(',') as Scenario[]) {
    for (const budget of values.memory.split(',').map(Number)) {
      console.log(await measure(scenario, world, budget, Number(values.seconds)))
    }
  }
} finally {
  await stage.end(false)
}

async function prepare(stage: Stage): Promise<World> {
  const payload = Payload.file('memory', CONTENT_BYTES)
  const torrent = makeTorrent(payload, PIECE_BYTES)
  const torrentFile = stage.torrentFile(torrent)
  const folder = stage.folder('content')
  const state = stage.folder('state')
  payload.write(folder)
  // At full speed once, so that the slow disk has nothing to verify.
  const first = startShoal(stage, ['seed', torrentFile, folder, '--state', state, ...LOOPBACK])
  await first.event('seeding', undefined, 120_000)
  first.program.signal('SIGTERM')
  await first.exited
  const seeders = values.only.includes('download') ? await startSeeders(stage, torrent, folder, SEEDERS) : []
  return { stage, torrent, torrentFile, folder, state, seeders }
}

async function measure(scenario: Scenario, world: World, budget: number, seconds: number): Promise<string> {
  const shoal = await (scenario === 'download' ? startDownload(world, budget) : startSeed(world, budget))
  let anonymous = 0
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(LOOK_EVERY_MS)) {
    anonymous = Math.max(anonymous, mebibytesOf(shoal, 'RssAnon'))
  }
  const peak = mebibytesOf(shoal, 'VmHWM')
  shoal.program.signal('SIGTERM')
  await shoal.exited
  const progress = shoal.all('progress')
  const most = (key: string): number => Math.max(0, ...progress.map((event) => Number(event[key])))
  const limit = budget + ALLOWANCE
  const cells = [
    scenario,
    budget,
    peak.toFixed(0),
    anonymous.toFixed(0),
    limit,
    peak < limit ? 'OK' : 'MISSED',
    `${(most('memory_in') / MIB).toFixed(0)}, ${(most('memory_out') / MIB).toFixed(0)}`,
    most('peers'),
    ((most('downloaded') + most('uploaded')) / 1e6).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

async function startDownload({ stage, torrent, torrentFile, seeders }: World, budget: number): Promise<Shoal> {
  const target = stage.folder('download')
  const shoal = start(stage, budget, ['download', torrentFile, '-o', target, '--no-state', ...peers(seeders)])
  await startCrowd(stage, torrent, await shoal.address(), CROWD)
  return shoal
}

async function startSeed({ stage, torrent, torrentFile, folder, state }: World, budget: number): Promise<Shoal> {
  const shoal = start(stage, budget, ['seed', torrentFile, folder, '--state', state])
  await startLeechers(stage, torrent, await shoal.address(), CROWD)
  return shoal
}

function start(stage: Stage, budget: number, args: readonly string[]): Shoal {
  const many = ['--max-peers', String(SEEDERS + CROWD)]
  return startShoal(stage, [...args, ...LOOPBACK, ...many, '--memory', `${budget}M`], {
    NODE_OPTIONS: `--import=${SLOW_DISK}`,
    SLOW_DISK: String(DISK_BYTES_PER_SECOND),
  })
}

function mebibytesOf(shoal: Shoal, figure: 'VmHWM' | 'RssAnon'): number {
  const status = readFileSync(`/proc/${shoal.program.pid}/status`, 'latin1')
  return Number(new RegExp(`^${figure}:\\s+(\\d+) kB`, 'm').exec(status)![1]) / 1024
}
