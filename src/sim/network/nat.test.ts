import { expect, test } from 'vitest'
import { parseAddress } from '../../base/address.ts'
import { Nat, type NatKind } from './nat.ts'

const FRIEND = parseAddress('1.1.1.1:1000')!
const SAME_IP = parseAddress('1.1.1.1:2000')!
const STRANGER = parseAddress('2.2.2.2:1000')!

/** Who gets in at the port from which a datagram was sent to FRIEND. */
function letsIn(kind: NatKind): string[] {
  const nat = new Nat(kind)
  const port = nat.outsidePort(6881, FRIEND, 0)
  const senders = { friend: FRIEND, 'same ip': SAME_IP, stranger: STRANGER }
  return Object.entries(senders).flatMap(([name, from]) => (nat.insidePort(port, from, 1) === 6881 ? [name] : []))
}

test('each kind lets in whom it should', () => {
  expect(letsIn('full_cone')).toEqual(['friend', 'same ip', 'stranger'])
  expect(letsIn('restricted')).toEqual(['friend', 'same ip'])
  expect(letsIn('port_restricted')).toEqual(['friend'])
  expect(letsIn('symmetric')).toEqual(['friend'])
})

test('nobody gets in where nothing went out', () => {
  expect(new Nat('full_cone').insidePort(6881, FRIEND, 0)).toBeNull()
})

test('only a symmetric router shows every destination another port', () => {
  const ports = (kind: NatKind): number[] => {
    const nat = new Nat(kind)
    return [FRIEND, SAME_IP, FRIEND].map((to) => nat.outsidePort(6881, to, 0))
  }
  expect(ports('port_restricted')).toEqual([6881, 6881, 6881])
  const [first, second, again] = ports('symmetric')
  expect(second).not.toBe(first)
  expect(again).toBe(first)
})

test('what is not used for two minutes is forgotten', () => {
  const nat = new Nat('restricted')
  nat.outsidePort(6881, FRIEND, 0)
  expect(nat.insidePort(6881, FRIEND, 119_000_000)).toBe(6881)
  expect(nat.insidePort(6881, FRIEND, 121_000_000)).toBeNull()
})
