// Swarms in which nobody has everything: Shoal with each client, and with all at once, each starting with a
// different half. All of them complete.
import { beforeAll, describe, expect, test } from 'vitest'
import { clients, clientsRequired } from '../support/clients/all.ts'
import type { Client } from '../support/clients/client.ts'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, peers } from '../support/shoal.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { startTracker } from '../support/tracker.ts'

const payload = Payload.file('halves', 64 << 20)
const PIECE_LENGTH = 128 * 1024

/** Halves of 512 pieces, no two alike; the first two have every piece between them. */
const HALVES: readonly ((piece: number) => boolean)[] = [
  (piece) => piece % 2 === 0,
  (piece) => piece % 2 === 1,
  (piece) => piece < 256,
  (piece) => piece >= 256,
  (piece) => piece % 4 < 2,
  (piece) => piece % 4 >= 2,
]

let torrent: TestTorrent
beforeAll(() => {
  torrent = makeTorrent(payload, PIECE_LENGTH)
})

const installed = clients.filter((client) => client.found() !== null || clientsRequired)

describe.concurrent('two, each with a different half', () => {
  for (const client of clients) {
    const timeout = 2 * client.patienceMs
    test.skipIf(!installed.includes(client))(
      `Shoal and ${client.name} complete each other`,
      { timeout },
      async (context) => {
        const outcome = await swarm(openStage(context), [client])
        expect(outcome).toEqual(ALL_WELL)
      },
    )
  }
})

describe('all, each with a different half', () => {
  const names = installed.map(({ name }) => name).join(', ')
  test.skipIf(installed.length < 2)(`Shoal, ${names} complete each other`, { timeout: 300_000 }, async (context) => {
    const outcome = await swarm(openStage(context), installed)
    expect(outcome).toEqual(ALL_WELL)
  })
})

interface Outcome {
  readonly exitCode: number
  readonly dropped: readonly string[]
  /** Files that are not what they should be, of Shoal and all others. */
  readonly differences: readonly string[]
}

const ALL_WELL: Outcome = { exitCode: 0, dropped: [], differences: [] }

async function swarm(stage: Stage, others: readonly Client[]): Promise<Outcome> {
  const tracker = await startTracker(stage)
  const file = stage.torrentFile(torrent, [tracker.url])
  const started = await Promise.all(
    others.map(async (client, i) => {
      const folder = stage.folder(client.name)
      payload.write(folder, PIECE_LENGTH, HALVES[i + 1])
      const port = await freePort()
      const running = await client.startLeecher({ stage, torrent: file, folder, port })
      return { client, folder, port, running }
    }),
  )
  await Promise.all(started.map(({ running }) => running.ready()))

  const folder = stage.folder('shoal')
  payload.write(folder, PIECE_LENGTH, HALVES[0])
  const shoal = download(stage, file, folder, '--seed', ...peers(started.map(({ port }) => `127.0.0.1:${port}`)))
  const patience = Math.max(...others.map(({ patienceMs }) => patienceMs))
  await Promise.all([shoal.event('done', undefined, patience), ...started.map(({ running }) => running.done())])
  shoal.program.signal('SIGINT')

  const { code } = await shoal.exited
  return {
    exitCode: code,
    dropped: shoal.dropped(),
    differences: [folder, ...started.map((other) => other.folder)].flatMap((path) => payload.differences(path)),
  }
}
