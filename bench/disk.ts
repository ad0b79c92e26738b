// What does a GiB cost when pieces are hashed and written, read for sending, and checked: in CPU of the process, and of its
// main thread alone (Linux)? Run: npx tsx bench/disk.ts [folder, default /dev/shm] [GiB, default 1] [piece KiB, default 1024]
import fs from 'node:fs'
import { createHash, randomFillSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeDisk } from '../src/platform/node/disk.ts'
import type { Volume } from '../src/platform/platform.ts'

const GIB = 1 << 30
const IN_FLIGHT = 8

const parent = process.argv[2] ?? (fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
const totalBytes = Number(process.argv[3] ?? 1) * GIB
const pieceBytes = Number(process.argv[4] ?? 1024) * 1024
const pieces = totalBytes / pieceBytes

/** CPU seconds of the main thread so far; NaN where the system does not say. */
function mainThreadSeconds(): number {
  try {
    const fields = fs.readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

async function measure(name: string, workers: number, operation: (index: number, lane: number) => Promise<unknown>) {
  const cpu = process.cpuUsage()
  const main = mainThreadSeconds()
  const start = performance.now()
  let next = 0
  const lane = async (_: unknown, lane: number): Promise<void> => {
    while (next < pieces) await operation(next++, lane)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  const gib = totalBytes / GIB
  const all = ((used.user + used.system) / 1e6 / gib).toFixed(2)
  const mainShare = ((mainThreadSeconds() - main) / gib).toFixed(2)
  const rate = (totalBytes / seconds / 1e9).toFixed(2)
  console.log(
    `${name.padEnd(24)} ${workers} workers  ${rate} GB/s  ${all} CPU s/GiB  ${mainShare} of it on the main thread`,
  )
}

function floor(): void {
  const content = new Uint8Array(new SharedArrayBuffer(pieceBytes))
  const cpu = process.cpuUsage()
  for (let i = 0; i < pieces / 4; i++) createHash('sha1').update(content).digest()
  const used = process.cpuUsage(cpu)
  const cost = ((used.user + used.system) / 1e6 / (totalBytes / 4 / GIB)).toFixed(2)
  console.log(`SHA-1 alone on this processor: ${cost} CPU s/GiB`)
}

floor()
for (const workers of [0, 1, 2]) {
  const folder = fs.mkdtempSync(join(parent, 'shoal-bench-'))
  const disk = new NodeDisk({ workers })
  const volume: Volume = await disk.openVolume(folder)
  const path = join(folder, 'content')
  const content = randomFillSync(new Uint8Array(pieceBytes))
  const expected = createHash('sha1').update(content).digest()
  const slotsPerPiece = Math.ceil(pieceBytes / disk.slotBytes)
  const slotsOf = Array.from({ length: IN_FLIGHT }, () =>
    Array.from({ length: slotsPerPiece }, (_, i) => {
      const slot = disk.takeSlot()
      disk.fillSlot(slot, 0, content.subarray(i * disk.slotBytes, (i + 1) * disk.slotBytes))
      return slot
    }),
  )
  const spansOf = (piece: number) => [{ path, offset: piece * pieceBytes, length: pieceBytes }]
  const commit = (piece: number, lane: number): Promise<unknown> =>
    volume.commit({
      slots: slotsOf[lane],
      length: pieceBytes,
      expected,
      spans: spansOf(piece),
      wantBlockDigests: false,
    })
  await volume.sizes([folder])
  await measure('commit, new file', workers, commit)
  await measure('commit, existing file', workers, commit)
  await measure('hash', workers, (piece) => volume.hash(spansOf(piece)))
  const run = Math.min(pieceBytes, 1 << 20)
  await measure('read, runs of <= 1 MiB', workers, async (piece) => {
    for (let at = 0; at < pieceBytes; at += run) {
      const frame = disk.takeFrame()
      await volume.read([{ path, offset: piece * pieceBytes + at, length: run }], frame)
      disk.returnFrame(frame)
    }
  })
  await disk.close()
  fs.rmSync(folder, { recursive: true })
}
