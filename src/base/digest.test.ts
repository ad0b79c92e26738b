import { expect, test } from 'vitest'
import { encodeUtf8, toHex } from './bytes.ts'
import { sha1, sha256 } from './digest.ts'

test('digests are those of the standard (FIPS 180, "abc" and nothing)', () => {
  expect(toHex(sha1(encodeUtf8('abc')))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
  expect(toHex(sha1(new Uint8Array(0)))).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709')
  expect(toHex(sha256(encodeUtf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(toHex(sha256(new Uint8Array(0)))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('only the bytes of a view are digested', () => {
  expect(sha1(encodeUtf8('xabcx').subarray(1, 4))).toEqual(sha1(encodeUtf8('abc')))
})
