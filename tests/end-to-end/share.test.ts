// What is shared with one command is had with one other: by the address in the link, or by the tracker that the command runs.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

test('the torrent is written over nothing, and not into what is shared', async (context) => {
  const stage = openStage(context)
  const library = stage.folder('library')
  payload.write(library)
  const notes = join(stage.folder('home'), 'notes.txt')
  writeFileSync(notes, 'remember')
  const share = (output: string) =>
    runShoal(stage, ['share', `${library}/album`, '--tracker-port', '0', '-o', output, ...LOOPBACK])
  expect(await share(notes)).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') })
  expect(readFileSync(notes, 'utf8')).toBe('remember')
  expect(await share(`${library}/album/album.torrent`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('it is a part of what is shared'),
  })
  expect(payload.differences(library)).toEqual([])
})

test('what nothing can be bound to is said before anything is hashed', async (context) => {
  const stage = openStage(context)
  const args = ['share', `${stage.root}/is-not-there`, '--tracker-port', '0', '--bind', 'no-such-interface']
  expect(await runShoal(stage, args)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no such interface that has an address'),
  })
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

  // Nobody else's torrent is served.
  const announce = decodeURIComponent(/&tr=([^&]*)/.exec(link)![1])
  const other = await fetch(`${announce}?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=1&left=1`)
  expect(await other.text()).toContain('does not serve this torrent')

  const folder = stage.folder('downloaded')
  await startShoal(stage, ['download', link.replace(/&x\.pe=.*$/, ''), '-o', folder, ...LOOPBACK]).finished()

  expect(payload.differences(folder)).toEqual([])
  // The torrent that it has written is the same one.
  const { code, stdout } = await runShoal(stage, ['info', torrent, '--json'])
  expect(code).toBe(0)
  expect(link).toContain((JSON.parse(stdout) as { infohash_v1: string }).infohash_v1)
})
