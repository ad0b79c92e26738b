// What is remembered from one run to the next: the real command, killed without warning and started again.
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTorrent, Payload } from '../support/payload.ts'
import { download, peers, seed, type Shoal } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'

const MIB = 1 << 20
const PIECE = 256 * 1024
const payload = Payload.tree('resume', 48 * MIB, 20)
const torrent = makeTorrent(payload, PIECE)

interface Scene {
  readonly stage: Stage
  readonly torrentFile: string
  readonly folder: string
  readonly state: string
  readonly seeder: Shoal
}

/** A seeder that gives 8 MiB/s, and an empty folder. */
function openScene(context: Parameters<typeof openStage>[0]): Scene {
  const stage = openStage(context)
  const complete = stage.folder('complete')
  payload.write(complete)
  const torrentFile = stage.torrentFile(torrent)
  const seeder = seed(stage, torrentFile, complete, '--up-rate', '8M')
  return { stage, torrentFile, folder: stage.folder('downloaded'), state: stage.folder('remembered'), seeder }
}

async function start({ stage, torrentFile, folder, state, seeder }: Scene, ...more: readonly string[]): Promise<Shoal> {
  return download(stage, torrentFile, folder, '--state', state, ...peers([await seeder.address()]), ...more)
}

test('a download that was killed goes on where it was, and reads nothing', { timeout: 120_000 }, async (context) => {
  const scene = openScene(context)
  let left = payload.size
  for (let life = 0; life < 3; life++) {
    const shoal = await start(scene)
    await shoal.event('progress', ({ downloaded }) => Number(downloaded) > 8 * MIB)
    shoal.program.signal('SIGKILL')
    await shoal.exited
    const said = shoal.all('progress')
    expect(Number(said[0].left)).toBeLessThanOrEqual(left)
    expect([...shoal.all('checking'), ...shoal.all('warning')]).toEqual([])
    left = Number(said.at(-1)!.left)
  }
  const last = await start(scene)
  await last.finished()
  expect(payload.differences(scene.folder)).toEqual([])
  expect([...last.all('checking'), ...last.all('warning')]).toEqual([])
  expect(left).toBeLessThan(payload.size - 24 * MIB + 3 * 16 * PIECE)
  expect(Number(last.all('progress').at(-1)!.downloaded)).toBeLessThanOrEqual(left)
})

test(
  'a second process on the same content is refused, and everything else works',
  { timeout: 120_000 },
  async (context) => {
    const scene = openScene(context)
    const first = await start(scene)
    await first.event('progress')
    const second = await start(scene)
    expect((await second.exited).code).toBe(1)
    expect(second.events.at(-1)).toMatchObject({
      event: 'error',
      code: 'in_use',
      message: expect.stringMatching(
        /^Cannot use .*payload tree: this torrent is open there already; end the other one first$/,
      ),
    })
    const elsewhere = scene.stage.folder('elsewhere')
    const third = await start({ ...scene, folder: elsewhere })
    await Promise.all([first.finished(), third.finished()])
    expect(payload.differences(scene.folder)).toEqual([])
    expect(payload.differences(elsewhere)).toEqual([])
  },
)

test('what somebody else has changed is found, and only that is checked', { timeout: 120_000 }, async (context) => {
  const scene = openScene(context)
  await (await start(scene)).finished()
  const [changed] = [...payload.places(scene.folder)].filter(({ length }) => length > MIB)
  appendFileSync(changed.path, 'more')
  const again = await start(scene)
  await again.finished()
  const { message } = again.all('warning')[0]
  expect(message).toBe(`${changed.path} has been changed or removed by somebody else: it is checked again`)
  const pieces = Math.ceil(changed.length / PIECE) + 1
  const [{ total }] = again.all('checking')
  expect(Number(total)).toBeLessThanOrEqual((pieces + 1) * PIECE)
  // Once looked at, it is as good as before.
  const third = await start(scene)
  await third.finished()
  expect([...third.all('warning'), ...third.all('checking')]).toEqual([])
})

test('a journal that was damaged is set aside, and the data is checked', { timeout: 120_000 }, async (context) => {
  const scene = openScene(context)
  await (await start(scene)).finished()
  const [key] = readdirSync(scene.state)
  const journal = join(scene.state, key, 'journal')
  expect(readdirSync(join(scene.state, key)).toSorted()).toEqual(['journal', 'settings'])
  writeFileSync(journal, 'not a journal at all')
  const again = await start(scene)
  await again.finished()
  expect(again.all('warning')).toMatchObject([{ code: 'state_not_trusted' }])
  expect(again.all('checking').length).toBeGreaterThan(0)
  expect(readdirSync(join(scene.state, key)).toSorted()).toEqual(['journal', 'journal.unusable', 'settings'])
})
