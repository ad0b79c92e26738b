import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareBytes,
  concatBytes,
  decodeUtf8,
  decodeUtf8Strict,
  encodeUtf8,
  equalBytes,
  fromHex,
  toHex,
  viewOf,
} from './bytes.ts'

test('hexadecimal is written in lower case and read in either', () => {
  expect(toHex(new Uint8Array([0, 1, 0xab, 0xff]))).toBe('0001abff')
  expect(fromHex('0001abFF')).toEqual(new Uint8Array([0, 1, 0xab, 0xff]))
  expect(fromHex('')).toEqual(new Uint8Array(0))
})

test('what is not hexadecimal is null', () => {
  for (const text of ['0', '0g', ' 00', '0x00', '00\n', '+1']) expect(fromHex(text)).toBeNull()
})

test('bytes are equal when all are', () => {
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true)
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false)
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1]))).toBe(false)
})

test('order is that of unsigned bytes, a prefix first', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b))
    }),
  )
  expect(compareBytes(new Uint8Array([0x7f]), new Uint8Array([0x80]))).toBeLessThan(0)
  expect(compareBytes(new Uint8Array([1]), new Uint8Array([1, 0]))).toBeLessThan(0)
})

test('parts are joined in order into memory of their own', () => {
  const part = new Uint8Array([1, 2])
  const whole = concatBytes([part, new Uint8Array(0), new Uint8Array([3])])
  part[0] = 9
  expect(whole).toEqual(new Uint8Array([1, 2, 3]))
  expect(concatBytes([])).toEqual(new Uint8Array(0))
})

test('text survives UTF-8, a byte order mark included', () => {
  for (const text of ['', 'ü 日本 😀', '\ufeffmark']) {
    expect(decodeUtf8(encodeUtf8(text))).toBe(text)
    expect(decodeUtf8Strict(encodeUtf8(text))).toBe(text)
  }
})

test('what is not UTF-8 is null, or replaced', () => {
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
    expect(decodeUtf8Strict(new Uint8Array(bytes))).toBeNull()
    expect(decodeUtf8(new Uint8Array(bytes))).toContain('\ufffd')
  }
})

test('a view covers the bytes and nothing around them', () => {
  const view = viewOf(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))
  expect([view.byteLength, view.getUint16(0)]).toEqual([2, 0x0203])
})
