// A seeder that sends corrupt blocks: it takes up a torrent with the right content, and then overwrites its copy.
// The engine serves what is on disk in good faith, so that no code for cheating is needed.
//
//   node corrupt-seeder.js TORRENT FOLDER RATE SEED      RATE in bytes per second; the copy in FOLDER is destroyed
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSession, parseTorrent } from '../../index.ts'
import { writeRandomContent } from './random-content.ts'

const [torrentFile, folder, rate, seed] = process.argv.slice(2)
const metainfo = parseTorrent(await readFile(torrentFile))
const session = await createSession({ bind: '127.0.0.1', port: 0, useDht: false, useLsd: false, upRate: Number(rate) })
const torrent = session.add(metainfo, { path: folder })
await torrent.done
await writeRandomContent(join(folder, metainfo.savedName), metainfo.totalSize, Number(seed))
process.stdout.write(`${JSON.stringify({ event: 'seeding', port: session.listening[0].port })}\n`)
// The demo is gone when nobody reads any more.
process.stdout.on('error', () => process.exit())
setInterval(() => process.stdout.write('{"event":"alive"}\n'), 1000)
