// Creating, finding and verifying content, on a real disk.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeTorrent, Payload } from '../../tests/support/payload.ts'
import { toHex } from '../base/bytes.ts'
import { parseTorrent } from '../protocol/metainfo/index.ts'
import { createTorrent } from './create-torrent.ts'
import { fetchPiece } from './fetch-piece.ts'
import { locateContent } from './locate-content.ts'
import { verifyTorrent } from './verify-torrent.ts'

const PIECE = 16_384

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'shoal-api-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** A folder with some files on disk, and the torrent of it as the tests make it. */
function content() {
  const payload = Payload.tree('api', 10 * PIECE, 12, 'content')
  const path = folder()
  payload.write(path)
  for (const place of payload.places(path)) if (place.length === 0) writeFileSync(place.path, '')
  return { payload, path, torrent: parseTorrent(makeTorrent(payload, PIECE).file()) }
}

describe('creating', () => {
  test('a torrent of a folder names each file with its length, and hashes what is in them', async () => {
    const { path, torrent } = content()
    const created = parseTorrent(await createTorrent(join(path, 'content'), { pieceLength: PIECE, workers: 0 }))
    expect(created.name).toBe('content')
    const files = (metainfo: typeof created): string[] =>
      metainfo.files.map((file) => `${file.path.join('/')} ${file.length}`).sort()
    expect(files(created)).toEqual(files(torrent))
    expect(await verifyTorrent(created, { path }, { workers: 0 })).toMatchObject({ complete: true, bad: [] })
  })

  test('a torrent of a file has the infohash that anybody else would find', async () => {
    const payload = Payload.file('api file', 5 * PIECE + 1)
    const path = folder()
    payload.write(path)
    const created = parseTorrent(await createTorrent(join(path, payload.name), { pieceLength: PIECE, workers: 0 }))
    expect(toHex(created.infohashV1!)).toBe(makeTorrent(payload, PIECE).infohash.toString('hex'))
  })

  test('which files may be executed stands in it', async () => {
    const { path } = content()
    const root = join(path, 'content')
    writeFileSync(join(root, 'run'), 'run', { mode: 0o755 })
    writeFileSync(join(root, 'alone'), 'alone', { mode: 0o700 })
    const of = async (each: string) => parseTorrent(await createTorrent(each, { pieceLength: PIECE, workers: 0 })).files
    const executable = (await of(root)).filter(({ isExecutable }) => isExecutable)
    expect(executable.map((file) => file.path)).toEqual([['alone'], ['run']])
    expect((await of(join(root, 'alone')))[0].isExecutable).toBe(true)
  })

  test('what is asked for stands in it, and progress counts bytes to the end', async () => {
    const { path, payload } = content()
    const progress: { done: number; total: number }[] = []
    const created = parseTorrent(
      await createTorrent(join(path, 'content'), {
        trackers: [['http://t.example/announce']],
        isPrivate: true,
        comment: 'a comment',
        source: 'a source',
        workers: 0,
        onProgress: (each) => progress.push(each),
      }),
    )
    expect(created).toMatchObject({
      trackers: [['http://t.example/announce']],
      isPrivate: true,
      comment: 'a comment',
      source: 'a source',
    })
    expect(progress.at(-1)).toEqual({ done: payload.size, total: payload.size })
  })

  test.each([
    ['a path where nothing is', 'missing', 'not_found'],
    ['a folder without a byte', 'empty', 'empty'],
  ])('fails for %s', async (_, name, code) => {
    const path = folder()
    mkdirSync(join(path, 'empty'))
    await expect(createTorrent(join(path, name))).rejects.toMatchObject({ code })
  })

  test('fails for pieces smaller than a block', async () => {
    const { path } = content()
    await expect(createTorrent(join(path, 'content'), { pieceLength: 1000 })).rejects.toThrow(RangeError)
  })

  test('ends when it is told to', async () => {
    const { path } = content()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(createTorrent(join(path, 'content'), { workers: 0, signal })).rejects.toThrow('enough')
  })
})

describe('verifying', () => {
  test('finds what is whole, and which pieces are wrong or missing', async () => {
    const { path, torrent, payload } = content()
    const whole = await verifyTorrent(torrent, { path }, { workers: 0 })
    const pieces = Math.ceil(payload.size / PIECE)
    expect(whole).toEqual({ complete: true, pieces, good: pieces, bad: [] })

    const [place] = [...payload.places(path)].filter(({ length }) => length > PIECE)
    const bytes = readFileSync(place.path)
    bytes[0]++
    writeFileSync(place.path, bytes)
    const broken = await verifyTorrent(torrent, { path }, { workers: 0 })
    expect(broken).toMatchObject({ complete: false, bad: [Math.floor(place.offset / PIECE)] })
  })

  test('a file that is cut short costs the pieces at its end; a missing empty file costs none, but is missed', async () => {
    const { path, torrent, payload } = content()
    const places = [...payload.places(path)]
    const empty = places.find(({ length }) => length === 0)!
    rmSync(empty.path)
    expect(await verifyTorrent(torrent, { path }, { workers: 0 })).toMatchObject({ complete: false, bad: [] })
    const last = places.at(-1)!
    truncateSync(last.path, last.length - 1)
    const { bad, pieces } = await verifyTorrent(torrent, { path }, { workers: 0 })
    expect(bad).toEqual([pieces - 1])
  })

  test('ends when it is told to', async () => {
    const { path, torrent } = content()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(verifyTorrent(torrent, { path }, { workers: 0, signal })).rejects.toThrow('enough')
  })
})

describe('locating', () => {
  test('the folder that holds the content, or the content itself under any name', async () => {
    const { path, torrent } = content()
    expect(await locateContent(torrent, path)).toEqual({ path, name: 'content' })
    expect(await locateContent(torrent, join(path, 'content'))).toEqual({ path, name: 'content' })
    const renamed = join(path, 'renamed')
    mkdirSync(renamed)
    expect(await locateContent(torrent, renamed)).toEqual({ path, name: 'renamed' })
  })

  test('tells what it did not find', async () => {
    const { torrent } = content()
    await expect(locateContent(torrent, join(folder(), 'nowhere'))).rejects.toMatchObject({ code: 'not_found' })
    const file = join(folder(), 'content')
    writeFileSync(file, 'a file where a folder should be')
    await expect(locateContent(torrent, file)).rejects.toThrow('Cannot find the folder content')
  })
})

test('a piece that the torrent does not have cannot be fetched', async () => {
  const { torrent } = content()
  for (const piece of [-1, 1.5, 9999]) await expect(fetchPiece(torrent, piece, '/tmp/x')).rejects.toThrow(RangeError)
})
