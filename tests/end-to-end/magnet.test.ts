// Magnet links between Shoal and each real client that is installed: who has the content is found by the address in the link, or
// by a tracker, and the metadata comes from it alone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients, clientsRequired, nameMissingClients } from '../support/clients/all.ts'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { LOOPBACK, peers, seed, type Shoal, startShoal } from '../support/shoal.ts'
import { openStage, Stage } from '../support/stage.ts'
import { startTracker } from '../support/tracker.ts'

// Pieces of 16 KiB: the metadata has 41 kB, three parts.
const payload = Payload.file('magnet content', 32 << 20)
let library: Stage
let complete: string
let content: TestTorrent

beforeAll(() => {
  library = new Stage()
  complete = library.folder('complete')
  payload.write(complete)
  content = makeTorrent(payload, 16_384)
})
afterAll(() => library.end(false))

nameMissingClients()

const infohash = (): string => content.infohash.toString('hex')
const linkTo = (...parts: readonly string[]): string => [`magnet:?xt=urn:btih:${infohash()}`, ...parts].join('&')

function downloadLink(stage: Stage, link: string, folder: string): Shoal {
  return startShoal(stage, ['download', link, '-o', folder, ...LOOPBACK])
}

for (const client of clients) {
  const version = client.found()
  const timeout = 2 * client.patienceMs
  describe.skipIf(version === null && !clientsRequired)(`${client.name} ${version ?? '(not found)'}`, () => {
    test('gives Shoal metadata and content, found by the address in the link', { timeout }, async (context) => {
      const stage = openStage(context)
      const tracker = await startTracker(stage)
      const torrent = stage.torrentFile(content, [tracker.url])
      const port = await freePort()
      await (await client.startSeeder({ stage, torrent, folder: complete, port })).ready()

      const folder = stage.folder('downloaded')
      const shoal = downloadLink(stage, linkTo(`x.pe=127.0.0.1:${port}`), folder)
      await shoal.finished(client.patienceMs)

      expect(shoal.all('metadata')).toMatchObject([{ total_size: 32 << 20, infohash_v1: infohash() }])
      expect(payload.differences(folder)).toEqual([])
      expect(shoal.dropped()).toEqual([])
    })

    test('gives Shoal metadata and content, found by a tracker', { timeout }, async (context) => {
      const stage = openStage(context)
      const tracker = await startTracker(stage)
      const torrent = stage.torrentFile(content, [tracker.url])
      const port = await freePort()
      await (await client.startSeeder({ stage, torrent, folder: complete, port })).ready()
      await tracker.knows(port)

      const folder = stage.folder('downloaded')
      const shoal = downloadLink(stage, linkTo(`tr=${encodeURIComponent(tracker.url)}`), folder)
      await shoal.finished(client.patienceMs)

      expect(payload.differences(folder)).toEqual([])
      expect(shoal.dropped()).toEqual([])
    })

    test('gives Shoal metadata and content, found by peer exchange', { timeout }, async (context) => {
      const stage = openStage(context)
      const tracker = await startTracker(stage)
      const port = await freePort()
      const torrent = stage.torrentFile(content, [tracker.url])
      await (await client.startSeeder({ stage, torrent, folder: complete, port })).ready()
      // Who tells of it has next to nothing of the content itself. Some take one connection from an address.
      const elsewhere = ['--bind', '127.0.0.2', '--port', '0', '--no-lsd', '--json']
      const poor = ['-o', stage.folder('poor'), '--down-rate', '1K', ...elsewhere]
      const teller = startShoal(stage, ['download', torrent, ...poor, ...peers([`127.0.0.1:${port}`])])
      const { port: tellerPort } = await teller.event('listening')

      const folder = stage.folder('downloaded')
      const shoal = downloadLink(stage, linkTo(`x.pe=127.0.0.2:${String(tellerPort)}`), folder)
      await shoal.finished(client.patienceMs)

      expect(payload.differences(folder)).toEqual([])
      expect(shoal.dropped()).toEqual([])
    })

    test.skipIf(client.takesLinks === false)('gets both from Shoal', { timeout }, async (context) => {
      const stage = openStage(context)
      const tracker = await startTracker(stage)
      const torrent = stage.torrentFile(content, [tracker.url])
      const link = linkTo('dn=link', `tr=${encodeURIComponent(tracker.url)}`)
      const folder = stage.folder('downloaded')
      const port = await freePort()
      const leech = () => client.startLeecher({ stage, torrent: link, folder, port })

      const leecher = client.dialsLoopback ? null : await leech()
      if (leecher) await leecher.ready()
      const shoal = seed(stage, torrent, complete, ...(leecher ? peers([`127.0.0.1:${port}`]) : []))
      await tracker.knows((await shoal.event('seeding')).port as number)
      await (leecher ?? (await leech())).done()
      shoal.program.signal('SIGINT')

      expect(await shoal.exited).toMatchObject({ code: 0 })
      expect(payload.differences(folder)).toEqual([])
      expect(shoal.dropped()).toEqual([])
    })
  })
}
