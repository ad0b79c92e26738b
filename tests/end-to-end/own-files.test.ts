// What the real command does with files beside filling them: taking their space, applying what the torrent says of them, and
// deleting them. The seeder is a real client.
import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseTorrent } from '../../src/protocol/metainfo/index.ts'
import { bencode, type Bencodable } from '../support/bencode.ts'
import { clientsRequired } from '../support/clients/all.ts'
import { libtorrent } from '../support/clients/libtorrent.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, peers, runShoal, startShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const MIB = 1 << 20
const PIECE = 256 * 1024
const timeout = 2 * libtorrent.patienceMs
const payload = new Payload('tools', 'own files', [
  { path: ['bin', 'run'], length: 3 * MIB + 5 },
  { path: ['data.bin'], length: 9 * MIB },
])
const torrent = makeTorrent(payload, PIECE)

/** A libtorrent seeder of the content, and where it can be dialled. */
async function startSeeder(stage: Stage, file: string): Promise<string[]> {
  const folder = stage.folder('complete')
  payload.write(folder)
  const port = await freePort()
  const seeder = await libtorrent.startSeeder({ stage, torrent: file, folder, port })
  await seeder.ready()
  return peers([`127.0.0.1:${port}`])
}

describe.skipIf(libtorrent.found() === null && !clientsRequired)('with a libtorrent seeder', () => {
  test('space is taken before the first byte comes, and the content is right', { timeout }, async (context) => {
    const stage = openStage(context)
    const file = stage.torrentFile(torrent, ['http://127.0.0.1:1/announce'])
    const folder = stage.folder('downloaded')
    // Nobody to fetch from yet.
    const waiting = download(stage, file, folder, '--preallocate')
    await waiting.event('allocating', ({ done, total }) => done === total)
    const taken = [...payload.places(folder)].map(({ path }) => statSync(path).blocks * 512)
    expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThanOrEqual(payload.size)
    waiting.program.signal('SIGTERM')
    await waiting.exited

    const second = download(stage, file, folder, ...(await startSeeder(stage, file)), '--preallocate')
    await second.finished(libtorrent.patienceMs)
    expect(payload.differences(folder)).toEqual([])
  })

  test('what was downloaded is removed, and what is not of the torrent stays', { timeout }, async (context) => {
    const stage = openStage(context)
    const file = stage.torrentFile(torrent, ['http://127.0.0.1:1/announce'])
    const folder = stage.folder('downloaded')
    const content = join(folder, 'tools')
    const state = ['--state', stage.folder('state')]
    const seeding = download(stage, file, folder, ...(await startSeeder(stage, file)), '--seed', ...state)
    await seeding.event('seeding', undefined, libtorrent.patienceMs)
    const refused = await runShoal(stage, ['remove', file, folder, '--yes', ...state])
    expect([refused.code, existsSync(join(content, 'data.bin'))]).toEqual([1, true])
    expect(refused.stderr).toMatch(/^shoal: Cannot use .*\n$/)
    seeding.program.signal('SIGTERM')
    await seeding.exited

    writeFileSync(join(content, 'bin', 'mine'), 'mine')
    const removed = await runShoal(stage, ['remove', file, folder, '--yes', '--json', ...state])
    expect([removed.code, JSON.parse(removed.stdout)]).toEqual([
      0,
      { files: 2, bytes: expect.any(Number), kept: [join(content, 'bin'), content] },
    ])
    expect(readdirSync(content, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual(['bin', 'bin/mine'])
  })
})

test('files that may be executed can be, and links lead where they should', { timeout }, async (context) => {
  const stage = openStage(context)
  const source = stage.folder('source')
  payload.write(source)
  const file = join(stage.root, 'attributes.torrent')
  const files: Bencodable[] = [
    { attr: 'x', length: 3 * MIB + 5, path: ['bin', 'run'] },
    { length: 9 * MIB, path: ['data.bin'] },
    { attr: 'l', length: 0, path: ['links', 'latest'], 'symlink path': ['bin', 'run'] },
    { attr: 'l', length: 0, path: ['links', 'secret'], 'symlink path': ['..', '..', 'etc', 'passwd'] },
  ]
  const pieces = parseTorrent(torrent.file()).pieceHashes!
  writeFileSync(file, bencode({ info: { files, name: 'tools', 'piece length': PIECE, pieces } }))
  const seeder = startShoal(stage, ['seed', file, source, '--port', '0', '--bind', '127.0.0.1', '--json'])
  await seeder.event('seeding')
  const folder = stage.folder('downloaded')
  await download(stage, file, folder, ...peers([await seeder.address()])).finished()
  expect(payload.differences(folder)).toEqual([])
  const content = join(folder, 'tools')
  const modes = ['bin/run', 'data.bin'].map((path) => statSync(join(content, path)).mode & 0o100)
  expect(modes).toEqual([0o100, 0])
  expect(readdirSync(join(content, 'links'))).toEqual(['latest'])
  expect(readlinkSync(join(content, 'links', 'latest'))).toBe('../bin/run')
  // Whoever only serves what is there changes nothing of it.
  expect(readdirSync(join(source, 'tools'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
    'bin',
    'bin/run',
    'data.bin',
  ])

  const removed = await runShoal(stage, ['remove', file, folder, '--yes'])
  expect([removed.code, removed.stderr, readdirSync(folder)]).toEqual([0, '', []])
})
