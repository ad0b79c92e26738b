// What a real torrent says of itself, in a made-up world: that the facts reach the diagnosis.
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import { FakeConnection } from '../../../tests/support/fake-connection.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { NetworkError, StorageError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, Network } from '../../platform/platform.ts'
import { encodeHandshake, WireEncoder } from '../../protocol/wire/index.ts'
import { Session } from '../session/session.ts'
import type { SessionOptions } from '../session/settings.ts'
import type { Torrent } from './torrent.ts'

const BLOCK = 16_384
const SECOND = 1000
const payload = Payload.file('diagnosis', 4 * BLOCK)
const torrent = makeTorrent(payload, BLOCK)

/** The other end of a connection that we dialled. */
class Remote {
  readonly connection: FakeConnection
  readonly handler: ConnectionHandler

  constructor(connection: FakeConnection, handler: ConnectionHandler) {
    this.connection = connection
    this.handler = handler
  }

  /** Greets us, and says this. */
  greets(speak: (wire: WireEncoder) => void): this {
    this.handler.onOpen()
    const peerId = new Uint8Array(20).fill(this.connection.remote.port & 255)
    return this.says((wire) => {
      wire.raw(encodeHandshake(torrent.infohash, peerId, { extensions: false, fast: true }))
      speak(wire)
    })
  }

  says(speak: (wire: WireEncoder) => void): this {
    const wire = new WireEncoder()
    speak(wire)
    this.handler.onBytes(wire.take())
    return this
  }

  sends(piece: number): void {
    const head = Buffer.alloc(13)
    head.writeUInt32BE(9 + BLOCK)
    head[4] = 7
    head.writeUInt32BE(piece, 5)
    this.handler.onBytes(Buffer.concat([head, payload.read(piece * BLOCK, BLOCK)]))
  }

  /** The piece that we asked for last; each is one block. */
  wasAskedFor(): number {
    const last = this.connection.hears().findLast((line) => line.startsWith('request'))
    return Number(last?.split(' ')[1].split(':')[0])
  }

  ends(error: Error | null): void {
    this.handler.onClose(error)
  }
}

async function world(peers: string[], options: SessionOptions = {}, isComplete = false) {
  const clock = new FakeClock()
  const disk = new FakeDisk()
  if (isComplete) disk.put('/d/payload.bin', payload.read(0, payload.size))
  const dialled: Remote[] = []
  const network: Pick<Network, 'listen' | 'connect'> = {
    listen: async ({ ip, port }, _onConnection: (connection: Connection) => ConnectionHandler | null) => ({
      ip,
      port,
      close: async () => {},
    }),
    connect: (address, _options, handler) => {
      dialled.push(new Remote(new FakeConnection(address), handler))
      return dialled.at(-1)!.connection
    },
  }
  const random = { bytes: (length: number) => new Uint8Array(length).fill(65), below: () => 0 }
  const platform = { clock, random, network: network as Network, disk, state: null }
  const session = await Session.open({ bind: '10.0.0.1', port: 6881, ...options }, platform)
  const added = session.add(torrent.file(), { path: '/d', peers })
  await clock.pass(100)
  return { clock, disk, dialled, added }
}

const sentences = (added: Torrent): string[] => added.diagnose().map(({ message }) => message)
const have = (...pieces: number[]): Uint8Array =>
  Uint8Array.of(pieces.reduce((bits, piece) => bits | (128 >> piece), 0))
const PEER = '1.0.0.1:6881'

describe('nobody is connected', () => {
  test('and nobody is known', async () => {
    const { added } = await world([])
    expect(added.diagnose()).toMatchObject([{ code: 'no_peer_source', port: 6881 }])
  })

  test('since known peers refuse, also while they are dialled again', async () => {
    const { added, clock, dialled } = await world([PEER])
    expect(added.diagnose()).toMatchObject([{ code: 'connecting', known: 1, dialling: 1 }])
    dialled[0].ends(new NetworkError('econnrefused', 'Cannot connect: connection refused'))
    expect(added.diagnose()).toMatchObject([{ code: 'peers_unreachable', known: 1, failed: { econnrefused: 1 } }])
    await clock.pass(15 * SECOND)
    expect(dialled.length).toBeGreaterThan(1)
    expect(added.diagnose()).toMatchObject([{ code: 'peers_unreachable', known: 1 }])
  })

  test('since they do not answer', async () => {
    const { added, clock } = await world([PEER])
    await clock.pass(11 * SECOND)
    expect(sentences(added)[0]).toMatch(/^the only known peer is not connected: timed out/)
  })
})

describe('connected peers', () => {
  test('choke us', async () => {
    const { added, clock, dialled } = await world([PEER, '1.0.0.2:6882'])
    for (const remote of dialled) remote.greets((wire) => wire.haveAll())
    expect(added.diagnose()).toEqual([])
    await clock.pass(10 * SECOND)
    expect(sentences(added)).toEqual(['both connected peers choke us'])
  })

  test('do not have what we lack: it was last seen when the one that had it left', async () => {
    const { added, clock, dialled } = await world([PEER, '1.0.0.2:6882'])
    const [poor, rich] = dialled
    poor.greets((wire) => wire.haveNone())
    rich.greets((wire) => wire.bitfield(have(0, 2, 3)))
    await clock.pass(10 * SECOND)
    rich.ends(null)
    await clock.pass(7 * SECOND)
    const [cause] = added.diagnose()
    expect(cause).toMatchObject({ code: 'pieces_unavailable', pieces: [0, 1, 2, 3], count: 4 })
    expect(cause.message).toBe('no peer has pieces 0, 1 and 2 more; last seen 7 s ago')
  })

  test('do not answer', async () => {
    const { added, clock, dialled } = await world([PEER])
    dialled[0].greets((wire) => (wire.haveAll(), wire.unchoke()))
    await clock.pass(20 * SECOND)
    expect(sentences(added)).toEqual(['the only connected peer does not answer what we ask for'])
  })

  test('are slow', async () => {
    const { added, clock, dialled } = await world([PEER])
    dialled[0].greets((wire) => (wire.haveAll(), wire.unchoke()))
    await clock.pass(8 * SECOND)
    dialled[0].sends(0)
    await clock.pass(4 * SECOND)
    expect(added.diagnose()).toMatchObject([{ code: 'peers_slow', peers: 1 }])
  })
})

test('our own limit is named as long as there is somebody to hold back', async () => {
  const { added, clock, dialled } = await world([PEER], { downRate: 1000 })
  dialled[0].greets((wire) => (wire.haveAll(), wire.unchoke()))
  await clock.pass(SECOND)
  // The block that may pass at once.
  dialled[0].sends(dialled[0].wasAskedFor())
  await clock.pass(SECOND)
  expect(added.diagnose()).toMatchObject([{ code: 'down_limit', limit: 1000 }])
  dialled[0].says((wire) => wire.choke())
  await clock.pass(10 * SECOND)
  expect(sentences(added)).toEqual(['the only connected peer chokes us'])
})

describe('a disk', () => {
  test('that does not answer', async () => {
    const { added, clock, dialled, disk } = await world([PEER])
    dialled[0].greets((wire) => (wire.haveAll(), wire.unchoke()))
    disk.isHeld = true
    dialled[0].sends(0)
    await clock.pass(8 * SECOND)
    expect(added.diagnose()).toMatchObject([{ code: 'disk_silent', pendingWrites: 1 }])
    for (const operation of disk.held.splice(0)) operation.fail(new StorageError('io_error', 'Disk is ill', '/d'))
    await clock.pass(100)
    expect(added.diagnose()).toEqual([{ code: 'failed', error: 'io_error', message: 'Disk is ill' }])
  })

  test('that is full, and waited for', async () => {
    const { added, clock, dialled, disk } = await world([PEER])
    dialled[0].greets((wire) => (wire.haveAll(), wire.unchoke()))
    disk.isHeld = true
    dialled[0].sends(0)
    for (const operation of disk.held.splice(0)) operation.fail(new StorageError('disk_full', 'Disk is full', '/d'))
    await clock.pass(100)
    expect(added.diagnose()).toEqual([{ code: 'parked', error: 'disk_full', message: 'Disk is full' }])
  })
})

test('a seed says that nobody is there; one that was removed, that it was stopped', async () => {
  const { added, clock } = await world([], {}, true)
  expect(added.diagnose()).toMatchObject([{ code: 'nobody_connected' }])
  const removed = added.remove()
  await clock.pass(SECOND)
  await removed
  expect(added.diagnose()).toMatchObject([{ code: 'stopped' }])
})
