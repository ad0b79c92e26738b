// `kill -9` of the real command at moments that chance decides, during one download from a real libtorrent; after each it is
// started again. What must hold:
// - no piece that was finished is fetched again, nor read again;
// - what goes over the wire is no more than the content, and for each kill what was unfinished then, and asked for;
// - a restart reads less than 1 MiB of the content;
// - in the end the content is right, by SHA-256.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { contentLayout } from '../../src/engine/storage/content-layout.ts'
import { JournalFacts } from '../../src/engine/storage/journal/journal-facts.ts'
import { parseJournal } from '../../src/engine/storage/journal/journal-format.ts'
import { journalGeometry } from '../../src/engine/storage/journal/journal-geometry.ts'
import { isLockFile } from '../../src/platform/node/folder-lock.ts'
import { PieceMap, parseTorrent } from '../../src/protocol/metainfo/index.ts'
import { SeededRandom } from '../../src/sim/index.ts'
import { libtorrent } from '../support/clients/libtorrent.ts'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import type { Program } from '../support/program.ts'
import { download, peers, type Shoal } from '../support/shoal.ts'
import type { Stage } from '../support/stage.ts'
import { pause } from '../support/wait.ts'

const MIB = 1 << 20
const BLOCK = 16_384
/** A client asks for so much in advance at most: 2 seconds of its rate, and 500 blocks. */
const OUTSTANDING_MS = 2000
const MOST_OUTSTANDING = 500 * BLOCK
/** Until a download flows: a process starts, dials, shakes hands. */
const START_MS = 500
/** For so long it flows until it is killed, on average. */
const FLOWING_MS = 200
const LEAST_RATE = 2 * MIB
const MOST_READ = MIB
/** How often it is found out what a restart reads. */
const PROBE_EVERY = 4
const NOBODY = '127.0.0.1:1'

export interface KillOptions {
  readonly kills: number
  readonly seed: number
  readonly bytes: number
  readonly pieceLength: number
  readonly print: (line: string) => void
}

/** Throws when a promise is broken. */
export async function killAndRestart(stage: Stage, options: KillOptions): Promise<void> {
  const run = new KillRun(stage, options)
  await run.prepare()
  await run.killAll()
  await run.finish()
}

class KillRun {
  readonly #stage: Stage
  readonly #options: KillOptions
  readonly #payload: Payload
  readonly #torrent: TestTorrent
  readonly #random: SeededRandom
  readonly #torrentFile: string
  readonly #folder: string
  readonly #state: string
  #seeder!: Program
  #seederAddress = ''
  /** Bytes that a process reads to start, without any content. */
  #readToStart = 0
  #mostRead = 0
  /** Bytes of pieces under way, and asked for, at all kills together. */
  #unfinishedBytes = 0
  #finished = new Set<number>()

  constructor(stage: Stage, options: KillOptions) {
    this.#stage = stage
    this.#options = options
    this.#random = new SeededRandom(`kills ${options.seed}`)
    const { bytes, seed, pieceLength } = options
    const last = Math.floor(bytes / 3)
    this.#payload = new Payload('crash', `crash ${seed}`, [
      { path: ['one.bin'], length: bytes - last - 1001 },
      { path: ['small', 'two.bin'], length: 1001 },
      { path: ['three.bin'], length: last },
    ])
    this.#torrent = makeTorrent(this.#payload, pieceLength)
    this.#torrentFile = stage.torrentFile(this.#torrent)
    this.#folder = stage.folder('download')
    this.#state = stage.folder('remembered')
  }

  async prepare(): Promise<void> {
    const folder = this.#stage.folder('complete')
    this.#payload.write(folder)
    const port = await freePort()
    const seeder = await libtorrent.startSeeder({ stage: this.#stage, torrent: this.#torrentFile, folder, port })
    await seeder.ready()
    this.#seeder = seeder.program
    this.#seederAddress = `127.0.0.1:${port}`
    const empty = { folder: this.#stage.folder('nothing'), state: this.#stage.folder('no-state') }
    this.#readToStart = await this.#readAtStart(empty.folder, empty.state)
  }

  async killAll(): Promise<void> {
    const { kills, pieceLength, print } = this.#options
    for (let kill = 1; kill <= kills; kill++) {
      // So that the download lasts as long as there are kills to come.
      const left = (this.#torrent.pieceCount - this.#finished.size) * pieceLength
      const rate = Math.max(LEAST_RATE, Math.ceil((left / (kills - kill + 1) / FLOWING_MS) * 1000))
      const shoal = this.#start(this.#seederAddress, '--down-rate', String(rate))
      await pause(this.#random.below(2 * (START_MS + FLOWING_MS)))
      if (shoal.all('done').length > 0) {
        await shoal.exited
        // So it may be on a fast machine, near the end.
        if (2 * (kill - 1) >= kills) return print(`The download was complete after ${kill - 1} kills`)
        throw new Error(`The download was complete after ${kill - 1} kills: ask for fewer`)
      }
      shoal.program.signal('SIGKILL')
      await shoal.exited
      this.#lookAtWhatItSaid(shoal)
      this.#lookAtJournal()
      // One peer is asked for one piece after the other.
      this.#unfinishedBytes += pieceLength + Math.min(MOST_OUTSTANDING, (rate * OUTSTANDING_MS) / 1000)
      if (kill % PROBE_EVERY === 0) {
        await this.#probe()
        print(
          `${kill} kills, ${this.#finished.size} of ${this.#torrent.pieceCount} pieces, at most ${this.#mostRead} bytes read`,
        )
      }
    }
  }

  async finish(): Promise<void> {
    const { print } = this.#options
    const last = this.#start(this.#seederAddress)
    await last.finished(600_000)
    this.#lookAtWhatItSaid(last)
    await this.#probe()
    const uploaded = await this.#uploaded()
    const most = this.#payload.size + this.#unfinishedBytes
    const surplus = Math.max(0, uploaded - this.#payload.size)
    print(`${uploaded} bytes over the wire for ${this.#payload.size} of content; at most ${most} are allowed`)
    print(`${Math.round(surplus / this.#options.kills)} bytes fetched again for each kill; no piece that was finished`)
    print(`At most ${this.#mostRead} bytes of content read by a restart`)
    if (uploaded > most) throw new Error(`Too much was fetched: ${uploaded} bytes, of ${most} allowed`)
    const differences = this.#payload.differences(this.#folder)
    if (differences.length > 0) throw new Error(`The content is wrong: ${differences.join(', ')}`)
    print('The content is right (SHA-256)')
  }

  #start(peer: string, ...more: readonly string[]): Shoal {
    const remember = ['--state', this.#state]
    return download(this.#stage, this.#torrentFile, this.#folder, ...remember, ...peers([peer]), ...more)
  }

  /** It hashed nothing, warned of nothing, and began with what was finished. */
  #lookAtWhatItSaid(shoal: Shoal): void {
    const odd = [...shoal.all('checking'), ...shoal.all('error'), ...shoal.all('warning')]
    if (odd.length > 0) throw new Error(`A restart was not as it should be: ${JSON.stringify(odd)}`)
    const first = shoal.all('progress').find(({ peers: count }) => Number(count) >= 0)
    if (first && Number(first['pieces_have']) < this.#finished.size) {
      throw new Error(`${this.#finished.size} pieces were finished, and ${String(first['pieces_have'])} are known`)
    }
  }

  /** What was finished stays finished; what was not may be fetched again. */
  #lookAtJournal(): void {
    const metainfo = parseTorrent(this.#torrent.file())
    const map = new PieceMap(metainfo)
    const key = readdirSync(this.#state).find((name) => !isLockFile(name))
    // Killed before it had begun.
    if (key === undefined || !existsSync(join(this.#state, key, 'journal'))) return
    const path = join(this.#state, key, 'journal')
    const layout = contentLayout(metainfo, map, { path: this.#folder })
    const geometry = journalGeometry(metainfo, map)
    const identity = {
      infohash: metainfo.infohashV1!,
      pieceCount: map.pieceCount,
      pieceLength: map.nominalPieceLength,
      fileCount: geometry.fileCount,
      contentPath: layout.root,
    }
    const facts = new JournalFacts(geometry)
    const { records, isTorn } = parseJournal(readFileSync(path), identity, path)
    for (const [at, record] of records.entries()) facts.take(record, at)
    facts.end(isTorn)
    for (const piece of this.#finished) {
      if (!facts.written.has(piece)) throw new Error(`Piece ${piece} was finished, and is forgotten`)
    }
    this.#finished = new Set(facts.written.keys())
  }

  /** Starts once with nobody to fetch from, and looks at what it reads. */
  async #probe(): Promise<void> {
    const read = (await this.#readAtStart(this.#folder, this.#state)) - this.#readToStart
    this.#mostRead = Math.max(this.#mostRead, read)
    if (read > MOST_READ) throw new Error(`A restart has read ${read} bytes`)
  }

  async #readAtStart(folder: string, state: string): Promise<number> {
    const shoal = download(this.#stage, this.#torrentFile, folder, '--state', state, ...peers([NOBODY]), '--seed')
    await shoal.event('listening')
    await shoal.event('progress')
    await pause(START_MS)
    const [, read] = /rchar: (\d+)/.exec(readFileSync(`/proc/${shoal.program.pid}/io`, 'latin1'))!
    shoal.program.signal('SIGKILL')
    await shoal.exited
    return Number(read)
  }

  /** The seeder tells it when it ends. */
  async #uploaded(): Promise<number> {
    this.#seeder.closeInput()
    const [, bytes] = await this.#seeder.line(/^uploaded (\d+)$/)
    return Number(bytes)
  }
}
