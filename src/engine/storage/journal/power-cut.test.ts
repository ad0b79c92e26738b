// The promise, kept on a disk that loses, tears and reorders what was not synced: a power cut costs at most the last 5 seconds,
// the end of a process costs nothing, and no byte is believed to be there that is not.
import { describe, expect, test } from 'vitest'
import { makeTorrent, Payload } from '../../../../tests/support/payload.ts'
import { Bitfield } from '../../../base/bitfield.ts'
import { equalBytes } from '../../../base/bytes.ts'
import { sha1 } from '../../../base/digest.ts'
import type { Platform, Volume } from '../../../platform/platform.ts'
import { PieceMap } from '../../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../../protocol/metainfo/torrent-file.ts'
import { SeededRandom } from '../../../sim/seeded-random.ts'
import { type SimNode, Simulator } from '../../../sim/index.ts'
import { contentLayout } from '../content-layout.ts'
import { journalGeometry } from './journal-geometry.ts'
import { openJournal } from './open-journal.ts'

const PIECE = 16_384
const payload = new Payload('content', 'power cut', [
  { path: ['a'], length: 30 * PIECE + 5000 },
  { path: ['b', 'c'], length: 100 },
  { path: ['b', 'd'], length: 90 * PIECE - 5100 },
])
const metainfo = parseTorrent(makeTorrent(payload, PIECE).file())
const map = new PieceMap(metainfo)
const layout = contentLayout(metainfo, map, { path: '/downloads' })
const hashOf = (piece: number): Uint8Array => metainfo.pieceHashes!.subarray(20 * piece, 20 * piece + 20)
const spansOf = (piece: number) => layout.spans(piece, 0, map.pieceLength(piece))

/** What is really there. */
function isOnDisk(node: SimNode, piece: number): boolean {
  const bytes = new Uint8Array(map.pieceLength(piece))
  let at = 0
  for (const { path, offset, length } of spansOf(piece)) {
    const file = node.disk.device(path).files.find(path)
    if (file && file.length >= offset + length) file.read(offset, bytes.subarray(at, at + length))
    at += length
  }
  return equalBytes(sha1(bytes), hashOf(piece))
}

interface Life {
  /** Piece -> when the disk said that it is stored. */
  readonly storedMs: Map<number, number>
  /** Pieces that are believed to be there, without having been looked at. */
  believed: number[]
  /** Those that were hashed. */
  hashed: number
  /** It has looked around. */
  hasBegun: boolean
  isOver: boolean
}

/** One run of a program that fetches all that is missing, slowly, and has `life` told what it does. */
async function run(platform: Platform, random: SeededRandom, life: Life): Promise<void> {
  const { disk, clock, state } = platform
  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
  const volume = await disk.openVolume(layout.root)
  const folder = await state!.open('torrent', layout.root)
  const { keeper, known } = await openJournal({
    folder,
    volume,
    identity: {
      infohash: metainfo.infohashV1!,
      pieceCount: map.pieceCount,
      pieceLength: PIECE,
      fileCount: metainfo.files.length,
    },
    geometry: journalGeometry(metainfo, map),
    pathOf: (file) => layout.paths[file],
    bootId: state!.bootId,
    now: () => clock.now(),
    onFailed: (error) => {
      throw error
    },
    log: () => {},
  })
  const have = known?.have.copy() ?? new Bitfield(map.pieceCount)
  have.forEachSet((piece) => {
    life.believed.push(piece)
    life.storedMs.set(piece, -Infinity)
  })
  // Without a journal all is looked at.
  for (const piece of known?.unsure ?? Array.from({ length: map.pieceCount }, (_, piece) => piece)) {
    life.hashed++
    const digest = await volume.hash(spansOf(piece))
    if (digest && equalBytes(digest, hashOf(piece))) {
      have.set(piece)
      life.storedMs.set(piece, clock.now())
    }
  }
  await keeper.begin(have, !have.isFull)
  life.hasBegun = true
  clock.every(100, () => keeper.tick())
  while (!have.isFull) {
    await pause(random.below(1500))
    await Promise.all(
      Array.from({ length: 1 + random.below(3) }, async () => {
        const missing = Array.from({ length: map.pieceCount }, (_, piece) => piece).filter((piece) => !have.has(piece))
        if (missing.length === 0) return
        const piece = missing[random.below(missing.length)]
        have.set(piece)
        await store(platform, volume, piece, () => keeper.pieceEntry(piece))
        keeper.wrote(piece)
        life.storedMs.set(piece, clock.now())
      }),
    )
  }
  await keeper.close()
  life.isOver = true
}

async function store(
  { disk }: Platform,
  volume: Volume,
  piece: number,
  entry: () => Parameters<Volume['commit']>[0]['journal'],
): Promise<void> {
  const length = map.pieceLength(piece)
  const slot = disk.takeSlot()
  disk.fillSlot(slot, 0, payload.read(piece * PIECE, length))
  const spans = spansOf(piece)
  await volume.commit({
    slots: [slot],
    length,
    expected: hashOf(piece),
    spans,
    wantBlockDigests: false,
    journal: entry(),
  })
  disk.returnSlot(slot)
}

describe.each(['power cut', 'kill', 'crash of the machine that spares the disk'] as const)('after each %s', (what) => {
  test('what was promised is there, and what is believed is right', { timeout: 60_000 }, async () => {
    let [cuts, believed, hashed] = [0, 0, 0]
    for (let seed = 0; seed < 4; seed++) {
      const sim = new Simulator({ seed, content: 'bytes' })
      const node = sim.node('10.0.0.1', { hasState: true, disk: { devices: { '/': { bytesPerSecond: 20_000_000 } } } })
      const random = new SeededRandom(`power cut ${seed}`)
      let earlier: Life['storedMs'] = new Map()
      for (let isOver = false; !isOver; cuts++) {
        const life: Life = { storedMs: new Map(), believed: [], hashed: 0, hasBegun: false, isOver: false }
        const start = sim.nowMs
        void run(node.platform, random, life)
        await sim.run({ untilMs: start + 50 + random.below(9000), until: () => life.isOver })
        isOver = life.isOver
        expect(life.believed.filter((piece) => !isOnDisk(node, piece))).toEqual([])
        const promisedMs = start - (what === 'power cut' ? 5000 : 0)
        const promised = [...earlier].filter(([, at]) => at <= promisedMs).map(([piece]) => piece)
        const lost = promised.filter((piece) => !life.storedMs.has(piece))
        // A life that ended before it had looked around says nothing of what is there.
        expect(life.hasBegun ? lost : []).toEqual([])
        if (life.hasBegun) earlier = life.storedMs
        believed += life.believed.length
        hashed += life.hashed
        if (isOver) break
        if (what === 'power cut') node.cutPower()
        else if (what === 'kill') node.kill()
        else node.crash()
        node.restart()
      }
      for (let piece = 0; piece < map.pieceCount; piece++) expect(isOnDisk(node, piece)).toBe(true)
    }
    expect(cuts).toBeGreaterThan(40)
    expect(believed).toBeGreaterThan(1500)
    // Beside the first looks, when there is no journal yet.
    expect(hashed > 4 * map.pieceCount).toBe(what !== 'kill')
  })
})
