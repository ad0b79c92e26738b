import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../base/bytes.ts'
import { ResponseDecoder } from './response-decoder.ts'

/** What the decoder said, as a text. */
function decode(text: string, chunkBytes = Infinity): string[] {
  const said: string[] = []
  let body = ''
  const decoder = new ResponseDecoder({
    onHead: ({ status, fields }) => said.push(`${status} ${JSON.stringify(Object.fromEntries(fields))}`),
    onBody: (bytes) => (body += decodeUtf8(bytes)),
    onComplete: (isLast) => {
      said.push(`${JSON.stringify(body)}${isLast ? ' last' : ''}`)
      body = ''
    },
  })
  const bytes = encodeUtf8(text)
  for (let at = 0; at < bytes.length; at += chunkBytes) decoder.push(bytes.subarray(at, at + chunkBytes))
  decoder.end()
  return said
}

const TWO =
  'HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:2\r\n\r\nhello' +
  'HTTP/1.1 100 Continue\r\n\r\n' +
  'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n' +
  'HTTP/1.1 204 No Content\nConnection: Keep-Alive, close\n\n'
const SAID = [
  '206 {"content-length":"5","x-a":"1, 2"}',
  '"hello"',
  '200 {"transfer-encoding":"chunked"}',
  '"abc0123456789"',
  '204 {"connection":"Keep-Alive, close"}',
  '"" last',
]

test('answers one after the other are told apart, however the bytes are cut', () => {
  expect(decode(TWO)).toEqual(SAID)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), (bytes) => {
      expect(decode(TWO, bytes)).toEqual(SAID)
    }),
  )
})

test('without a length the body ends with the connection', () => {
  expect(decode('HTTP/1.0 200 OK\r\n\r\nall of it')).toEqual(['200 {}', '"all of it" last'])
  expect(decode('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1, 1\r\n\r\nx')).toEqual([
    '200 {"connection":"keep-alive","content-length":"1, 1"}',
    '"x"',
  ])
})

test('what is passed on is a view of what came', () => {
  const chunk = encodeUtf8('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc')
  const decoder = new ResponseDecoder({
    onHead: () => {},
    onBody: (bytes) => expect(bytes.buffer).toBe(chunk.buffer),
    onComplete: () => {},
  })
  decoder.push(chunk)
  expect.assertions(1)
})

test('nothing is told after it was stopped, not even of the same chunk', () => {
  const said: string[] = []
  const decoder = new ResponseDecoder({
    onHead: () => {
      said.push('head')
      decoder.stop()
    },
    onBody: () => said.push('body'),
    onComplete: () => said.push('complete'),
  })
  decoder.push(encodeUtf8(TWO))
  expect(said).toEqual(['head'])
})

test('a trailer may be as long as a head, and what is too long is called what it is', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  expect(decode(`${chunked}1\r\na\r\n0\r\nA: ${'x'.repeat(1000)}\r\n\r\n`)).toEqual(
    decode(`${chunked}1\r\na\r\n0\r\n\r\n`),
  )
  expect(() => decode(`${chunked}0\r\nA: ${'x'.repeat(20_000)}`)).toThrow('a trailer of more than 16384 bytes')
  expect(() => decode(`${chunked}1;${'x'.repeat(300)}`)).toThrow('a line before a chunk of more than 256 bytes')
})

test.each([
  ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
  ['another version', 'HTTP/2 200\r\n\r\n'],
  ['a field without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
  ['a line that goes on', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['an unknown transfer encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
  ['another protocol', 'HTTP/1.1 101 Switching\r\n\r\n'],
  ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ['a chunk that is longer than it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n'],
  ['an end in the head', 'HTTP/1.1 200 OK\r\nA: b'],
  ['an end in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort'],
  ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20_000)}`],
  ['a chunk line without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(300)}`],
  ['trailers without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'A: b\r\n'.repeat(4000)}\r\n`],
])('%s is bad_response', (_, text) => {
  expect(() => decode(text)).toThrow(expect.objectContaining({ name: 'NetworkError', code: 'bad_response' }))
})
