// How the command ends: exit codes, signals, and what it leaves behind.
import { createServer } from 'node:net'
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeTorrent, Payload, type TestTorrent } from '../support/payload.ts'
import { freePort } from '../support/ports.ts'
import { download, peers, runShoal, seed, startShoal } from '../support/shoal.ts'
import { openStage } from '../support/stage.ts'
import { startTracker } from '../support/tracker.ts'
import { until } from '../support/wait.ts'
import { honest, startPeer } from '../support/wire-peer.ts'

const MIB = 1 << 20
const payload = Payload.file('leaving', 16 * MIB)
let torrent: TestTorrent
beforeAll(() => {
  torrent = makeTorrent(payload, 64 * 1024)
})

describe('signals', () => {
  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s in the middle of a download: %i, and what was verified is on disk',
    async ([signal, code], context) => {
      const stage = openStage(context)
      const tracker = await startTracker(stage)
      const source = await startPeer(stage, torrent, honest(4 * MIB))
      const folder = stage.folder('downloaded')
      const file = stage.torrentFile(torrent, [tracker.url])
      const shoal = download(stage, file, folder, ...peers([source.address]))
      const { pieces_have: had } = await shoal.event('progress', ({ pieces_have }) => Number(pieces_have) > 20)
      shoal.program.signal(signal)
      expect(await shoal.exited).toMatchObject({ code })
      expect(shoal.events.at(-1)).toMatchObject({ event: 'stopped' })
      expect(tracker.announces.at(-1)).toMatchObject({ event: 'stopped' })

      const verify = await runShoal(stage, ['verify', file, folder, '--json'])
      expect(verify.code).toBe(1)
      const { good, complete } = JSON.parse(verify.stdout) as { good: number; complete: boolean }
      expect({ complete, kept: good >= Number(had) }).toEqual({ complete: false, kept: true })
    },
  )

  test('a tracker that hangs does not hold it up for more than 5 s', async (context) => {
    const stage = openStage(context)
    const tracker = await startTracker(stage, 'hanging')
    const source = await startPeer(stage, torrent, honest(2 * MIB))
    const file = stage.torrentFile(torrent, [tracker.url])
    const shoal = download(stage, file, stage.folder('downloaded'), ...peers([source.address]))
    await shoal.event('progress', ({ pieces_have }) => Number(pieces_have) > 0)
    await until('the tracker is asked', () => tracker.announces.length > 0)
    const start = performance.now()
    shoal.program.signal('SIGINT')
    expect(await shoal.exited).toMatchObject({ code: 130 })
    expect(performance.now() - start).toBeLessThan(5500)
  })

  test('a second signal ends it at once', async (context) => {
    const stage = openStage(context)
    const tracker = await startTracker(stage, 'hanging')
    const source = await startPeer(stage, torrent, honest(2 * MIB))
    const file = stage.torrentFile(torrent, [tracker.url])
    const shoal = download(stage, file, stage.folder('downloaded'), ...peers([source.address]))
    await shoal.event('progress', ({ pieces_have }) => Number(pieces_have) > 0)
    await until('the tracker is asked', () => tracker.announces.length > 0)
    const before = tracker.announces.length
    shoal.program.signal('SIGINT')
    await until('it is leaving', () => !shoal.program.alive || tracker.announces.length > before)
    const start = performance.now()
    shoal.program.signal('SIGINT')
    expect(await shoal.exited).toMatchObject({ code: 130 })
    expect(performance.now() - start).toBeLessThan(1500)
  })

  test('a finished download that goes on seeding ends with 0', async (context) => {
    const stage = openStage(context)
    const source = await startPeer(stage, torrent)
    const folder = stage.folder('downloaded')
    const shoal = download(stage, stage.torrentFile(torrent), folder, '--seed', ...peers([source.address]))
    await shoal.event('seeding')
    shoal.program.signal('SIGTERM')
    expect(await shoal.exited).toMatchObject({ code: 0 })
    expect(payload.differences(folder)).toEqual([])
  })

  test('seeding ends with 0', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('complete')
    payload.write(folder)
    const shoal = seed(stage, stage.torrentFile(torrent), folder)
    await shoal.event('seeding')
    shoal.program.signal('SIGINT')
    expect(await shoal.exited).toMatchObject({ code: 0 })
  })
})

describe('ports', () => {
  test('an explicit port that is taken is an error', async (context) => {
    const stage = openStage(context)
    const port = await freePort()
    const holder = createServer().listen(port, '127.0.0.1')
    stage.onEnd(() => holder.close())
    await once(holder, 'listening')
    const args = ['download', stage.torrentFile(torrent), '-o', stage.folder('out'), '--json']
    const shoal = startShoal(stage, [...args, '--bind', '127.0.0.1', '--port', String(port)])
    expect(await shoal.exited).toMatchObject({ code: 1 })
    expect(shoal.events).toMatchObject([{ event: 'error', code: 'address_in_use' }])
  })

  test('without --port, the next free one from 6881 is taken', async (context) => {
    const stage = openStage(context)
    const args = ['download', stage.torrentFile(torrent), '-o', stage.folder('out'), '--json', '--bind', '127.0.0.1']
    const first = startShoal(stage, args)
    const { port } = await first.event('listening')
    const second = startShoal(stage, args)
    const { port: next } = await second.event('listening')
    expect(Number(port)).toBeGreaterThanOrEqual(6881)
    expect(Number(next)).toBeGreaterThan(Number(port))
  })

  test('without --bind it listens on all addresses', async (context) => {
    const stage = openStage(context)
    const folder = stage.folder('complete')
    payload.write(folder)
    const shoal = startShoal(stage, ['seed', stage.torrentFile(torrent), folder, '--port', '0', '--json'])
    const { port } = await shoal.event('seeding')
    expect(shoal.all('listening').map(({ address }) => address)).toContain('0.0.0.0')
    const out = stage.folder('downloaded')
    await download(stage, stage.torrentFile(torrent), out, ...peers([`127.0.0.1:${String(port)}`])).finished()
    expect(payload.differences(out)).toEqual([])
  })
})

describe('mistakes', () => {
  test('a torrent that is none: 1, with a stable code', async (context) => {
    const stage = openStage(context)
    const shoal = download(stage, stage.file('bad.torrent', 'this is no torrent'), stage.folder('out'))
    expect(await shoal.exited).toMatchObject({ code: 1 })
    expect(shoal.events).toMatchObject([{ event: 'error', code: 'bencoding' }])
  })

  test('wrong usage: 2, on stderr', async (context) => {
    const stage = openStage(context)
    for (const args of [
      ['download'],
      ['downlaod', 'x'],
      ['download', 'x', '--port', 'many'],
      ['seed', 'x', '--nope'],
    ]) {
      const { code, stdout, stderr } = await runShoal(stage, args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).not.toBe('')
    }
  })

  test('a folder that cannot be written: 1, with the reason', async (context) => {
    const stage = openStage(context)
    const source = await startPeer(stage, torrent)
    const notAFolder = stage.file('occupied', 'a file where the folder should be')
    const shoal = download(stage, stage.torrentFile(torrent), notAFolder, ...peers([source.address]))
    expect(await shoal.exited).toMatchObject({ code: 1 })
    expect(shoal.events.at(-1)).toMatchObject({ event: 'error', code: 'not_a_file' })
  })
})
