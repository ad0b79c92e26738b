// Files chosen from a torrent of several, fetched from a real client by the real command.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientsRequired } from '../support/clients/all.ts'
import { libtorrent } from '../support/clients/libtorrent.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, peers, runShoal, type Shoal } from '../support/shoal.ts'
import { openStage, Stage } from '../support/stage.ts'

const MIB = 1 << 20
const PIECE = 256 * 1024
const payload = new Payload('album', 'files', [
  { path: ['a.bin'], length: 5 * MIB + 1000 },
  { path: ['sub', 'b.bin'], length: 7 * MIB + 77 },
  { path: ['sub', 'empty.bin'], length: 0 },
  { path: ['c.txt'], length: 900 },
  { path: ['d.bin'], length: 6 * MIB },
])
const torrent = makeTorrent(payload, PIECE)
const PARTS = `.${torrent.infohash.toString('hex')}.parts`
const timeout = 2 * libtorrent.patienceMs

let library: Stage
let complete: string
beforeAll(() => {
  library = new Stage()
  complete = library.folder('complete')
  payload.write(complete)
})
afterAll(() => library.end(false))

/** What is in the torrent's folder, sorted. */
const listed = (folder: string): string[] =>
  readdirSync(join(folder, payload.name), { recursive: true, encoding: 'utf8' }).toSorted()

/** Files below `folder` that are not there, or not right, by number from 0. */
const wrong = (folder: string): number[] => {
  const paths = [...payload.places(folder)].map(({ path }) => path)
  const differences = payload.differences(folder)
  return [...paths.keys()].filter((i) => differences.some((line) => line.startsWith(paths[i])))
}

const received = (shoal: Shoal): number => Number(shoal.all('progress').at(-1)?.downloaded)

describe.skipIf(libtorrent.found() === null && !clientsRequired)('with a libtorrent seeder', () => {
  test('one file, then the rest: nothing comes twice', { timeout }, async (context) => {
    const stage = openStage(context)
    const file = stage.torrentFile(torrent, ['http://127.0.0.1:1/announce'])
    const port = await freePort()
    const seeder = await libtorrent.startSeeder({ stage, torrent: file, folder: complete, port })
    await seeder.ready()
    const folder = stage.folder('downloaded')
    const address = peers([`127.0.0.1:${port}`])

    const first = download(stage, file, folder, ...address, '--only', '2')
    await first.finished(libtorrent.patienceMs)
    expect(wrong(folder)).toEqual([0, 2, 3, 4])
    expect(listed(folder)).toEqual([PARTS, 'sub', 'sub/b.bin'].toSorted())
    expect(first.all('done')).toMatchObject([{ files: 1 }])
    // Its own pieces, the first and the last of which it shares.
    const pieces = Math.ceil((12 * MIB + 1077) / PIECE) - Math.floor((5 * MIB + 1000) / PIECE)
    expect(first.all('progress').at(-1)).toMatchObject({ left: 0, wanted: pieces * PIECE, total: payload.size })
    expect(received(first)).toBe(pieces * PIECE)

    const second = download(stage, file, folder, ...address)
    await second.finished(libtorrent.patienceMs)
    expect(wrong(folder)).toEqual([])
    expect(listed(folder)).toEqual(['a.bin', 'c.txt', 'd.bin', 'sub', 'sub/b.bin', 'sub/empty.bin'])
    expect(received(second)).toBe(payload.size - pieces * PIECE)
    expect(second.dropped()).toEqual([])
  })

  test(
    'by a pattern, without a memory of the first run: what is there is found, in the parts file too',
    { timeout },
    async (context) => {
      const stage = openStage(context)
      const file = stage.torrentFile(torrent, ['http://127.0.0.1:1/announce'])
      const port = await freePort()
      const seeder = await libtorrent.startSeeder({ stage, torrent: file, folder: complete, port })
      await seeder.ready()
      const folder = stage.folder('downloaded')
      const address = [...peers([`127.0.0.1:${port}`]), '--no-state']

      await download(stage, file, folder, ...address, '--only', '*.txt').finished(libtorrent.patienceMs)
      expect(wrong(folder)).toEqual([0, 1, 2, 4])
      const again = download(stage, file, folder, ...address, '--only', '*.txt')
      await again.finished(libtorrent.patienceMs)
      expect(received(again)).toBe(0)

      const { stdout } = await runShoal(stage, ['verify', file, folder])
      expect(stdout).toBe(`Incomplete: 1 of ${torrent.pieceCount} pieces are good\n`)

      const rest = download(stage, file, folder, ...address, '--priority', 'high:*.bin,low:3')
      await rest.finished(libtorrent.patienceMs)
      expect(wrong(folder)).toEqual([])
      expect(received(rest)).toBe(payload.size - PIECE)
      expect(existsSync(join(folder, payload.name, PARTS))).toBe(false)
    },
  )
})

test('--list-files tells numbers, sizes and paths', async (context) => {
  const stage = openStage(context)
  const { code, stdout } = await runShoal(stage, ['download', stage.torrentFile(torrent), '--list-files'])
  expect(code).toBe(0)
  expect(stdout.trimEnd().split('\n')).toEqual([
    '1   5.00 MiB  a.bin',
    '2   7.00 MiB  sub/b.bin',
    '3    0 bytes  sub/empty.bin',
    '4  900 bytes  c.txt',
    '5   6.00 MiB  d.bin',
  ])
})

test('a file that there is not is told with how many there are', async (context) => {
  const stage = openStage(context)
  const { code, stderr } = await runShoal(stage, ['download', stage.torrentFile(torrent), '--only', '6'])
  expect(code).toBe(2)
  expect(stderr).toContain('There is no file 6: this torrent has 5 files')
})
