import { expect, test } from 'vitest'
import { type Address, addressKey, ipAddress } from '../../base/address.ts'
import { toHex } from '../../base/bytes.ts'
import { NetworkError } from '../../base/errors.ts'
import type { ListenOptions, UdpSocket } from '../../platform/platform.ts'
import { decodeLsd, encodeLsd, LSD_GROUP_V4, LSD_GROUP_V6 } from '../../protocol/lsd/lsd.ts'
import { LocalDiscovery } from './local-discovery.ts'

const hash = (n: number): Uint8Array => new Uint8Array(20).fill(n)
const NEIGHBOUR = ipAddress('192.168.1.9', 6771)

type Hear = (datagram: Uint8Array, from: Address) => void

class World {
  readonly torrents = new Set<string>()
  readonly opened: ListenOptions[] = []
  /** `group: infohashes`, of what was sent. */
  readonly sent: string[] = []
  readonly found: string[] = []
  readonly logged: string[] = []
  readonly discovery: LocalDiscovery
  #hear: Hear = () => {}

  constructor(localIp?: string, refused?: string) {
    const openUdp = async (options: ListenOptions, onMessage: Hear): Promise<UdpSocket> => {
      if (options.group === refused) throw new NetworkError('address_in_use', 'taken')
      this.opened.push(options)
      this.#hear = onMessage
      const send = (datagram: Uint8Array, { ip }: Address): void => {
        this.sent.push(
          `${ip}: ${decodeLsd(datagram)
            .infohashes.map((infohash) => infohash[0])
            .join(' ')}`,
        )
      }
      return { ip: options.ip, port: options.port, send, close: () => this.sent.push('closed') }
    }
    const log = ({ message }: { message: string }): void => void this.logged.push(message)
    this.discovery = new LocalDiscovery(
      {
        network: { openUdp, ownAddresses: () => ['192.168.1.2', '2001:db8:0:7::2'] },
        listenPort: 6881,
        localIp,
        cookie: 'ours',
        log,
      },
      {
        localTorrents: () => [...this.torrents],
        isLocalTorrent: (infohash) => this.torrents.has(infohash),
        onLocalPeer: (infohash, address) => this.found.push(`${infohash.slice(0, 2)} ${addressKey(address)}`),
      },
    )
  }

  add(...numbers: readonly number[]): void {
    for (const n of numbers) this.torrents.add(toHex(hash(n)))
  }

  hear(n: number, from = NEIGHBOUR, cookie: string | null = null): void {
    this.#hear(encodeLsd({ port: 7000, infohashes: [hash(n)], cookie }, LSD_GROUP_V4), from)
  }
}

test('each torrent is told of at once in both groups, and then every five minutes', async () => {
  const world = new World()
  await world.discovery.open()
  world.add(1, 2)
  world.discovery.tick(0)
  expect(world.sent.splice(0)).toEqual([`${LSD_GROUP_V4}: 1 2`, `${LSD_GROUP_V6}: 1 2`])
  world.add(3)
  world.discovery.tick(500)
  world.discovery.tick(1000)
  expect(world.sent.splice(0)).toEqual([`${LSD_GROUP_V4}: 3`, `${LSD_GROUP_V6}: 3`])
  world.discovery.tick(299_999)
  expect(world.sent).toEqual([])
  world.discovery.tick(301_000)
  expect(world.sent).toEqual([`${LSD_GROUP_V4}: 1 2 3`, `${LSD_GROUP_V6}: 1 2 3`])
})

test('in another network all are told of again', async () => {
  const world = new World('192.168.1.2')
  await world.discovery.open()
  world.add(1)
  world.discovery.tick(0)
  world.discovery.announceAnew()
  world.discovery.tick(1000)
  expect(world.sent).toEqual([`${LSD_GROUP_V4}: 1`, `${LSD_GROUP_V4}: 1`])
})

test('of many torrents twenty are told of in a second', async () => {
  const world = new World('192.168.1.2')
  await world.discovery.open()
  world.add(...Array.from({ length: 50 }, (_, i) => i))
  for (let now = 0; now < 10_000; now += 100) world.discovery.tick(now)
  expect(world.sent.map((text) => text.split(' ').length - 1)).toEqual([20, 20, 10])
})

test('with an address of our own, only its family and its interface are used', async () => {
  const world = new World('192.168.1.2')
  await world.discovery.open()
  expect(world.opened).toEqual([{ ip: '0.0.0.0', port: 6771, group: LSD_GROUP_V4, interfaceIp: '192.168.1.2' }])
})

test('a family that cannot be had is done without', async () => {
  const world = new World(undefined, LSD_GROUP_V6)
  await world.discovery.open()
  expect(world.opened.map(({ group }) => group)).toEqual([LSD_GROUP_V4])
  expect(world.logged).toHaveLength(1)
})

test('who takes part in a torrent of ours is passed on; nobody else, not we ourselves, and nobody from far away', async () => {
  const world = new World('192.168.1.2')
  await world.discovery.open()
  world.add(1)
  world.hear(1)
  world.hear(2)
  world.hear(1, NEIGHBOUR, 'ours')
  world.hear(1, ipAddress('8.8.8.8', 6771))
  expect(world.found).toEqual(['01 192.168.1.9:7000'])
})

test('over IPv6, who is on our link is near, be its address a global one', async () => {
  const world = new World('2001:db8:0:7::2')
  await world.discovery.open()
  world.add(1)
  world.hear(1, ipAddress('2001:db8:0:7::9', 6771))
  world.hear(1, ipAddress('2001:db8:0:8::9', 6771))
  world.hear(1, ipAddress('fe80::9', 6771))
  expect(world.found).toEqual(['01 [2001:db8:0:7::9]:7000', '01 [fe80::9]:7000'])
})

test('of a flood most is passed over, and nothing of it stays', async () => {
  const world = new World('192.168.1.2')
  await world.discovery.open()
  world.add(1)
  for (let i = 0; i < 1000; i++) world.hear(1)
  expect(world.found).toHaveLength(50)
  world.discovery.tick(1000)
  world.hear(1)
  expect(world.found).toHaveLength(51)
})
