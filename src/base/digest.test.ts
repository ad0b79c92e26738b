import { expect, test } from 'vitest'
import { encodeUtf8, fromHex, toHex } from './bytes.ts'
import { ed25519PublicKey, sha1, sha256, signEd25519, verifyEd25519 } from './digest.ts'

test('digests are those of the standard (FIPS 180, "abc" and nothing)', () => {
  expect(toHex(sha1(encodeUtf8('abc')))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
  expect(toHex(sha1(new Uint8Array(0)))).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709')
  expect(toHex(sha256(encodeUtf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(toHex(sha256(new Uint8Array(0)))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('only the bytes of a view are digested', () => {
  expect(sha1(encodeUtf8('xabcx').subarray(1, 4))).toEqual(sha1(encodeUtf8('abc')))
})

test('signatures are those of the standard (RFC 8032, the first test of Ed25519)', () => {
  const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')!
  const nothing = new Uint8Array(0)
  const [key, signature] = [ed25519PublicKey(seed), signEd25519(nothing, seed)]
  expect(toHex(key)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  expect(toHex(signature)).toBe(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
      '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  )
  expect(verifyEd25519(signature, nothing, key)).toBe(true)
  expect(verifyEd25519(signature, encodeUtf8('x'), key)).toBe(false)
  expect(verifyEd25519(signature.subarray(1), nothing, key)).toBe(false)
  expect(verifyEd25519(signature, nothing, new Uint8Array(32).fill(255))).toBe(false)
})
