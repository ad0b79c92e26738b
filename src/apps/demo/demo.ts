// The demo: a swarm on this machine, with a seeder that dies and one that lies, and a download that comes through.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as engine from '../../index.ts'
import { startTracker } from '../../tracker-server/index.ts'
import { sha256OfFile } from '../cli/checksum.ts'
import type { Context } from '../cli/context.ts'
import { createReporter } from '../cli/report/create-reporter.ts'
import type { CommandEvent } from '../cli/report/events.ts'
import type { ProgressSource } from '../cli/report/reporter.ts'
import { runTransfer } from '../cli/transfer.ts'
import { formatBytes, formatCount, formatRate } from '../../base/format.ts'
import { formatPercent } from '../cli/view/format.ts'
import { writeRandomContent } from './random-content.ts'
import { SeederProcess } from './seeder-process.ts'
import { WatchingReporter } from './watching-reporter.ts'

const IP = '127.0.0.1'
const CONTENT_NAME = 'random.bin'
const CONTENT_BYTES = 128 * 1024 * 1024
/** Four honest seeders bring the first half, three the second, in some twelve seconds. */
const SEEDER_RATE = Math.floor(3.2 * 1024 * 1024)
const HONEST_SEEDERS = 4
const LOOK_EVERY_MS = 100
const TRACKER_PATIENCE_MS = 20_000

const COMMAND = programFile('../cli/main')
const CORRUPT_SEEDER = programFile('./corrupt-seeder')

export interface DemoOptions {
  /** Of the content. */
  readonly seed: number
  /** An empty folder; whoever gives it removes it. */
  readonly folder: string
  /** Called with each process that is started: whoever gives it ends them, however the demo ends. */
  readonly onProcess: (seeder: SeederProcess) => void
}

/** Tells its story on stdout, the download on stderr. Returns the exit code. */
export async function runDemo({ seed, folder, onProcess }: DemoOptions, context: Context): Promise<number> {
  const { stop } = context
  const say = (text: string): void => void context.stdout.write(`${text}\n`)
  const [originals, corrupted, downloads] = ['original', 'corrupted', 'download'].map((name) => join(folder, name))
  await Promise.all([originals, corrupted, downloads].map((path) => mkdir(path)))

  const size = formatBytes(CONTENT_BYTES)
  say(`Making ${size} of random content, seed ${seed} (again with: npm run demo -- --seed ${seed})`)
  const original = join(originals, CONTENT_NAME)
  await writeRandomContent(original, CONTENT_BYTES, seed)
  await copyFile(original, join(corrupted, CONTENT_NAME))

  const tracker = await startTracker({ ip: IP })
  try {
    say(`Tracker   ${tracker.url}`)
    const torrentFile = join(folder, `${CONTENT_NAME}.torrent`)
    const creating = engine.createTorrent(original, { trackers: [[tracker.url]], signal: stop.signal })
    await writeFile(torrentFile, await stop.afterWork(creating))
    const metainfo = engine.parseTorrent(await readFile(torrentFile))

    const honest = Array.from({ length: HONEST_SEEDERS }, (_, i) => {
      // All of them serve the same files, which one alone could remember.
      const network = `--port 0 --bind ${IP} --no-dht --no-lsd --no-state --up-rate ${SEEDER_RATE}`.split(' ')
      return SeederProcess.start(i + 1, COMMAND, ['seed', torrentFile, originals, ...network, '--json'], onProcess)
    })
    const corruptArgs = [torrentFile, corrupted, String(SEEDER_RATE), String(seed + 1)]
    const corrupt = SeederProcess.start(HONEST_SEEDERS + 1, CORRUPT_SEEDER, corruptArgs, onProcess)
    const seeders = await stop.orInterrupted(Promise.all([...honest, corrupt]))
    for (const { number, address, pid } of seeders) {
      const what = number > HONEST_SEEDERS ? ', sends corrupt blocks' : ''
      say(`Seeder ${number}  ${address}, process ${pid}, at most ${formatRate(SEEDER_RATE)}${what}`)
    }
    await stop.orInterrupted(trackerKnows(metainfo, seeders))

    const story = await download(metainfo, downloads, seeders, context)
    for (const line of story.lines) say(line)
    const sums = await Promise.all([original, join(downloads, CONTENT_NAME)].map((path) => sha256OfFile(path)))
    say(`SHA-256   ${sums[0]}  original`)
    say(`SHA-256   ${sums[1]}  downloaded`)
    if (sums[0] !== sums[1]) say('DIFFERENT')
    else say('identical')
    return sums[0] === sums[1] && story.isComplete ? 0 : 1
  } finally {
    await tracker.close()
  }
}

/** Resolves when the tracker names every seeder. */
async function trackerKnows(metainfo: engine.Metainfo, seeders: readonly SeederProcess[]): Promise<void> {
  const until = performance.now() + TRACKER_PATIENCE_MS
  for (;;) {
    const { peers } = await engine.queryTrackers(metainfo, { bind: IP })
    if (seeders.every(({ address }) => peers.includes(address))) return
    if (performance.now() > until) throw new Error(`The tracker knows ${peers.length} of ${seeders.length} seeders`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

interface Story {
  /** What became of the two seeders. */
  readonly lines: readonly string[]
  /** Both met their fate. */
  readonly isComplete: boolean
}

/** `shoal download` with its live view; in the middle of it one seeder is killed. */
async function download(
  metainfo: engine.Metainfo,
  folder: string,
  seeders: readonly SeederProcess[],
  context: Context,
): Promise<Story> {
  const victim = seeders[1]
  const corrupt = seeders.at(-1)!
  const fate = { killedAt: '', isDropped: false, corruptPieces: new Set<number>() }
  let stopLooking = (): void => {}

  const reporter = new WatchingReporter(await createReporter({}, context), {
    onSource: (source: ProgressSource) => {
      stopLooking = context.clock.every(LOOK_EVERY_MS, () => {
        const { left, total } = source.stats()
        if (left > total / 2) return
        stopLooking()
        fate.killedAt = formatPercent(total - left, total)
        victim.kill()
        reporter.note(`Killed ${victim.label} at ${fate.killedAt}`)
      })
    },
    onEvent: (event: CommandEvent) => {
      if (event.event !== 'peer_dropped' || event.address !== corrupt.address) return
      fate.isDropped = true
      for (const piece of event.pieces ?? []) fate.corruptPieces.add(piece)
    },
  })
  const plan = {
    source: metainfo,
    name: metainfo.name,
    location: { path: folder },
    kind: 'download' as const,
    seedLimits: null,
    checksum: null,
  }
  try {
    await runTransfer(plan, { port: 0, bind: IP, dht: false, lsd: false, state: false }, reporter, engine, context)
  } finally {
    stopLooking()
  }
  const isKilled = fate.killedAt !== ''
  return {
    lines: [
      isKilled
        ? `Killed    ${victim.label} at ${fate.killedAt}; the others went on`
        : `Not killed: ${victim.label}; the download was too quick`,
      fate.isDropped
        ? `Dropped   ${corrupt.label}; it sent corrupt data for ${formatCount(fate.corruptPieces.size, 'piece')}`
        : `Not dropped: ${corrupt.label}, though it sends corrupt blocks`,
    ],
    isComplete: isKilled && fate.isDropped,
  }
}

/** A program beside this one, built or in source. */
function programFile(path: string): string {
  return fileURLToPath(new URL(path + (import.meta.url.endsWith('.ts') ? '.ts' : '.js'), import.meta.url))
}
