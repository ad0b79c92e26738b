// What is shared with one command is had with one other: by the address in the link, or by the tracker that the command runs.
import { expect, test } from 'vitest'
import { Payload } from '../support/payload.ts'
import { LOOPBACK, runShoal, startShoal } from '../support/shoal.ts'
import { openStage } from '../support/stage.ts'

const payload = Payload.tree('shared', 2_000_000, 20, 'album')

test('shoal download gets what shoal share serves, and the folder is as it was', async (context) => {
  const stage = openStage(context)
  const library = stage.folder('library')
  payload.write(library)
  const sharing = startShoal(stage, ['share', `${library}/album`, ...LOOPBACK])
  const { magnet, infohash_v1 } = await sharing.event('sharing')
  expect(magnet).toMatch(/^magnet:\?xt=urn:btih:[\da-f]{40}&dn=album&x\.pe=127\.0\.0\.1:\d+$/)

  const folder = stage.folder('downloaded')
  const download = startShoal(stage, ['download', String(magnet), '-o', folder, ...LOOPBACK])
  await download.finished()

  expect(download.all('metadata')).toMatchObject([{ name: 'album', infohash_v1 }])
  expect(payload.differences(folder)).toEqual([])
  expect(payload.differences(library)).toEqual([])
  sharing.program.signal('SIGINT')
  expect(await sharing.exited).toMatchObject({ code: 0 })
})

test('with --tracker-port, those who have the link find each other by a tracker', async (context) => {
  const stage = openStage(context)
  const library = stage.folder('library')
  payload.write(library)
  const torrent = `${stage.root}/album.torrent`
  const own = ['--tracker-port', '0', '-o', torrent]
  const sharing = startShoal(stage, ['share', `${library}/album`, ...own, ...LOOPBACK])
  const link = String((await sharing.event('sharing')).magnet)
  expect(link).toMatch(/&tr=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fannounce/)

  const folder = stage.folder('downloaded')
  await startShoal(stage, ['download', link.replace(/&x\.pe=.*$/, ''), '-o', folder, ...LOOPBACK]).finished()

  expect(payload.differences(folder)).toEqual([])
  // The torrent that it has written is the same one.
  const { code, stdout } = await runShoal(stage, ['info', torrent, '--json'])
  expect(code).toBe(0)
  expect(link).toContain((JSON.parse(stdout) as { infohash_v1: string }).infohash_v1)
})
