// Answers of web servers to requests for parts of files (RFC 9110, 9112; BEP 19): they mean the same however the stream is cut,
// and nothing is taken beyond what was asked for.
import { concatBytes, encodeUtf8, toHex } from '../../../base/bytes.ts'
import { NetworkError } from '../../../base/errors.ts'
import { judgeAnswer } from '../../../engine/transport/range-answer.ts'
import { type HttpHead, parseContentRange, parseRetryAfter, ResponseDecoder } from '../../../protocol/http/index.ts'
import type { SeededRandom } from '../../../sim/index.ts'
import { expectSame, expectTrue } from '../expect.ts'
import type { Target } from '../target.ts'

const PART = { offset: 100, length: 200, received: 0, fileLength: 1000 }
const WHOLE = { offset: 0, length: 1000, received: 0, fileLength: 1000 }
/** Of both, part has come. */
const RESTS = [PART, WHOLE].map((asked) => ({ ...asked, received: 50 }))
const WALL = Date.UTC(2026, 0)

interface Told {
  readonly heads: readonly HttpHead[]
  /** What was said, in order. */
  readonly said: string
}

function answer(status: string, fields: readonly string[], body = ''): Uint8Array {
  return encodeUtf8([`HTTP/1.1 ${status}`, ...fields, '', body].join('\r\n'))
}

const SEEDS = [
  answer('206 Partial Content', ['Content-Range: bytes 100-299/1000', 'Content-Length: 5'], 'hello'),
  answer('200 OK', ['Transfer-Encoding: chunked'], '3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n'),
  answer('503 Service Unavailable', ['Retry-After: Sun, 06 Nov 2044 08:49:37 GMT', 'Content-Length: 0']),
  answer('302 Found', ['Location: http://127.0.0.1/', 'Connection: close'], 'go'),
  answer('416 Range Not Satisfiable', ['Content-Range: bytes */7', 'Content-Length: 2, 2'], 'no'),
  answer('206 Partial Content', ['Content-Range: bytes 100-199/*', 'Content-Length: 0']),
  answer('200 OK', ['Content-Length: 1000'], 'x'.repeat(1000)),
  answer('429 Too Many Requests', ['Retry-After: Mon, 05 Jan 2026 00:00:00 GMT', 'Content-Length: 0']),
  answer('200 OK', ['Transfer-Encoding: chunked'], `0\r\n${'A: b\r\n'.repeat(4000)}\r\n`),
  answer('100 Continue', []),
  answer('204 No Content', ['Content-Encoding: gzip']),
  encodeUtf8('HTTP/1.0 200\nConnection: keep-alive\nContent-Length: 1\n\nx'),
  encodeUtf8(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20_000)}`),
]

export const webAnswers: Target<readonly [whole: Told, cut: Told]> = {
  name: 'web-answers',
  seeds: [...SEEDS, concatBytes(SEEDS.slice(0, 7)), concatBytes([SEEDS[5], SEEDS[1], SEEDS[0], SEEDS[3]])],
  words: [
    'HTTP/1.1', 'HTTP/1.0', '\r\n\r\n', '\r\n', 'Content-Length: ', 'Content-Range: bytes ', 'Transfer-Encoding: chunked', 'Connection: close',
    '*', '/', 'Retry-After: ', 'ffffffffffff', '999999999999999', 'Location: ', ' 101 ', ' 206 ', '\0',
  ], // prettier-ignore
  refusals: [NetworkError],
  parse: (input, random) => [decode([input]), decode(cutUp(input, random))],
  check([whole, cut]) {
    expectSame(cut.said, whole.said, 'answers mean the same however they are cut')
    for (const head of whole.heads) {
      for (const asked of [PART, WHOLE, ...RESTS]) {
        const judged = judgeAnswer(head, asked, WALL)
        const bytes = judged.kind === 'bytes' ? judged.length - judged.skip : 1
        expectTrue(bytes >= 1 && bytes <= asked.length - asked.received, 'no more than asked')
        const wait = judged.kind === 'failed' ? judged.failure.retryAfterMs : null
        expectTrue(wait === null || (wait >= 0 && Number.isFinite(wait)), 'a wait is a time')
      }
      const text = head.fields.get('content-range') ?? ''
      const range = parseContentRange(text)
      expectTrue(range === null || range.first <= range.last, 'a range has a first and a last byte')
      parseRetryAfter(text, WALL)
    }
  },
  sources: [
    { path: 'protocol/http/http-head.ts' },
    { path: 'protocol/http/response-decoder.ts', without: ['stop'] },
    { path: 'protocol/http/fields.ts' },
    { path: 'engine/transport/range-answer.ts' },
  ],
}

/** What is said up to the first thing that is refused. */
function decode(chunks: readonly Uint8Array[]): Told {
  const heads: HttpHead[] = []
  const said: string[] = []
  let body: Uint8Array[] = []
  const decoder = new ResponseDecoder({
    onHead: (head) => {
      heads.push(head)
      said.push(`${head.status} ${JSON.stringify([...head.fields])}`)
    },
    onBody: (bytes) => body.push(bytes),
    onComplete: (isLast) => {
      said.push(`${toHex(concatBytes(body))} ${isLast}`)
      body = []
    },
  })
  try {
    for (const chunk of chunks) decoder.push(chunk)
    decoder.end()
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    said.push(error.code)
  }
  return { heads, said: said.join('\n') }
}

function cutUp(input: Uint8Array, random: SeededRandom): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < input.length;) {
    const end = Math.min(input.length, at + 1 + random.below(random.below(4) === 0 ? 3 : 400))
    chunks.push(input.subarray(at, end))
    at = end
  }
  return chunks
}
