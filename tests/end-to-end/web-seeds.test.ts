// The real command and web servers: nginx, and one of our own that lies, stalls and refuses. SHA-256 decides.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientsRequired } from '../support/clients/all.ts'
import { nginx } from '../support/clients/nginx.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { download, peers, runShoal, seed, startShoal } from '../support/shoal.ts'
import { openStage, Stage } from '../support/stage.ts'
import { type Misbehaviour, partOf, startWebServer } from '../support/web-server.ts'

const MIB = 1 << 20
const file = Payload.file('web seed', 64 * MIB)
const tree = Payload.tree('web seeds', 48 * MIB, 120)
const torrents = new Map([
  [file, makeTorrent(file, MIB)],
  [tree, makeTorrent(tree, 256 * 1024)],
])
let library: Stage
let complete: string

beforeAll(() => {
  library = new Stage()
  complete = library.folder('complete')
  for (const payload of torrents.keys()) payload.write(complete)
})
afterAll(() => library.end(false))

interface Logged {
  readonly path: string
  readonly status: number
  readonly bytes: number
}

function readLog(path: string): Logged[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const [bytes, status, ...rest] = line.split(' ').reverse()
    return { path: rest.reverse().join(' '), status: Number(status), bytes: Number(bytes) }
  })
}

const version = nginx.found()
describe.skipIf(version === null && !clientsRequired)(`nginx ${version ?? '(not found)'}`, () => {
  test('gives a file and a tree of awkward names, by requests that cover many pieces', async (context) => {
    const stage = openStage(context)
    const server = await nginx.start({ stage, folder: complete })
    for (const payload of [file, tree]) {
      const folder = stage.folder('downloaded')
      const torrent = stage.torrentFile(torrents.get(payload)!)
      const shoal = download(stage, torrent, folder, '--web-seed', server.url)
      await shoal.finished()
      expect(payload.differences(folder)).toEqual([])
      expect(shoal.all('warning')).toEqual([])
    }
    const log = readLog(server.accessLog)
    expect(new Set(log.map(({ status }) => status))).toEqual(new Set([206]))
    expect(log.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(file.size + tree.size)
    // How many they are depends on how fast the machine is, but not a request for each of the 64 pieces.
    expect(log.filter(({ path }) => path.endsWith('payload.bin')).length).toBeLessThan(64)
  })

  test('is found by the torrent that `shoal create --web-seed` made, and left alone where it is not wanted', async (context) => {
    const stage = openStage(context)
    const server = await nginx.start({ stage, folder: complete })
    const torrent = join(stage.folder('torrent'), 'made.torrent')
    const content = join(complete, file.name)
    const made = await runShoal(stage, ['create', content, '-o', torrent, '--web-seed', `${server.url}payload.bin`])
    expect(made.code).toBe(0)
    const folder = stage.folder('downloaded')
    await download(stage, torrent, folder).finished()
    expect(file.differences(folder)).toEqual([])

    const before = readLog(server.accessLog).length
    const alone = download(stage, torrent, stage.folder('nothing'), '--no-web-seeds')
    await alone.event('warning', ({ code }) => code === 'no_peer_source')
    expect(readLog(server.accessLog).length).toBe(before)
  })

  test('and a peer together are faster than either', { timeout: 120_000 }, async (context) => {
    const stage = openStage(context)
    const rate = 4 * MIB
    const torrent = stage.torrentFile(torrents.get(file)!)
    const server = await nginx.start({ stage, folder: complete, rate })
    const seeder = seed(stage, torrent, complete, '--up-rate', '4M')
    const folder = stage.folder('downloaded')
    const both = download(stage, torrent, folder, '--web-seed', server.url, ...peers([await seeder.address()]))
    await both.finished()
    expect(file.differences(folder)).toEqual([])
    const { time } = await both.event('done')
    const seconds = (time - both.events[0].time) / 1000
    // Either alone needs 16 s; a machine that is busy with other things makes both slower.
    expect(seconds).toBeLessThan(0.8 * (file.size / rate))
    expect(both.dropped()).toEqual([])
  })

  test('over TLS is asked only when it proves who it is', async (context) => {
    const stage = openStage(context)
    const own = stage.folder('certificate')
    const [certificate, key] = [join(own, 'server.pem'), join(own, 'server.key')]
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate]
    expect(spawnSync('openssl', [...request, ...names]).status).toBe(0)
    const server = await nginx.start({ stage, folder: complete, tls: { certificate, key } })
    const torrent = stage.torrentFile(torrents.get(file)!)

    const stranger = download(stage, torrent, stage.folder('nothing'), '--web-seed', server.url)
    const told = await stranger.event('slow', undefined, 60_000)
    expect(told).toMatchObject({
      code: 'web_seed_waiting',
      message: expect.stringContaining('self-signed certificate'),
    })
    stranger.program.signal('SIGKILL')

    const folder = stage.folder('downloaded')
    const args = ['--web-seed', server.url, '--bind', '127.0.0.1', '--port', '0', '--json']
    const env = { NODE_EXTRA_CA_CERTS: certificate }
    await startShoal(stage, ['download', torrent, '-o', folder, ...args], env).finished()
    expect(file.differences(folder)).toEqual([])
  })
})

describe('a web server that', () => {
  const cases: [string, string, Misbehaviour, boolean][] = [
    [
      'lies',
      'web_seed_corrupt_data',
      (request, response) => {
        const { start, end, size } = partOf(join(complete, file.name), request)
        response.writeHead(206, { 'Content-Range': `bytes ${start}-${end}/${size}` })
        response.end(Buffer.alloc(end - start + 1, 7))
        return true
      },
      true,
    ],
    ['ignores ranges', 'web_seed_no_ranges', (_, response) => !!response.writeHead(200).end(file.read(0, 1000)), true],
    ['has nothing', 'web_seed_http_404', (_, response) => !!response.writeHead(404).end('no such file'), true],
    [
      'has another file',
      'web_seed_wrong_size',
      (_, response) => !!response.writeHead(206, { 'Content-Range': 'bytes 0-9/10' }).end('0123456789'),
      true,
    ],
    [
      'redirects for ever',
      'web_seed_too_many_redirects',
      (_, response) => !!response.writeHead(302, { Location: '/again' }).end(),
      true,
    ],
    [
      'stalls',
      '',
      (request, response) => {
        const { start, end, size } = partOf(join(complete, file.name), request)
        const headers = { 'Content-Range': `bytes ${start}-${end}/${size}`, 'Content-Length': end - start + 1 }
        response.writeHead(206, headers).write('abc')
        return true
      },
      false,
    ],
    ['is too busy', '', (_, response) => !!response.writeHead(503, { 'Retry-After': '600' }).end(), false],
  ]
  test.for(cases)('%s does not hinder a download from peers', async ([, code, misbehave, isGone], context) => {
    const stage = openStage(context)
    const torrent = stage.torrentFile(torrents.get(file)!)
    const server = await startWebServer(stage, complete, misbehave)
    const seeder = seed(stage, torrent, complete, '--up-rate', '24M')
    const folder = stage.folder('downloaded')
    const shoal = download(stage, torrent, folder, '--web-seed', server.url, ...peers([await seeder.address()]))
    await shoal.finished()
    expect(file.differences(folder)).toEqual([])
    expect(shoal.dropped()).toEqual([])
    expect(server.requests.length).toBeGreaterThan(0)
    expect(shoal.all('warning').map((warning) => warning.code)).toEqual(isGone ? [code] : [])
  })

  test('is busy for a moment, and redirects then, gives everything in the end', async (context) => {
    const stage = openStage(context)
    let answers = 0
    const mirror = await startWebServer(stage, complete, () => false)
    const server = await startWebServer(stage, complete, (request, response) => {
      if (answers++ === 0) response.writeHead(503, { 'Retry-After': '1' }).end()
      else response.writeHead(302, { Location: mirror.url + request.url!.slice(1) }).end('elsewhere')
      return true
    })
    const folder = stage.folder('downloaded')
    const shoal = download(stage, stage.torrentFile(torrents.get(tree)!), folder, '--web-seed', server.url)
    await shoal.finished()
    expect(tree.differences(folder)).toEqual([])
    expect(shoal.all('warning')).toEqual([])
  })
})
