import { expect, test } from 'vitest'
import { type Borrower, Credit } from './credit.ts'

const KIB = 1024

function taker(kibibytes: number, isWanted = true): Borrower {
  return { isWanted, bytesToPeer: kibibytes * KIB }
}

test('a peer gets half a mebibyte in advance, within a round or over several', () => {
  const credit = new Credit<{ isWanted: boolean; bytesToPeer: number }>()
  const peer = { isWanted: true, bytesToPeer: 400 * KIB }
  expect(credit.isUsedUp(peer)).toBe(false)
  credit.endRound([peer])
  peer.bytesToPeer = 111 * KIB
  expect(credit.isUsedUp(peer)).toBe(false)
  peer.bytesToPeer = 112 * KIB
  expect(credit.isUsedUp(peer)).toBe(true)
})

test('who has nothing for us cannot give, and is not in debt', () => {
  const credit = new Credit<Borrower>()
  expect(credit.isUsedUp(taker(9999, false))).toBe(false)
})

test('a debt is forgiven after twelve rounds', () => {
  const credit = new Credit<{ isWanted: boolean; bytesToPeer: number }>()
  const peer = { isWanted: true, bytesToPeer: 600 * KIB }
  expect(credit.isUsedUp(peer)).toBe(true)
  for (let round = 1; round < 12; round++) {
    credit.endRound([peer])
    peer.bytesToPeer = 0
    expect(credit.isInDebt(peer)).toBe(true)
  }
  credit.endRound([peer])
  expect(credit.isInDebt(peer)).toBe(false)
  expect(credit.isUsedUp(peer)).toBe(false)
})
