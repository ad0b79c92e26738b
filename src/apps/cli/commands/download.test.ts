import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { StorageError } from '../../../base/errors.ts'
import { parseMagnet } from '../../../protocol/metainfo/magnet.ts'
import { FakeCli, FakeSwarm, type FakeTorrent, fakeMetainfo } from '../../../../tests/support/fake-cli.ts'

// A URL, so that no file is needed: what it brings is made up too.
const SOURCE = 'http://tracker.example/a.torrent'
const PIECE = 16_384
const metainfo = fakeMetainfo('a.iso', { 'a.iso': 4 * PIECE })

/** `shoal download` until its torrent is added. */
async function start(
  options: { isTTY?: boolean; metainfo?: typeof metainfo; names?: FakeCli['names'] },
  ...args: string[]
): Promise<{ cli: FakeCli; swarm: FakeSwarm; torrent: FakeTorrent; code: Promise<number> }> {
  const swarm = new FakeSwarm(options.metainfo ?? metainfo)
  const cli = new FakeCli(swarm.engine, options)
  cli.names = options.names ?? {}
  const code = cli.run('download', SOURCE, ...args)
  return { cli, swarm, torrent: await swarm.added, code }
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Resolves when `condition` holds; it is asked after each pending callback. */
async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('space is taken first when it is asked for, and events tell how far that is', async () => {
  const { cli, torrent, code } = await start({}, '--preallocate', '--json')
  expect(torrent.options.preallocate).toBe(true)
  torrent.check(0)
  for (const blocks of [1, 2, 4]) torrent.emit('allocating', { done: blocks * PIECE, total: 4 * PIECE })
  torrent.complete()
  expect(await code).toBe(0)
  const taking = cli.events.filter(({ event }) => event === 'allocating')
  expect(taking.map(({ done, total }) => [done, total])).toEqual([
    [PIECE, 4 * PIECE],
    [4 * PIECE, 4 * PIECE],
  ])
})

describe('events', () => {
  test('a download from beginning to end, with the keys and the order that are documented', async () => {
    const { cli, swarm, torrent, code } = await start({}, '-o', '/downloads', '--json', '--no-dht')
    torrent.check(1)
    cli.clock.advance(1000)
    torrent.emit('peerDropped', { address: '10.0.0.1:1', reason: 'corrupt_data', message: 'sent rubbish', pieces: [3] })
    torrent.complete()
    expect(await code).toBe(0)
    expect(swarm.isClosed).toBe(true)
    const memory = { memory_in: 3, memory_out: 4, memory_budget: 128 }
    const amounts = { uploaded: 0, wanted: 4 * PIECE, total: 4 * PIECE }
    const figures = { ...amounts, down_rate: 0, up_rate: 0, peers: 0, web_seeds: 0, pieces: 4, ...memory }
    expect(cli.events).toEqual([
      { event: 'listening', time: cli.clock.wall() - 1000, address: '127.0.0.1', port: 6881 },
      { event: 'checking', time: cli.clock.wall() - 1000, done: 4 * PIECE, total: 4 * PIECE },
      {
        event: 'warning',
        time: cli.clock.wall() - 1000,
        code: 'no_peer_source',
        message: expect.stringContaining('waiting for peers to connect to port 6881') as string,
      },
      { event: 'progress', time: cli.clock.wall(), downloaded: 0, ...figures, left: 3 * PIECE, pieces_have: 1 },
      {
        event: 'peer_dropped',
        time: cli.clock.wall(),
        address: '10.0.0.1:1',
        reason: 'corrupt_data',
        message: 'sent rubbish',
        pieces: [3],
      },
      { event: 'progress', time: cli.clock.wall(), downloaded: 3 * PIECE, ...figures, left: 0, pieces_have: 4 },
      { event: 'done', time: cli.clock.wall(), path: '/downloads/a.iso', files: 1 },
      { event: 'stopped', time: cli.clock.wall() },
    ])
    expect(Object.keys(cli.events[3]).slice(0, 2)).toEqual(['event', 'time'])
  })

  test('progress comes at most twice within a second, and not while nothing changes', async () => {
    const { cli, torrent, code } = await start({}, '--json')
    torrent.check()
    for (let i = 0; i < 50; i++) {
      cli.clock.advance(100)
      torrent.figures = { ...torrent.figures, downloaded: i }
    }
    torrent.complete()
    await code
    const times = cli.events.filter(({ event }) => event === 'progress').map(({ time }) => time)
    expect(times.length).toBeGreaterThan(4)
    for (const [i, time] of times.slice(2).entries()) expect(time - times[i]).toBeGreaterThanOrEqual(1000)
    const idle = await start({}, '--json')
    idle.torrent.check()
    idle.cli.clock.advance(10_000)
    idle.torrent.complete()
    await idle.code
    expect(idle.cli.events.filter(({ event }) => event === 'progress')).toHaveLength(2)
  })

  test('a failure is the last event, and one line on stderr that says what to do', async () => {
    const { cli, swarm, torrent, code } = await start({}, '--json')
    torrent.check()
    torrent.fail(new StorageError('disk_full', 'Cannot write /downloads/a.iso: no space left', '/downloads/a.iso'))
    expect(await code).toBe(1)
    expect(swarm.isClosed).toBe(true)
    const message =
      'Cannot write /downloads/a.iso: no space left; make room and run the same command again: what is there is kept'
    expect(cli.events.at(-1)).toMatchObject({ event: 'error', code: 'disk_full', message })
    expect(cli.stderr.text).toBe(`shoal: ${message}\n`)
  })

  test("a stranger's escape sequences do not reach the terminal", async () => {
    const { cli, torrent, code } = await start({}, '--peer', '10.0.0.1:1')
    torrent.check()
    torrent.emit('warning', { code: 'tracker', message: 'tracker says \u001b[2Jhello\n' })
    torrent.emit('peerDropped', { address: '10.0.0.1:1', reason: 'x', message: 'client \u009b1m' })
    torrent.complete()
    await code
    for (const character of ['\u001b', '\u009b']) expect(cli.stderr.text).not.toContain(character)
    expect(cli.stderr.text).toContain('Warning: tracker says \ufffd[2Jhello')
  })
})

describe('being stopped', () => {
  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s in the middle: %d, after everything is closed in order', async ([signal, exitCode]) => {
    const { cli, swarm, torrent, code } = await start({}, '--json')
    torrent.check(2)
    cli.stop.request(signal)
    expect(await code).toBe(exitCode)
    expect(swarm.isClosed).toBe(true)
    expect(cli.events.at(-1)).toMatchObject({ event: 'stopped' })
    expect(cli.stderr.text).toBe('')
  })

  test('while seeding a finished download: 0', async () => {
    const { cli, torrent, code } = await start({}, '--json', '--seed')
    torrent.check(4)
    torrent.complete()
    await eventually(() => cli.events.some(({ event }) => event === 'seeding'))
    cli.stop.request('SIGTERM')
    expect(await code).toBe(0)
    expect(cli.events.slice(-3)).toMatchObject([
      { event: 'done' },
      { event: 'seeding', infohash_v1: 'ab'.repeat(20), port: 6881 },
      { event: 'stopped' },
    ])
  })
})

describe('seeding afterwards', () => {
  test('--seed-ratio ends it when that much was given', async () => {
    const { cli, torrent, code } = await start({}, '--json', '--seed-ratio', '1.5')
    torrent.check(4)
    torrent.complete()
    await eventually(() => cli.events.some(({ event }) => event === 'seeding'))
    torrent.figures = { ...torrent.figures, uploaded: 6 * PIECE - 1 }
    cli.clock.advance(10_000)
    expect(cli.events.at(-1)?.event).not.toBe('stopped')
    torrent.figures = { ...torrent.figures, uploaded: 6 * PIECE }
    cli.clock.advance(1000)
    expect(await code).toBe(0)
  })

  test('--seed-time ends it after so many minutes', async () => {
    const { cli, torrent, code } = await start({}, '--json', '--seed-time', '0.5')
    torrent.check(4)
    torrent.complete()
    await eventually(() => cli.events.some(({ event }) => event === 'seeding'))
    cli.clock.advance(29_000)
    expect(cli.stop.signal.aborted).toBe(false)
    cli.clock.advance(1000)
    expect(await code).toBe(0)
  })

  test('a failure of the disk ends it too', async () => {
    const { cli, torrent, code } = await start({}, '--json', '--seed')
    torrent.check(4)
    torrent.complete()
    await eventually(() => cli.events.some(({ event }) => event === 'seeding'))
    torrent.fail(new StorageError('io_error', 'Cannot read /a.iso', '/a.iso'))
    expect(await code).toBe(1)
    expect(cli.events.at(-1)).toMatchObject({ event: 'error', code: 'io_error' })
  })
})

describe('--checksum', () => {
  const content = new Uint8Array(4 * PIECE).fill(7)
  const sum = createHash('sha256').update(content).digest('hex')

  test('the right one is told', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'a.iso'), content)
    const { cli, torrent, code } = await start({}, '--json', '-o', folder, '--checksum', `sha256:${sum}`)
    torrent.check(4)
    torrent.complete()
    expect(await code).toBe(0)
    expect(cli.events.at(-2)).toMatchObject({ event: 'done', sha256: sum })
  })

  test('a wrong one is an error, even with --seed', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'a.iso'), content)
    const wrong = `sha256:${'0'.repeat(64)}`
    const { cli, torrent, code } = await start({}, '--json', '-o', folder, '--seed', '--checksum', wrong)
    torrent.check(4)
    torrent.complete()
    expect(await code).toBe(1)
    expect(cli.events.at(-1)).toMatchObject({ event: 'error', code: 'checksum_mismatch' })
    expect(cli.events.map(({ event }) => event)).not.toContain('done')
  })

  test('for several files it is wrong usage', async () => {
    const cli = new FakeCli(new FakeSwarm(fakeMetainfo('folder', { a: 1, 'b/c': 2 })).engine)
    expect(await cli.run('download', SOURCE, '--json', '--checksum', `sha256:${sum}`)).toBe(2)
    expect(cli.events).toMatchObject([{ event: 'error', code: 'usage' }])
  })
})

describe('sources of peers', () => {
  test('addresses are handed over at once, names when they are found', async () => {
    const args = [
      '--peer',
      '10.0.0.1:1',
      '--peer',
      'friend.example:2',
      '--peer',
      '[::1]:3',
      '--peer',
      'nobody.example:4',
    ]
    const { cli, torrent, code } = await start({ names: { 'friend.example': ['10.0.0.2'] } }, '--json', ...args)
    expect(torrent.options.peers).toEqual(['10.0.0.1:1', '[::1]:3'])
    torrent.check()
    await eventually(() => torrent.dialled.length > 0 && cli.events.some(({ event }) => event === 'warning'))
    expect(torrent.dialled).toEqual(['10.0.0.2:2'])
    torrent.complete()
    await code
    expect(cli.events.filter(({ event }) => event === 'warning')).toMatchObject([{ code: 'name_not_found' }])
  })

  test('none is needed for what is complete', async () => {
    const { cli, torrent, code } = await start({}, '--json')
    torrent.check(4)
    torrent.complete()
    await code
    expect(cli.events.map(({ event }) => event)).not.toContain('warning')
  })

  test('what a magnet link holds cannot be listed', async () => {
    const cli = new FakeCli({ parseMagnet })
    expect(await cli.run('download', `magnet:?xt=urn:btih:${'ab'.repeat(20)}`, '--list-files')).toBe(2)
    expect(cli.stderr.text).toContain('--list-files needs a torrent file')
  })

  test('a magnet link of version 2 alone is refused', async () => {
    const cli = new FakeCli({ parseMagnet })
    expect(await cli.run('download', `magnet:?xt=urn:btmh:1220${'ab'.repeat(32)}`)).toBe(1)
    expect(cli.stderr.text).toContain('version 2 alone')
  })

  test('a torrent of version 2 alone is refused', async () => {
    const cli = new FakeCli(new FakeSwarm(fakeMetainfo('a', { a: 1 }, { infohashV1: null })).engine)
    expect(await cli.run('download', SOURCE, '--json')).toBe(1)
    expect(cli.events).toMatchObject([{ event: 'error', code: 'v2_only' }])
  })
})

describe('a download that stalls', () => {
  const cause = {
    code: 'tracker_refused',
    url: 'http://t.example/announce',
    answer: '\u001b[2J',
    message: 'tracker t.example answers "\u001b[2J"',
  } as const

  /** Eleven seconds with this cause, then content again. */
  async function stall(isTTY: boolean, ...args: string[]): Promise<FakeCli> {
    const { cli, torrent, code } = await start({ isTTY }, '--peer', '10.0.0.1:1', ...args)
    torrent.check()
    torrent.causes = [cause]
    cli.clock.advance(11_000)
    torrent.figures = { ...torrent.figures, downloaded: PIECE }
    cli.clock.advance(2_000)
    torrent.complete()
    await code
    return cli
  }

  test('says why, and when it goes on, as events', async () => {
    const { events, clock } = await stall(false, '--json')
    const { code, message } = cause
    expect(events.filter(({ event }) => event === 'slow' || event === 'flowing')).toEqual([
      { event: 'slow', time: clock.wall() - 3_000, code, message, stalled: true },
      { event: 'flowing', time: clock.wall() - 1_000 },
    ])
  })

  test('says why in a line, without what a stranger would do to the terminal', async () => {
    const { stderr } = await stall(false)
    expect(stderr.lines.filter((line) => line.startsWith('Stalled'))).toEqual([
      'Stalled: tracker t.example answers "\ufffd[2J"',
    ])
  })

  test('says why below the figures on a terminal, for as long as it is so', async () => {
    const { stderr } = await stall(true)
    const [before, after] = ['0.0 %', '100 %'].map((text) => stderr.text.lastIndexOf(text))
    expect(stderr.text).toContain('Stalled: tracker t.example answers "\ufffd[2J"')
    expect(stderr.text.lastIndexOf('Stalled')).toBeLessThan(Math.max(before, after))
  })

  test('says nothing with --quiet', async () => {
    expect((await stall(false, '--quiet')).stderr.text).toBe('')
  })
})

test('options reach the session', async () => {
  const args = [
    '--port',
    '0',
    '--bind',
    '::1',
    '--max-peers',
    '7',
    '--down-rate',
    '512K',
    '--up-rate',
    '1M',
    '--workers',
    '0',
  ]
  const { swarm, torrent, code } = await start({}, '--quiet', '-o', 'there', ...args)
  expect(swarm.sessions[0]).toMatchObject({
    port: 0,
    bind: '::1',
    maxPeers: 7,
    downRate: 524_288,
    upRate: 1_048_576,
    workers: 0,
  })
  expect(torrent.options.path).toBe('there')
  torrent.check()
  torrent.complete()
  await code
})

describe('for people', () => {
  test('plain lines when stderr is no terminal, seconds apart', async () => {
    const { cli, torrent, code } = await start({}, '--peer', '10.0.0.1:1')
    torrent.check()
    torrent.figures = { ...torrent.figures, peers: 2, downRate: PIECE }
    cli.clock.advance(4900)
    const before = cli.stderr.lines.length
    cli.clock.advance(100)
    expect(cli.stderr.lines.slice(before)).toEqual([
      'Downloading a.iso: 0.0 %, 0 bytes of 64.0 KiB, 16.0 KiB/s down, 4 s left, 2 peers',
    ])
    torrent.complete()
    await code
    expect(cli.stderr.lines.at(-1)).toMatch(/^Complete: .*a\.iso, 64\.0 KiB in 5 s \(12\.8 KiB\/s\), verified$/)
    expect(cli.stdout.text).toBe('')
    expect(cli.stderr.text).not.toContain('\u001b')
  })

  test('a live view on a terminal, which leaves the cursor as it was', async () => {
    const { cli, torrent, code } = await start({ isTTY: true }, '--peer', '10.0.0.1:1')
    torrent.check(2)
    cli.clock.advance(200)
    expect(cli.stderr.text).toContain('████')
    torrent.complete()
    await code
    expect(cli.stderr.text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(cli.stderr.text.lastIndexOf('\u001b[?25l'))
    expect(cli.stdout.text).toBe('')
  })

  test('--quiet writes nothing', async () => {
    const { cli, torrent, code } = await start({ isTTY: true }, '--quiet')
    torrent.check()
    cli.clock.advance(20_000)
    torrent.emit('warning', { code: 'x', message: 'something' })
    torrent.complete()
    expect(await code).toBe(0)
    expect(cli.stderr.text + cli.stdout.text).toBe('')
  })
})

describe('the log', () => {
  test('warnings and errors go to stderr, the rest only when asked for', async () => {
    const { cli, swarm, torrent, code } = await start({}, '--json')
    for (const level of ['error', 'warn', 'info', 'debug'] as const) {
      swarm.sessions[0].log?.({ level, scope: 'tracker', message: `${level}\u001b[2J` })
    }
    torrent.check()
    torrent.complete()
    await code
    expect(cli.stderr.lines).toEqual(['error: tracker: error\ufffd[2J', 'warn: tracker: warn\ufffd[2J'])
  })

  test('--log-file takes it instead', async () => {
    const file = join(await temporaryFolder(), 'log')
    const { readFile } = await import('node:fs/promises')
    const { cli, swarm, torrent, code } = await start({}, '--json', '--log-level', 'debug', '--log-file', file)
    swarm.sessions[0].log?.({ level: 'debug', scope: 'peer', message: 'hello' })
    torrent.check()
    torrent.complete()
    await code
    expect(await readFile(file, 'utf8')).toBe('2023-11-14T22:13:20.000Z debug peer: hello\n')
    expect(cli.stderr.text).toBe('')
  })

  test('a log file that cannot be written is told before anything begins', async () => {
    const swarm = new FakeSwarm(metainfo)
    const cli = new FakeCli(swarm.engine)
    const file = join(await temporaryFolder(), 'no', 'such', 'log')
    expect(await cli.run('download', SOURCE, '--log-file', file)).toBe(1)
    expect(cli.stderr.text).toContain(`Cannot use ${file}: no such file or directory; check the path`)
    expect(swarm.sessions).toEqual([])
  })
})

describe('files', () => {
  const album = fakeMetainfo('Album', { 'cover.jpg': PIECE, 'CD 1/song.flac': 2 * PIECE, 'CD 1/notes.txt': 0 })

  function listed(...args: string[]): Promise<{ cli: FakeCli; swarm: FakeSwarm; code: number }> {
    const swarm = new FakeSwarm(album)
    const cli = new FakeCli(swarm.engine)
    return cli.run('download', SOURCE, ...args).then((code) => ({ cli, swarm, code }))
  }

  test('--list-files prints them and downloads nothing', async () => {
    const { cli, swarm, code } = await listed('--list-files')
    expect(code).toBe(0)
    expect(cli.stdout.lines).toEqual([
      '1  16.0 KiB  cover.jpg',
      '2  32.0 KiB  CD 1/song.flac',
      '3   0 bytes  CD 1/notes.txt',
    ])
    expect(swarm.sessions).toEqual([])
  })

  test('--list-files --json is one event', async () => {
    const { cli, code } = await listed('--list-files', '--json')
    expect(code).toBe(0)
    const files = [
      { number: 1, path: 'cover.jpg', length: PIECE },
      { number: 2, path: 'CD 1/song.flac', length: 2 * PIECE },
      { number: 3, path: 'CD 1/notes.txt', length: 0 },
    ]
    expect(cli.events).toEqual([{ event: 'files', time: cli.clock.wall(), files }])
  })

  test('without a choice, the library is told of none', async () => {
    const { torrent, code } = await start({ metainfo: album })
    expect(torrent.options.files).toBeUndefined()
    torrent.complete()
    expect(await code).toBe(0)
  })

  test('--only and --priority say what is fetched, and only that is counted', async () => {
    const { cli, torrent, code } = await start({ metainfo: album }, '--only', '*.flac', '--priority', 'low:1', '--json')
    expect(torrent.options.files).toEqual(['low', 'normal', 'skip'])
    torrent.check()
    torrent.complete()
    expect(await code).toBe(0)
    expect(cli.events.find(({ event }) => event === 'done')).toMatchObject({ files: 2 })
  })

  test('a file that there is not is wrong usage, before anything begins', async () => {
    const { cli, swarm, code } = await listed('--only', '1,7')
    expect(code).toBe(2)
    expect(cli.stderr.text).toContain('There is no file 7: this torrent has 3 files; see them with --list-files')
    expect(swarm.sessions).toEqual([])
  })
})
