// Power cuts in the simulator: a real session downloads over a simulated network onto a disk that loses, tears and reorders
// what was not synced, and the power fails at moments that chance decides, until it is done. After each cut:
// - what it had for 5 seconds is still there, of its own knowledge or found good again;
// - whatever it believes to have is there.
// At the end the content is right, byte for byte.
import { equalBytes } from '../../src/base/bytes.ts'
import { sha1 } from '../../src/base/digest.ts'
import { Session } from '../../src/engine/session/session.ts'
import { type ContentLayout, contentLayout } from '../../src/engine/storage/content-layout.ts'
import type { Torrent } from '../../src/engine/torrent/torrent.ts'
import { type Metainfo, parseTorrent, PieceMap } from '../../src/protocol/metainfo/index.ts'
import { SeededRandom, SimContent, type SimNode, Simulator } from '../../src/sim/index.ts'

const MIB = 1 << 20
const FOLDER = '/downloads'
const LINE = { up: 2_000_000, down: 2_000_000 }
const LOSS_MS = 5000
const SAMPLE_MS = 50
const LIMIT_MS = 3_600_000

export interface PowerCutFigures {
  cuts: number
  downloads: number
  /** Pieces that were lost, all younger than 5 s. */
  lost: number
  /** Pieces that were hashed after a restart. */
  hashed: number
  /** Bytes received beyond the content. */
  wasted: number
}

/** Downloads again and again until the power was cut `count` times. Throws when the promise is broken. */
export async function cutPower(
  count: number,
  seed: number,
  onDownload: (figures: PowerCutFigures) => void,
): Promise<void> {
  const figures = { cuts: 0, downloads: 0, lost: 0, hashed: 0, wasted: 0 }
  while (figures.cuts < count) {
    const downloadSeed = `${seed}/${figures.downloads}`
    try {
      await new Download(downloadSeed, figures).run(count)
    } catch (error) {
      throw new Error(`${(error as Error).message} (download ${downloadSeed})`, { cause: error })
    }
    figures.downloads++
    onDownload(figures)
  }
}

export function describeCuts({ cuts, downloads, lost, hashed, wasted }: PowerCutFigures): string {
  return (
    `${cuts} power cuts in ${downloads} downloads: ${lost} pieces lost, none older than 5 s; ` +
    `${hashed} hashed again; ${Math.round(wasted / MIB)} MiB fetched again`
  )
}

class Download {
  readonly #figures: PowerCutFigures
  readonly #random: SeededRandom
  readonly #sim: Simulator
  readonly #content: SimContent
  readonly #metainfo: Metainfo
  readonly #map: PieceMap
  readonly #layout: ContentLayout
  readonly #node: SimNode
  /** Piece -> since when it is had, in virtual milliseconds. */
  #had = new Map<number, number>()
  #received = 0
  #fault: unknown = null

  constructor(seed: string, figures: PowerCutFigures) {
    this.#figures = figures
    this.#random = new SeededRandom(seed)
    this.#sim = new Simulator({ seed, content: 'bytes', segmentBytes: 16_384 })
    // Small pieces, and those that are remembered block by block.
    const isLarge = this.#random.below(2) === 0
    const odd = 1 + this.#random.below(MIB)
    const files = [
      { path: 'first', length: 4 * MIB + odd },
      { path: 'sub/empty', length: 0 },
      { path: 'sub/second', length: 777 },
      { path: 'last', length: 12 * MIB },
    ]
    this.#content = new SimContent({ kind: 'bytes', files, pieceBytes: isLarge ? 4 * MIB : 65_536 })
    this.#metainfo = parseTorrent(this.#content.torrent)
    this.#map = new PieceMap(this.#metainfo)
    this.#layout = contentLayout(this.#metainfo, this.#map, { path: FOLDER })
    const seeder = this.#sim.node('10.0.0.1', LINE)
    this.#content.fill(seeder.disk, FOLDER)
    void this.#start(seeder)
    const devices = { '/': { bytesPerSecond: 3_000_000 + this.#random.below(50_000_000), seekMs: 1 } }
    this.#node = this.#sim.node('10.0.0.2', { ...LINE, hasState: true, disk: { devices } })
  }

  async run(maxCuts: number): Promise<void> {
    for (;;) {
      const life = { torrent: null as Torrent | null, isChecked: false, isDone: false, hashed: 0 }
      const startMs = this.#sim.nowMs
      void this.#start(this.#node, (torrent) => {
        life.torrent = torrent
        torrent.on('checking', ({ done }) => (life.hashed = done))
        torrent.on('checked', () => (life.isChecked = true))
        torrent.on('failed', ({ error }) => (this.#fault = error))
        torrent.on('done', () => (life.isDone = true))
      })
      const endMs = startMs + this.#lifeMs()
      let compared = false
      while (!life.isDone && this.#sim.nowMs < endMs) {
        await this.#sim.run({ untilMs: Math.min(endMs, this.#sim.nowMs + SAMPLE_MS), until: () => life.isDone })
        if (this.#fault) throw this.#fault
        if (!life.isChecked) continue
        if (!compared) this.#compare(life.torrent!, startMs)
        compared = true
        this.#look(life.torrent!)
      }
      this.#received += life.torrent?.stats().downloaded ?? 0
      // The first look at a folder without a journal, and looks that were cut short, are no hashing after a restart.
      if (compared && startMs > 0) this.#figures.hashed += life.hashed
      if (life.isDone) break
      if (this.#sim.nowMs > LIMIT_MS) throw new Error('The download does not come to its end')
      if (this.#figures.cuts < maxCuts) this.#figures.cuts++
      this.#cut()
    }
    if (!this.#content.isComplete(this.#node.disk, FOLDER)) throw new Error('The content is wrong')
    this.#figures.wasted += this.#received - this.#content.totalBytes
  }

  /** Often short, sometimes long enough for several syncs. */
  #lifeMs(): number {
    return 20 + this.#random.below(this.#random.below(4) === 0 ? 20_000 : 4000)
  }

  #cut(): void {
    this.#node.cutPower()
    this.#node.restart()
  }

  /** What must not have been lost is there, and what is believed to be there is right. */
  #compare(torrent: Torrent, cutMs: number): void {
    const states = torrent.pieceStates()
    for (const [piece, sinceMs] of this.#had) {
      if (states[piece] === 2) continue
      this.#had.delete(piece)
      this.#figures.lost++
      if (cutMs - sinceMs >= LOSS_MS) throw new Error(`Piece ${piece} was had for ${cutMs - sinceMs} ms, and is lost`)
    }
    for (const [piece, state] of states.entries()) {
      if (state === 2 && !this.#isThere(piece)) throw new Error(`Piece ${piece} is believed to be there, and is not`)
    }
  }

  #isThere(piece: number): boolean {
    const bytes = new Uint8Array(this.#map.pieceLength(piece))
    let at = 0
    for (const { path, offset, length } of this.#layout.spans(piece, 0, bytes.length)) {
      const file = this.#node.disk.device(path).files.find(path)
      if (!file || file.length < offset + length) return false
      file.read(offset, bytes.subarray(at, at + length))
      at += length
    }
    return equalBytes(sha1(bytes), this.#metainfo.pieceHashes!.subarray(20 * piece, 20 * piece + 20))
  }

  #look(torrent: Torrent): void {
    for (const [piece, state] of torrent.pieceStates().entries()) {
      if (state === 2 && !this.#had.has(piece)) this.#had.set(piece, this.#sim.nowMs)
    }
  }

  async #start(node: SimNode, onTorrent: (torrent: Torrent) => void = () => {}): Promise<void> {
    try {
      const session = await Session.open({ port: 6881 }, node.platform)
      onTorrent(session.add(this.#content.torrent, { path: FOLDER, peers: ['10.0.0.1:6881'], useTrackers: false }))
    } catch (error) {
      this.#fault = error
    }
  }
}
