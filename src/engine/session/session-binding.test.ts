import { expect, test } from 'vitest'
import { FakeClock } from '../../../tests/support/fake-clock.ts'
import { FakeConnection } from '../../../tests/support/fake-connection.ts'
import { FakeDisk } from '../../../tests/support/fake-disk.ts'
import { makeTorrent, Payload } from '../../../tests/support/payload.ts'
import { NetworkError } from '../../base/errors.ts'
import type { Binding, ConnectionHandler, Network } from '../../platform/platform.ts'
import { encodeHandshake, WireEncoder } from '../../protocol/wire/index.ts'
import { Session } from './session.ts'

const BLOCK = 16_384
const SECOND = 1000
const payload = Payload.file('binding', 4 * BLOCK)
const torrent = makeTorrent(payload, BLOCK)

/** A session on a network that is bound to `wg0`, and a peer that it knows. */
async function world() {
  const clock = new FakeClock()
  const listened: string[] = []
  const dialled: { readonly connection: FakeConnection; readonly handler: ConnectionHandler; readonly from: object }[] =
    []
  let ips = ['10.9.0.2']
  let tell = (): void => {}
  const binding: Binding = {
    name: 'wg0',
    get ips() {
      return ips
    },
    onChange: (listener) => {
      tell = listener
      return () => (tell = () => {})
    },
  }
  const network: Pick<Network, 'listen' | 'connect' | 'binding'> = {
    binding,
    listen: async ({ ip, port }) => {
      listened.push(ip)
      // As a family without an address.
      return { ip: ip === '::' ? '' : '10.9.0.2', port, close: async () => {} }
    },
    connect: (remote, from, handler) => {
      const connection = new FakeConnection(remote)
      dialled.push({ connection, handler, from })
      return connection
    },
  }
  const random = { bytes: (length: number) => new Uint8Array(length).fill(65), below: () => 0 }
  const platform = { clock, random, network: network as Network, disk: new FakeDisk(), state: null }
  const session = await Session.open({ bind: 'wg0', port: 6881 }, platform)
  const added = session.add(torrent.file(), { path: '/d', peers: ['1.0.0.1:6881'] })
  const events: string[] = []
  added.on('warning', ({ code, message }) => events.push(`${code}: ${message}`))
  added.on('peerDropped', ({ reason }) => events.push(reason))
  await clock.pass(100)
  return {
    clock,
    session,
    added,
    listened,
    dialled,
    events,
    /** The peer greets us, has everything, and lets us ask. */
    serves: (): void => {
      const { handler } = dialled.at(-1)!
      const wire = new WireEncoder()
      wire.raw(encodeHandshake(torrent.infohash, new Uint8Array(20).fill(66), { extensions: false, fast: true }))
      wire.haveAll()
      wire.unchoke()
      handler.onOpen()
      handler.onBytes(wire.take())
    },
    changesTo: (...now: string[]): void => {
      ips = now
      tell()
    },
  }
}

test('what an interface has is the network’s business alone', async () => {
  const { session, listened, dialled } = await world()
  expect(listened).toEqual(['0.0.0.0', '::'])
  expect(dialled.map(({ from }) => from)).toEqual([{}])
  // The other family shows nothing as long as it has nothing.
  expect(session.listening).toEqual([{ address: '10.9.0.2', port: 6881 }])
  await session.close()
})

test('while it is gone nobody is dialled, which is told; when it is back, the peers are, and nobody is to blame', async () => {
  const { session, added, clock, dialled, events, serves, changesTo } = await world()
  serves()
  await clock.pass(SECOND)
  expect(added.stats().peers).toBe(1)

  changesTo()
  dialled[0].handler.onClose(new NetworkError('address_gone', 'Lost the connection'))
  await clock.pass(60 * SECOND)
  expect(dialled).toHaveLength(1)
  expect(events).toEqual(['bind_gone: waits for interface wg0, which is gone'])
  expect(added.diagnose()).toEqual([
    { code: 'bind_gone', bind: 'wg0', message: 'waits for interface wg0, which is gone' },
  ])

  changesTo('10.9.0.7')
  await clock.pass(SECOND)
  expect(dialled).toHaveLength(2)
  expect(events).toHaveLength(1)
  await session.close()
})
