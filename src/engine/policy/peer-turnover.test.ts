import { describe, expect, test } from 'vitest'
import { type TurnoverCandidate, whoIsTurnedOver, whoMakesWay } from './peer-turnover.ts'

const SECOND = 1000
const NOW = 1_000_000

interface Named extends TurnoverCandidate {
  readonly name: string
}

/** @param idleSeconds for how long nothing has passed */
function peer(name: string, idleSeconds: number, traits: Partial<TurnoverCandidate> = {}): Named {
  const defaults = { isWanted: true, isUnchoked: false, priority: 50 }
  return { ...defaults, name, idleSince: NOW - idleSeconds * SECOND, ...traits }
}

describe('somebody comes while all places are taken', () => {
  const makesWay = (peers: Named[], priority: number): string | null => whoMakesWay(peers, priority, NOW)?.name ?? null

  test('who has been idle for a minute goes, the idlest first, whatever the ranks', () => {
    expect(makesWay([peer('a', 61), peer('b', 70, { priority: 99 }), peer('c', 5)], 0)).toBe('b')
  })

  test('else the lowest in rank goes, if the newcomer ranks higher', () => {
    const peers = [peer('a', 30, { priority: 40 }), peer('b', 30, { priority: 30 }), peer('c', 30)]
    expect([makesWay(peers, 31), makesWay(peers, 30)]).toEqual(['b', null])
  })

  test('rank is nothing against use: who serves or is served stays, and who has only just come', () => {
    const low = { priority: 1 }
    expect(makesWay([peer('serves', 1, low), peer('served', 30, { ...low, isUnchoked: true })], 99)).toBeNull()
    expect(makesWay([peer('new', 19, low)], 99)).toBeNull()
    expect(makesWay([], 99)).toBeNull()
  })
})

describe('peers are turned over', () => {
  const turned = (peers: Named[], needed = ''): string[] =>
    whoIsTurnedOver(peers, NOW, ({ name }) => needed.includes(name)).map(({ name }) => name)

  test('a few at a time, those who have nothing for us first, then the idlest', () => {
    const peers = Array.from({ length: 50 }, (_, i) => peer(`${i}`, 200 + i))
    expect(turned([...peers, peer('empty', 130, { isWanted: false })])).toEqual(['empty', '49', '48'])
    expect(turned(peers.slice(0, 3))).toEqual(['2'])
  })

  test('never one with which something passed within two minutes', () => {
    expect(turned([peer('a', 119, { isWanted: false }), peer('b', 0)])).toEqual([])
  })

  test('never one whom we need', () => {
    expect(turned([peer('a', 500), peer('b', 400)], 'a')).toEqual(['b'])
    expect(turned([peer('a', 500)], 'a')).toEqual([])
  })
})
