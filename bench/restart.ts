// How long finished torrents take, after the program was ended, until they seed again: from the start of the process.
// Run: npm run build && npx tsx bench/restart.ts [torrents, default 1000] [KiB of each, default 256]
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from '../src/protocol/bencode/index.ts'

const PIECE = 262_144
const RUNS = 5

/** What is measured: a program that takes its torrents in and waits until all of them seed. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs'
  import { createSession } from '${new URL('../dist/bundle/library/index.js', import.meta.url).href}'
  const [torrents, path, state] = process.argv.slice(1)
  const session = await createSession({ port: 0, bind: '127.0.0.1', state })
  const files = readdirSync(torrents)
  const checked = { torrents: 0 }
  const seeding = files.map((file) => new Promise((resolve, reject) => {
    const torrent = session.add(readFileSync(torrents + '/' + file), { path, useTrackers: false })
    torrent.on('checking', () => checked.torrents++)
    torrent.on('seeding', resolve)
    torrent.on('failed', ({ error }) => reject(error))
  }))
  await Promise.all(seeding)
  const ms = performance.now()
  const cpu = process.cpuUsage()
  const { rss } = process.memoryUsage()
  await session.close()
  console.log(JSON.stringify({ ms, cpuMs: (cpu.user + cpu.system) / 1000, rssMib: rss / 2 ** 20, hashed: checked.torrents }))
`

interface Outcome {
  readonly ms: number
  readonly cpuMs: number
  readonly rssMib: number
  readonly hashed: number
}

function run(folder: string): Outcome {
  const args = [
    '--input-type=module',
    '-e',
    PROGRAM,
    join(folder, 'torrents'),
    join(folder, 'content'),
    join(folder, 'state'),
  ]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Outcome
}

function prepare(folder: string, torrents: number, bytes: number): void {
  for (const name of ['torrents', 'content', 'state']) mkdirSync(join(folder, name))
  for (let i = 0; i < torrents; i++) {
    const name = `content ${i}.bin`
    const hashes: Buffer[] = []
    const file = openSync(join(folder, 'content', name), 'w')
    for (let at = 0; at < bytes; at += PIECE) {
      const piece = randomBytes(Math.min(PIECE, bytes - at))
      hashes.push(createHash('sha1').update(piece).digest())
      writeSync(file, piece)
    }
    closeSync(file)
    const info = { length: bytes, name, 'piece length': PIECE, pieces: Buffer.concat(hashes) }
    writeFileSync(join(folder, 'torrents', `${i}.torrent`), encode({ info }))
  }
}

const torrents = Number(process.argv[2] ?? 1000)
const bytes = Number(process.argv[3] ?? 256) * 1024
const folder = mkdtempSync(join(tmpdir(), 'shoal-restart-'))
try {
  prepare(folder, torrents, bytes)
  const first = run(folder)
  console.log(
    `${torrents} torrents of ${bytes / 1024} KiB; first start: ${first.ms.toFixed(0)} ms, ${first.hashed} hashed`,
  )
  for (let i = 0; i < RUNS; i++) {
    const { ms, cpuMs, rssMib, hashed } = run(folder)
    console.log(
      `again: ${ms.toFixed(0)} ms (CPU ${cpuMs.toFixed(0)} ms, RSS ${rssMib.toFixed(0)} MiB), ${hashed} hashed`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
