// A made-up world for the commands of `src/apps/cli`: streams that remember, a clock that stands still until it is told,
// and a library whose torrent does what the test says.
import { join } from 'node:path'
import { Emitter } from '../../src/base/emitter.ts'
import type { Context } from '../../src/apps/cli/context.ts'
import type { Engine, EngineSession } from '../../src/apps/cli/engine.ts'
import { runProgram } from '../../src/apps/cli/program.ts'
import { Stop } from '../../src/apps/cli/stop.ts'
import type {
  Cause,
  FileInfo,
  Metainfo,
  SessionOptions,
  TorrentEvents,
  TorrentOptions,
  TorrentStats,
} from '../../src/index.ts'

export class FakeStream {
  text = ''
  readonly isTTY: boolean
  columns = 80
  rows = 24
  onWrite: () => void = () => {}

  constructor(isTTY = false) {
    this.isTTY = isTTY
  }

  write(text: string): void {
    this.text += text
    this.onWrite()
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }
}

/** Time passes only by `advance`. */
export class FakeClock {
  time = 0
  readonly #timers = new Set<{ intervalMs: number; next: number; tick: () => void }>()

  now(): number {
    return this.time
  }

  wall(): number {
    return 1_700_000_000_000 + this.time
  }

  every(intervalMs: number, tick: () => void): () => void {
    const timer = { intervalMs, next: this.time + intervalMs, tick }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  advance(ms: number): void {
    const end = this.time + ms
    for (;;) {
      const due = [...this.#timers].filter(({ next }) => next <= end).toSorted((a, b) => a.next - b.next)[0]
      if (!due) break
      this.time = due.next
      due.next += due.intervalMs
      due.tick()
    }
    this.time = end
  }
}

export class FakeTorrent {
  readonly metainfo: Metainfo
  readonly infohash = 'ab'.repeat(20)
  readonly done: Promise<void>
  readonly options: TorrentOptions
  readonly dialled: string[] = []
  isRemoved = false
  figures: TorrentStats
  /** Why it is slow. */
  causes: Cause[] = []
  readonly #events = new Emitter<TorrentEvents>()
  #resolve!: () => void
  #reject!: (error: Error) => void

  constructor(metainfo: Metainfo, options: TorrentOptions) {
    this.metainfo = metainfo
    this.options = options
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => {})
    const total = metainfo.totalSize
    this.figures = {
      state: 'checking',
      downloaded: 0,
      uploaded: 0,
      left: total,
      wanted: total,
      total,
      downRate: 0,
      upRate: 0,
      peers: 0,
      webSeeds: 0,
      piecesHave: 0,
      pieces: Math.ceil(total / metainfo.pieceLength),
    }
  }

  stats(): TorrentStats {
    return this.figures
  }

  get contentPath(): string {
    return join(this.options.path, this.options.name ?? this.metainfo.savedName)
  }

  files(): FileInfo[] {
    return [...this.metainfo.files.entries()]
      .filter(([, { isPad }]) => !isPad)
      .map(([index, { savedAs, length }]) => {
        const priority = this.options.files?.[index] ?? 'normal'
        return { index, path: savedAs, length, done: this.figures.left === 0 ? length : 0, priority }
      })
  }

  diagnose(): Cause[] {
    return this.causes
  }

  metadataProgress: { done: number; total: number } | null = null

  async setFilePriorities(): Promise<void> {}

  pieceStates(): Uint8Array {
    return new Uint8Array(this.figures.pieces).fill(2, 0, this.figures.piecesHave)
  }

  addPeer(address: string): void {
    this.dialled.push(address)
  }

  on<Name extends keyof TorrentEvents>(event: Name, listener: (payload: TorrentEvents[Name]) => void): () => void {
    return this.#events.on(event, listener)
  }

  async remove(): Promise<null> {
    this.isRemoved = true
    return null
  }

  /** As when the data on disk has been looked at. */
  check(piecesHave = 0): void {
    const { total, pieces } = this.figures
    const left = piecesHave === pieces ? 0 : total - piecesHave * this.metainfo.pieceLength
    this.figures = { ...this.figures, state: 'downloading', piecesHave, left }
    this.emit('checking', { done: pieces, total: pieces })
    this.emit('checked', { good: piecesHave })
  }

  complete(): void {
    const { total, pieces, left } = this.figures
    this.figures = { ...this.figures, state: 'seeding', downloaded: left, left: 0, total, piecesHave: pieces }
    this.#resolve()
    this.emit('done', {})
    this.emit('seeding', {})
  }

  fail(error: Error & { readonly code: string }): void {
    this.figures = { ...this.figures, state: 'failed' }
    this.#reject(error)
    this.emit('failed', { error })
  }

  emit<Name extends keyof TorrentEvents>(event: Name, payload: TorrentEvents[Name]): void {
    this.#events.emit(event, payload)
  }
}

/** One run of the program. */
export class FakeCli {
  readonly stdout = new FakeStream()
  readonly stderr: FakeStream
  readonly clock = new FakeClock()
  readonly stop = new Stop()
  readonly engine: Partial<Engine>
  env: NodeJS.ProcessEnv = { NO_COLOR: '1' }
  /** Host name -> IPs; any other name is not found. */
  names: Readonly<Record<string, readonly string[]>> = {}
  /** What a person says to each question; null: there is nobody. */
  answer: string | null = null

  constructor(engine: Partial<Engine> = {}, options: { readonly isTTY?: boolean } = {}) {
    this.engine = engine
    this.stderr = new FakeStream(options.isTTY)
  }

  run(...args: string[]): Promise<number> {
    const context: Context = {
      stdout: this.stdout,
      stderr: this.stderr,
      env: this.env,
      clock: this.clock,
      stop: this.stop,
      loadEngine: async () => this.engine as Engine,
      ask: async (question) => {
        this.stderr.write(question)
        return this.answer
      },
      lookup: async (host) => {
        const ips = this.names[host]
        if (ips === undefined) throw new Error(`${host} is not known`)
        return ips
      },
    }
    return runProgram(args, context)
  }

  /** What `--json` wrote. */
  get events(): { event: string; time: number; [key: string]: unknown }[] {
    return this.stdout.lines.map((line) => JSON.parse(line) as { event: string; time: number })
  }
}

/** A library with one torrent in one session. */
export class FakeSwarm {
  readonly engine: Partial<Engine>
  readonly sessions: SessionOptions[] = []
  isClosed = false
  /** The torrent, as soon as the command has added it and shows it. */
  readonly added: Promise<FakeTorrent>
  #onAdded!: (torrent: FakeTorrent) => void

  constructor(metainfo: Metainfo) {
    this.added = new Promise((resolve) => {
      this.#onAdded = resolve
    })
    const session: EngineSession = {
      listening: [{ address: '127.0.0.1', port: 6881 }],
      add: (_, options) => {
        const torrent = new FakeTorrent(metainfo, options)
        // After the command has begun to listen to it.
        queueMicrotask(() => this.#onAdded(torrent))
        return torrent
      },
      memory: () => ({ budget: 128, incoming: 3, incomingMost: 80, outgoing: 4, outgoingMost: 40 }),
      close: async () => {
        this.isClosed = true
      },
    }
    this.engine = {
      parseTorrent: () => metainfo,
      fetchUrl: async () => new Uint8Array(),
      locateContent: async (_, path) => ({ path, name: metainfo.savedName }),
      createSession: async (options = {}) => {
        this.sessions.push(options)
        return session
      },
    }
  }
}

/** A torrent of these files, each below the name, or of one that is the name. */
export function fakeMetainfo(
  name: string,
  files: Readonly<Record<string, number>>,
  others: Partial<Metainfo> = {},
): Metainfo {
  const isSingleFile = name in files
  let offset = 0
  const list = Object.entries(files).map(([path, length]) => {
    const elements = path.split('/')
    const file = {
      path: isSingleFile ? [] : elements,
      savedAs: isSingleFile ? [name] : [name, ...elements],
      length,
      offset,
      isPad: false,
      isExecutable: false,
      isHidden: false,
      symlinkTarget: null,
      piecesRoot: null,
    }
    offset += length
    return file
  })
  return {
    infohashV1: new Uint8Array(20).fill(0xab),
    infohashV2: null,
    infoBytes: new Uint8Array(),
    name,
    savedName: name,
    pieceLength: 16_384,
    totalSize: offset,
    files: list,
    isSingleFile,
    pieceHashes: new Uint8Array(20 * Math.ceil(offset / 16_384)),
    pieceLayers: null,
    isPrivate: false,
    trackers: [],
    webSeeds: [],
    httpSeeds: [],
    nodes: [],
    comment: null,
    createdBy: null,
    creationDate: null,
    source: null,
    ...others,
  }
}
