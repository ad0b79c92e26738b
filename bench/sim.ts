// What a simulated flash crowd costs: one seed and N leechers with 8 Mbit/s up and 40 down, 64 MiB, all real sessions.
// Run: npx tsx bench/sim.ts [leechers] [MiB] [bytes sent in one go]
// With `node --import tsx --cpu-prof bench/sim.ts` it shows where the time goes.
import { parseTorrent } from '../src/protocol/metainfo/torrent-file.ts'
import { Session } from '../src/engine/session/session.ts'
import { SimContent, Simulator } from '../src/sim/index.ts'

const [leechers = 100, mebibytes = 64, segmentBytes = 16_384] = process.argv.slice(2).map(Number)
const LINE = { up: 1_000_000, down: 5_000_000, disk: { slotCount: 64, frameCount: 16 } }
const JOIN_WITHIN_MS = 10_000

const startedAt = performance.now()
const sim = new Simulator({ seed: 1, segmentBytes })
const tracker = sim.tracker('10.255.0.1')
const content = new SimContent({ files: mebibytes << 20, trackers: [[tracker.httpUrl()]] })
const metainfo = parseTorrent(content.torrent)
const finishedAt: number[] = []

async function join(index: number): Promise<void> {
  const node = sim.node(`10.0.${index >> 8}.${index & 255}`, LINE)
  if (index === 0) content.fill(node.disk, '/data')
  const session = await Session.open({ port: 6881 }, node.platform)
  const torrent = session.add(metainfo, { path: '/data' })
  await torrent.done
  if (index > 0) finishedAt.push(sim.nowMs)
}

const joined: Promise<void>[] = [join(0)]
for (let i = 1; i <= leechers; i++) sim.at((JOIN_WITHIN_MS * i) / leechers, () => joined.push(join(i)))
await sim.run({ until: () => finishedAt.length === leechers })
await Promise.all(joined)

const wallMs = performance.now() - startedAt
const blocks = (leechers * content.totalBytes) / 16_384
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const bound = Math.max(content.totalBytes, (leechers * content.totalBytes) / (leechers + 1)) / LINE.up
console.log(`${leechers} leechers, ${mebibytes} MiB: the median has it after ${seconds(finishedAt[leechers >> 1])},`)
console.log(`the last one after ${seconds(finishedAt.at(-1)!)}; ${bound.toFixed(1)} s is the least possible`)
console.log(`wall time ${seconds(wallMs)}, ${((wallMs * 1000) / blocks).toFixed(1)} us per block,`)
console.log(
  `${(sim.events / blocks).toFixed(1)} events per block, ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`,
)
console.log(`trace ${sim.trace}`)
