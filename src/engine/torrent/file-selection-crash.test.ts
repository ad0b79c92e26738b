// The selection changes, and the process ends or the power fails in the middle of it: nothing that was verified is lost beyond
// what is promised, and nothing is believed that is not there.
import { expect, test } from 'vitest'
import { equalBytes } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'
import { PieceMap } from '../../protocol/metainfo/piece-map.ts'
import { parseTorrent } from '../../protocol/metainfo/torrent-file.ts'
import { SeededRandom } from '../../sim/seeded-random.ts'
import { SimContent, type SimNode, Simulator } from '../../sim/index.ts'
import { Session } from '../session/session.ts'
import { contentLayout } from '../storage/content-layout.ts'
import type { FilePriority } from './torrent-api.ts'
import type { Torrent } from './torrent.ts'

const PIECE = 32_768
const FILES = Array.from({ length: 12 }, (_, i) => ({ path: `${i % 3}/f${i}`, length: 1000 + ((i * 37_321) % 90_000) }))
const CHOICES: readonly FilePriority[] = ['skip', 'skip', 'low', 'normal', 'high']
const LIMIT_MS = 600_000

interface Life {
  torrent: Torrent | null
  hasChecked: boolean
  readonly errors: string[]
}

class World {
  readonly content = new SimContent({ kind: 'bytes', files: FILES, pieceBytes: PIECE })
  readonly metainfo = parseTorrent(this.content.torrent)
  readonly sim: Simulator
  readonly node: SimNode
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(`selection ${seed}`)
    this.sim = new Simulator({ seed, content: 'bytes' })
    const source = this.sim.node('10.0.0.1')
    this.node = this.sim.node('10.0.0.2', { hasState: true })
    this.content.fill(source.disk, '/data')
    void Session.open({ port: 6881 }, source.platform).then((session) => session.add(this.metainfo, { path: '/data' }))
  }

  /** Starts the program; returns when it has looked at what is there. */
  async start(): Promise<Life> {
    const life: Life = { torrent: null, hasChecked: false, errors: [] }
    const options = { path: '/data', files: this.choices(), peers: ['10.0.0.1:6881'] }
    void Session.open({ port: 6881 }, this.node.platform).then((session) => {
      life.torrent = session.add(this.metainfo, options)
      life.torrent.on('checked', () => (life.hasChecked = true))
      life.torrent.on('failed', ({ error }) => life.errors.push(error.message))
    })
    await this.sim.run({ until: () => life.hasChecked || life.errors.length > 0, limitMs: LIMIT_MS })
    return life
  }

  choices(): FilePriority[] {
    return this.metainfo.files.map(() => CHOICES[this.#random.below(CHOICES.length)])
  }

  /** Changes the selection now and then, for a moment. */
  async live({ torrent }: Life): Promise<void> {
    for (let changes = this.#random.below(4); changes > 0; changes--) {
      await this.pass(this.#random.below(150))
      void torrent!.setFilePriorities(this.choices())
    }
    await this.pass(this.#random.below(100))
  }

  async pass(ms: number): Promise<void> {
    await this.sim.run({ untilMs: this.sim.nowMs + ms })
  }

  /** Pieces that the torrent believes it has, and that are not on disk. */
  wrong({ torrent }: Life): number[] {
    const { files } = this.node.disk.device('/data')
    const map = new PieceMap(this.metainfo)
    const layout = contentLayout(this.metainfo, map, { path: '/data' })
    for (const [file, path] of layout.paths.entries()) layout.places!.setInParts(file, files.find(path) === null)
    const isThere = (piece: number): boolean => {
      const bytes = new Uint8Array(map.pieceLength(piece))
      let at = 0
      for (const { path, offset, length } of layout.spans(piece, 0, bytes.length)) {
        files.find(path)?.read(offset, bytes.subarray(at, at + length))
        at += length
      }
      return equalBytes(sha1(bytes), this.metainfo.pieceHashes!.subarray(20 * piece, 20 * piece + 20))
    }
    return [...torrent!.pieceStates().entries()].flatMap(([piece, state]) =>
      state === 2 && !isThere(piece) ? [piece] : [],
    )
  }
}

/** Returns pieces that were lost by the end of a run, those believed to be there that are not, and what is missing in the end. */
async function run(
  seed: number,
  end: 'kill' | 'cutPower',
): Promise<{ lost: number; wrong: number[]; faults: string[] }> {
  const world = new World(seed)
  await world.pass(500)
  const wrong: number[] = []
  const faults: string[] = []
  let [had, lost] = [0, 0]
  for (let round = 0; round < 7; round++) {
    const life = await world.start()
    lost += Math.max(0, had - life.torrent!.stats().piecesHave)
    wrong.push(...world.wrong(life))
    await world.live(life)
    wrong.push(...world.wrong(life))
    faults.push(...life.errors)
    had = life.torrent!.stats().piecesHave
    world.node[end]()
    world.node.restart()
  }
  const last = await world.start()
  void last.torrent!.setFilePriorities(world.metainfo.files.map(() => 'normal' as const))
  await world.sim.run({
    until: () => last.torrent!.state === 'seeding' && last.torrent!.stats().piecesHave === last.torrent!.stats().pieces,
    limitMs: LIMIT_MS,
  })
  await world.pass(1000)
  faults.push(...last.errors)
  if (!world.content.isComplete(world.node.disk, '/data')) faults.push('the content is not complete')
  const { paths } = world.node.disk.device('/data').files
  faults.push(...paths.filter((path) => path.includes('.parts')))
  return { lost, wrong, faults }
}

const SEEDS = [1, 2, 3, 4, 15, 17, 39, 56, 60, 61]

test.each(SEEDS)('a process that is killed loses nothing, seed %i', async (seed) => {
  expect(await run(seed, 'kill')).toEqual({ lost: 0, wrong: [], faults: [] })
})

test.each(SEEDS)('after a power cut nothing is believed that is not there, seed %i', async (seed) => {
  const { wrong, faults } = await run(seed, 'cutPower')
  expect({ wrong, faults }).toEqual({ wrong: [], faults: [] })
})
