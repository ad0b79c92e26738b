import { describe, expect, test } from 'vitest'
import { concatBytes, encodeUtf8 } from '../../base/bytes.ts'
import { sha1 } from '../../base/digest.ts'
import { SmartBan } from './smart-ban.ts'

/** Digests of the blocks of a piece, one letter a block. */
const digests = (blocks: string): Uint8Array => concatBytes(Array.from(blocks, (letter) => sha1(encodeUtf8(letter))))
const from = (peers: string): string[] => peers.split('')

const PIECE = 5
const RIGHT = 'abcd'

describe('a piece that is wrong', () => {
  test('from one peer alone names it at once', () => {
    expect(new SmartBan<string>().failed(PIECE, from('XXXX'), digests('abXd'))).toBe('X')
  })

  test('from several names nobody yet, and is looked at once it is right', () => {
    const ban = new SmartBan<string>()
    expect(ban.isSuspect(PIECE)).toBe(false)
    expect(ban.failed(PIECE, from('XYXY'), digests('abcX'))).toBeNull()
    expect(ban.isSuspect(PIECE)).toBe(true)
    expect(ban.isSuspect(PIECE + 1)).toBe(false)
  })
})

describe('once it is right', () => {
  test('who delivered another block is guilty, and nobody else', () => {
    const ban = new SmartBan<string>()
    ban.failed(PIECE, from('XYZX'), digests('a?cd'))
    expect(ban.succeeded(PIECE, digests(RIGHT))).toEqual(['Y'])
    expect(ban.isSuspect(PIECE)).toBe(false)
  })

  test('everybody who was wrong in any attempt is found, each once', () => {
    const ban = new SmartBan<string>()
    ban.failed(PIECE, from('WXYZ'), digests('?bc?'))
    ban.failed(PIECE, from('WXXZ'), digests('a??d'))
    ban.failed(PIECE, from('XXYZ'), digests('?bcd'))
    expect(ban.succeeded(PIECE, digests(RIGHT)).sort()).toEqual(['W', 'X', 'Z'])
  })

  test('a piece that never failed accuses nobody', () => {
    expect(new SmartBan<string>().succeeded(PIECE, digests(RIGHT))).toEqual([])
  })

  test('a piece of one block names its one peer', () => {
    expect(new SmartBan<string>().failed(0, from('X'), digests('?'))).toBe('X')
  })
})

describe('on parole', () => {
  const suspects = (ban: SmartBan<string>): string =>
    Array.from('WXYZ')
      .filter((who) => ban.isOnParole(who))
      .join('')

  test('are all who took part in a wrong piece, until it is right', () => {
    const ban = new SmartBan<string>()
    ban.failed(PIECE, from('XYXY'), digests('abcX'))
    ban.failed(PIECE + 1, from('YZZZ'), digests('?bcd'))
    expect(suspects(ban)).toBe('XYZ')
    ban.succeeded(PIECE, digests(RIGHT))
    expect(suspects(ban)).toBe('YZ')
    ban.succeeded(PIECE + 1, digests(RIGHT))
    expect(suspects(ban)).toBe('')
  })

  test('is nobody whose only fault is that the attempt was long ago', () => {
    const ban = new SmartBan<string>()
    ban.failed(PIECE, from('WXWX'), digests('????'))
    for (let i = 0; i < 4; i++) ban.failed(PIECE, from('YZYZ'), digests('????'))
    expect(suspects(ban)).toBe('YZ')
    for (let piece = 100; piece < 164; piece++) ban.failed(piece, from('WXWX'), digests('????'))
    expect(suspects(ban)).toBe('WX')
  })

  test('is not who was named at once', () => {
    const ban = new SmartBan<string>()
    ban.failed(PIECE, from('XXXX'), digests('????'))
    expect(suspects(ban)).toBe('')
  })
})

describe('memory', () => {
  test('pieces that never come right are forgotten, the oldest first', () => {
    const ban = new SmartBan<string>()
    for (let piece = 0; piece < 100; piece++) ban.failed(piece, from('XY'), digests('??'))
    const remembered = Array.from({ length: 100 }, (_, piece) => piece).filter((piece) => ban.isSuspect(piece))
    expect(remembered).toEqual(Array.from({ length: 64 }, (_, i) => 36 + i))
  })

  test('of many attempts at a piece the latest are remembered', () => {
    const ban = new SmartBan<string>()
    for (let attempt = 0; attempt < 50; attempt++) ban.failed(PIECE, [`early ${attempt}`, 'Y'], digests('?b'))
    const guilty = ban.succeeded(PIECE, digests('ab'))
    expect(guilty).toContain('early 49')
    expect(guilty.length).toBeLessThan(10)
  })
})
