// Shoal and each real client that is installed, one to one: it downloads from them, and they from it.
// One file of 200 MiB, and a tree of 300 files with empty, tiny and odd-sized ones. SHA-256 decides.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients, clientsRequired, nameMissingClients } from '../support/clients/all.ts'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, peers, seed } from '../support/shoal.ts'
import { openStage, Stage } from '../support/stage.ts'
import { startTracker } from '../support/tracker.ts'

const MIB = 1 << 20
const contents = [
  { what: 'a file of 200 MiB', payload: Payload.file('one file', 200 * MIB), pieceLength: 256 * 1024 },
  { what: 'a tree of 300 files', payload: Payload.tree('many files', 200 * MIB, 300), pieceLength: 128 * 1024 },
]
const torrents = new Map<Payload, TestTorrent>()
let library: Stage
let complete: string

beforeAll(() => {
  library = new Stage()
  complete = library.folder('complete')
  for (const { payload, pieceLength } of contents) {
    payload.write(complete)
    torrents.set(payload, makeTorrent(payload, pieceLength))
  }
})
afterAll(() => library.end(false))

nameMissingClients()

for (const client of clients) {
  const version = client.found()
  const timeout = 2 * client.patienceMs
  describe.skipIf(version === null && !clientsRequired)(`${client.name} ${version ?? '(not found)'}`, () => {
    for (const { what, payload } of contents) {
      test.concurrent(`gives Shoal ${what}`, { timeout }, async (context) => {
        const stage = openStage(context)
        const tracker = await startTracker(stage)
        const torrent = stage.torrentFile(torrents.get(payload)!, [tracker.url])
        const port = await freePort()
        const seeder = await client.startSeeder({ stage, torrent, folder: complete, port })
        await seeder.ready()

        const folder = stage.folder('downloaded')
        const shoal = download(stage, torrent, folder, ...peers([`127.0.0.1:${port}`]))
        await shoal.finished(client.patienceMs)

        expect(payload.differences(folder)).toEqual([])
        expect(shoal.dropped()).toEqual([])
      })

      test.concurrent(`takes ${what} from Shoal`, { timeout }, async (context) => {
        const stage = openStage(context)
        const tracker = await startTracker(stage)
        const torrent = stage.torrentFile(torrents.get(payload)!, [tracker.url])
        const folder = stage.folder('downloaded')
        const port = await freePort()

        const startLeecher = () => client.startLeecher({ stage, torrent, folder, port })
        const startShoal = async (...more: readonly string[]) => {
          const shoal = seed(stage, torrent, complete, ...more)
          const { port } = await shoal.event('seeding')
          await tracker.knows(port as number)
          return shoal
        }
        // Who dials: the client, having asked the tracker; or Shoal, being told.
        let leecher, shoal
        if (client.dialsLoopback) {
          shoal = await startShoal()
          leecher = await startLeecher()
        } else {
          leecher = await startLeecher()
          await leecher.ready()
          shoal = await startShoal(...peers([`127.0.0.1:${port}`]))
        }
        await leecher.done()
        shoal.program.signal('SIGINT')

        expect(await shoal.exited).toMatchObject({ code: 0 })
        expect(payload.differences(folder, { emptyFilesMayMiss: !client.makesEmptyFiles })).toEqual([])
        expect(shoal.dropped()).toEqual([])
      })
    }
  })
}
