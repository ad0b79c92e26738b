// How long it takes from a magnet link to the first byte of the content, with one seed on this machine: its address in the link, or
// named by a tracker.
// Run: npm run build && npx tsx bench/magnet.ts [rounds, default 20]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as library from '../src/index.ts'
import type * as trackerServer from '../src/tracker-server/index.ts'

const dist = (path: string): string => new URL(`../dist/${path}`, import.meta.url).href
const { createSession, createTorrent, encodeMagnet, parseTorrent } = (await import(
  dist('bundle/library/index.js')
)) as typeof library
const { startTracker } = (await import(dist('tracker-server/index.js'))) as typeof trackerServer

const rounds = Number(process.argv[2] ?? 20)
const IP = '127.0.0.1'
const stage = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
const content = join(stage, 'content')
writeFileSync(content, Buffer.alloc(16 << 20, 'content'))
const tracker = await startTracker({ ip: IP, port: 0 })
const bytes = await createTorrent(content, { pieceLength: 16_384, trackers: [[tracker.url]] })
const { infohashV1 } = parseTorrent(bytes)
const seeder = await createSession({ port: 0, bind: IP })
await seeder.add(bytes, { path: stage }).done
const peers = [`${IP}:${seeder.listening[0].port}`]

async function firstByte(link: string, round: string): Promise<number> {
  const path = join(stage, round)
  mkdirSync(path)
  const session = await createSession({ port: 0, bind: IP })
  const start = performance.now()
  const torrent = session.add(link, { path })
  while (torrent.stats().downloaded === 0) await new Promise((resolve) => setImmediate(resolve))
  const ms = performance.now() - start
  await session.close()
  return ms
}

for (const [how, link] of [
  ['address in the link', encodeMagnet({ infohashV1, peers })],
  ['tracker', encodeMagnet({ infohashV1, trackers: [tracker.url] })],
] as const) {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) times.push(await firstByte(link, `${how} ${round}`))
  times.sort((a, b) => a - b)
  const at = (part: number): string => times[Math.floor(part * (rounds - 1))].toFixed(0)
  console.log(`${how.padEnd(20)} median ${at(0.5)} ms, best ${at(0)}, worst ${at(1)} (${rounds} rounds)`)
}
await seeder.close()
await tracker.close()
rmSync(stage, { recursive: true })
