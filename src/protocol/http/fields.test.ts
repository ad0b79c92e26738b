import { expect, test } from 'vitest'
import { parseContentRange, parseRetryAfter, parseUnsatisfiedRange } from './fields.ts'
import { encodeGet } from './request.ts'

test.each([
  ['bytes 0-499/1234', { first: 0, last: 499, total: 1234 }],
  ['Bytes 500-1233/*', { first: 500, last: 1233, total: null }],
  ['bytes 500-499/1234', null],
  ['bytes 0-1234/1234', null],
  ['bytes */1234', null],
  ['lines 0-1/2', null],
  ['', null],
])('the range %j', (text, range) => {
  expect(parseContentRange(text)).toEqual(range)
})

test('the size of a file that has no such range', () => {
  expect(parseUnsatisfiedRange('bytes */1234')).toBe(1234)
  expect(parseUnsatisfiedRange('bytes 0-1/2')).toBe(null)
})

test('Retry-After is a number of seconds, or a date', () => {
  const dates = ['1994-11-06T08:49:37Z', '2000-02-29T23:59:59Z', '2024-03-01T00:00:00Z', '2100-12-31T12:00:00Z']
  expect(parseRetryAfter('120', 0)).toBe(120_000)
  for (const date of dates) {
    const time = Date.parse(date)
    expect(parseRetryAfter(new Date(time).toUTCString(), time - 5000)).toBe(5000)
    expect(parseRetryAfter(new Date(time).toUTCString(), time + 5000)).toBe(0)
  }
  for (const text of ['soon', '-5', 'Sun, 06 Foo 1994 08:49:37 GMT', '99999999999'])
    expect(parseRetryAfter(text, 0)).toBe(null)
})

test('a request is its lines, and what would break out of one is refused', () => {
  const bytes = encodeGet('/a%20b?c', { Host: 'h:1', Range: 'bytes=0-1' })
  expect(new TextDecoder().decode(bytes)).toBe('GET /a%20b?c HTTP/1.1\r\nHost: h:1\r\nRange: bytes=0-1\r\n\r\n')
  expect(() => encodeGet('/a b', {})).toThrow(TypeError)
  expect(() => encodeGet('/', { A: 'b\r\nC: d' })).toThrow(TypeError)
})
