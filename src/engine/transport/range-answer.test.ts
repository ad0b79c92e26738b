import { expect, test } from 'vitest'
import { judgeAnswer } from './range-answer.ts'

const FILE = 1000

/** Asked for bytes 100 to 299 of a file of 1000, or for all of it. */
function judge(status: number, fields: Record<string, string> = {}, isWhole = false, received = 0) {
  const part = isWhole ? { offset: 0, length: FILE } : { offset: 100, length: 200 }
  const asked = { ...part, received, fileLength: FILE }
  const answer = judgeAnswer({ status, fields: new Map(Object.entries(fields)), keepsAlive: true }, asked, 0)
  if (answer.kind === 'bytes') return answer.skip > 0 ? `${answer.length} from ${answer.skip}` : answer.length
  if (answer.kind === 'redirect') return `to ${answer.location}`
  const { scope, code, retryAfterMs } = answer.failure
  return `${scope} ${code}${retryAfterMs === null ? '' : ` ${retryAfterMs}`}`
}

test('the part that was asked for is taken, and less of it', () => {
  expect(judge(206, { 'content-range': 'bytes 100-299/1000' })).toBe(200)
  expect(judge(206, { 'content-range': 'bytes 100-299/*' })).toBe(200)
  expect(judge(206, { 'content-range': 'bytes 100-149/1000' })).toBe(50)
})

test('another part, or none that is named, is no answer', () => {
  for (const range of ['bytes 0-199/1000', 'bytes 100-300/1000', 'bytes 101-299/1000', 'nonsense'])
    expect(judge(206, { 'content-range': range })).toBe('for-good no_ranges')
  expect(judge(206)).toBe('for-good no_ranges')
})

test('the whole file does where it was asked for', () => {
  expect(judge(200, {}, true)).toBe(FILE)
  expect(judge(200, { 'content-length': '1000' }, true)).toBe(FILE)
  expect(judge(200, { 'content-length': '1000' })).toBe('for-good no_ranges')
})

test('of what has come in part, the rest is taken, or what comes after it in the whole file', () => {
  expect(judge(206, { 'content-range': 'bytes 150-299/1000' }, false, 50)).toBe(150)
  expect(judge(206, { 'content-range': 'bytes 100-299/1000' }, false, 50)).toBe('for-good no_ranges')
  expect(judge(206, { 'content-range': 'bytes 150-300/1000' }, false, 50)).toBe('for-good no_ranges')
  expect(judge(200, { 'content-length': '1000' }, true, 50)).toBe('1000 from 50')
  expect(judge(200, { 'content-length': '1000' }, false, 50)).toBe('for-good no_ranges')
})

test('a file of another size concerns that file alone', () => {
  expect(judge(206, { 'content-range': 'bytes 100-299/2000' })).toBe('file wrong_size')
  expect(judge(200, { 'content-length': '999' })).toBe('file wrong_size')
  expect(judge(416, { 'content-range': 'bytes */50' })).toBe('file wrong_size')
  expect(judge(416)).toBe('file wrong_size')
})

test.each([401, 403, 404, 410])('%i is about the file', (status) => {
  expect(judge(status)).toBe(`file http_${status}`)
})

test.each([408, 429, 500, 502, 503])('%i passes, when the server says', (status) => {
  expect(judge(status)).toBe(`for-now http_${status}`)
  expect(judge(status, { 'retry-after': '7' })).toBe(`for-now http_${status} 7000`)
})

test('redirects lead somewhere; without a place they are nothing', () => {
  expect(judge(302, { location: '/there' })).toBe('to /there')
  expect(judge(302)).toBe('file http_302')
})

test('what is packed against our wish is of no use', () => {
  const packed = { 'content-encoding': 'gzip' }
  for (const range of ['bytes 100-299/400', 'bytes 100-299/*', 'nonsense'])
    expect(judge(206, { ...packed, 'content-range': range })).toBe('for-good bad_encoding')
  expect(judge(200, packed, true)).toBe('for-good bad_encoding')
  expect(judge(200, { ...packed, 'content-length': '400' }, true)).toBe('for-good bad_encoding')
})

test('a file that is called packed and has the right size is the file', () => {
  const called = { 'content-encoding': 'x-gzip' }
  expect(judge(206, { ...called, 'content-range': 'bytes 100-299/1000' })).toBe(200)
  expect(judge(200, { ...called, 'content-length': '1000' }, true)).toBe(FILE)
})
