import { expect, test } from 'vitest'
import { addressKey, parseAddress } from '../../base/address.ts'
import { Swarm } from './swarm.ts'

/** `L` leechers and `S` seeders, as `L1.1.1.1:1`; all announce at time 0. */
function swarmOf(...peers: string[]): Swarm {
  const swarm = new Swarm()
  for (const peer of peers) swarm.put(registered(peer, 0))
  return swarm
}

const addressOf = (text: string) => parseAddress(text)!
const registered = (peer: string, announcedAt: number) => ({
  address: addressOf(peer.slice(1)),
  peerId: new Uint8Array(20),
  isSeeder: peer.startsWith('S'),
  announcedAt,
})
const first = { below: (_limit: number) => 0 }
const last = { below: (limit: number) => limit - 1 }
const drawnBy = (swarm: Swarm, peer: string, limit = 10, random = first): string[] =>
  swarm.draw(limit, addressOf(peer.slice(1)), peer.startsWith('S'), random).map(({ address }) => addressKey(address))

test('counts seeders and leechers, through changes and removals', () => {
  const swarm = swarmOf('L1.1.1.1:1', 'L2.2.2.2:2', 'S3.3.3.3:3')
  expect([swarm.size, swarm.seeders, swarm.leechers]).toEqual([3, 1, 2])
  swarm.put(registered('S1.1.1.1:1', 0))
  expect([swarm.size, swarm.seeders, swarm.leechers]).toEqual([3, 2, 1])
  swarm.remove(addressOf('3.3.3.3:3'))
  swarm.remove(addressOf('9.9.9.9:9'))
  expect([swarm.size, swarm.seeders, swarm.leechers]).toEqual([2, 1, 1])
})

test('a peer is not told of itself, and a seeder not of seeders', () => {
  const swarm = swarmOf('L1.1.1.1:1', 'L2.2.2.2:2', 'S3.3.3.3:3', 'S4.4.4.4:4')
  expect(drawnBy(swarm, 'L1.1.1.1:1').sort()).toEqual(['2.2.2.2:2', '3.3.3.3:3', '4.4.4.4:4'])
  expect(drawnBy(swarm, 'S3.3.3.3:3').sort()).toEqual(['1.1.1.1:1', '2.2.2.2:2'])
})

test('no more are drawn than asked for, each once, and chance decides who', () => {
  const peers = ['L1.1.1.1:1', 'L2.2.2.2:2', 'L3.3.3.3:3', 'L4.4.4.4:4']
  expect(drawnBy(swarmOf(...peers), 'L9.9.9.9:9', 2, first)).toEqual(['1.1.1.1:1', '2.2.2.2:2'])
  expect(drawnBy(swarmOf(...peers), 'L9.9.9.9:9', 2, last)).toEqual(['4.4.4.4:4', '1.1.1.1:1'])
  expect(new Set(drawnBy(swarmOf(...peers), 'L9.9.9.9:9', 10, last)).size).toBe(4)
})

test("the asker's own family comes first", () => {
  const swarm = swarmOf('L1.1.1.1:1', 'L2.2.2.2:2', 'L[2001:db8::1]:3', 'L[2001:db8::2]:4')
  expect(drawnBy(swarm, 'L[2001:db8::9]:9', 3)).toEqual(['[2001:db8::1]:3', '[2001:db8::2]:4', '1.1.1.1:1'])
  expect(drawnBy(swarm, 'L9.9.9.9:9', 3)).toEqual(['1.1.1.1:1', '2.2.2.2:2', '[2001:db8::1]:3'])
})

test('drawing shuffles, and nobody gets lost by it', () => {
  const swarm = swarmOf('L1.1.1.1:1', 'L2.2.2.2:2', 'L3.3.3.3:3')
  drawnBy(swarm, 'L9.9.9.9:9', 2, last)
  swarm.remove(addressOf('1.1.1.1:1'))
  drawnBy(swarm, 'L9.9.9.9:9', 2, last)
  swarm.remove(addressOf('3.3.3.3:3'))
  expect(drawnBy(swarm, 'L9.9.9.9:9')).toEqual(['2.2.2.2:2'])
})

test('those who announced long ago are forgotten', () => {
  const swarm = swarmOf('S1.1.1.1:1', 'L2.2.2.2:2')
  swarm.put(registered('L3.3.3.3:3', 100))
  swarm.removeOlderThan(50)
  expect(drawnBy(swarm, 'L9.9.9.9:9')).toEqual(['3.3.3.3:3'])
  expect([swarm.seeders, swarm.leechers]).toEqual([0, 1])
})
