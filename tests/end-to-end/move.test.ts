// Content that is renamed and moved to another file system while it comes from a real client; the next start reads none of it.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, type TestContext } from 'vitest'
import { createSession, moveContent, parseTorrent, type Session, type Torrent } from '../../src/index.ts'
import { clientsRequired } from '../support/clients/all.ts'
import { libtorrent } from '../support/clients/libtorrent.ts'
import { makeTorrent, Payload } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, runShoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/wait.ts'

const MIB = 1 << 20
const PIECE = 256 * 1024
const payload = new Payload('album', 'move', [
  { path: ['a.bin'], length: 9 * MIB + 1000 },
  { path: ['sub', 'b.bin'], length: 17 * MIB + 77 },
  { path: ['sub', 'empty.bin'], length: 0 },
  { path: ['c.bin'], length: 6 * MIB },
])
const torrent = makeTorrent(payload, PIECE)
const timeout = 2 * libtorrent.patienceMs

/** Folders on two file systems; null where this machine has but one. */
function twoFileSystems(stage: Stage): { here: string; there: string } | null {
  const [here, there] = ['/dev/shm', tmpdir()].map((base) => {
    if (!existsSync(base)) return null
    const folder = mkdtempSync(join(base, 'shoal-move-'))
    stage.onEnd(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  })
  return here && there && statSync(here).dev !== statSync(there).dev ? { here, there } : null
}

async function openSession(stage: Stage, state: string): Promise<Session> {
  const session = await createSession({ port: 0, bind: '127.0.0.1', state })
  stage.onEnd(() => session.close())
  return session
}

const listed = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile())

describe.skipIf(libtorrent.found() === null && !clientsRequired)('with a libtorrent seeder', () => {
  test(
    'a download is renamed and moved in the middle, and nothing comes or is looked at twice',
    { timeout },
    async (context: TestContext) => {
      const stage = openStage(context)
      const places = twoFileSystems(stage)
      if (!places) return context.skip()
      const { here, there } = places
      const file = stage.torrentFile(torrent, ['http://127.0.0.1:1/announce'])
      const complete = stage.folder('complete')
      payload.write(complete)
      const port = await freePort()
      const seeder = await libtorrent.startSeeder({ stage, torrent: file, folder: complete, port })
      await seeder.ready()
      const state = stage.folder('state')
      const looks: number[] = []
      const warnings: string[] = []
      const add = (session: Session, path: string): Torrent => {
        const options = { path, peers: [`127.0.0.1:${port}`], useTrackers: false, partNames: true, downRate: 8 * MIB }
        const added = session.add(readFileSync(file), options)
        added.on('checking', ({ total }) => looks.push(total))
        added.on('warning', ({ message }) => warnings.push(message))
        return added
      }
      const session = await openSession(stage, state)
      const first = add(session, here)
      await until('some pieces arrive', () => first.stats().piecesHave > 20, 60_000)
      await first.renameFile(1, 'elsewhere/second.bin')
      const before = first.stats().piecesHave
      await first.move(there)
      expect(first.contentPath).toBe(join(there, 'album'))
      expect(listed(here)).toEqual([])
      await first.rename('new name')
      expect(first.stats().piecesHave).toBeGreaterThanOrEqual(before)
      await first.done
      expect(first.stats().downloaded).toBeLessThan(payload.size + 3 * 60 * PIECE)
      await session.close()
      expect(listed(there).toSorted()).toEqual(
        ['a.bin', 'c.bin', 'elsewhere/second.bin', 'sub/empty.bin'].map((path) => join('new name', path)),
      )
      for (const [index, name] of ['a.bin', 'elsewhere/second.bin', 'sub/empty.bin', 'c.bin'].entries()) {
        const original = join(complete, payload.name, ...payload.files[index].path)
        expect(readFileSync(join(there, 'new name', name)).equals(readFileSync(original))).toBe(true)
      }

      const again = add(await openSession(stage, state), there)
      await again.done
      expect(again.contentPath).toBe(join(there, 'new name'))
      expect(again.stats().downloaded).toBe(0)
      expect(looks).toEqual([])
      expect(warnings).toEqual([`The content is at ${join(there, 'new name')}: it was moved or renamed`])
    },
  )
})

test('the command moves what nobody has open, and the next start looks at nothing', { timeout }, async (context) => {
  const stage = openStage(context)
  const places = twoFileSystems(stage)
  if (!places) return context.skip()
  const { here, there } = places
  payload.write(here)
  const file = stage.torrentFile(torrent)
  const state = stage.folder('state')
  await download(stage, file, here, '--state', state).finished()
  const moved = await runShoal(stage, ['move', file, here, there, '--state', state])
  expect(moved).toMatchObject({ code: 0, stdout: `Moved to ${join(there, 'album')}\n` })
  expect(existsSync(join(here, 'album'))).toBe(false)
  expect(payload.differences(there)).toEqual([])
  const again = download(stage, file, there, '--state', state)
  await again.finished()
  expect([...again.all('checking'), ...again.all('warning')]).toEqual([])
  const refused = await runShoal(stage, ['move', file, there, join(there, 'album', 'sub'), '--state', state])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/within itself/)
})

test('a move that is ended leaves all where it was', { timeout }, async (context) => {
  const stage = openStage(context)
  const places = twoFileSystems(stage)
  if (!places) return context.skip()
  const { here, there } = places
  payload.write(here)
  const controller = new AbortController()
  const onProgress = (): void => controller.abort()
  const metainfo = parseTorrent(torrent.file())
  const moving = moveContent(metainfo, { path: here }, { path: there }, { onProgress, signal: controller.signal })
  await expect(moving).rejects.toMatchObject({ name: 'AbortError' })
  expect(payload.differences(here)).toEqual([])
  expect(listed(there)).toEqual([])
})
