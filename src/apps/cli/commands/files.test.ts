// The commands that work on files alone, with the real library: create, info, verify.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeCli } from '../../../../tests/support/fake-cli.ts'
import * as engine from '../../../index.ts'

let folder: string
let content: string
let torrent: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-cli-'))
  content = join(folder, 'album')
  torrent = join(folder, 'album.torrent')
  await mkdir(join(content, 'cover'), { recursive: true })
  await writeFile(join(content, 'one.ogg'), new Uint8Array(100_000).fill(1))
  await writeFile(join(content, 'cover', 'front.png'), new Uint8Array(5000).fill(2))
  const made = await run('create', content, '-o', torrent, '--tracker', 'http://127.0.0.1:1/announce', ...CREATE)
  if (made.code !== 0) throw new Error(made.cli.stderr.text)
})
afterAll(() => rm(folder, { recursive: true }))

const CREATE = ['--workers', '0', '--piece-length', '32K']

async function run(...args: string[]): Promise<{ cli: FakeCli; code: number; json: () => Record<string, unknown> }> {
  const cli = new FakeCli(engine)
  const code = await cli.run(...args)
  return { cli, code, json: () => JSON.parse(cli.stdout.text) as Record<string, unknown> }
}

describe('create', () => {
  test('writes what its options say, and infohash and magnet link on stdout', async () => {
    const output = join(folder, 'all.torrent')
    const trackers = ['--tracker', 'http://127.0.0.1:1/a,udp://127.0.0.1:2', '--tracker', 'udp://127.0.0.1:3']
    const more = ['--private', '--web-seed', 'http://127.0.0.1:4/', '--comment', 'hello', '--source', 'here']
    const { cli, code } = await run('create', content, '-o', output, ...CREATE, ...trackers, ...more)
    expect(code).toBe(0)
    const facts = engine.describeTorrent(await readFile(output))
    expect(facts).toMatchObject({
      name: 'album',
      piece_length: 32_768,
      trackers: [['http://127.0.0.1:1/a', 'udp://127.0.0.1:2'], ['udp://127.0.0.1:3']],
      private: true,
      webseeds: ['http://127.0.0.1:4/'],
      comment: 'hello',
      source: 'here',
      creation_date: 1_700_000_000,
    })
    expect(facts.created_by).toMatch(/^Shoal \d/)
    const [infohash, magnet] = cli.stdout.lines
    expect(infohash).toBe(facts.infohash_v1)
    expect(engine.describeMagnet(engine.parseMagnet(magnet))).toMatchObject({
      infohash_v1: infohash,
      name: 'album',
      trackers: [['http://127.0.0.1:1/a'], ['udp://127.0.0.1:2'], ['udp://127.0.0.1:3']],
    })
    expect(cli.stderr.text).toContain('2 files, 103 KiB in 4 pieces of 32 KiB')
  })

  test('overwrites with --force only', async () => {
    const output = join(folder, 'there.torrent')
    await writeFile(output, 'precious')
    const refused = await run('create', content, '-o', output, ...CREATE)
    expect(refused.code).toBe(1)
    expect(refused.cli.stderr.text).toContain('is there already')
    expect(await readFile(output, 'utf8')).toBe('precious')
    expect((await run('create', content, '-o', output, '--force', ...CREATE)).code).toBe(0)
    expect(engine.parseTorrent(await readFile(output)).name).toBe('album')
  })

  test('of nothing is a failure, and writes nothing', async () => {
    const output = join(folder, 'none.torrent')
    const { code, cli } = await run('create', join(folder, 'no such folder'), '-o', output)
    expect(code).toBe(1)
    expect(cli.stderr.lines).toHaveLength(1)
    await expect(readFile(output)).rejects.toThrow('ENOENT')
  })

  test('stopped: 130, and nothing is written', async () => {
    const output = join(folder, 'stopped.torrent')
    const cli = new FakeCli(engine)
    cli.stop.request('SIGINT')
    expect(await cli.run('create', content, '-o', output, ...CREATE)).toBe(130)
    await expect(readFile(output)).rejects.toThrow('ENOENT')
    expect(cli.stdout.text).toBe('')
  })

  test('on a terminal progress is shown, and taken away', async () => {
    const cli = new FakeCli(engine, { isTTY: true })
    expect(await cli.run('create', content, '-o', join(folder, 'live.torrent'), ...CREATE)).toBe(0)
    expect(cli.stderr.text).toMatch(/Hashing album .*% of 103 KiB/)
    expect(cli.stderr.text.split('\u001b[?25h')).toHaveLength(2)
  })
})

describe('info', () => {
  test('shows the facts and a tree of the files', async () => {
    const { cli, code } = await run('info', torrent)
    expect(code).toBe(0)
    expect(cli.stderr.text).toBe('')
    const infohash = engine.describeTorrent(await readFile(torrent)).infohash_v1
    const lines = cli.stdout.lines.filter((line) => !line.startsWith('Created'))
    expect(lines).toEqual([
      'Name        album',
      `Infohash    ${infohash}`,
      'Size        103 KiB (105000 bytes) in 2 files',
      'Pieces      4 of 32 KiB',
      'Trackers    http://127.0.0.1:1/announce',
      '',
      'album/',
      '  cover/',
      '    front.png  4.88 KiB',
      '  one.ogg  97.7 KiB',
    ])
  })

  test('--json says all that the library knows, on one line', async () => {
    const { cli, json } = await run('info', torrent, '--json')
    expect(json()).toEqual(engine.describeTorrent(await readFile(torrent)))
    expect(cli.stdout.lines).toHaveLength(1)
  })

  test('a magnet link has the same keys, with null where a thing is not known', async () => {
    const torrentFacts = await run('info', torrent, '--json')
    const { json, code } = await run('info', `magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=album`, '--json')
    expect(code).toBe(0)
    expect(Object.keys(json())).toEqual(Object.keys(torrentFacts.json()))
    expect(json()).toMatchObject({ name: 'album', infohash_v1: 'ab'.repeat(20), files: null, total_size: null })
  })

  test('a magnet link for people', async () => {
    const { cli } = await run('info', `magnet:?xt=urn:btih:${'ab'.repeat(20)}&tr=udp%3A%2F%2F127.0.0.1%3A1`)
    expect(cli.stdout.lines).toEqual([
      'Name        unknown',
      `Infohash    ${'ab'.repeat(20)}`,
      'Trackers    udp://127.0.0.1:1',
    ])
  })

  test('what is no torrent: 1, with the class of the mistake', async () => {
    const path = join(folder, 'bad.torrent')
    await writeFile(path, 'd4:spam4:eggse')
    const { code, json, cli } = await run('info', path, '--json')
    expect(code).toBe(1)
    expect(json()).toEqual({ error: { code: 'missing_info', message: expect.any(String) as string } })
    expect(cli.stderr.lines).toHaveLength(1)
  })
})

describe('verify', () => {
  test.for([
    ['the folder that holds it', () => folder],
    ['the content itself', () => content],
  ] as const)('complete content, given %s: 0', async ([, path]) => {
    const { code, json } = await run('verify', torrent, path(), '--json', '--workers', '0')
    expect(code).toBe(0)
    expect(json()).toEqual({ complete: true, pieces: 4, good: 4, bad: [] })
  })

  test('damaged content: 1, with the pieces', async () => {
    const copy = join(folder, 'copy', 'album')
    await mkdir(join(copy, 'cover'), { recursive: true })
    await writeFile(join(copy, 'one.ogg'), new Uint8Array(100_000).fill(1).fill(9, 99_990))
    await writeFile(join(copy, 'cover', 'front.png'), new Uint8Array(5000).fill(2))
    const { code, json } = await run('verify', torrent, copy, '--json', '--workers', '0')
    expect(code).toBe(1)
    expect(json()).toEqual({ complete: false, pieces: 4, good: 3, bad: [3] })
    const people = await run('verify', torrent, copy, '--workers', '0')
    expect(people.cli.stdout.text).toBe('Incomplete: 3 of 4 pieces are good\n')
  })

  test('content that is not there: 1, with the reason', async () => {
    const { code, json } = await run('verify', torrent, join(folder, 'elsewhere'), '--json')
    expect(code).toBe(1)
    expect(json()).toMatchObject({ error: { code: 'not_found' } })
  })
})
