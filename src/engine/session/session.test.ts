import { describe, expect, test, vi } from 'vitest'
import { FakeClock, settled } from '../../../tests/support/fake-clock.ts'
import { FakeConnection } from '../../../tests/support/fake-connection.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { addressKey, ipAddress } from '../../base/address.ts'
import { NetworkError, StorageError } from '../../base/errors.ts'
import type { Connection, ConnectionHandler, Network } from '../../platform/platform.ts'
import { encodeHandshake, WireEncoder } from '../../protocol/wire/index.ts'
import { LocalDiscovery } from '../discovery/local-discovery.ts'
import type { TorrentOptions } from '../torrent/torrent-api.ts'
import type { Torrent } from '../torrent/torrent.ts'
import { SessionDht } from './session-dht.ts'
import { Session } from './session.ts'
import type { SessionOptions } from './settings.ts'

const BLOCK = 16_384
const payload = Payload.file('session', 2 * BLOCK)
const torrent = makeTorrent(payload, BLOCK)
const file = torrent.file()
const PATH = '/d/payload.bin'

/** A disk that answers what hangs only when it is closed. */
class ClosableDisk extends FakeDisk {
  isClosed = false
  override async close(): Promise<void> {
    this.isClosed = true
    for (const operation of this.held.splice(0)) operation.fail(new StorageError('disk_closed', 'closed', '/d'))
  }
}

/** A clock of a machine that can be suspended: time goes on, and nothing runs. */
class LaptopClock extends FakeClock {
  #asleepMs = 0
  override now(): number {
    return super.now() + this.#asleepMs
  }
  sleep(ms: number): void {
    this.#asleepMs += ms
  }
}

async function world({ isComplete = false, ...options }: SessionOptions & { isComplete?: boolean } = {}) {
  const clock = new LaptopClock()
  const disk = new ClosableDisk()
  if (isComplete) disk.put(PATH, payload.read(0, payload.size))
  const dialled: { readonly connection: FakeConnection; readonly handler: ConnectionHandler }[] = []
  let onConnection: (connection: Connection) => ConnectionHandler | null = () => null
  let isListening = false
  const logged: string[] = []
  const network: Pick<Network, 'listen' | 'connect' | 'openUdp'> = {
    openUdp: () => Promise.reject(new NetworkError('address_in_use', 'Cannot open')),
    listen: async ({ ip, port }, handle) => {
      onConnection = handle
      isListening = true
      return {
        ip,
        port,
        close: async () => {
          isListening = false
        },
      }
    },
    connect: (remote, _options, handler) => {
      const connection = new FakeConnection(remote)
      dialled.push({ connection, handler })
      return connection
    },
  }
  const random = { bytes: (length: number) => new Uint8Array(length).fill(65), below: () => 0 }
  const session = await Session.open(
    { bind: '10.0.0.1', ...options, log: ({ message }) => logged.push(message) },
    {
      clock,
      random,
      network: network as Network,
      disk,
      state: null,
    },
  )
  return {
    session,
    clock,
    disk,
    state: null,
    dialled,
    logged,
    add: (options: Partial<TorrentOptions> = {}): Torrent => session.add(file, { path: '/d', ...options }),
    /** Somebody connects, and says this. Null: refused. */
    comes: (bytes: Uint8Array, ip = '1.2.3.4'): FakeConnection | null => {
      const connection = new FakeConnection(ipAddress(ip, 50_000))
      const handler = onConnection(connection)
      if (handler && bytes.length > 0) handler.onBytes(bytes)
      return handler && connection
    },
    isListening: () => isListening,
  }
}

const greeting = (infohash: Uint8Array, id = 66): Uint8Array =>
  encodeHandshake(infohash, new Uint8Array(20).fill(id), { extensions: true, fast: true })

describe('a torrent that is added', () => {
  test('is checked; what is whole is seeded, and done at once', async () => {
    const { add, clock } = await world({ isComplete: true })
    const added = add()
    expect(added.state).toBe('checking')
    const events: string[] = []
    for (const event of ['checked', 'done', 'seeding'] as const) added.on(event, () => events.push(event))
    await clock.pass(100)
    await added.done
    expect([added.state, events, added.stats().left]).toEqual(['seeding', ['checked', 'done', 'seeding'], 0])
  })

  test('dials the peers that it was given, before and after', async () => {
    const { add, clock, dialled } = await world()
    const added = add({ peers: ['1.0.0.1:6881'] })
    added.addPeer('[::ffff:1.0.0.2]:6881')
    await clock.pass(100)
    added.addPeer('1.0.0.3:6881')
    await clock.pass(100)
    expect(dialled.map(({ connection }) => addressKey(connection.remote))).toEqual([
      '1.0.0.1:6881',
      '1.0.0.2:6881',
      '1.0.0.3:6881',
    ])
  })

  test('must be new, and its peers must be addresses', async () => {
    const { add, session } = await world()
    expect(() => session.add(new Uint8Array(3), { path: '/d' })).toThrow('Cannot')
    expect(() => add({ peers: ['nonsense'] })).toThrow(TypeError)
    const added = add()
    expect(() => add()).toThrow('in the session already')
    expect(() => added.addPeer('1.2.3.4')).toThrow(TypeError)
  })

  test('can be added again when it has left; `done` tells that it did not end well', async () => {
    const { add, session, clock } = await world()
    const added = add()
    const outcome = added.done.catch((error: Error) => error.message)
    await clock.pass(100)
    await added.remove()
    expect(await outcome).toMatch('removed before it was complete')
    expect(session.torrents).toEqual([])
    expect(add().state).toBe('checking')
  })

  test('may be removed before it has found its disk', async () => {
    const { add, session } = await world()
    const added = add()
    await added.remove()
    await settled()
    expect([added.state, session.torrents]).toEqual(['stopped', []])
  })

  test('fails when its disk does; the error is told once, and connections end', async () => {
    const { add, clock, disk, dialled } = await world()
    const added = add({ peers: ['1.0.0.1:6881'] })
    const errors: string[] = []
    added.on('failed', ({ error }) => errors.push(error.code))
    const outcome = added.done.catch((error: StorageError) => error.code)
    await clock.pass(100)
    disk.isHeld = true
    const { connection, handler } = dialled[0]
    handler.onOpen()
    const wire = new WireEncoder()
    wire.raw(greeting(torrent.infohash))
    wire.haveAll()
    wire.unchoke()
    handler.onBytes(wire.take())
    for (const piece of [0, 1]) {
      const block = Buffer.alloc(13)
      block.writeUInt32BE(9 + BLOCK)
      block[4] = 7
      block.writeUInt32BE(piece, 5)
      handler.onBytes(Buffer.concat([block, payload.read(piece * BLOCK, BLOCK)]))
    }
    for (const operation of disk.held.splice(0)) operation.fail(new StorageError('permission_denied', 'no', PATH))
    await clock.pass(100)
    expect([await outcome, errors, added.state, connection.isClosed]).toEqual([
      'permission_denied',
      ['permission_denied'],
      'failed',
      true,
    ])
    expect(disk.freeSlots).toBe(16)
  })
})

describe('who connects', () => {
  test('reaches the torrent that it names', async () => {
    const { add, clock, comes } = await world()
    const added = add()
    await clock.pass(100)
    const connection = comes(greeting(torrent.infohash))!
    expect(connection.hears()[0]).toMatch(/^handshake/)
    expect(added.peers().map((peer) => peer.address)).toEqual(['1.2.3.4:50000'])
  })

  test('waits while that torrent looks at its files, and is met as soon as it is ready', async () => {
    const { add, clock, comes } = await world()
    const added = add()
    const connection = comes(greeting(torrent.infohash))!
    expect([connection.isClosed, connection.hears()]).toEqual([false, []])
    await clock.pass(0)
    expect(connection.hears()[0]).toMatch(/^handshake/)
    expect(added.peers().map((peer) => peer.address)).toEqual(['1.2.3.4:50000'])
  })

  test('is let go when it names another, or says nothing for ten seconds', async () => {
    const { add, clock, comes } = await world()
    add()
    await clock.pass(100)
    expect(comes(greeting(new Uint8Array(20)))!.isClosed).toBe(true)
    const silent = comes(new Uint8Array(0))!
    await clock.pass(9_000)
    expect(silent.isClosed).toBe(false)
    await clock.pass(2_000)
    expect(silent.isClosed).toBe(true)
  })

  test('takes the place of one with whom nothing passes, where there are as many as there may be', async () => {
    const { add, clock, comes, logged } = await world({ maxPeers: 1 })
    const added = add()
    await clock.pass(100)
    const first = comes(greeting(torrent.infohash, 66), '1.2.3.4')!
    await clock.pass(5_000)
    expect(comes(greeting(torrent.infohash, 67), '1.2.3.5')?.isClosed).toBe(true)
    expect(logged.at(-1)).toContain(`is not taken in by ${added.infohash}, which is downloading`)
    await clock.pass(60_000)
    const second = comes(greeting(torrent.infohash, 68), '1.2.3.6')!
    expect([first.isClosed, second.isClosed]).toEqual([true, false])
  })

  test('is one of a hundred at most that have not said what they want', async () => {
    const { comes } = await world()
    const connections = Array.from({ length: 101 }, () => comes(new Uint8Array(0)))
    expect(connections.filter((connection) => connection === null)).toHaveLength(1)
  })
})

test('after the machine has slept, everybody is met anew, and nobody is blamed', async () => {
  const { add, clock, comes } = await world()
  const added = add()
  const dropped: string[] = []
  added.on('peerDropped', ({ reason }) => dropped.push(reason))
  await clock.pass(100)
  const connection = comes(greeting(torrent.infohash))!
  clock.sleep(3_600_000)
  await clock.pass(100)
  expect([connection.isClosed, dropped]).toEqual([true, []])
})

test('after the machine has slept, those whom we had dialled are dialled at once', async () => {
  const { add, clock, dialled } = await world()
  add({ peers: ['1.0.0.1:6881'] })
  await clock.pass(100)
  const { handler } = dialled[0]
  handler.onOpen()
  handler.onBytes(greeting(torrent.infohash))
  clock.sleep(3_600_000)
  await clock.pass(200)
  expect(dialled.map(({ connection }) => connection.isClosed)).toEqual([true, false])
})

test('after the machine has slept, it is looked for peers anew where nobody is asked by itself', async () => {
  const onAddressChange = vi.spyOn(SessionDht.prototype, 'onAddressChange')
  const announceAnew = vi.spyOn(LocalDiscovery.prototype, 'announceAnew')
  const { add, clock } = await world({ useDht: true, useLsd: true })
  add()
  await clock.pass(100)
  clock.sleep(3_600_000)
  await clock.pass(100)
  expect([onAddressChange.mock.calls.length, announceAnew.mock.calls.length]).toEqual([1, 1])
  vi.restoreAllMocks()
})

describe('closing', () => {
  test('ends everything, and can be asked for twice', async () => {
    const { add, clock, comes, disk, isListening, session } = await world({ isComplete: true })
    add()
    await clock.pass(100)
    const connection = comes(greeting(torrent.infohash))!
    await Promise.all([session.close(), session.close()])
    expect([connection.isClosed, disk.isClosed, isListening(), clock.pending]).toEqual([true, true, false, 0])
    expect(comes(new Uint8Array(0))).toBeNull()
    expect(() => add()).toThrow('closed')
  })

  test('does not wait for a disk that hangs', async () => {
    const { add, clock, disk, session } = await world({ isComplete: true })
    disk.isHeld = true
    add()
    await clock.pass(100)
    let isClosed = false
    const closing = session.close().then(() => (isClosed = true))
    await clock.pass(10_000)
    expect(isClosed).toBe(true)
    await closing
  })
})

describe('rate limits', () => {
  test('of the session and of a torrent are changed one by one, and told', async () => {
    const { add, session } = await world()
    const added = add({ downRate: 1000, upRate: 2000 })
    expect([session.rates, added.rates]).toEqual([
      { down: 0, up: 0 },
      { down: 1000, up: 2000 },
    ])
    session.setRates({ up: 5 })
    added.setRates({ down: 0 })
    expect([session.rates, added.rates]).toEqual([
      { down: 0, up: 5 },
      { down: 0, up: 2000 },
    ])
  })

  test.each([NaN, Infinity, -1])('of %s bytes per second are refused, and nothing changes', async (rate) => {
    const { add, session } = await world()
    const added = add({ downRate: 7 })
    const ofAll = `Cannot limit the rate of sending of all torrents to ${rate}: expected bytes per second`
    expect(() => session.setRates({ down: 5, up: rate })).toThrow(ofAll)
    expect(() => added.setRates({ down: 5, up: rate })).toThrow(`Cannot limit the rate of sending to ${rate}`)
    expect([session.rates, added.rates]).toEqual([
      { down: 0, up: 0 },
      { down: 7, up: 0 },
    ])
    await added.remove()
    expect(() => add({ downRate: rate })).toThrow(TypeError)
    expect(session.torrents).toEqual([])
  })

  test('that are none close the platform of a session that is opened with them', async () => {
    const disk = new ClosableDisk()
    const platform = {
      clock: new FakeClock(),
      random: { bytes: () => new Uint8Array(20), below: () => 0 },
      network: {} as Network,
      disk,
      state: null,
    }
    await expect(Session.open({ upRate: -1 }, platform)).rejects.toThrow(TypeError)
    expect(disk.isClosed).toBe(true)
  })
})

test('a session that cannot listen closes its disk', async () => {
  const disk = new ClosableDisk()
  const network = {
    listen: () => Promise.reject(new NetworkError('address_in_use', 'Cannot listen')),
  } as unknown as Network
  const platform = {
    clock: new FakeClock(),
    random: { bytes: () => new Uint8Array(20), below: () => 0 },
    network,
    disk,
    state: null,
  }
  await expect(Session.open({ port: 1 }, platform)).rejects.toMatchObject({ code: 'address_in_use' })
  expect(disk.isClosed).toBe(true)
})
