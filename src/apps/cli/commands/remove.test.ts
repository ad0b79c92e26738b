// shoal remove, with the real library on a real disk.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FakeCli } from '../../../../tests/support/fake-cli.ts'
import { makeTorrent, Payload } from '../../../../tests/support/payload.ts'
import * as engine from '../../../index.ts'

const PIECE = 16_384

/** Content of two files in a folder, its torrent, and a place for the state. */
function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-remove-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const payload = new Payload('album', 'remove', [
    { path: ['one.ogg'], length: 3 * PIECE },
    { path: ['cover', 'front.png'], length: 5000 },
  ])
  payload.write(folder)
  const torrent = join(folder, 'album.torrent')
  writeFileSync(torrent, makeTorrent(payload, PIECE).file())
  const state = join(folder, 'state')
  const content = join(folder, 'album')
  return {
    folder,
    torrent,
    state,
    content,
    isThere: () => existsSync(join(content, 'one.ogg')) && existsSync(join(content, 'cover', 'front.png')),
    run: async (...args: string[]): Promise<{ cli: FakeCli; code: number }> => {
      const cli = new FakeCli(engine)
      const answer = args.indexOf('--answer')
      if (answer >= 0) [, cli.answer] = args.splice(answer, 2)
      return { cli, code: await cli.run('remove', torrent, folder, '--state', state, ...args) }
    },
  }
}

test('says what it would delete, asks, and deletes it', async () => {
  const { run, content, folder } = stage()
  const { cli, code } = await run('--answer', 'y')
  expect(code).toBe(0)
  expect(cli.stderr.text).toBe(
    `2 files in ${content} would be deleted, 52.9 KiB:\n  one.ogg\n  cover/front.png\nDelete them? [y/N] `,
  )
  expect(cli.stdout.text).toMatch(/^Deleted 2 files, [\d.]+ KiB are free now\n$/)
  expect(existsSync(content)).toBe(false)
  expect(readdirSync(folder).toSorted()).toEqual(['album.torrent', 'state'])
})

test.for(['n', '', 'perhaps'])('deletes nothing when the answer is "%s"', async (answer) => {
  const { run, isThere } = stage()
  const { cli, code } = await run('--answer', answer)
  expect([code, isThere(), cli.stdout.text]).toEqual([1, true, ''])
  expect(cli.stderr.text).toContain('Nothing was deleted\n')
})

test('where there is nobody to ask, it wants --yes', async () => {
  const { run, isThere } = stage()
  const { cli, code } = await run()
  expect([code, isThere()]).toEqual([2, true])
  expect(cli.stderr.lines.at(-1)).toContain('--yes')
  expect((await run('--yes')).code).toBe(0)
  expect(isThere()).toBe(false)
})

test('tells what it kept, and what it did as JSON', async () => {
  const { run, content } = stage()
  writeFileSync(join(content, 'cover', 'mine.txt'), 'mine')
  const { cli } = await run('--yes', '--json')
  expect(JSON.parse(cli.stdout.text)).toEqual({
    files: 2,
    bytes: expect.any(Number),
    kept: [join(content, 'cover'), content],
  })
  expect(cli.stderr.lines[0]).toBe(`Kept ${join(content, 'cover')}: there is something else in it, or in its place`)
  expect(readdirSync(content)).toEqual(['cover'])
})

test('follows no link', async () => {
  const { run, content, folder } = stage()
  rmSync(join(content, 'cover'), { recursive: true })
  const precious = join(folder, 'precious')
  new Payload('precious', 'link', [{ path: ['front.png'], length: 7 }]).write(folder)
  symlinkSync(precious, join(content, 'cover'))
  expect((await run('--yes')).code).toBe(0)
  expect(readdirSync(precious)).toEqual(['front.png'])
  expect(readdirSync(content)).toEqual(['cover'])
})

test('refuses while a session has the content open, and forgets what it remembered later', async () => {
  const { run, folder, torrent, state, isThere } = stage()
  const session = await engine.createSession({ port: 0, bind: '127.0.0.1', state, workers: 0 })
  onTestFinished(() => session.close())
  const added = session.add(readFileSync(torrent), { path: folder, useTrackers: false })
  await added.done
  const refused = await run('--yes')
  expect([refused.code, isThere()]).toEqual([1, true])
  expect(refused.cli.stderr.text).toMatch(/^shoal: Cannot use .*album: .*\n$/)
  await session.close()
  expect(readdirSync(state)).toHaveLength(1)
  expect((await run('--yes')).code).toBe(0)
  expect([readdirSync(state), isThere()]).toEqual([[], false])
})

test('content that is not there is told', async () => {
  const { run, content, folder } = stage()
  rmSync(content, { recursive: true })
  const { cli, code } = await run('--yes')
  expect(code).toBe(1)
  expect(cli.stderr.text).toBe(`shoal: Cannot find any file of album in ${folder}; check the path\n`)
})

test('files of the same names beside the torrent are not deleted without a look', async () => {
  const { run, content, folder } = stage()
  rmSync(content, { recursive: true })
  writeFileSync(join(folder, 'one.ogg'), 'mine')
  const { cli, code } = await run('--yes')
  expect([code, existsSync(join(folder, 'one.ogg'))]).toEqual([1, true])
  expect(cli.stderr.text).toContain('is the content of album; delete without --yes')
  expect((await run('--answer', 'yes')).code).toBe(0)
  expect(readdirSync(folder).toSorted()).toEqual(['album.torrent', 'state'])
})
