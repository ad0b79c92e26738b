// The command with itself, over real sockets: what it says with `--json`, what it writes, and what it keeps.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { download, peers, runShoal, seed, type Shoal, startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { startTracker } from '../support/tracker.ts'
import { until } from '../support/wait.ts'
import { honest, startPeer } from '../support/wire-peer.ts'

const MIB = 1 << 20
const file = Payload.file('shoal', 24 * MIB + 4321)
const tree = Payload.tree('shoal tree', 12 * MIB, 60)

let torrent: TestTorrent
let treeTorrent: TestTorrent
beforeAll(() => {
  torrent = makeTorrent(file, 128 * 1024)
  treeTorrent = makeTorrent(tree, 32 * 1024)
})

/** A seeder of complete content: where it listens. */
async function seeder(stage: Stage, { payload, file }: TestTorrent, ...more: string[]): Promise<[string, Shoal]> {
  const folder = stage.folder('complete')
  payload.write(folder)
  const shoal = seed(stage, stage.file('seeded.torrent', file()), folder, ...more)
  const { port } = await shoal.event('seeding')
  return [`127.0.0.1:${String(port)}`, shoal]
}

describe('download', () => {
  test.for([
    ['a file', () => torrent],
    ['a tree with empty and tiny files', () => treeTorrent],
  ] as const)('%s arrives whole, and nothing else is written', async ([, which], context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, which())
    const folder = stage.folder('downloaded')
    await download(stage, stage.torrentFile(which()), folder, ...peers([address])).finished()
    expect(which().payload.differences(folder)).toEqual([])
    expect(readdirSync(folder)).toEqual([which().payload.name])
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBe(which().payload.files.length)
  })

  test('the events have the keys that are documented, in a sound order', async (context) => {
    const stage = openStage(context)
    const [address, seeding] = await seeder(stage, torrent, '--up-rate', '8M')
    const folder = stage.folder('downloaded')
    const shoal = download(stage, stage.torrentFile(torrent), folder, ...peers([address]))
    await shoal.finished()
    seeding.program.signal('SIGINT')
    expect(await seeding.exited).toMatchObject({ code: 0 })

    const keys: Record<string, string[]> = {
      listening: ['address', 'port'],
      checking: ['done', 'total'],
      progress: [
        'downloaded',
        'uploaded',
        'left',
        'wanted',
        'total',
        'down_rate',
        'up_rate',
        'peers',
        'web_seeds',
        'pieces_have',
        'pieces',
        'memory_in',
        'memory_out',
        'memory_budget',
      ],
      done: ['path', 'files'],
      seeding: ['infohash_v1', 'port'],
      stopped: [],
    }
    for (const event of [...shoal.events, ...seeding.events]) {
      expect(Object.keys(event)).toEqual(['event', 'time', ...keys[event.event]])
      expect(Math.abs(event.time - Date.now())).toBeLessThan(600_000)
    }
    const order = shoal.events.map(({ event }) => event).filter((event, i, all) => event !== all[i - 1])
    expect(order.filter((event) => event !== 'progress' && event !== 'checking')).toEqual([
      'listening',
      'done',
      'stopped',
    ])
    expect(shoal.all('done')[0]).toMatchObject({ path: join(folder, file.name), files: 1 })
    expect(seeding.all('seeding')[0]).toMatchObject({ infohash_v1: torrent.infohash.toString('hex') })
    expect(seeding.events.at(-1)).toMatchObject({ event: 'stopped' })
    // Three seconds of download: at most two reports a second.
    const progress = shoal.all('progress')
    expect(progress.length).toBeGreaterThan(2)
    for (const [i, event] of progress.slice(2).entries()) expect(event.time - progress[i].time).toBeGreaterThan(900)
    for (const event of progress) {
      expect(event).toMatchObject({ total: file.size, pieces: torrent.pieceCount })
      expect(Number(event.left)).toBeLessThanOrEqual(file.size)
    }
  })

  test('--checksum tells the sum, and a wrong one is an error', async (context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, torrent)
    const folder = stage.folder('downloaded')
    const [sum] = file.digests()
    const right = download(
      stage,
      stage.torrentFile(torrent),
      folder,
      ...peers([address]),
      '--checksum',
      `sha256:${sum}`,
    )
    await right.finished()
    expect(right.all('done')).toMatchObject([{ sha256: sum }])

    const zeros = `sha256:${'0'.repeat(64)}`
    const wrong = download(stage, stage.torrentFile(torrent), folder, ...peers([address]), '--checksum', zeros)
    expect(await wrong.exited).toMatchObject({ code: 1 })
    expect(wrong.all('error')).toMatchObject([{ code: 'checksum_mismatch' }])

    const several = download(stage, stage.torrentFile(treeTorrent), folder, '--checksum', zeros)
    expect(await several.exited).toMatchObject({ code: 2 })
  })

  test('what an interrupted download left is checked and kept, and what is damaged is fetched again', async (context) => {
    const stage = openStage(context)
    const source = await startPeer(stage, torrent, honest(8 * MIB))
    const folder = stage.folder('downloaded')
    const torrentFile = stage.torrentFile(torrent)
    const first = download(stage, torrentFile, folder, ...peers([source.address]))
    await first.event('progress', ({ pieces_have }) => Number(pieces_have) > torrent.pieceCount / 2)
    first.program.signal('SIGKILL')
    await first.exited

    const sentBefore = source.sent
    const second = download(stage, torrentFile, folder, ...peers([source.address]))
    await second.finished()
    expect(file.differences(folder)).toEqual([])
    expect(second.all('checking').length).toBeGreaterThan(0)
    expect(source.sent - sentBefore, 'most of it was there').toBeLessThan(file.size * 0.55)

    // One byte in the middle, and the file cut short.
    const bytes = readFileSync(join(folder, file.name))
    bytes[12 * MIB] ^= 1
    writeFileSync(join(folder, file.name), bytes.subarray(0, -100))
    const sentThen = source.sent
    await download(stage, torrentFile, folder, ...peers([source.address])).finished()
    expect(file.differences(folder)).toEqual([])
    expect(source.sent - sentThen).toBeLessThan(4 * torrent.pieceLength)
  })

  test('what is complete already is not asked for again', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('complete')
    file.write(folder)
    const shoal = download(stage, stage.torrentFile(torrent), folder)
    await shoal.finished()
    expect(file.differences(folder)).toEqual([])
  })

  test('--seed-ratio ends the seeding when enough was given', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('complete')
    file.write(folder)
    const giver = download(stage, stage.torrentFile(torrent), folder, '--seed-ratio', '1')
    await giver.event('seeding')
    const taken = stage.folder('downloaded')
    await download(stage, stage.torrentFile(torrent), taken, ...peers([await giver.address()])).finished()
    expect(await giver.exited).toMatchObject({ code: 0 })
    expect(file.differences(taken)).toEqual([])
  })

  test('without any source of peers it says so and waits, and a peer that comes by itself is enough', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('downloaded')
    const shoal = download(stage, stage.torrentFile(torrent), folder)
    await shoal.event('warning')
    const source = await startPeer(stage, torrent)
    source.dial(await shoal.address())
    await shoal.finished()
    expect(file.differences(folder)).toEqual([])
  })

  test("plain lines when it is not a terminal: people's text on stderr, nothing on stdout", async (context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, torrent)
    const folder = stage.folder('downloaded')
    const args = ['download', stage.torrentFile(torrent), '-o', folder, '--bind', '127.0.0.1', '--port', '0']
    const { code, stdout, stderr } = await runShoal(stage, [...args, ...peers([address])])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain(file.name)
    expect(stderr.includes('\u001b'), 'no escape sequences').toBe(false)
  })

  test('a rate limit is kept', async (context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, torrent)
    const shoal = download(
      stage,
      stage.torrentFile(torrent),
      stage.folder('downloaded'),
      ...peers([address]),
      '--down-rate',
      '6M',
    )
    const start = await shoal.event('progress', ({ downloaded }) => Number(downloaded) > 0)
    const end = await shoal.event('done')
    const seconds = (end.time - start.time) / 1000
    const rate = (file.size - Number(start.downloaded)) / seconds
    expect(rate).toBeLessThan(6 * MIB * 1.15)
  })
})

describe('meeting', () => {
  test('two Shoals find each other through `shoal tracker`, and `shoal peers` lists the seeder', async (context) => {
    const stage = openStage(context)
    const tracker = startShoal(stage, ['tracker', '--port', '0', '--bind', '127.0.0.1'])
    const [url] = await tracker.program.line(/http:\/\/127\.0\.0\.1:\d+\/announce/)
    const complete = stage.folder('complete')
    file.write(complete)
    const seeding = seed(stage, stage.torrentFile(torrent, [url]), complete)
    const { port } = await seeding.event('seeding')
    const torrentFile = stage.torrentFile(torrent, [url])

    const listed = await until('the tracker lists the seeder', async () => {
      const { stdout } = await runShoal(stage, ['peers', torrentFile, '--json'])
      const answer = JSON.parse(stdout) as { peers: string[]; trackers: object[] }
      return answer.peers.length > 0 ? answer : null
    })
    expect(listed).toEqual({ peers: [`127.0.0.1:${String(port)}`], trackers: [{ url, external_ip: '127.0.0.1' }] })

    const folder = stage.folder('downloaded')
    await download(stage, torrentFile, folder).finished()
    expect(file.differences(folder)).toEqual([])
    tracker.program.signal('SIGINT')
    expect(await tracker.exited).toMatchObject({ code: 0 })
  })

  test('trackers are told started, completed and stopped, with true figures', async (context) => {
    const stage = openStage(context)
    const tracker = await startTracker(stage)
    const source = await startPeer(stage, torrent)
    const folder = stage.folder('downloaded')
    const shoal = download(stage, stage.torrentFile(torrent, [tracker.url]), folder, ...peers([source.address]))
    await shoal.finished()
    const port = (await shoal.event('listening')).port
    const infohash = torrent.infohash.toString('hex')
    expect(tracker.announces.every((announce) => announce.infohash === infohash && announce.port === port)).toBe(true)
    const events = tracker.announces.filter(({ event }) => event !== null)
    expect(events.map(({ event }) => event)).toEqual(['started', 'completed', 'stopped'])
    expect(events[0]).toMatchObject({ uploaded: 0, downloaded: 0, left: file.size })
    expect(events[1]).toMatchObject({ uploaded: 0, left: 0 })
    expect(events[1].downloaded).toBeGreaterThanOrEqual(file.size)
  })

  test('an encrypted opening is closed at once, and the same peer is welcome in the clear', async (context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, torrent)
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
    // MSE opens with a public key of 96 bytes and padding: nothing in it looks like a handshake.
    socket.write(createHash('sha512').update('key').digest())
    socket.write(createHash('sha512').update('padding').digest())
    socket.on('error', () => {})
    const start = performance.now()
    await once(socket, 'close')
    expect(performance.now() - start).toBeLessThan(5000)

    const folder = stage.folder('downloaded')
    await download(stage, stage.torrentFile(torrent), folder, ...peers([address])).finished()
    expect(file.differences(folder)).toEqual([])
  })

  test('seed dials the peers it is given', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('downloaded')
    const waiting = download(stage, stage.torrentFile(torrent), folder)
    const address = await waiting.address()
    await seeder(stage, torrent, ...peers([address]))
    await waiting.finished()
    expect(file.differences(folder)).toEqual([])
  })
})

describe('seed', () => {
  test.for([
    ['the folder that holds the content', (folder: string) => folder],
    ['the content itself', (folder: string) => join(folder, tree.name)],
  ] as const)('takes %s', async ([, path], context) => {
    const stage = openStage(context)
    const complete = stage.folder('complete')
    tree.write(complete)
    const seeding = seed(stage, stage.torrentFile(treeTorrent), path(complete))
    await seeding.event('seeding')
    const folder = stage.folder('downloaded')
    await download(stage, stage.torrentFile(treeTorrent), folder, ...peers([await seeding.address()])).finished()
    expect(tree.differences(folder)).toEqual([])
  })

  test('refuses content that is not complete', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('half')
    file.write(folder, torrent.pieceLength, (piece) => piece % 2 === 0)
    const seeding = seed(stage, stage.torrentFile(torrent), folder)
    expect(await seeding.exited).toMatchObject({ code: 1 })
    expect(seeding.events.at(-1)).toMatchObject({ event: 'error', code: 'incomplete' })
  })
})

describe('piece', () => {
  test('fetches one piece, the short last one too, and writes nothing else', async (context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, torrent)
    const folder = stage.folder('pieces')
    for (const piece of [0, torrent.pieceCount - 1]) {
      const output = join(folder, String(piece))
      const args = ['piece', stage.torrentFile(torrent), String(piece), '-o', output, '--bind', '127.0.0.1']
      const { code, stderr } = await runShoal(stage, [...args, '--port', '0', ...peers([address])])
      expect({ code, stderr }).toMatchObject({ code: 0 })
      const start = piece * torrent.pieceLength
      const wanted = file.read(start, Math.min(torrent.pieceLength, file.size - start))
      expect(readFileSync(output).equals(wanted)).toBe(true)
    }
    expect(readdirSync(folder).length).toBe(2)
  })

  test('of a folder with files that it spans', async (context) => {
    const stage = openStage(context)
    const [address] = await seeder(stage, treeTorrent)
    const output = join(stage.folder('pieces'), 'seven')
    const args = ['piece', stage.torrentFile(treeTorrent), '7', '-o', output, '--bind', '127.0.0.1', '--port', '0']
    expect(await runShoal(stage, [...args, ...peers([address])])).toMatchObject({ code: 0 })
    const wanted = tree.read(7 * treeTorrent.pieceLength, treeTorrent.pieceLength)
    expect(readFileSync(output).equals(wanted)).toBe(true)
  })

  test('a piece that there is not is wrong usage', async (context) => {
    const stage = openStage(context)
    const output = join(stage.folder('pieces'), 'none')
    const index = String(torrent.pieceCount)
    expect(await runShoal(stage, ['piece', stage.torrentFile(torrent), index, '-o', output])).toMatchObject({ code: 2 })
    expect(existsSync(output)).toBe(false)
  })
})
