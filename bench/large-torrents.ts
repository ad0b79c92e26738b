// What very large torrents cost: 50,000 files, and 500,000 pieces. Time to read, to add (until it downloads) and to find a
// piece's files; heap; and making, verifying and adding of real files. Run (after npm run build):
//   npx tsx bench/large-torrents.ts [folder, default /dev/shm]
// The goal: added in under 3 s.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSession, createTorrent, parseTorrent, verifyTorrent, type Metainfo } from '../src/index.ts'
import { encodeTorrent, type NewFile, PieceMap } from '../src/protocol/metainfo/index.ts'

const parent = process.argv[2] ?? (fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
const folder = fs.mkdtempSync(join(parent, 'shoal-large-'))
const FILES = 50_000
const PIECES = 500_000

function line(what: string, figure: string): void {
  console.log(`${what.padEnd(58)} ${figure}`)
}

async function timed<Result>(what: string, work: () => Promise<Result> | Result): Promise<Result> {
  const start = performance.now()
  const result = await work()
  line(what, `${(performance.now() - start).toFixed(0)} ms`)
  return result
}

function heapMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

const pathOf = (file: number): string[] => [`folder ${Math.floor(file / 100)}`, `file ${file}.dat`]

function torrentOf(name: string, content: number | readonly NewFile[], pieceLength: number): Uint8Array {
  const total = typeof content === 'number' ? content : content.reduce((sum, { length }) => sum + length, 0)
  const pieceHashes = new Uint8Array(20 * Math.ceil(total / pieceLength))
  return encodeTorrent({ name, content, pieceLength, pieceHashes })
}

/** Adds it and waits until it downloads or seeds. Resolves to what is left, in bytes. */
async function addOnce(torrent: Metainfo, path: string, state: string): Promise<number> {
  const session = await createSession({ port: 0, bind: '127.0.0.1', state })
  try {
    const added = session.add(torrent, { path, useTrackers: false })
    await new Promise<void>((resolve, reject) => {
      added.on('failed', ({ error }) => reject(error))
      const look = (): void => {
        if (added.state === 'downloading' || added.state === 'seeding') resolve()
        else setTimeout(look, 1)
      }
      look()
    })
    return added.stats().left
  } finally {
    await session.close()
  }
}

async function measureAdding(name: string, bytes: Uint8Array): Promise<Metainfo> {
  const before = heapMiB()
  const metainfo = await timed(`${name}: read (${(bytes.length / 2 ** 20).toFixed(1)} MiB)`, () => parseTorrent(bytes))
  line(`${name}: heap of what was read`, `${(heapMiB() - before).toFixed(1)} MiB`)
  const path = join(folder, name)
  await timed(`${name}: added, and the session closed`, () => addOnce(metainfo, path, join(folder, 'state')))
  await timed(`${name}: once more`, () => addOnce(metainfo, path, join(folder, 'state')))
  return metainfo
}

function measureLookup(name: string, metainfo: Metainfo): void {
  const map = new PieceMap(metainfo)
  const times = 200_000
  const start = performance.now()
  let runs = 0
  for (let i = 0; i < times; i++) runs += map.filesOf((i * 7919) % map.pieceCount, 0, 16_384).length
  const each = ((performance.now() - start) * 1000) / times
  line(`${name}: files of a block`, `${each.toFixed(2)} us (${(runs / times).toFixed(1)} files)`)
}

async function measureRealFiles(): Promise<void> {
  const content = join(folder, 'real')
  for (let file = 0; file < FILES; file++) {
    const [inner, name] = pathOf(file)
    if (file % 100 === 0) fs.mkdirSync(join(content, inner), { recursive: true })
    fs.writeFileSync(join(content, inner, name), `${file}`.padEnd(4000))
  }
  const bytes = await timed('real files: create', () => createTorrent(content, { pieceLength: 262_144 }))
  const metainfo = parseTorrent(bytes)
  const location = { path: folder, name: 'real' }
  const { complete } = await timed('real files: verify', () => verifyTorrent(metainfo, location))
  if (!complete) throw new Error('The content is not complete')
  await timed('real files: added, hashed, seeding', () => addOnce(metainfo, folder, join(folder, 'state')))
  await timed('real files: once more, from what is remembered', () => addOnce(metainfo, folder, join(folder, 'state')))
}

try {
  const files = Array.from({ length: FILES }, (_, file) => ({ path: pathOf(file), length: 4000 + (file % 1000) * 100 }))
  measureLookup('50,000 files', await measureAdding('50,000 files', torrentOf('files', files, 262_144)))
  const tiny = Array.from({ length: FILES }, (_, file) => ({ path: pathOf(file), length: 5 }))
  await measureAdding('50,000 files in one piece', torrentOf('tiny', tiny, 262_144))
  measureLookup('500,000 pieces', await measureAdding('500,000 pieces', torrentOf('pieces', PIECES * 16_384, 16_384)))
  await measureRealFiles()
} finally {
  fs.rmSync(folder, { recursive: true })
}
